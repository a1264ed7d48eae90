"""The kinds of anomalies that are made from normal images: pure functions of two images and a
generator.

Sizes are meant for images of 64 pixels a side. Larger images get larger changes in proportion,
and of smaller ones a change takes at most about a quarter of a side, unless it says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from memgan.data.images import Pixels

Change = Callable[[Pixels, Pixels, np.random.Generator], Pixels]
"""(image, another normal image, generator) to a changed copy, uint8 (C, H, W) each."""

_SIDE = 64
_Field = npt.NDArray[np.float64]


def small_patch(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """A rectangle of 3 to 7 pixels a side, taken from another place of another image."""
    low, high = _lengths(image, 3, 7)
    return _exchanged(image, other, generator, [generator.uniform(low, high + 1) for _ in "yx"])


def large_patch(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """A rectangle of a quarter to half of each side, taken from another place of another image."""
    sides = [generator.uniform(0.25, 0.5) * side for side in image.shape[1:]]
    return _exchanged(image, other, generator, sides)


def scar(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """A straight line at any angle, 1 or 2 pixels wide and 10 to 25 long, in one colour of another
    image."""
    _, height, width = image.shape
    scale = max(1.0, min(height, width) / _SIDE)
    longest = 0.4 * min(height, width)
    half_long = generator.uniform(0.4, 1.0) * longest / 2
    half_wide = scale * generator.uniform(0.5, 1.0)
    turn = generator.uniform(0, math.pi)
    rows, columns = np.mgrid[:height, :width].astype(float)
    rows -= generator.uniform(0.15, 0.85) * (height - 1)
    columns -= generator.uniform(0.15, 0.85) * (width - 1)
    along = np.abs(rows * math.sin(turn) + columns * math.cos(turn))
    across = np.abs(rows * math.cos(turn) - columns * math.sin(turn))
    where = (half_long + 0.5 - along).clip(0, 1) * (half_wide + 0.5 - across).clip(0, 1)
    return _painted(image, where, _a_colour(other, generator))


def blotch(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """A spot of the outline that Perlin noise gives it, 0.5 to 4 % of the image, through which
    another place of another image is seen, or one colour of it."""
    from scipy.ndimage import gaussian_filter, label  # Half a second, which few commands need.

    _, height, width = image.shape
    noise = _perlin(height, width, generator)
    covered = max(4, round(generator.uniform(0.005, 0.04) * height * width))
    # The peaks of the noise, joined to the highest, until they cover enough.
    level = float(np.sort(noise, axis=None)[-min(4 * covered, noise.size)])
    for at in np.linspace(float(noise.max()), level, 12)[1:]:
        spots, _ = label(noise >= at)
        where = spots == spots[np.unravel_index(noise.argmax(), noise.shape)]
        if where.sum() >= covered:
            break
    share = generator.uniform(0.5, 1.0)
    if generator.random() < 0.5:
        shift = [int(generator.integers(1, max(2, side))) for side in (height, width)]
        content = np.roll(other, shift, axis=(1, 2)).astype(float)
    else:
        content = _a_colour(other, generator)
    return _painted(image, gaussian_filter(where.astype(float), 0.5) * share, content)


def turned(by: Sequence[int]) -> Change:
    """A kind that turns an image by one of these numbers of quarters, each of 1 to 3."""

    def rotation(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
        """The image turned."""
        changed: Pixels = np.rot90(image, by[int(generator.integers(len(by)))], axes=(1, 2))
        return changed

    return rotation


LOCAL: Mapping[str, Change] = {
    "small-patch": small_patch,
    "large-patch": large_patch,
    "scar": scar,
    "blotch": blotch,
}
"""Those that mean something for any images."""
ROTATION = "rotation"

_FEWEST = 5
"""Images from which it can be told whether they lie all the same way."""
_SURELY = 0.9


def telling_turns(normals: Pixels) -> tuple[int, ...]:
    """The quarter turns that make these images unlike each other, of 1 to 3; none where images lie
    any way, look the same when turned, or are too few to tell.

    A turn counts if nine of ten images are then farther from the mean of the others than before.
    Images that are not square can be turned only by a half.
    """
    count = len(normals)
    if count < _FEWEST:
        return ()
    square = normals.shape[2] == normals.shape[3]
    values = normals.reshape(count, -1).astype(np.float64)
    others = (values.sum(axis=0) - values) / (count - 1)
    before = np.square(values - others).sum(axis=1)
    telling = []
    for turns in (1, 2, 3) if square else (2,):
        after = np.rot90(normals, turns, axes=(2, 3)).reshape(count, -1)
        farther = np.square(after - others).sum(axis=1) > before
        if farther.mean() >= _SURELY:
            telling.append(turns)
    return tuple(telling)


def _lengths(image: Pixels, low: int, high: int) -> tuple[float, float]:
    """Pixels a side, for lengths that are meant for 64."""
    side = min(image.shape[1:])
    scale = max(1.0, side / _SIDE)
    least = max(2, min(low, side // 4))
    return least * scale, max(least, min(high, side // 4)) * scale


def _exchanged(
    image: Pixels, other: Pixels, generator: np.random.Generator, sides: Sequence[float]
) -> Pixels:
    _, height, width = image.shape
    tall, wide = (max(2, int(side)) for side in sides)
    top, left = generator.integers(height - tall + 1), generator.integers(width - wide + 1)
    from_top = generator.integers(height - tall + 1)
    from_left = generator.integers(width - wide + 1)
    changed = image.copy()
    changed[:, top : top + tall, left : left + wide] = other[
        :, from_top : from_top + tall, from_left : from_left + wide
    ]
    return changed


def _a_colour(image: Pixels, generator: np.random.Generator) -> _Field:
    """The colour of one pixel, (C, 1, 1)."""
    _, height, width = image.shape
    row, column = generator.integers(height), generator.integers(width)
    return image[:, row : row + 1, column : column + 1].astype(np.float64)


def _painted(image: Pixels, where: _Field, content: _Field) -> Pixels:
    """The content over the image; where: how much of it shows, 0 to 1, (H, W)."""
    mixed = image * (1 - where) + content * where
    return mixed.round().clip(0, 255).astype(np.uint8)


def _perlin(height: int, width: int, generator: np.random.Generator) -> _Field:
    """Perlin's gradient noise of two coarsenesses, (H, W)."""
    cells = int(generator.integers(2, 5))
    noise = np.zeros((height, width))
    for octave in (1, 2):
        count = octave * cells
        angles = generator.uniform(0, 2 * math.pi, (count + 1, count + 1))
        rows = (np.arange(height) + 0.5) / height * count
        columns = (np.arange(width) + 0.5) / width * count
        top, left = rows.astype(int)[:, None], columns.astype(int)[None]
        down, right = rows[:, None] - top, columns[None] - left
        corner = {
            (y, x): np.sin(angles[top + y, left + x]) * (down - y)
            + np.cos(angles[top + y, left + x]) * (right - x)
            for y in (0, 1)
            for x in (0, 1)
        }
        fade_down, fade_right = (t**3 * (t * (6 * t - 15) + 10) for t in (down, right))
        above = corner[0, 0] + fade_right * (corner[0, 1] - corner[0, 0])
        below = corner[1, 0] + fade_right * (corner[1, 1] - corner[1, 0])
        noise += (above + fade_down * (below - above)) / octave
    return noise
