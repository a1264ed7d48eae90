"""What every sampler must do, as a pytest suite for whoever writes one.

Subclass the suite in a test file of your own. This room is the only one of the package that needs
pytest: install `memgan[testing]`. It uses journal and study.
"""

import lazy_loader
import pytest

# So that a failed assertion of the suite shows its values, as one in a test file does.
pytest.register_assert_rewrite("search.testing.sampler_suite")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
