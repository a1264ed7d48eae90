"""What is written at the end: report, page, figures, export. Uses finals."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
