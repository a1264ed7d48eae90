# What the room tracking.models offers to the others; everything else in it is its own.

from .servable import check_bundles as check_bundles
from .servable import digest as digest
from .servable import make_servable as make_servable
