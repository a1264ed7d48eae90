"""A study whose finals are done is one value, loaded from its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from memgan.config.configuration import Runtime
from memgan.data import Split
from memgan.training.cell_files import save_cell
from memgan.training.cells import Cell
from search.finals.concluded import Beside, Concluded
from search.finals.finals import Winner
from search.journal.outcomes import TrialOutcome
from search.results.study_folder import StudyFolder
from search.study.groups import ClassGroup
from search.study.study import Study

VALUES = {
    "learning_rate.encoder": 0.001,
    "memory_units": 25,
    "adversarial_weight": 1.0,
    "encoder_game": "saturating",
}


def _cell(name: str, seed: int, auroc: float) -> Cell:
    scores = np.array([0.1, 0.2, 0.9])
    return Cell(name, seed, 0.9, auroc, 0.8, 0.1, 1.0, {}, scores, scores, scores > 0.5)


@pytest.fixture
def load(
    make_study: Callable[..., Study], split: Split, tmp_path: Path
) -> Callable[[list[Cell]], Concluded]:
    """(cells) -> the study of two classes as it is loaded with these finals on disk."""
    study = make_study(normal_class=["1", "3"], seed=4, final={"seeds": 2})
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    winner = Winner(
        ClassGroup("all", ("1", "3"), ""), TrialOutcome("0002", "finished", VALUES, 7, {})
    )
    beside = Beside(
        runtime=Runtime(device="cpu"), machine="two cores", versions={"torch": "2"}, anchors={}
    )

    def loaded(cells: list[Cell]) -> Concluded:
        for cell in cells:
            save_cell(winner.folder(folder.finals, cell.normal_class, cell.seed), cell)
        return Concluded.load(study, folder, split, [winner], {"0002": None}, beside)

    return loaded


def test_it_is_loaded_from_disk_with_all_that_the_export_tells(
    load: Callable[[list[Cell]], Concluded], split: Split
) -> None:
    concluded = load([_cell("1", 4, 0.91), _cell("3", 4, 0.93), _cell("1", 5, 0.92)])

    assert concluded.complete
    assert {name: [c.seed for c in of] for name, of in concluded.cells.items()} == {
        "1": [4, 5],
        "3": [4],
    }
    assert concluded.configuration.seeds == (4, 5)
    assert concluded.configuration.origin is None
    origin = concluded.best.origin
    assert origin is not None
    assert origin.study_id == concluded.folder.study_id
    assert origin.trials == {"1": "0002", "3": "0002"}
    assert origin.test_auroc == {"1": {"4": 0.91, "5": 0.92}, "3": {"4": 0.93}}
    assert (origin.machine, origin.split_hash) == ("two cores", split.hash)


def test_it_is_frozen_and_says_whether_a_class_has_no_final(
    load: Callable[[list[Cell]], Concluded],
) -> None:
    concluded = load([_cell("1", 4, 0.91)])

    assert not concluded.complete
    with pytest.raises(FrozenInstanceError):
        concluded.cells = {}  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        concluded.beside.machine = "another"  # type: ignore[misc]
