"""What runs on Ray Tune: the trial loop, early stopping, what becomes of each trial. Uses ray."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
