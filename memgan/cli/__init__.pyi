# What the room memgan.cli offers to the others; everything else in it is its own.

from .commands import score as score
from .commands import train as train
from .data_commands import app as app
from .reproduce_commands import reproduce as reproduce
