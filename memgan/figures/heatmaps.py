"""Pictures of where an image looks unlike normal ones: the detector's score by pixel, or the
residual, by which it differs from what the detector makes of it.

Each is the image at its file's own size beside the same image with that laid over it, and the
scale; and, as a picture by itself, the mask of what is above the bundle's threshold. The scale is
the bundle's and not the picture's own, so that the same colour means the same difference in every
picture. Up to the mark, the difference is one that normal images have too, and the image shines
through; above it, the colour is full.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from memgan.analysis import Residual, strongest_region
from memgan.config import OnFeatures
from memgan.data import Pixels, enlarged, read_image
from memgan.errors import BadInput, DataError
from memgan.figures.overlay import Scale, colours, overlay, scale_of

if TYPE_CHECKING:
    from memgan.bundle import Bundle, Scored, ScoredBatch

_SIDE = 224
"""Pixels that small images are magnified to, by a whole number of times."""
_GAP, _BAR, _LABELS = 8, 12, 34
_LONGEST_NAME = 200
"""Bytes; file systems take 255."""


class HeatMaps:
    """Writes a PNG an image into a folder, under the image's own path, and beside it one of the
    mask, `_mask` behind its name: white where the map is above `Calibration.pixel_threshold`.
    Where a bundle has too few normals for a threshold there are no masks and no boxes.

    BadInput for a bundle whose detector knows no places, and for a folder that holds something
    already or cannot be written.
    """

    def __init__(self, folder: Path, bundle: Bundle) -> None:
        nothing = np.zeros((1, *bundle.config.image_shape), dtype=np.uint8)
        if bundle.maps(nothing) is None:
            raise BadInput(
                f"{_who(bundle)} rebuilds no image and scores none by pixel, so there is"
                " nothing to show; leave --heatmaps out"
            )
        self._bundle = bundle
        self._folder = folder
        calibration = bundle.calibration
        self._mark, self._top = scale_of(bundle)
        self._scale: Pixels | None = None
        self._threshold = calibration.pixel_threshold
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise BadInput(f"--heatmaps {folder} holds files already; give a new folder")
        except OSError as error:
            raise self._unwritable(error) from None

    def write(self, batch: ScoredBatch) -> list[Scored]:
        """The pictures of a batch; its rows with the box of each image's strongest region."""
        maps = self._bundle.maps(batch.images)
        assert maps is not None
        rows = []
        for row, image, file, heat in zip(batch.rows, batch.images, batch.files, maps, strict=True):
            shown = self._own_size(file, image)
            large = enlarged(heat, shown.shape[1:], self._bundle.config.data.resize)
            place = self._folder / mirrored(row.image)
            try:
                self._save(Image.fromarray(self._picture(shown, large)), place)
                if self._threshold is not None:
                    mask = Image.fromarray(large > self._threshold)
                    self._save(mask, place.with_name(f"{place.stem}_mask.png"))
            except OSError as error:
                raise self._unwritable(error) from None
            box = None if self._threshold is None else strongest_region(large, self._threshold)
            rows.append(replace(row, box=box))
        return rows

    def _own_size(self, file: Path | None, image: Pixels) -> Pixels:
        """The image as its file has it; that of an array as it was scored."""
        if file is None:
            return image
        try:
            return read_image(file, white_level=self._bundle.config.data.white_level)
        except DataError:  # It was readable a moment ago.
            return image

    def _picture(self, image: Pixels, heat: Residual) -> Pixels:
        """(height, width, 3): image, overlay and scale side by side."""
        times = max(1, round(_SIDE / max(heat.shape)))
        shown = image[: 3 if len(image) == 3 else 1].transpose(1, 2, 0)
        seen = np.broadcast_to(shown, (*heat.shape, 3))
        panels = [
            _magnified(p, times) for p in (seen, overlay(seen, heat, Scale(self._mark, self._top)))
        ]
        scale = self._drawn_scale(len(panels[0]))
        gap = np.full((len(panels[0]), _GAP, 3), 255, dtype=np.uint8)
        row = np.concatenate([panels[0], gap, panels[1], gap], axis=1)
        missing = len(scale) - len(row)
        row = np.pad(row, ((0, missing), (0, 0), (0, 0)), constant_values=255)
        picture: Pixels = np.concatenate([row, scale], axis=1)
        return picture

    def _drawn_scale(self, height: int) -> Pixels:
        height = max(height, _SIDE // 2)
        if self._scale is None or len(self._scale) != height:
            picture = Image.new("RGB", (_BAR + _LABELS, height), "white")
            steps = np.linspace(255, 0, height).round().astype(np.uint8)
            bar = np.broadcast_to(colours()[steps][:, None], (height, _BAR, 3))
            picture.paste(Image.fromarray(np.ascontiguousarray(bar)))
            draw = ImageDraw.Draw(picture)
            font = ImageFont.load_default(11)
            for level in (0.0, self._mark, self._top):
                if level is not None:
                    y = round((1 - level / self._top) * (height - 1))
                    draw.line([(0, y), (_BAR + 3, y)], fill="black")
                    text = f"{level:.0f}" if self._top >= 10 else f"{level:.2g}"
                    draw.text((_BAR + 6, min(max(y, 6), height - 7)), text, "black", font, "lm")
            self._scale = np.asarray(picture)
        return self._scale

    def _save(self, picture: Image.Image, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two images may come to one name, or to two that a file system takes for one.
        for number in itertools.count(1):
            free = path if number == 1 else path.with_name(f"{path.stem}~{number}.png")
            with suppress(FileExistsError), free.open("xb") as file:
                picture.save(file, "PNG")
                return

    def _unwritable(self, error: OSError) -> BadInput:
        return BadInput(f"--heatmaps {self._folder} cannot be written ({error.strerror})")


def mirrored(name: str) -> Path:
    """The relative path below a folder of heat maps for an image's name: never out of it.

    A relative path stays as it is; an absolute one, or one that leads out of the working
    directory, begins below its root. `.png` follows where it is not the suffix already.
    """
    path = os.path.normpath(name)
    if path.startswith(".."):
        path = os.path.normpath(Path(name).absolute())
    *folders, last = [_short(part) for part in path.split("/") if part]
    return Path(*folders, last if last.lower().endswith(".png") else f"{last}.png")


def _short(part: str) -> str:
    encoded = part.encode()
    if len(encoded) <= _LONGEST_NAME:
        return part
    kept = encoded[: _LONGEST_NAME - 9].decode(errors="ignore")
    return f"{kept}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def _magnified(image: Pixels, times: int) -> Pixels:
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _who(bundle: Bundle) -> str:
    """A bundle's detector, in words."""
    parameters = bundle.config.parameters
    on_features = isinstance(parameters, OnFeatures) and parameters.features is not None
    return bundle.config.detector + (" on features" if on_features else "")
