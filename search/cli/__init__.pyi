# What the room search.cli offers to the others; everything else in it is its own.

from .app import main as main
