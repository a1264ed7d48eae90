"""Cells: full trainings and what they say of the test images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
import pytest
import torch

import memgan.training.cells
from memgan.config.configuration import Configuration
from memgan.data import Split
from memgan.errors import TrainingDiverged
from memgan.machine.share import MEMORY_PER_TRAINING, MachineShare
from memgan.stats.metrics import auroc, average_precision, false_positive_rate_at_recall
from memgan.training.cells import Cell, train_cell, train_cells

Tiny = Callable[..., Configuration]


def test_figures_are_those_of_the_scores(cell: Cell, digits: Split) -> None:
    assert (cell.test_anomalous == digits.test.anomalous("1")).all()
    assert cell.test_auroc == auroc(cell.test_scores, cell.test_anomalous)
    assert cell.test_average_precision == average_precision(cell.test_scores, cell.test_anomalous)
    assert cell.test_fpr_at_95_recall == false_positive_rate_at_recall(
        cell.test_scores, cell.test_anomalous
    )
    assert cell.val_auroc is not None
    assert 0 <= cell.val_auroc <= 1
    assert len(cell.normal_scores) == digits.development.validation.counts()["1"]
    assert (np.diff(cell.normal_scores) >= 0).all()


def test_the_health_of_every_epoch_is_kept(cell: Cell, tiny: Tiny) -> None:
    assert len(cell.health) == tiny().parameters.epochs
    assert cell.health[-1]["unit_movement"] > cell.health[0]["unit_movement"] > 0


def test_the_decoded_memory_has_a_picture_a_unit(cell: Cell) -> None:
    assert cell.decoded_memory is not None
    assert cell.decoded_memory.shape == (4, 1, 8, 8)
    assert cell.decoded_memory.dtype == np.uint8


def test_what_is_kept_to_look_at_is_of_the_test_images(cell: Cell, digits: Split) -> None:
    extremes, plane = cell.extremes, cell.code_plane
    assert extremes is not None
    assert extremes.scores[0] == cell.test_scores[~cell.test_anomalous].min()
    assert extremes.scores[-1] == cell.test_scores[cell.test_anomalous].max()
    worst = digits.test.images[np.where(cell.test_anomalous, cell.test_scores, 0).argmax()]
    np.testing.assert_array_equal(extremes.images[-1], worst)
    assert extremes.rebuilt is not None
    assert plane is not None
    assert plane.units.shape == (4, 2)
    assert plane.anomalous.sum() == 300
    assert (~plane.anomalous).sum() == (~cell.test_anomalous).sum()


def test_the_same_seed_gives_the_same_figures_to_the_bit(
    cell: Cell, tiny: Tiny, digits: Split
) -> None:
    again = train_cell(tiny(), digits.development, digits.test, "1", seed=0)
    other = train_cell(tiny(), digits.development, digits.test, "1", seed=1)

    assert (again.val_auroc, again.test_auroc) == (cell.val_auroc, cell.test_auroc)
    np.testing.assert_array_equal(again.test_scores, cell.test_scores)
    torch.testing.assert_close(again.weights, cell.weights, rtol=0, atol=0)
    assert (other.test_scores != cell.test_scores).any()


def test_test_images_change_no_weight(cell: Cell, tiny: Tiny, digits: Split) -> None:
    fewer = digits.test.take(np.arange(100))

    again = train_cell(tiny(), digits.development, fewer, "1", seed=0)

    torch.testing.assert_close(again.weights, cell.weights, rtol=0, atol=0)
    np.testing.assert_allclose(again.test_scores, cell.test_scores[:100], rtol=1e-5)


def test_every_class_and_seed_comes_once(tiny: Tiny, digits: Split) -> None:
    anchor = Configuration(detector="pca", parameters={"components": 4}, runtime={"device": "cpu"})

    cells = list(train_cells(anchor, digits, classes=["3", "1"], seeds=[0, 4], jobs=1))

    assert {(c.normal_class, c.seed) for c in cells} == {("3", 0), ("1", 0), ("3", 4), ("1", 4)}
    assert len(cells) == 4
    assert all(c.test_auroc is not None and c.test_auroc > 0.9 for c in cells)
    assert all(c.decoded_memory is None and c.code_plane is None for c in cells)


def test_without_labelled_validation_the_test_figures_remain(tiny: Tiny, unlabelled: Split) -> None:
    cell = train_cell(tiny(), unlabelled.development, unlabelled.test, "good", seed=0)

    assert cell.val_auroc is None
    assert cell.test_auroc is not None
    assert len(cell.normal_scores)


def test_without_any_labelled_anomaly_figures_are_absent(tiny: Tiny, normals_alone: Split) -> None:
    cell = train_cell(tiny(), normals_alone.development, normals_alone.test, "good", seed=0)

    figures = (
        cell.val_auroc,
        cell.test_auroc,
        cell.test_average_precision,
        cell.test_fpr_at_95_recall,
    )
    assert figures == (None, None, None, None)
    assert np.isfinite(cell.test_scores).all()
    assert len(cell.normal_scores)


def test_a_diverged_training_has_no_cell(tiny: Tiny, digits: Split) -> None:
    wild = tiny({"cycle_weight": 1e300, "batch_size": 16})

    with pytest.raises(TrainingDiverged, match="class 1"):
        train_cell(wild, digits.development, digits.test, "1", seed=0)


def test_threads_are_those_of_the_configuration(digits: Split) -> None:
    before = torch.get_num_threads()
    two = Configuration(detector="pca", runtime={"device": "cpu", "threads": 2})
    try:
        train_cell(two, digits.development, digits.test, "1", seed=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_cells_are_frozen(cell: Cell) -> None:
    with pytest.raises(AttributeError):
        cell.seed = 3  # type: ignore[misc]
    assert replace(cell, seed=3).seed == 3


def _little_memory(monkeypatch: pytest.MonkeyPatch, trainings: int) -> None:
    free = trainings * MEMORY_PER_TRAINING
    share = MachineShare(64, 4 * free, free, 64, limited_memory=False)
    monkeypatch.setattr(memgan.training.cells, "machine_share", lambda: share)


@pytest.mark.parametrize("jobs", [None, 8])
def test_no_more_trainings_run_at_once_than_memory_suffices_for(
    jobs: int | None, digits: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 cores with little memory must not run out of it, whatever --jobs says."""
    _little_memory(monkeypatch, 1)
    started: list[int] = []
    parallel = joblib.Parallel

    def counting(n_jobs: int, **options: Any) -> joblib.Parallel:
        started.append(n_jobs)
        return parallel(n_jobs=n_jobs, **options)

    monkeypatch.setattr(joblib, "Parallel", counting)
    anchor = Configuration(detector="pca", parameters={"components": 4}, runtime={"device": "cpu"})
    notes: list[str] = []

    found = train_cells(anchor, digits, classes=["1", "3"], seeds=[0], jobs=jobs, note=notes.append)

    assert len(list(found)) == 2
    assert started == [1]
    assert notes == ["memory suffices for 1 training at once"]


@pytest.mark.parametrize(("jobs", "share"), [(None, 1.0), (2, 0.5), (4, 0.25), (8, 0.25)])
def test_trainings_on_one_gpu_have_equal_shares_of_its_memory(
    jobs: int | None, share: float, digits: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    _little_memory(monkeypatch, 64)
    held: list[float] = []
    monkeypatch.setattr(memgan.training.cells, "hold_to_gpu_share", held.append)
    monkeypatch.setattr(memgan.training.cells, "train_cell", lambda *arguments: arguments[-1])
    parallel = joblib.Parallel
    monkeypatch.setattr(joblib, "Parallel", lambda n_jobs, **options: parallel(n_jobs=1, **options))
    on_gpu = Configuration(detector="pca", runtime={"device": "cuda"})

    done = list(train_cells(on_gpu, digits, classes=["1", "3"], seeds=[0, 1], jobs=jobs))

    assert len(done) == 4
    assert held == [share] * 4
