"""Images larger than a tile: scored tile by tile, and joined to one outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from memgan.analysis import strongest_region
from memgan.bundle.bundle import Bundle
from memgan.bundle.scoring import Scored, ScoredBatch, score_paths
from memgan.data import (
    SMALLEST,
    FewGreyLevels,
    Pixels,
    Tell,
    TellLeftOut,
    TiledImage,
    enlarged,
    files_in_turn,
    tile_places,
    tiled,
)
from memgan.errors import BadInput, BundleError, DataError
from memgan.text import visible

_TILES_AT_ONCE = 32


def score_in_tiles(
    bundle: Bundle,
    paths: Sequence[Path],
    tile: int,
    tell: Tell,
    tell_left_out: TellLeftOut = lambda left_out: None,
    *,
    few: FewGreyLevels | None = None,
) -> Iterator[ScoredBatch]:
    """As `score_paths`, but images with a side of more than `tile` pixels are scored in square
    tiles of that side, which overlap by an eighth and are each brought to the bundle's size.

    An image's score is the highest of its tiles'. Its p-value is the lowest of its tiles', times
    the number of tiles, at most 1: so it holds for the image, however the tiles depend on each
    other. Its box is of the strongest region in the tile whose map is highest, above a threshold
    that holds for all of them together. Both take normals by the number of tiles, which is in each
    batch: `Calibration.shortage_of_tiles` says where they are too few. One image is in memory at a
    time, and some tiles. BadInput for a tile of less than 8 pixels.
    """
    if tile < SMALLEST:
        raise BadInput(f"--tile {tile}: {SMALLEST} pixels are the least")
    # Raises for paths that hold no image, before anything is written.
    score_paths(bundle, paths, lambda line: None)
    return _scored(bundle, paths, tile, (tell, tell_left_out), few)


def _scored(
    bundle: Bundle,
    paths: Sequence[Path],
    tile: int,
    tellers: tuple[Tell, TellLeftOut],
    few: FewGreyLevels | None,
) -> Iterator[ScoredBatch]:
    tell, config = tellers[0], bundle.config
    for given in files_in_turn(paths, *tellers):
        if given.suffix == ".npz":
            yield from score_paths(bundle, [given], *tellers, few=few)
            continue
        try:
            with tiled(given, config.image_shape, config.data, tile, few) as image:
                if image is not None:
                    yield _joined(bundle, image, tile)
                    continue
        except DataError as error:
            tell(str(error))
            continue
        yield from score_paths(bundle, [given], *tellers, few=few)


def _joined(bundle: Bundle, image: TiledImage, tile: int) -> ScoredBatch:
    places = list(tile_places(image.size, tile))
    threshold = bundle.calibration.pixel_threshold_of_tiles(len(places))
    score, peak, box = -math.inf, -math.inf, None
    for at in range(0, len(places), _TILES_AT_ONCE):
        some = places[at : at + _TILES_AT_ONCE]
        tiles = np.stack([image.tile(place) for place in some])
        scores = bundle.score(tiles)
        if not np.isfinite(scores).all():
            raise BundleError("the bundle's scores are not finite; export it again")
        score = max(score, float(scores.max()))
        maps = None if threshold is None else bundle.maps(tiles)
        if maps is None or threshold is None:
            continue
        peaks = maps.max(axis=(1, 2))
        strongest = int(peaks.argmax())
        if peaks[strongest] > peak:
            peak = float(peaks[strongest])
            top, left, bottom, right = some[strongest]
            large = enlarged(maps[strongest], (bottom - top, right - left), image.resize)
            found = strongest_region(large, threshold)
            box = None if found is None else _moved(found, top, left)
    lowest = float(bundle.p_values(np.array([score]))[0])
    p_value = min(1.0, len(places) * lowest)
    flagged = p_value <= bundle.calibration.false_alarm_rate
    nothing: Pixels = np.empty((0, *bundle.config.image_shape), dtype=np.uint8)
    row = Scored(visible(str(image.path)), score, p_value, flagged, box)
    return ScoredBatch([row], nothing, [image.path], len(places))


def _moved(box: tuple[int, int, int, int], top: int, left: int) -> tuple[int, int, int, int]:
    return box[0] + left, box[1] + top, box[2] + left, box[3] + top
