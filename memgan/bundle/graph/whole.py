"""Everything from an image of any size to its score as one module: what an ONNX model computes.

It resizes by whole numbers, as Pillow does, so that the pixels are those that the detector was
trained on, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from memgan.config import ResizePolicy

_FINE = 2**22
"""What Pillow rounds the weights of an image's pixels to."""
_LOW = 2**8
"""Weights are two numbers, of which one is this many times finer: sums of float32 are exact so, up
to images 256 times as large as what they are resized to."""


class Whole(nn.Module):
    """Images uint8 (N, C, H, W) of any height and width to scores and p-values, float32 (N,), and,
    where there are places, to the map at the images' size, float32 (N, H, W), and to what the
    detector makes of the images at its own size, float32 (N, C, h, w)."""

    normals: Tensor
    rows: Tensor
    columns: Tensor

    def __init__(
        self,
        scorer: nn.Module,
        image_shape: tuple[int, int, int],
        *,
        normal_scores: Sequence[float],
        resize: ResizePolicy,
        window: int,
    ) -> None:
        """scorer: of a detector. normal_scores: of its calibration. window: of its residual, as
        `memgan.analysis.residual` takes it."""
        super().__init__()
        _, height, width = image_shape
        self.scorer, self.window = scorer, window
        self.frame = _Framed(height, width, resize)
        self.register_buffer("normals", torch.from_numpy(_rounded_down(normal_scores)))
        self.register_buffer("rows", _means(height, window))
        self.register_buffer("columns", _means(width, window).T.contiguous())

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        height, width = images.shape[2], images.shape[3]
        seen = self.frame(images)
        scores, *more = self.scorer(seen)
        scores = scores.to(torch.float32)
        at_least = (self.normals >= scores[:, None]).to(torch.float32).sum(dim=1)
        p_values = (1 + at_least) / (1 + len(self.normals))
        if not more:
            return scores, p_values
        by_place = more[0] if more[0].dim() == 3 else self._residual(seen, more[0])
        by_pixel = self.frame.undone(by_place.to(torch.float32), height, width)
        rebuilt = [one for one in more if one.dim() == 4]
        return (scores, p_values, by_pixel, *rebuilt)

    def _residual(self, seen: Tensor, rebuilt: Tensor) -> Tensor:
        gaps = seen.to(torch.float32) - rebuilt
        if self.window == 1:
            return gaps.abs().mean(dim=1)
        squares: Tensor = self.rows @ (gaps**2).mean(dim=1) @ self.columns
        return squares.clamp_min(0).sqrt()


class _Framed(nn.Module):
    """Images uint8 of any size to those of one size, as `memgan.data.framing` says."""

    def __init__(self, height: int, width: int, how: ResizePolicy) -> None:
        super().__init__()
        self.height, self.width, self.how = height, width, how

    def forward(self, images: Tensor) -> Tensor:
        given = images.shape[2], images.shape[3]
        (inner_rows, shift_rows), (inner_columns, shift_columns) = self._frames(*given)
        coarse, fine = _weights(given[1], self.width, inner_columns, shift_columns)
        pixels = images.to(torch.float32)
        pixels = _rounded(pixels @ coarse.T, pixels @ fine.T)
        coarse, fine = _weights(given[0], self.height, inner_rows, shift_rows)
        return _rounded(coarse @ pixels, fine @ pixels).to(torch.uint8)

    def undone(self, maps: Tensor, height: Any, width: Any) -> Tensor:
        """Maps (N, h, w) at the size of the images, (N, H, W)."""
        (inner_rows, shift_rows), (inner_columns, shift_columns) = self._frames(height, width)
        rows = _unframing(height, self.height, inner_rows, shift_rows)
        columns = _unframing(width, self.width, inner_columns, shift_columns)
        return rows @ maps @ columns.T

    def _frames(self, height: Any, width: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        if self.how == "fit":
            return (self.height, 0), (self.width, 0)
        return (
            self._side(height, width, self.height, self.width),
            self._side(width, height, self.width, self.height),
        )

    def _side(self, given: Any, other: Any, wanted: int, other_wanted: int) -> tuple[Any, Any]:
        length = _over(2 * given * other_wanted + other, 2 * other).clamp(min=1)
        if self.how == "pad":
            inner = length.clamp(max=wanted)
            return inner, -_over(wanted - inner, 2)
        inner = length.clamp(min=wanted)
        return inner, _over(inner - wanted, 2)


def _weights(given: Any, wanted: int, inner: Any, shift: Any) -> tuple[Tensor, Tensor]:
    """Of each of the `given` pixels of a line in each of the `wanted`, float32 (wanted, given):
    256 times the first and the second are 2²² of Pillow's weights."""
    places = torch.arange(wanted) + shift
    places = torch.minimum(places.clamp(min=0), torch.as_tensor(inner - 1))
    near = _near(torch.arange(given), places, given, inner)
    total = near.sum(dim=1, keepdim=True)
    whole = _over(near * (2 * _FINE) + total, 2 * total)
    coarse = _over(whole + _LOW // 2, _LOW)
    return coarse.to(torch.float32), (whole - coarse * _LOW).to(torch.float32)


def _unframing(given: Any, wanted: int, inner: Any, shift: Any) -> Tensor:
    """`memgan.data.framing.unframing`, float32 (given, wanted)."""
    places = torch.arange(wanted) + shift
    near = _near(places, torch.arange(given), inner, given)
    near = near * ((places >= 0) & (places < torch.as_tensor(inner))).to(torch.int64)
    total = near.sum(dim=1, keepdim=True).clamp(min=1)
    weights: Tensor = near.to(torch.float32) / total.to(torch.float32)
    return weights


def _near(theirs: Tensor, ours: Tensor, given: Any, wanted: Any) -> Tensor:
    """A triangle around each of `ours`, pixels of a line of `wanted`, over `theirs`, of one of
    `given`; whole numbers, (len(ours), len(theirs)), 0 where two do not meet."""
    reach = 2 * torch.maximum(torch.as_tensor(given), torch.as_tensor(wanted))
    apart = ((2 * theirs + 1) * wanted - (2 * ours[:, None] + 1) * given).abs()
    near: Tensor = (reach - apart).clamp(min=0)
    return near


def _rounded(coarse: Tensor, fine: Tensor) -> Tensor:
    """Sums of weights times pixels as whole grey levels, rounded half up."""
    whole = coarse.to(torch.int32) * _LOW + fine.to(torch.int32)
    return _over(whole + _FINE // 2, _FINE).to(torch.float32)


def _over(number: Any, by: Any) -> Tensor:
    """The whole part of a division; neither is negative."""
    return torch.div(torch.as_tensor(number), by, rounding_mode="trunc")


def _rounded_down(values: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """In float32, so that exactly those are at least as large as a float32 that are so now."""
    exact = np.asarray(values, dtype=np.float64)
    near = exact.astype(np.float32)
    above = near.astype(np.float64) > exact
    return np.where(above, np.nextafter(near, np.float32(-np.inf)), near)


def _means(size: int, window: int) -> Tensor:
    """The matrix (size, size) that takes the mean over a window around each value of a line, which
    goes on beyond its ends as in a mirror."""
    from scipy.ndimage import uniform_filter1d

    mean = uniform_filter1d(np.eye(size), window, axis=0, mode="reflect")
    return torch.from_numpy(mean.astype(np.float32))
