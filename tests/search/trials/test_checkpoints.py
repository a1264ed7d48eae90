"""Checkpoints are found wherever a study was moved; one that is gone is told."""

from __future__ import annotations

from pathlib import Path

from search.journal.outcomes import TrialOutcome
from search.results.study_folder import StudyFolder
from search.trials.checkpoints import lost, noted, stored


def _unfinished(checkpoint: str | None) -> TrialOutcome:
    return TrialOutcome(
        "0003", state="unfinished", values={}, epochs=10, val_auroc={}, checkpoint=checkpoint
    )


def test_a_checkpoint_is_found_where_the_study_was_moved_to(tmp_path: Path) -> None:
    before = StudyFolder(tmp_path / "results", "mine")
    path = f"{before.tune}/001/0003-020/checkpoint_000001"
    before.checkpoints.write("001/0003-020/checkpoint_000001/training.pt", b"weights")
    note = noted(before.checkpoints, path)
    (tmp_path / "results").rename(tmp_path / "moved")
    now = StudyFolder(tmp_path / "moved", "mine")

    for kept in (note, path):  # Journals of earlier versions have the whole path.
        assert stored(now.checkpoints, kept).read("training.pt") == b"weights"
        assert not list(lost([_unfinished(kept)], now.checkpoints))


def test_a_trial_whose_checkpoint_is_gone_is_said_to_start_from_0(tmp_path: Path) -> None:
    storage = StudyFolder(tmp_path, "mine").checkpoints
    (line,) = lost([_unfinished("001/0003-020/checkpoint_000001"), _unfinished(None)], storage)
    assert line.startswith("trial 0003 was at epoch 10 and starts from 0")
