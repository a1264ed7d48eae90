# What the room memgan.training offers to the others; everything else in it is its own.

from .cell_figures import BY_PIXEL as BY_PIXEL
from .cell_figures import ClassFigures as ClassFigures
from .cell_figures import Figures as Figures
from .cell_figures import class_figures as class_figures
from .cell_figures import mean_figures as mean_figures
from .cell_figures import pixel_means as pixel_means
from .cell_figures import shown_by_pixel as shown_by_pixel
from .cell_files import load_cell as load_cell
from .cell_files import save_cell as save_cell
from .cells import Cell as Cell
from .cells import train_cell as train_cell
from .cells import train_cells as train_cells
from .lockstep import EpochReport as EpochReport
from .lockstep import Training as Training
from .pack import fit_epoch_as_one as fit_epoch_as_one
from .pack import fit_epochs as fit_epochs
from .pack import packable as packable
from .packing import packs as packs
from .repeated import Repeated as Repeated
