"""What a tracking store must do, MLflow's that does it, and one in memory."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
