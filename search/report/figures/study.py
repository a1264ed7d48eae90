"""The figures of a study: AUROC by class, best so far, parallel coordinates, importance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from memgan.figures import save_figure
from memgan.paper import published_auroc, published_for
from search.journal import TrialOutcome, outcomes_by_group
from search.report.figures.by_class import by_class_figure
from search.report.figures.history import history_figure
from search.report.figures.importance import FEWEST, importance_figure, read_importances
from search.report.figures.parallel import parallel_figure
from search.report.report import Report
from search.study import ClassGroup, Study

FIGURES = ("auroc.png", "history.png", "parallel.png", "importance.png")
"""Names of all that a study may have."""

_GROUPS_SHOWN = 20
_ENOUGH = 50
"""Finished trials that PED-ANOVA wants, so that five are among its best tenth."""


def draw_study(
    folder: Path,
    study: Study,
    groups: Sequence[ClassGroup],
    journal: Path,
    report: Report,
) -> dict[str, str]:
    """Write the figures of a study that came to its end to `folder`; captions by file name.

    journal: the study's.
    """
    trials = outcomes_by_group(groups, journal)
    title = f"{study.name}: {study.detector} on {report.dataset}"
    methods = published_figures(report.dataset)
    drawn: dict[str, tuple[Figure | None, str]] = {
        "auroc.png": (
            by_class_figure(report, methods, f"{title}, test AUROC by class"),
            _by_class_caption(report, methods),
        ),
        "history.png": (
            history_figure(_first(trials), f"{title}, best so far"),
            _history_caption(len(trials), report.objective),
        ),
        "parallel.png": (
            parallel_figure(trials, study.search_space, f"{title}, all trials"),
            _parallel_caption(len(trials)),
        ),
    }
    if importances := read_importances(journal, [group.prefix for group in groups]):
        drawn["importance.png"] = (
            importance_figure(importances, f"{title}, parameter importance"),
            _importance_caption(trials),
        )
    captions = {}
    for name, (figure, caption) in drawn.items():
        if figure is not None:
            save_figure(figure, folder / name)
            captions[name] = caption
    return captions


def published_figures(dataset: str) -> dict[str, dict[str, float]]:
    """What was printed for a data set: AUROC, 0 to 1, by method and class; mostly nothing."""
    table = published_for(dataset)
    if table is None:
        return {}
    return {
        method: {name: figure.mean for name, figure in of_class.items()}
        for method, of_class in published_auroc(table).items()
    }


def _by_class_caption(report: Report, methods: Mapping[str, object]) -> str:
    seeds = max(len(row.seeds) for row in report.classes.values())
    caption = f"Test AUROC by normal class: mean and standard deviation over {seeds} seeds"
    if seeds == 1:
        caption = "Test AUROC by normal class, one seed"
    if methods:
        caption += (
            "; as published means Tables 1 and 2 of arXiv 2002.02669, where splits, seeds and"
            " the choice of settings differ from method to method"
        )
    return caption


def _first(trials: Mapping[str, list[TrialOutcome]]) -> dict[str, list[TrialOutcome]]:
    return dict(list(trials.items())[:_GROUPS_SHOWN])


def _history_caption(groups: int, objective: str) -> str:
    on = " on made anomalies" if objective == "label-free" else ""
    caption = (
        f"Validation AUROC{on} of each trial, and the best so far of those that trained to the end"
    )
    if groups > _GROUPS_SHOWN:
        caption += f"; the first {_GROUPS_SHOWN} of {groups} classes"
    return caption


def _parallel_caption(groups: int) -> str:
    within = " of its class" if groups > 1 else ""
    winner = "the winners" if groups > 1 else "the winner"
    return (
        f"Every trial a line through its values: the darker, the better{within}; {winner} in"
        " red, trials that were stopped early dotted"
    )


def _importance_caption(trials: Mapping[str, Sequence[TrialOutcome]]) -> str:
    finished = [sum(o.state == "finished" for o in outcomes) for outcomes in trials.values()]
    counted = [count for count in finished if count >= FEWEST]
    caption = "How much each parameter tells the better trials from the others (PED-ANOVA)"
    if len(counted) > 1:
        caption += ", the mean over classes and each class as a point"
    caption += f"; from {sum(counted)} finished trials"
    if sum(counted) < _ENOUGH * len(counted):
        caption += ", so no more than a hint"
    return caption
