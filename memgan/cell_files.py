"""Cells on disk, so that what was trained and tested once is never trained or tested again."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file

from memgan.cells import Cell

_FIGURES, _ARRAYS, _WEIGHTS = "figures.json", "arrays.npz", "weights.safetensors"
_PLAIN = (
    "normal_class",
    "seed",
    "val_auroc",
    "test_auroc",
    "test_average_precision",
    "test_fpr_at_95_recall",
    "seconds",
)


def save_cell(folder: Path, cell: Cell) -> None:
    """Write a cell as `folder`, which is complete or absent."""
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    partial.mkdir(parents=True)
    figures = {name: getattr(cell, name) for name in _PLAIN}
    (partial / _FIGURES).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    arrays = {
        "normal_scores": cell.normal_scores,
        "test_scores": cell.test_scores,
        "test_anomalous": cell.test_anomalous,
    }
    if cell.decoded_memory is not None:
        arrays["decoded_memory"] = cell.decoded_memory
    np.savez_compressed(partial / _ARRAYS, allow_pickle=False, **arrays)
    save_file(
        {name: value.contiguous() for name, value in cell.weights.items()}, partial / _WEIGHTS
    )
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


def load_cell(folder: Path) -> Cell | None:
    """The cell in `folder`, or None where there is none."""
    if not (folder / _FIGURES).is_file():
        return None
    figures = json.loads((folder / _FIGURES).read_text(encoding="utf-8"))
    with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
        return Cell(
            **figures,
            weights=load_file(folder / _WEIGHTS),
            normal_scores=arrays["normal_scores"],
            test_scores=arrays["test_scores"],
            test_anomalous=arrays["test_anomalous"],
            decoded_memory=arrays.get("decoded_memory"),
        )
