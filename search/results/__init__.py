"""Where a study lies: its folder, its files by name, its lock, its copy elsewhere. Uses study."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
