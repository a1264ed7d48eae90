"""Where results and their record are, and the commands that messages advise about them. Uses
address_form, tracker_plugins."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
