"""Bundles as a folder that MLflow serves. Uses memgan's bundles."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
