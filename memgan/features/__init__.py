"""Frozen networks: where their weights are, and what they make of images. Uses data and config."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
