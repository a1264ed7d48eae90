"""The figures of a study, in both protocols, with trials of every kind and with hardly any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.journal.by_group import outcomes_by_group
from search.journal.journal import Journal
from search.journal.journal_file import open_to_write
from search.journal.outcomes import TrialOutcome, best
from search.report.figures.by_class import by_class_figure
from search.report.figures.history import history_figure
from search.report.figures.importance import importance_figure, read_importances
from search.report.figures.parallel import parallel_figure
from search.report.figures.study import FIGURES, draw_study, published_figures
from search.study.groups import class_groups
from search.study.space import make_space
from search.study.study import Study

Make = Callable[..., Any]
CLASSES = ("0", "1")


def trial(number: int, mean: float, state: Any = "finished", **values: Any) -> TrialOutcome:
    return TrialOutcome(f"{number:04d}", state, values, 7, {"mean": mean})


@pytest.mark.parametrize("protocol", ["shared", "per-class"])
def test_a_study_has_all_its_figures_and_they_are_light(
    protocol: str, make_study: Make, fill: Make, make_report: Make, tmp_path: Path
) -> None:
    study: Study = make_study(protocol)
    fill(tmp_path / "journal", study, CLASSES)
    groups = class_groups(study, CLASSES)
    report = make_report(study, CLASSES)

    drawn = draw_study(tmp_path / "out", study, groups, tmp_path / "journal", report)

    assert set(drawn) == set(FIGURES)
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FIGURES)
    assert all(path.stat().st_size < 150_000 for path in (tmp_path / "out").iterdir())


def test_what_was_not_tested_or_too_few_to_compare_is_not_drawn(
    make_study: Make, make_report: Make, tmp_path: Path
) -> None:
    study = make_study(budget={"trials": 1})
    journal = Journal(open_to_write(tmp_path / "journal"), study)
    asked = journal.ask()
    assert asked is not None
    journal.epoch(asked.trial_id, study.epochs, 0.9)
    journal.finished(asked.trial_id, {"0": 0.9, "mean": 0.9})
    report = make_report(study, ["0"], tested=False)
    groups = class_groups(study, ["0"])

    drawn = draw_study(tmp_path / "out", study, groups, tmp_path / "journal", report)

    assert set(drawn) == {"history.png", "parallel.png"}


def test_of_several_objectives_the_first_is_drawn(
    make_study: Make, make_report: Make, tmp_path: Path
) -> None:
    study = make_study(objective="val-auroc,scoring-seconds", scheduler={"name": "none"})
    journal = Journal(open_to_write(tmp_path / "journal"), study)
    for number in range(12):
        asked = journal.ask()
        assert asked is not None
        auroc = 0.8 + number / 100
        journal.epoch(asked.trial_id, study.epochs, auroc)
        journal.finished(asked.trial_id, {"0": auroc, "mean": auroc}, {"scoring-seconds": 1.0})
    report = make_report(study, ["0"])
    groups = class_groups(study, ["0"])

    drawn = draw_study(tmp_path / "out", study, groups, tmp_path / "journal", report)

    assert set(drawn) == set(FIGURES)


def test_best_so_far_rises_with_finished_trials_alone() -> None:
    outcomes = [
        trial(0, 0.95),
        trial(1, 0.99, "stopped"),
        trial(2, 0.94),
        trial(3, 0.97),
        TrialOutcome("0004", "failed", {}, 0, {}, error="nan"),
        trial(5, 0.20, "stopped"),
    ]

    axes = history_figure({"all": outcomes}, "").axes[0]

    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xydata(), [[0, 95], [2, 95], [3, 97], [5, 97]])
    points = {c.get_label(): len(c.get_offsets()) for c in axes.collections}
    assert points == {
        "finished": 3,
        "stopped early": 1,
        "stopped, below the picture": 1,
        "failed": 1,
    }
    assert axes.get_ylim()[0] > 90  # one bad trial does not squash the others


def test_a_study_by_class_has_a_panel_a_class() -> None:
    figure = history_figure({"a": [trial(0, 0.9)], "b": [trial(0, 0.8)]}, "")

    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]


def test_importances_have_the_names_of_parameters_and_add_up(
    make_study: Make, fill: Make, tmp_path: Path
) -> None:
    study = make_study("per-class")
    fill(tmp_path / "journal", study, CLASSES)

    found = read_importances(tmp_path / "journal", ["0-", "1-"])

    assert set(found) <= set(study.space)
    assert "memory_units" in found
    assert sum(sum(shares) for shares in found.values()) == pytest.approx(2)
    axes = importance_figure(found, "").axes[0]
    lengths = [bar.get_width() for bar in axes.patches]
    assert lengths == sorted(lengths)


def test_a_lone_parameter_has_no_share_worth_telling(make_study: Make, tmp_path: Path) -> None:
    study = make_study(space={"memory_units": [10, 20, 80]})
    journal = Journal(open_to_write(tmp_path / "journal"), study)
    while (asked := journal.ask()) is not None:
        journal.finished(asked.trial_id, {"mean": asked.values["memory_units"] / 100})

    assert read_importances(tmp_path / "journal", [""]) == {}


def test_a_parallel_line_stands_at_its_values() -> None:
    space = make_space(
        "memgan",
        {
            "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
            "memory_units": [10, 20, 80],
            "sharpness": {"low": 1.0, "high": 3.0, "when": {"memory_units": {"at_least": 20}}},
        },
        {},
    )
    worse = trial(0, 0.90, learning_rate=1e-4, memory_units=10)
    winner = trial(1, 0.95, learning_rate=1e-3, memory_units=20, sharpness=3.0)

    axes = parallel_figure({"all": [worse, winner]}, space, "").axes[0]

    segments = [segment for c in axes.collections for segment in c.get_segments()]
    heights = [[round(float(y), 3) for y in segment[:, 1]] for segment in segments]
    assert heights == [[0, 0, -0.13, 0], [0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1]]  # the winner on top
    written = {text.get_text() for text in axes.texts}
    assert written >= {"10", "20", "80", "0.0001", "0.01", "not set", "90", "95"}
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["learning_rate (log)", "memory_units", "sharpness", "validation AUROC, %"]


def test_published_figures_stand_beside_ours(make_study: Make, make_report: Make) -> None:
    classes = tuple("0123456789")
    report = make_report(make_study(), classes, dataset="mnist")

    figure = by_class_figure(report, published_figures("mnist"), "")

    assert figure is not None
    (axes,) = figure.axes
    labels = {c.get_label() for c in axes.collections}
    assert labels >= {"MEMGAN, as published", "other methods, as published", "PCA"}
    (printed,) = [c for c in axes.collections if c.get_label() == "MEMGAN, as published"]
    of_class = published_figures("mnist")["MEMGAN"]
    expected = [*of_class.values(), sum(of_class.values()) / 10]
    np.testing.assert_allclose(printed.get_offsets()[:, 0], 100 * np.array(expected))
    assert published_figures("digits") == {}


def test_the_winner_is_the_one_of_the_finals(make_study: Make, fill: Make, tmp_path: Path) -> None:
    study = make_study("per-class")
    fill(tmp_path / "journal", study, CLASSES)

    trials = outcomes_by_group(class_groups(study, CLASSES), tmp_path / "journal")

    assert list(trials) == ["0", "1"]
    winner = best(trials["1"])
    assert winner is not None
    assert winner.trial_id.startswith("1-")
