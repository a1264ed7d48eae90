# What the room memgan.features offers to the others; everything else in it is its own.

from .backbones import Backbone as Backbone
from .backbones import backbone_named as backbone_named
from .backbones import backbone_names as backbone_names
from .extractor import Extractor as Extractor
from .extractor import resizing as resizing
from .feature_cache import FeatureCache as FeatureCache
from .feature_cache import default_cache as default_cache
from .readiness import backbone_states as backbone_states
from .readiness import ensure_backbones as ensure_backbones
from .weights_place import find_weights as find_weights
from .weights_place import weights_folder as weights_folder
