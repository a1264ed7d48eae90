"""Whether a detector's memory and game do their work: measures, and a doctor's verdicts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
