"""The Model Registry: exports as versions, and which is champion. Uses stores and models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
