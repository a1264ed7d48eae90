"""Figures of scores: AUROC, its spread, its noise, and how sure a difference is. Uses data."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
