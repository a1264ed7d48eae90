# What the room search.trials offers to the others; everything else in it is its own.

from .checkpoints import INFLUENCE_FILE as INFLUENCE_FILE
from .checkpoints import lost as lost
from .checkpoints import stored as stored
from .kept_checkpoints import best_few as best_few
from .rungs import RememberingAsha as RememberingAsha
from .rungs import RememberingMedian as RememberingMedian
from .schedulers import build_scheduler as build_scheduler
from .tune_loop import read_outcomes as read_outcomes
from .tune_loop import run_trials as run_trials
from .tune_loop import search_groups as search_groups
