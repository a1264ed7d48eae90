# What the room tracking.cli offers to the others; everything else in it is its own.

from .commands import compare as compare
from .commands import sync as sync
from .commands import ui as ui
