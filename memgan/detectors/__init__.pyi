# What the room memgan.detectors offers to the others; everything else in it is its own.

from .base import Detector as Detector
from .base import Rebuilt as Rebuilt
from .look import GameLook as GameLook
from .look import Look as Look
from .look import MemoryLook as MemoryLook
from .memgan import Codes as Codes
from .memgan import Memgan as Memgan
from .parts.epochs import shuffled_batches as shuffled_batches
from .parts.losses import projection_loss as projection_loss
from .parts.memory import project as project
from .parts.memory import sample_addresses as sample_addresses
from .parts.plain import PlainDetector as PlainDetector
from .parts.plain import Scorer as Scorer
from .parts.stepwise import Move as Move
from .parts.stepwise import Stepwise as Stepwise
from .parts.stepwise import take_gradients as take_gradients
from .parts.weights import Spec as Spec
from .registry import DETECTORS as DETECTORS
from .registry import build_detector as build_detector
from .registry import detector_type as detector_type
