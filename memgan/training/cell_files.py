"""Cells on disk, so that what was trained and tested once is never trained or tested again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from memgan.analysis import CodePlane, Extremes
from memgan.errors import ResultsError
from memgan.files import scratch_folder
from memgan.stats import ImageScores, PixelFigures
from memgan.training.cells import Cell

_Group = TypeVar("_Group", Extremes, CodePlane, ImageScores)

_FIGURES, _ARRAYS, _WEIGHTS = "figures.json", "arrays.npz", "weights.safetensors"
_PLAIN = (
    "normal_class",
    "seed",
    "val_auroc",
    "test_auroc",
    "test_average_precision",
    "test_fpr_at_95_recall",
    "seconds",
    "folds",
)


def save_cell(folder: Path, cell: Cell) -> None:
    """Write a cell as `folder`, which holds it complete or not at all; other files there stay."""
    with scratch_folder(folder) as partial:
        figures = {name: getattr(cell, name) for name in _PLAIN}
        if cell.health:
            figures["health"] = cell.health
        if cell.normal_mark is not None:
            figures["normal_mark"] = cell.normal_mark
        if cell.pixels is not None:
            figures["pixels"] = cell.pixels.model_dump()
        (partial / _FIGURES).write_text(json.dumps(figures, indent=1), encoding="utf-8")
        arrays = {
            "normal_scores": cell.normal_scores,
            "test_scores": cell.test_scores,
            "test_anomalous": cell.test_anomalous,
        }
        if cell.decoded_memory is not None:
            arrays["decoded_memory"] = cell.decoded_memory
        if cell.normal_peaks is not None:
            arrays["normal_peaks"] = cell.normal_peaks
        arrays |= _as_arrays("extremes", cell.extremes) | _as_arrays("code_plane", cell.code_plane)
        arrays |= _as_arrays("validation", cell.validation)
        np.savez_compressed(partial / _ARRAYS, allow_pickle=False, **arrays)
        content = save({name: value.contiguous() for name, value in cell.weights.items()})
        (partial / _WEIGHTS).write_bytes(content)  # save_file would let nobody else read it
        if not folder.exists():
            partial.rename(folder)
            return
        # What tells that the cell is whole goes first and comes last.
        (folder / _FIGURES).unlink(missing_ok=True)
        for name in (_ARRAYS, _WEIGHTS, _FIGURES):
            (partial / name).replace(folder / name)


def load_cell(folder: Path) -> Cell | None:
    """The cell in `folder`, or None where there is none. ResultsError for a damaged one."""
    if not (folder / _FIGURES).is_file():
        return None
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, EOFError, SafetensorError):
        raise ResultsError(
            f"{folder} is damaged; move it away, and it is trained again when the search goes on"
        ) from None


def _read(folder: Path) -> Cell:
    figures = json.loads((folder / _FIGURES).read_text(encoding="utf-8"))
    pixels = figures.pop("pixels", None)
    with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
        return Cell(
            **{**figures, "health": tuple(figures.get("health", ()))},
            pixels=None if pixels is None else PixelFigures(**pixels),
            weights=load_file(folder / _WEIGHTS),
            normal_scores=arrays["normal_scores"],
            test_scores=arrays["test_scores"],
            test_anomalous=arrays["test_anomalous"],
            decoded_memory=arrays.get("decoded_memory"),
            normal_peaks=arrays.get("normal_peaks"),
            extremes=_from_arrays(Extremes, "extremes", arrays),
            code_plane=_from_arrays(CodePlane, "code_plane", arrays),
            validation=_from_arrays(ImageScores, "validation", arrays),
        )


def _as_arrays(prefix: str, group: Extremes | CodePlane | ImageScores | None) -> dict[str, Any]:
    if group is None:
        return {}
    named = {f"{prefix}.{field.name}": getattr(group, field.name) for field in fields(group)}
    return {name: np.asarray(value) for name, value in named.items() if value is not None}


def _from_arrays(kind: type[_Group], prefix: str, arrays: Mapping[str, Any]) -> _Group | None:
    """The group, or None in folders that were written without it."""
    found: dict[str, Any] = {f.name: arrays.get(f"{prefix}.{f.name}") for f in fields(kind)}
    if all(value is None for value in found.values()):
        return None
    # A single number comes back as an array without dimensions.
    plain = {n: v.item() if v is not None and v.ndim == 0 else v for n, v in found.items()}
    return kind(**plain)
