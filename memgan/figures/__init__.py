"""Figures, drawn without global state: no pyplot, no window system. Uses analysis."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
