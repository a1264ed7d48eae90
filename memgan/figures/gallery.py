"""The worst mistakes on test images, each as a small picture: image, map over it, mask."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from memgan.data import Flags, LabeledImages, Maps, Mask, Pixels, Scores, conform
from memgan.figures.overlay import Scale, overlay, scale_of

if TYPE_CHECKING:
    from memgan.bundle import Bundle

_SIDE = 160
"""Pixels of a panel's longer side, at most."""
_SMALL = 64
"""Up to which images are magnified, and kept without loss."""
_GAP = 4

Kind = Literal["miss", "false alarm"]


@dataclass(frozen=True)
class Mistake:
    """One test image that is judged wrongly."""

    kind: Kind
    of_class: str
    """What it is labelled as."""
    position: int
    """Its place among the test images."""
    score: float
    p_value: float
    picture: bytes
    """PNG or JPEG: the image; where there are maps, also with its map laid over it; where a mask
    was read, also that."""

    @property
    def media_type(self) -> str:
        return "image/png" if self.picture.startswith(b"\x89PNG") else "image/jpeg"


def worst_mistakes(
    bundle: Bundle, test: LabeledImages, scores: Scores, anomalous: Flags, most: int
) -> list[Mistake]:
    """Anomalies that score lowest of those that are not flagged, then normal images that score
    highest of those that are flagged; at most so many of each.

    scores, anomalous: (N,), of the test images. Where a bundle has too few normals to flag any
    image, all anomalies are misses. Empty for other than one or three channels.
    """
    if test.image_shape[0] not in (1, 3):
        return []
    flagged = bundle.verdicts(scores)
    order = np.argsort(scores, kind="stable")
    misses = [int(at) for at in order if anomalous[at] and not flagged[at]][:most]
    alarms = [int(at) for at in order[::-1] if flagged[at] and not anomalous[at]][:most]
    chosen = [*misses, *alarms]
    if not chosen:
        return []
    images = test.images[chosen]
    maps = bundle.maps(images)
    masks = [None if test.masks is None else test.masks[at] for at in chosen]
    p_values = bundle.p_values(scores[chosen])
    return [
        Mistake(
            kind="miss" if number < len(misses) else "false alarm",
            of_class=test.class_names[test.labels[at]],
            position=at,
            score=float(scores[at]),
            p_value=float(p_values[number]),
            picture=_picture(
                bundle, images[number], None if maps is None else maps[number], masks[number]
            ),
        )
        for number, at in enumerate(chosen)
    ]


def _picture(bundle: Bundle, image: Pixels, heat: Maps | None, mask: Mask | None) -> bytes:
    panels = list(_panels(bundle, image, heat, mask))
    white = np.full((len(panels[0]), _GAP, 3), 255, dtype=np.uint8)
    parts = [part for panel in panels for part in (panel, white)][:-1]
    picture, file = Image.fromarray(np.concatenate(parts, axis=1)), io.BytesIO()
    if max(image.shape[1:]) <= _SMALL:
        picture.save(file, "PNG")
    else:
        picture.save(file, "JPEG", quality=85)
    return file.getvalue()


def _panels(
    bundle: Bundle, image: Pixels, heat: Maps | None, mask: Mask | None
) -> Iterator[Pixels]:
    size = image.shape[1:]
    seen = np.ascontiguousarray(np.broadcast_to(image.transpose(1, 2, 0), (*size, 3)))
    yield _sized(seen)
    if heat is not None:
        scale: Scale = scale_of(bundle)
        yield _sized(overlay(seen, heat, scale))
    if mask is not None:
        where = mask.where[None, None].astype(np.uint8) * 255
        there = conform(where, (size[0], size[1]), None, bundle.config.data.resize)[0, 0]
        yield _sized(np.repeat(there[..., None], 3, axis=2))


def _sized(panel: Pixels) -> Pixels:
    longest = max(panel.shape[:2])
    if longest <= _SMALL:
        times = max(1, _SIDE // longest)
        return panel.repeat(times, axis=0).repeat(times, axis=1)
    scale = min(1.0, _SIDE / longest)
    size = [max(1, round(side * scale)) for side in panel.shape[:2]]
    shrunk = Image.fromarray(panel).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(shrunk)
