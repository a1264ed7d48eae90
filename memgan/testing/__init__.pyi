# What the room memgan.testing offers to others; everything else in it is its own.

from .detector_suite import DetectorSuite as DetectorSuite
from .source_suite import SourceSuite as SourceSuite
