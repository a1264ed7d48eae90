"""Images in, splits out: sources, the typed images they become, and the leak-free split. Uses
config.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
