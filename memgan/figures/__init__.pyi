# What the room memgan.figures offers to the others; everything else in it is its own.

from .codes import codes_figure as codes_figure
from .gallery import Mistake as Mistake
from .gallery import worst_mistakes as worst_mistakes
from .heatmaps import HeatMaps as HeatMaps
from .images import extremes_figure as extremes_figure
from .images import image_grid as image_grid
from .images import image_rows as image_rows
from .scores import histogram_figure as histogram_figure
from .scores import roc_figure as roc_figure
from .style import ANOMALY as ANOMALY
from .style import NORMAL as NORMAL
from .style import PALETTE as PALETTE
from .style import QUIET as QUIET
from .style import panels as panels
from .style import plain_axes as plain_axes
from .style import save_figure as save_figure
from .style import short as short
