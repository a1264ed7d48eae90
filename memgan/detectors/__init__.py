"""Detectors by name, one paper a module. To add one: its parameters in `memgan.config.parameters`,
its class in `registry`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
