"""The machine: cores, memory and devices that this process may use. Uses errors."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
