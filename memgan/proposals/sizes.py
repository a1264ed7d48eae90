"""Heights and widths of images: the usual one, and one that they can all be brought to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Size = tuple[int, int]
"""Height and width in pixels."""

GRID = 8
"""Sides of a proposed size are multiples of this many pixels."""
_SAME_SHAPE = 1.1
"""Ratios of height to width that differ by less count as one."""
_LONGEST = 4.0
"""A proposed size is at most so many times as wide as it is high, or as high as wide."""


def shown(value: Any) -> str:
    """A value for a reader: sizes as height×width."""
    return "×".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def usual(sizes: Mapping[Size, int]) -> Size:
    """The median height and the median width."""
    return _median({h: _count(sizes, 0, h) for h, _ in sizes}), _median(
        {w: _count(sizes, 1, w) for _, w in sizes}
    )


def _count(sizes: Mapping[Size, int], axis: int, length: int) -> int:
    return sum(count for size, count in sizes.items() if size[axis] == length)


def _median(counts: Mapping[int, int]) -> int:
    half, seen = sum(counts.values()) / 2, 0
    for length in sorted(counts):
        seen += counts[length]
        if seen >= half:
            return length
    return 0


def fitted(sizes: Mapping[Size, int], pixels: int) -> list[int]:
    """Height and width of about so many pixels, shaped as the images are where all are alike."""
    ratios = [width / height for height, width in sizes]
    ratio = math.sqrt(min(ratios) * max(ratios)) if max(ratios) < _SAME_SHAPE * min(ratios) else 1.0
    ratio = min(max(ratio, 1 / _LONGEST), _LONGEST)
    height, width = math.sqrt(pixels / ratio), math.sqrt(pixels * ratio)
    return [max(GRID, GRID * round(side / GRID)) for side in (height, width)]


def size_range(sizes: Mapping[Size, int]) -> str:
    """The smallest and the largest size, for a reader."""
    smallest, largest = min(sizes, key=math.prod), max(sizes, key=math.prod)
    return f"from {shown(smallest)} to {shown(largest)}"
