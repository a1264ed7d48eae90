"""The winner trained again with several seeds, the baselines beside it, and how sure the choice
is. Uses trials.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
