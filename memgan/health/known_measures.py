"""The measures of a memory and a game by name, told without computing any: torch is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Health = Mapping[str, float]
"""Measures by name; those that a detector does not have are absent."""

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "d_on_encoded": "share of the pairs (x, E(x)) that D is right about",
        "d_on_generated": "share of the pairs (G(z), z) that D is right about",
        "d_accuracy": "mean of the two; 0.5 is chance, 1 has won",
        "address_perplexity": "units that a code's address is spread over, as a share of n",
        "address_usage": "units that all codes together use, as a share of n",
        "sample_perplexity": "units that a sampled address is spread over, as a share of n",
        "unit_movement": "distance of units from their start, as a share of their length then",
        "unit_distance": "distance of a unit to the nearest other, as a share of that at the start",
        "unit_spread": "spread of the memory units",
        "code_spread": "spread of the codes E(x)",
        "sample_spread": "spread of the sampled codes z",
        "mutual_information": "mutual-information loss as a share of ln n; 1 tells nothing",
        "in_hull": "share of codes inside the hull of the units, where that is cheap to know",
        "residual": "mean residual as a share of the distance to the mean image",
        "rebuilt_spread": "spread of the rebuilt images as a share of that of the images",
    }
)
"""What each measure says, by name."""

OF_MEMORY = frozenset(
    {
        *("address_perplexity", "address_usage", "sample_perplexity", "unit_movement"),
        *("unit_distance", "unit_spread", "mutual_information", "in_hull"),
    }
)
"""Those that only a detector with a memory has."""
OF_GAME = frozenset({"d_on_encoded", "d_on_generated", "d_accuracy", "sample_spread"})
"""Those that only a detector with a game has."""
OF_SAMPLES = frozenset({"sample_perplexity", "mutual_information"})
"""Those that only a memory has from which codes are sampled."""
