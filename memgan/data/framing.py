"""How an image of any size is brought to the size that detectors see: by integers alone, so that a
program elsewhere can do the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memgan.config import ResizePolicy

Size = tuple[int, int]
"""Height and width."""


class Frame(NamedTuple):
    """One side of a frame: the image is resized to `inner` pixels; of these, pixel `i` of the frame
    shows pixel `i + shift`, or the nearest where that lies outside."""

    inner: int
    shift: int


def frames(given: Size, wanted: Size, how: ResizePolicy) -> tuple[Frame, Frame]:
    """The frames of rows and of columns.

    `fit` resizes both sides, and proportions change. `pad` keeps them: the whole image is in the
    middle, and its border is repeated around it. `crop` keeps them: the image covers everything,
    and of the longer side both ends are cut off.
    """
    if how == "fit":
        return Frame(wanted[0], 0), Frame(wanted[1], 0)
    sides = []
    for at in (0, 1):
        # As long as this side is, if the other is brought to its length: rounded, half up.
        whole = 2 * given[at] * wanted[1 - at] + given[1 - at]
        length = max(1, whole // (2 * given[1 - at]))
        inner = (min if how == "pad" else max)(wanted[at], length)
        sides.append(Frame(inner, _shift(inner, wanted[at])))
    return sides[0], sides[1]


def framed(pixels: npt.NDArray[np.uint8], wanted: Size) -> npt.NDArray[np.uint8]:
    """The pixels of a frame, uint8 (*wanted, …), from those of the image at the inner size."""
    if pixels.shape[:2] == wanted:
        return pixels
    places = [
        np.clip(np.arange(size) + _shift(inner, size), 0, inner - 1)
        for inner, size in zip(pixels.shape[:2], wanted, strict=True)
    ]
    return np.ascontiguousarray(pixels[places[0]][:, places[1]])


def unframing(frame: Frame, seen: int, size: int) -> npt.NDArray[np.float32]:
    """The matrix (size, seen) that brings a line of `seen` values of a frame to the `size` pixels
    of its image, by antialiased bilinear interpolation; 0 for pixels that the frame does not show.
    """
    places = np.arange(seen) + frame.shift
    apart = np.abs((2 * places + 1) * size - (2 * np.arange(size)[:, None] + 1) * frame.inner)
    near = np.maximum(2 * max(size, frame.inner) - apart, 0)
    near *= (places >= 0) & (places < frame.inner)
    weights: npt.NDArray[np.float32] = near.astype(np.float32)
    weights /= np.maximum(near.sum(axis=1, keepdims=True), 1)
    return weights


def _shift(inner: int, size: int) -> int:
    return (inner - size) // 2 if inner > size else -((size - inner) // 2)
