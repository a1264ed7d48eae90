# What the room tracking.registry offers to the others; everything else in it is its own.

from .versions import Registered as Registered
from .versions import StudyRun as StudyRun
from .versions import Texts as Texts
from .versions import check_name as check_name
from .versions import register as register
