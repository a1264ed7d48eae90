"""Files on a disk: what this program made, what it may take away, locks, and the ~ of a path. Uses
errors.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
