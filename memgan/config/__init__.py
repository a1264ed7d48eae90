"""Configuration: frozen, typed values, read from YAML, from `key=value` and by name. Uses only
errors.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
