"""Ray itself: the connection, its nodes and processes, and the share of them that a trial gets.
Uses journal.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
