# What the room memgan.analysis offers to the others; everything else in it is its own.

from .code_plane import CodePlane as CodePlane
from .code_plane import project_to_plane as project_to_plane
from .code_plane import sample_evenly as sample_evenly
from .extremes import ENDS as ENDS
from .extremes import Extremes as Extremes
from .extremes import find_extremes as find_extremes
from .hull import exact_distance_to_hull as exact_distance_to_hull
from .hull import hull_loss as hull_loss
from .regions import Box as Box
from .regions import strongest_region as strongest_region
from .residuals import Residual as Residual
from .residuals import normal_residual as normal_residual
from .residuals import pixel_scores as pixel_scores
from .residuals import residual as residual
from .residuals import window_of as window_of
