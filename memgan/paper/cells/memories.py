"""Trained memories, kept for the figures: small arrays that are committed beside the cells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from memgan.data import Pixels
from memgan.detectors import Memgan
from memgan.errors import ResultsError
from memgan.files import written_aside
from memgan.paper.cells.result_cells import Recorded

Halves = npt.NDArray[np.float16]

_SHOWN = 150
"""Codes of normals and of anomalies that are kept, as many of each."""


@dataclass(frozen=True, eq=False)
class KeptMemory:
    """One trained memory with test images' codes around it. Codes and units are rounded to half
    precision: they are for looking at."""

    of: Recorded
    units: Halves
    """M, (n, d)."""
    decoded: Pixels
    """G(M), uint8 (n, C, H, W)."""
    normal_codes: Halves
    """E(x) of the first test images of the normal class, (N, d)."""
    anomalous_codes: Halves
    """E(x) of the first test images of other classes, (N, d)."""


def keep_memory(
    folder: Path, of: Recorded, detector: Memgan, images: Pixels, anomalous: npt.NDArray[np.bool_]
) -> None:
    """Write what the figures need of a trained MEMGAN; `images` are the test images. Nothing of one
    whose units are no images. ResultsError where a file of this name is there that holds no memory.
    """
    decoded = detector.decoded_memory()
    if decoded is None:
        return
    normals, anomalies = images[~anomalous][:_SHOWN], images[anomalous][:_SHOWN]
    facts = of.model_dump(include=set(Recorded.model_fields))
    path = _path(folder, of.dataset, of.configuration, of.normal_class)
    folder.mkdir(parents=True, exist_ok=True)
    kept_memory(folder, of.dataset, of.configuration, of.normal_class)  # Another file stays.
    with written_aside(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            of=np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8),
            units=detector.memory_units().astype(np.float16),
            decoded=decoded,
            normal_codes=detector.codes(normals).astype(np.float16),
            anomalous_codes=detector.codes(anomalies).astype(np.float16),
        )


def kept_memory(
    folder: Path, dataset: str, configuration: str, normal_class: str
) -> KeptMemory | None:
    """What `keep_memory` wrote, or None. ResultsError for a file that is damaged."""
    path = _path(folder, dataset, configuration, normal_class)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values: dict[str, Any] = {name: arrays[name] for name in arrays.files}
        of = Recorded.model_validate_json(values.pop("of").tobytes())
        return KeptMemory(of=of, **values)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResultsError(f"{path}: damaged ({line}); delete it and --run again") from None


def _path(folder: Path, dataset: str, configuration: str, normal_class: str) -> Path:
    return folder / f"{dataset}-{configuration}-{normal_class}.npz"
