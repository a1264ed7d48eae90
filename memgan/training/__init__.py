"""Training over classes in lockstep, and cells: one configuration, class and seed, tested. Uses
detectors, analysis and stats.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
