# What the room memgan.health offers to the others; everything else in it is its own.

from .doctor import Verdict as Verdict
from .doctor import verdicts as verdicts
from .known_measures import MEASURES as MEASURES
from .known_measures import OF_GAME as OF_GAME
from .known_measures import OF_MEMORY as OF_MEMORY
from .known_measures import OF_SAMPLES as OF_SAMPLES
from .known_measures import Health as Health
from .measures import few_of as few_of
from .measures import measure as measure
from .over_classes import by_measure as by_measure
from .over_classes import mean_health as mean_health
from .words import doctor_lines as doctor_lines
from .words import health_line as health_line
