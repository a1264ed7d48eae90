# What the room search.journal offers to the others; everything else in it is its own.

from .by_group import outcomes_by_group as outcomes_by_group
from .damage import JournalDamaged as JournalDamaged
from .flat_tpe import FlatTpe as FlatTpe
from .journal import Journal as Journal
from .journal import read_front as read_front
from .journal import read_groups as read_groups
from .journal import read_outcomes as read_outcomes
from .journal import read_studies as read_studies
from .journal_file import open_to_write as open_to_write
from .mending import check_journal as check_journal
from .mending import mend_journal as mend_journal
from .optuna_copy import copy_for_optuna as copy_for_optuna
from .outcomes import MORE_ROOM as MORE_ROOM
from .outcomes import State as State
from .outcomes import TrialOutcome as TrialOutcome
from .outcomes import TrialsResult as TrialsResult
from .outcomes import best as best
from .outcomes import merit as merit
from .population_journal import PopulationJournal as PopulationJournal
from .samplers import build_sampler as build_sampler
from .settled_starts import settle_starts as settle_starts
