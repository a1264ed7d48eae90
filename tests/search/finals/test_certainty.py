"""A search says when its choice is chance, and when a simple detector would have done better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memgan.data.images import Development, LabeledImages
from search.finals.baselines import Anchor
from search.finals.certainty import cautions, stored_influences
from search.finals.finals import Winner
from search.journal.outcomes import TrialOutcome
from search.results.storage import Storage
from search.study.groups import ClassGroup
from search.trials.checkpoints import INFLUENCE_FILE

GROUP = ClassGroup("all", ("good",), "")
RNG = np.random.default_rng(0)


def _trial(number: int, auroc: float, **fields: Any) -> TrialOutcome:
    figures = {"good": auroc, "mean": auroc}
    return TrialOutcome(f"{number:04d}", "finished", {}, 1, figures, **fields)


def _development(normals: int = 50, anomalies: int = 50) -> Development:
    labels = np.repeat([0, 1], [normals, anomalies])
    images = np.zeros((len(labels), 1, 8, 8), np.uint8)
    part = LabeledImages(images, labels, ("good", "bad"))
    return Development(part, part)


def _anchors(auroc: float | None) -> dict[str, Anchor]:
    figures = {"val_auroc": auroc}
    content = {"parameters": {}, "classes": {"good": figures}, "mean": {}}
    return {"pca": Anchor.model_validate(content)}


def test_trials_within_the_noise_are_said_to_tie() -> None:
    trials = [_trial(0, 0.95), _trial(1, 0.94), _trial(2, 0.93), _trial(3, 0.5)]

    (found,) = cautions(Winner(GROUP, trials[0]), trials, {}, {}, _development())

    assert found.kind == "tie"
    assert found.trials == ("0001", "0002")
    assert found.difference == pytest.approx(0.01)
    assert "2 of 3 other finished trials cannot be distinguished from the winner" in found.line
    assert "by the number of images" in found.line


def test_a_clear_choice_needs_no_word() -> None:
    trials = [_trial(0, 0.95), _trial(1, 0.5)]

    assert cautions(Winner(GROUP, trials[0]), trials, {}, _anchors(0.9), _development()) == []
    assert cautions(Winner(GROUP, trials[0]), trials[:1], {}, {}, _development()) == []


def test_pairs_on_the_same_images_tell_apart_what_numbers_alone_do_not() -> None:
    trials = [_trial(0, 0.95), _trial(1, 0.93)]
    same = RNG.normal(0, 0.003, 100)
    alike = {"0000": same, "0001": same + RNG.normal(0, 1e-4, 100)}
    unlike = {"0000": same, "0001": RNG.normal(0, 0.003, 100)}
    winner = Winner(GROUP, trials[0])

    assert cautions(winner, trials, alike, {}, _development()) == []
    (found,) = cautions(winner, trials, unlike, {}, _development())
    assert found.paired
    assert "on the same images" in found.line


def test_trials_that_were_stopped_or_failed_tie_with_nothing() -> None:
    trials = [
        _trial(0, 0.95),
        TrialOutcome("0001", "stopped", {}, 1, {"good": 0.95, "mean": 0.95}),
        TrialOutcome("0002", "failed", {}, 0, {}),
    ]

    assert cautions(Winner(GROUP, trials[0]), trials, {}, {}, _development()) == []


def test_equal_trials_tie_however_many_images_there_are() -> None:
    made = {"scar": {"good": 1.0, "mean": 1.0}}
    trials = [_trial(n, 1 - n * 1e-8, made_auroc=made) for n in range(3)]

    (found,) = cautions(Winner(GROUP, trials[0]), trials, {}, {}, _development(5000, 5000))

    assert found.trials == ("0001", "0002")
    assert "margins between scores decided" in found.line


def test_a_winner_behind_a_simple_detector_says_so() -> None:
    winner = Winner(GROUP, _trial(0, 0.9))

    (found,) = cautions(winner, [winner.outcome], {}, _anchors(0.97), _development())

    assert found.kind == "behind"
    assert found.anchor == "pca"
    assert "PCA has 97.00, the winner 90.00" in found.line
    assert cautions(winner, [winner.outcome], {}, _anchors(0.9), _development()) == []
    assert cautions(winner, [winner.outcome], {}, _anchors(None), _development()) == []


def test_what_is_kept_with_checkpoints_is_found_again(tmp_path: Path) -> None:
    kept, without = tmp_path / "a", tmp_path / "b"
    kept.mkdir()
    without.mkdir()
    np.save(kept / INFLUENCE_FILE, np.arange(3.0))
    trials = [
        _trial(0, 0.9, checkpoint="a"),
        _trial(1, 0.9, checkpoint="b"),
        _trial(2, 0.9),
    ]

    found = stored_influences(trials, Storage.at(tmp_path))

    assert list(found) == ["0000"]
    np.testing.assert_array_equal(found["0000"], np.arange(3.0))
