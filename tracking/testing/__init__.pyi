# What the room tracking.testing offers to others; everything else in it is its own.

from .memory_tracker import MemoryTracker as MemoryTracker
from .tracker_suite import TrackerSuite as TrackerSuite
