"""The table of all trials of the report page: states, AUROC by class as heat, values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.journal import TrialOutcome, best
from search.report.content import short_value
from search.study import Study

_PALEST = 0.1
"""Share of the finished trials' figures that is as pale as can be, so that the good ones are told
apart."""
_MEASURES = ("d_accuracy", "address_perplexity", "unit_movement", "residual")
_ORDER = {"finished": 0, "stopped": 1, "unfinished": 2, "failed": 3}


@dataclass(frozen=True)
class TableCell:
    """One figure or value: as it is shown, and as it is sorted by."""

    text: str = ""
    value: Any = ""
    heat: float | None = None
    """0 to 1, of a figure."""
    best: bool = False
    """The highest of its class among finished trials."""


@dataclass(frozen=True)
class TableRow:
    """One trial."""

    trial: TrialOutcome
    group: str
    won: bool
    why: str
    """Why it was stopped or failed, or cannot win; empty for others."""
    figures: list[TableCell]
    parameters: list[TableCell]
    health: list[TableCell]
    """Of the columns `TrialTable.measures`."""


@dataclass(frozen=True)
class TrialTable:
    """All trials of a study, group by group, good ones first."""

    groups: list[str]
    classes: list[str]
    """Those that have a column beside the mean; none where the mean says it all."""
    parameters: list[str]
    rows: list[TableRow]
    measures: list[str]
    """Of memory and game, those that say most; none of a detector that has neither."""


def trial_table(study: Study, trials: Mapping[str, Sequence[TrialOutcome]]) -> TrialTable:
    """trials: by the name of their group of classes."""
    every = [outcome for of_group in trials.values() for outcome in of_group]
    classes = list(dict.fromkeys(name for o in every for name in o.val_auroc if name != "mean"))
    if study.protocol == "per-class" or len(classes) == 1:
        classes = []
    measures = [name for name in _MEASURES if any(name in o.health for o in every)]
    rows = [
        row
        for group, of_group in trials.items()
        for row in _rows(study, group, of_group, ["mean", *classes], measures)
    ]
    return TrialTable(list(trials), classes, list(study.space), rows, measures)


def _rows(
    study: Study,
    group: str,
    outcomes: Sequence[TrialOutcome],
    columns: Sequence[str],
    measures: Sequence[str],
) -> list[TableRow]:
    finished = [o.val_auroc for o in outcomes if o.state == "finished"]
    known = [figures[name] for figures in finished for name in columns if name in figures]
    low, high = (float(np.quantile(known, _PALEST)), max(known)) if known else (0.0, 1.0)
    may_win = [o.val_auroc for o in outcomes if o.may_win]
    highest = {name: max((f[name] for f in may_win if name in f), default=2.0) for name in columns}
    winner = best(outcomes)

    def figure(outcome: TrialOutcome, name: str) -> TableCell:
        value = outcome.val_auroc.get(name)
        if value is None:
            return TableCell()
        sd = outcome.val_auroc_sd.get(name)
        heat = (value - low) / (high - low) if high > low else 1.0
        return TableCell(
            text=f"{100 * value:.2f}" + ("" if sd is None else f" ± {100 * sd:.2f}"),
            value=value,
            heat=round(min(max(heat, 0.0), 1.0), 2),
            best=outcome.may_win and value == highest[name],
        )

    def parameter(outcome: TrialOutcome, name: str) -> TableCell:
        if name not in outcome.values:
            return TableCell()
        return TableCell(short_value(outcome.values[name]), outcome.values[name])

    return [
        TableRow(
            trial=outcome,
            group=group,
            won=outcome is winner,
            why=_why(outcome, study.epochs),
            figures=[figure(outcome, name) for name in columns],
            parameters=[parameter(outcome, name) for name in study.space],
            health=[
                TableCell(f"{outcome.health[name]:.2f}", outcome.health[name])
                if name in outcome.health
                else TableCell()
                for name in measures
            ],
        )
        for outcome in sorted(outcomes, key=lambda o: (_ORDER[o.state], -o.merit))
    ]


def _why(outcome: TrialOutcome, epochs: int) -> str:
    if outcome.breach:
        return outcome.breach
    if outcome.state == "stopped":
        return f"by {outcome.stopped_by or 'the scheduler'} after {outcome.epochs} of {epochs}"
    return outcome.error or ""
