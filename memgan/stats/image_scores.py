"""Scores image by image, as a small file: what tells how much of a figure is the draw of images."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from memgan.data import Flags

if TYPE_CHECKING:
    from memgan.data import Scores


@dataclass(frozen=True, eq=False)
class ImageScores:
    """scores: (N,), higher is more anomalous. anomalous: bool (N,). In the order of the images."""

    scores: Scores
    anomalous: Flags


ByClass = Mapping[str, ImageScores]
BySeed = Mapping[str, Mapping[int, ImageScores]]
"""By normal class and then by seed."""


def pack(parts: Mapping[str, ByClass]) -> bytes:
    """A file's content; parts: scores by class, by the name of a part of the split."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for part, by_class in parts.items():
        for name, found in by_class.items():
            arrays[f"{part}.scores.{name}"] = found.scores
            arrays[f"{part}.anomalous.{name}"] = found.anomalous
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack(content: bytes) -> dict[str, dict[str, ImageScores]]:
    """What `pack` was given. ValueError for anything else; nothing in it is executed."""
    found: dict[str, dict[str, ImageScores]] = {}
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for key in arrays.files:
                part, kind, name = key.split(".", 2)
                if kind != "scores":
                    continue
                flags = arrays[f"{part}.anomalous.{name}"].astype(np.bool_)
                scores = arrays[key].astype(np.float64)
                if scores.ndim != 1 or flags.shape != scores.shape:
                    raise ValueError("scores and labels differ in number")
                found.setdefault(part, {})[name] = ImageScores(scores, flags)
    except (OSError, KeyError, BadZipFile, EOFError) as error:
        raise ValueError(f"not a file of scores ({error})") from None
    return found
