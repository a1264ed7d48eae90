# What the room memgan.stats offers to the others; everything else in it is its own.

from .auroc_noise import Influence as Influence
from .auroc_noise import paired_standard_error as paired_standard_error
from .auroc_noise import standard_error as standard_error
from .auroc_noise import unpaired_standard_error as unpaired_standard_error
from .bootstrap import Difference as Difference
from .bootstrap import paired_difference as paired_difference
from .image_scores import BySeed as BySeed
from .image_scores import ImageScores as ImageScores
from .image_scores import pack as pack
from .image_scores import unpack as unpack
from .judging import judges_of_finals as judges_of_finals
from .judging import judges_of_trials as judges_of_trials
from .judging import judging_lines as judging_lines
from .judging import warning as warning
from .made_figures import mean_by_kind as mean_by_kind
from .metrics import auroc as auroc
from .metrics import average_precision as average_precision
from .metrics import false_positive_rate_at_recall as false_positive_rate_at_recall
from .validation import TIE_BREAK as TIE_BREAK
from .validation import Validated as Validated
from .validation import judge as judge
from .validation import mean_influence as mean_influence
