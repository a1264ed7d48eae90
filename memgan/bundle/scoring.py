"""New images into scores, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from memgan.analysis import Box
from memgan.bundle.bundle import Bundle
from memgan.data import Batch, FewGreyLevels, Pixels, Tell, TellLeftOut, stream_images
from memgan.errors import BundleError


@dataclass(frozen=True)
class Scored:
    """One image's outcome."""

    image: str
    """A file's path, or `file.npz[3]` for the fourth image of an array; control characters as
    escapes."""
    score: float
    p_value: float
    anomalous: bool
    box: Box | None = None
    """Around the strongest region of its map, in pixels of the image's file; None where no pixel is
    above the bundle's threshold, and where nobody looked."""


@dataclass(frozen=True, eq=False)
class ScoredBatch:
    """Outcomes, and the images they are of: uint8 (n, C, H, W) in the bundle's shape."""

    rows: list[Scored]
    images: Pixels
    files: list[Path | None]
    """Where each lies by itself; None of an array."""
    tiles: int = 1
    """In how many pieces each was scored."""


def score_paths(
    bundle: Bundle,
    paths: Sequence[Path],
    tell: Tell,
    tell_left_out: TellLeftOut = lambda left_out: None,
    *,
    few: FewGreyLevels | None = None,
) -> Iterator[ScoredBatch]:
    """Scores of every image under `paths`, in order; memory does not grow with their number.

    Files are read with the bundle's own `data.white_level` and `data.resize`. few: told what files
    of 16 bits reach where it has no white level.

    tell: told a line for each file that cannot be read. tell_left_out: told what else of a folder
    is not read, a folder at a time. BadInput for a path that is absent or holds no image, raised by
    this call and not by the iterator. BundleError for a score that is no number.
    """
    batches = stream_images(
        paths,
        bundle.config.image_shape,
        tell,
        tell_left_out,
        config=bundle.config.data,
        few=few,
    )
    return (_score(bundle, batch) for batch in batches)


def _score(bundle: Bundle, batch: Batch) -> ScoredBatch:
    scores = bundle.score(batch.images)
    if not np.isfinite(scores).all():
        raise BundleError("the bundle's scores are not finite; export it again")
    p_values, verdicts = bundle.p_values(scores), bundle.verdicts(scores)
    rows = [
        Scored(name, float(score), float(p_value), bool(verdict))
        for name, score, p_value, verdict in zip(
            batch.names, scores, p_values, verdicts, strict=True
        )
    ]
    return ScoredBatch(rows, batch.images, batch.files)
