"""How well a map finds where images are anomalous, pixel by pixel, at the images' own sizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memgan.config import Frozen, ResizePolicy
from memgan.data import Flags, Maps, Mask, Masks, enlarged

_MOST_LEVELS = 4096
"""Values of maps that are kept apart; of more, as many quantiles. It bounds the memory."""
_MOST_OF_DEFECTS = 2**16
"""Likewise of anomalous pixels alone, by rank. A defect may be far smaller than what lies between
two quantiles of all pixels."""
_LIMIT = 0.3
"""Share of normal pixels flagged up to which AUPRO is taken."""

_Counts = npt.NDArray[np.float64]


class PixelFigures(Frozen):
    """0 to 1 but the threshold."""

    auroc: float = Field(ge=0, le=1)
    """Area under the ROC curve over all pixels."""
    aupro: float = Field(ge=0, le=1)
    """Area under the per-region overlap (mean recall of connected regions) up to 30 % of the normal
    pixels flagged, over 0.3."""
    best_f1: float = Field(ge=0, le=1)
    """The best F1 of any threshold, over all pixels; of more than 65,536 anomalous ones very nearly
    so."""
    threshold: float
    """Where it is reached: pixels of at least this value are flagged. The map's unit."""


def pixel_figures(maps: Maps, masks: Masks, resize: ResizePolicy = "fit") -> PixelFigures | None:
    """maps: float32 (N, H, W), higher = more anomalous, enlarged to each mask's size as `resize`
    undoes it. None where the masks do not hold normal and anomalous pixels; images without a mask
    are left out."""
    levels = _levels(maps, masks, resize)
    normal = np.zeros(len(levels))
    anomalous = np.zeros(len(levels))
    overlap = np.zeros(len(levels))
    regions = 0
    for places, where in _placed(maps, masks, levels, resize):
        normal += np.bincount(places[~where], minlength=len(levels))
        if not where.any():
            continue
        anomalous += np.bincount(places[where], minlength=len(levels))
        for region in _regions(where, places):
            counts = np.bincount(region, minlength=len(levels))
            overlap += _at_least(counts) / counts.sum()
            regions += 1
    if not regions or not normal.sum():
        return None
    flagged_normal, found = _at_least(normal), _at_least(anomalous)
    false_positive, recall = flagged_normal / normal.sum(), found / anomalous.sum()
    precision = found / np.maximum(found + flagged_normal, 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(f1.argmax())
    return PixelFigures(
        auroc=_area(false_positive, recall, 1.0),
        aupro=_area(false_positive, overlap / regions, _LIMIT),
        best_f1=float(f1[best]),
        threshold=float(levels[best]),
    )


def masks_say_where(masks: Masks | None, anomalous: Flags) -> bool:
    """Whether there are masks of anomalous images, and none of a normal one says that it is."""
    if masks is None:
        return False
    shown = np.array([mask is not None and mask.bits is not None for mask in masks])
    return bool(shown.any() and not shown[~anomalous].any())


def _levels(maps: Maps, masks: Masks, resize: ResizePolicy) -> npt.NDArray[np.float32]:
    """Descending thresholds: all values, or so many quantiles; of maps that are enlarged, steps
    between the lowest and the highest, as interpolation makes values of its own; and values of
    anomalous pixels, as the best F1 is reached at one of them."""
    values = np.unique(maps)
    if len(values) > _MOST_LEVELS:
        values = np.unique(np.quantile(maps, np.linspace(0, 1, _MOST_LEVELS)).astype(np.float32))
    if any(mask is not None and (mask.height, mask.width) != maps.shape[1:] for mask in masks):
        steps = np.linspace(values[0], values[-1], _MOST_LEVELS, dtype=np.float32)
        values = np.concatenate([values, steps])
    return np.unique(np.concatenate([values, _of_defects(maps, masks, resize)]))[::-1]


def _of_defects(maps: Maps, masks: Masks, resize: ResizePolicy) -> npt.NDArray[np.float32]:
    """The values of the anomalous pixels, ascending; of many, those of evenly spaced ranks."""
    found = [np.empty(0, dtype=np.float32)]
    for one, mask in zip(maps, masks, strict=True):
        if isinstance(mask, Mask) and mask.bits is not None:
            own = np.sort(enlarged(one, (mask.height, mask.width), resize)[mask.where])
            found.append(_spaced(own, _MOST_OF_DEFECTS))
    return _spaced(np.sort(np.concatenate(found)), _MOST_OF_DEFECTS)


def _spaced(ascending: npt.NDArray[np.float32], most: int) -> npt.NDArray[np.float32]:
    if len(ascending) <= most:
        return ascending
    return ascending[np.linspace(0, len(ascending) - 1, most).round().astype(np.int64)]


def _placed(
    maps: Maps, masks: Masks, levels: npt.NDArray[np.float32], resize: ResizePolicy
) -> Iterator[tuple[npt.NDArray[np.int64], Flags]]:
    """Of each image with a mask the first level that each pixel reaches, and its mask."""
    ascending = levels[::-1]
    for one, mask in zip(maps, masks, strict=True):
        if isinstance(mask, Mask):
            large = enlarged(one, (mask.height, mask.width), resize)
            reached = np.searchsorted(ascending, large, side="right")
            yield (len(levels) - reached).clip(0, len(levels) - 1), mask.where


def _regions(where: Flags, values: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """The values of each connected region; pixels that touch at a corner are connected."""
    from scipy.ndimage import find_objects, label

    numbered, _ = label(where, structure=np.ones((3, 3)))
    for number, place in enumerate(find_objects(numbered), start=1):
        yield values[place][numbered[place] == number]


def _at_least(counts: npt.NDArray[np.int64] | _Counts) -> _Counts:
    """How many reach each level, the levels descending."""
    return np.cumsum(counts, dtype=np.float64)


def _area(false_positive: _Counts, recall: _Counts, limit: float) -> float:
    """Under the curve from nothing flagged up to `limit` of the normal pixels, over `limit`."""
    from sklearn.metrics import auc

    x, y = np.concatenate([[0.0], false_positive]), np.concatenate([[0.0], recall])
    inside = x <= limit  # With all of a step that stands at the limit.
    if x[inside][-1] < limit:
        ends = np.interp(limit, x, y)
        x, y = np.append(x[inside], limit), np.append(y[inside], ends)
    else:
        x, y = x[inside], y[inside]
    return float(np.clip(auc(x, y) / limit, 0, 1))
