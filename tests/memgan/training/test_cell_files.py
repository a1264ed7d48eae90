"""Cells on disk: what was written comes back, complete or not at all."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from memgan.training.cell_files import load_cell, save_cell
from memgan.training.cells import Cell


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    for field in fields(other):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if is_dataclass(right):
            assert_same(left, right)
        elif isinstance(right, np.ndarray):
            np.testing.assert_array_equal(left, right)
            assert left.dtype == right.dtype
        elif isinstance(right, dict):
            torch.testing.assert_close(left, right, rtol=0, atol=0)
        else:
            assert left == right
            assert type(left) is type(right)


def test_a_cell_comes_back_as_it_was(cell: Cell, tmp_path: Path) -> None:
    save_cell(tmp_path / "1-seed0", cell)

    assert_same(load_cell(tmp_path / "1-seed0"), cell)
    assert [path.name for path in tmp_path.iterdir()] == ["1-seed0"]


def test_absent_figures_and_pictures_come_back_absent(cell: Cell, tmp_path: Path) -> None:
    bare = replace(
        cell,
        val_auroc=None,
        test_auroc=None,
        decoded_memory=None,
        extremes=None,
        code_plane=None,
        health=(),
    )
    save_cell(tmp_path / "cell", bare)

    assert_same(load_cell(tmp_path / "cell"), bare)


def test_extremes_without_reconstructions_come_back_so(cell: Cell, tmp_path: Path) -> None:
    assert cell.extremes is not None
    bare = replace(cell, extremes=replace(cell.extremes, rebuilt=None))
    save_cell(tmp_path / "cell", bare)

    assert_same(load_cell(tmp_path / "cell"), bare)


def test_a_cell_replaces_an_earlier_one(cell: Cell, tmp_path: Path) -> None:
    save_cell(tmp_path / "cell", cell)
    later = replace(cell, seconds=99.0, decoded_memory=None)
    save_cell(tmp_path / "cell", later)

    assert_same(load_cell(tmp_path / "cell"), later)


def test_what_was_never_finished_is_no_cell(cell: Cell, tmp_path: Path) -> None:
    assert load_cell(tmp_path / "nowhere") is None
    save_cell(tmp_path / "cell", cell)
    (tmp_path / "cell" / "figures.json").unlink()

    assert load_cell(tmp_path / "cell") is None
