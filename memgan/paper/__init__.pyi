# What the room memgan.paper offers to the others; everything else in it is its own.

from .cells.hull_cells import HullCell as HullCell
from .cells.layout import FIGURES as FIGURES
from .cells.layout import TABLES as TABLES
from .cells.layout import Layout as Layout
from .cells.layout import figure_layout as figure_layout
from .cells.layout import make_layout as make_layout
from .cells.result_cells import read_cells as read_cells
from .cells.result_cells import read_recorded as read_recorded
from .cells.tables import Table as Table
from .cells.tables import fill as fill
from .drawing.figures import draw as draw
from .drawing.figures import draw_square as draw_square
from .missing_cells import train_missing as train_missing
from .page.hull_table import HEADER as HEADER
from .page.hull_table import hull_document as hull_document
from .page.hull_table import hull_rows as hull_rows
from .page.page import write_page as write_page
from .page.render import document as document
from .page.render import published_rows as published_rows
from .page.render import remarks as remarks
from .page.render import rows as rows
from .page.searches import Search as Search
from .page.searches import Trial as Trial
from .published.tables import PublishedFigure as PublishedFigure
from .published.tables import published_auroc as published_auroc
from .published.tables import published_for as published_for
