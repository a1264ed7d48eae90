from .bundle import Bundle as Bundle
from .bundle import load_bundle as load_bundle
from .config import Configuration as Configuration
from .data import load_split as load_split
from .detectors import build_detector as build_detector
from .errors import BadInput as BadInput
from .errors import MemganError as MemganError
from .training import Training as Training
