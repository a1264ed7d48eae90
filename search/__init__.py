"""The search: studies, trials, finals and the mounted command line.

What is exported here is imported on first use, so that `memgan --help` is free of Ray.
"""

import lazy_loader

from search.neighbours import claim_neighbours

claim_neighbours()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
