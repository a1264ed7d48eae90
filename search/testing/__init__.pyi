# What the room search.testing offers to others; everything else in it is its own.

from .sampler_suite import SamplerSuite as SamplerSuite
