"""What every detector and every source must do, as pytest suites for whoever writes one.

Subclass a suite in a test file of your own. This room is the only one of the package that needs
pytest: install `memgan[testing]`. It uses every other room but the commands.
"""

import lazy_loader
import pytest

# So that a failed assertion of a suite shows its values, as one in a test file does.
pytest.register_assert_rewrite("memgan.testing.detector_suite", "memgan.testing.source_suite")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
