"""The record on its way: events on disk, the writer process, delivery, the rest. Uses stores."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
