# What the room search.report offers to the others; everything else in it is its own.

from .conclusion_file import Conclusion as Conclusion
from .conclusion_file import read_conclusion as read_conclusion
from .conclusion_file import write_conclusion as write_conclusion
from .content import caution_lines as caution_lines
from .content import report_remarks as report_remarks
from .content import report_table as report_table
from .content import verdict_lines as verdict_lines
from .descriptions import describe_beginning as describe_beginning
from .descriptions import describe_model as describe_model
from .descriptions import describe_result as describe_result
from .descriptions import describe_version as describe_version
from .export_folder import write_export as write_export
from .figures.finals import draw_finals as draw_finals
from .figures.study import FIGURES as FIGURES
from .pareto import FrontRow as FrontRow
from .pareto import front_table as front_table
from .pareto import fronts as fronts
from .past_trials import optuna_study as optuna_study
from .past_trials import study_for_optuna as study_for_optuna
from .past_trials import study_frame as study_frame
from .past_trials import trials_dataframe as trials_dataframe
from .report import Report as Report
from .trials_frame import frame_of_trials as frame_of_trials
