from .study import Study as Study
from .workflow import StudyResult as StudyResult
from .workflow import export_study as export_study
from .workflow import register_study as register_study
from .workflow import resume as resume
from .workflow import resume_or_start as resume_or_start
from .workflow import run as run
