# What the room search.finals offers to the others; everything else in it is its own.

from .baselines import ANCHOR_KEYS as ANCHOR_KEYS
from .baselines import Anchor as Anchor
from .baselines import anchors_on_ray as anchors_on_ray
from .best_yaml import best_configuration as best_configuration
from .certainty import ANCHOR_TITLES as ANCHOR_TITLES
from .certainty import Caution as Caution
from .certainty import cautions as cautions
from .certainty import stored_influences as stored_influences
from .concluded import Beside as Beside
from .concluded import Concluded as Concluded
from .finals import FinalCells as FinalCells
from .finals import Finals as Finals
from .finals import Winner as Winner
from .finals import run_finals as run_finals
from .finals import stored_finals as stored_finals
from .finals import superseded as superseded
