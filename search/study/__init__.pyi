# What the room search.study offers to the others; everything else in it is its own.

from .compatibility import doubts as doubts
from .entries import INDEX_SUFFIX as INDEX_SUFFIX
from .entries import Choice as Choice
from .entries import Entry as Entry
from .entries import Ordered as Ordered
from .entries import Range as Range
from .groups import ClassGroup as ClassGroup
from .groups import class_groups as class_groups
from .groups import earlier_prefixes as earlier_prefixes
from .groups import outcomes_by_group as outcomes_by_group
from .groups import safe_name as safe_name
from .objectives import DIRECTIONS as DIRECTIONS
from .objectives import JUDGES as JUDGES
from .samplers import build_sampler as build_sampler
from .schedulers import METRIC as METRIC
from .schedulers import TIME as TIME
from .schedulers import Pbt as Pbt
from .schedulers import build_scheduler as build_scheduler
from .space import Space as Space
from .start_points import settle_starts as settle_starts
from .study import Resources as Resources
from .study import Study as Study
from .study_name import check_study_name as check_study_name
from .study_name import is_study_name as is_study_name
