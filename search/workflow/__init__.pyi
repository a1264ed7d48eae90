# What the room search.workflow offers to the others; everything else in it is its own.

from .export_again import export_study as export_study
from .registration import register_study as register_study
from .restart import resume_or_start as resume_or_start
from .stages import resume as resume
from .stages import run as run
from .study_result import StudyResult as StudyResult
from .study_status import STATE_WORDS as STATE_WORDS
from .study_status import Standing as Standing
from .study_status import budget_spent as budget_spent
from .study_status import short as short
from .study_status import standing as standing
from .study_status import standing_table as standing_table
