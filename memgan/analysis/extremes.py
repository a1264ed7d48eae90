"""Test images at the ends of the scores: what a detector finds most and least normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memgan.data import Flags, Pixels, Scores, conform
from memgan.detectors import Detector

ENDS = (
    "normal, lowest scores",
    "normal, highest scores",
    "anomaly, lowest scores",
    "anomaly, highest scores",
)
_PER_END = 5
_LARGEST_SIDE = 64


@dataclass(frozen=True, eq=False)
class Extremes:
    """Up to five images of each end, by end, then in the order of their scores."""

    ends: npt.NDArray[np.int64]
    """(K,), indices into ENDS."""
    scores: Scores
    """(K,)."""
    images: Pixels
    """uint8 (K, C, H, W), shrunk where a side has more than 64 pixels."""
    rebuilt: Pixels | None
    """What the detector makes of them, alike; None for one that rebuilds nothing."""

    def outermost(self, per_end: int) -> Extremes:
        """Fewer of them: the lowest of the lowest, the highest of the highest."""
        kept = []
        for end in range(len(ENDS)):
            positions = np.flatnonzero(self.ends == end)
            kept.append(positions[:per_end] if end % 2 == 0 else positions[-per_end:])
        chosen = np.concatenate(kept)
        rebuilt = None if self.rebuilt is None else self.rebuilt[chosen]
        return Extremes(self.ends[chosen], self.scores[chosen], self.images[chosen], rebuilt)


def find_extremes(detector: Detector, images: Pixels, scores: Scores, anomalous: Flags) -> Extremes:
    """The images, uint8 (N, C, H, W), that score lowest and highest of normals and of anomalies."""
    chosen, ends = [], []
    for first_end, flag in ((0, False), (2, True)):
        of_kind = np.flatnonzero(anomalous == flag)
        order = of_kind[np.argsort(scores[of_kind], kind="stable")]
        lower, upper = np.array_split(order, 2)
        for end, positions in ((first_end, lower[:_PER_END]), (first_end + 1, upper[-_PER_END:])):
            chosen.append(positions)
            ends.append(np.full(len(positions), end, dtype=np.int64))
    indices = np.concatenate(chosen)
    originals = images[indices]
    rebuilt = detector.rebuild(originals)
    return Extremes(
        ends=np.concatenate(ends),
        scores=scores[indices],
        images=_thumbnails(originals),
        rebuilt=None if rebuilt is None else _thumbnails(_as_pixels(rebuilt)),
    )


def _as_pixels(levels: npt.NDArray[np.float32]) -> Pixels:
    return levels.round().clip(0, 255).astype(np.uint8)


def _thumbnails(images: Pixels) -> Pixels:
    height, width = images.shape[2:]
    scale = _LARGEST_SIDE / max(height, width)
    if scale >= 1:
        return images
    return conform(images, (max(1, round(height * scale)), max(1, round(width * scale))), None)
