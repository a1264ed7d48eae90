"""Several objectives: which finished trials are not beaten in all of them, as table and figure."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memgan.fitting_table import Column, FittingTable
from search.journal import TrialOutcome, outcomes_by_group
from search.study import JUDGES, ClassGroup, Study, safe_name

_TITLES: Mapping[str, str] = {
    "val-auroc": "validation AUROC, %",
    "label-free": "AUROC on made anomalies, %",
    "scoring-seconds": "milliseconds an image",
    "address_perplexity": "address perplexity, share of n",
    "mutual_information": "mutual-information loss, share of ln n",
}
_CAPTION = "Finished trials by both objectives; none beats those on the line in both."


@dataclass(frozen=True)
class FrontRow:
    """A trial that no other beats in all objectives."""

    trial: str
    objectives: Mapping[str, float]
    """By name."""
    values: Mapping[str, Any]
    """The searched parameters."""

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "trial": self.trial,
            "objectives": dict(self.objectives),
            "values": dict(self.values),
        }


def fronts(study: Study, groups: Sequence[ClassGroup], journal: Path) -> dict[str, list[FrontRow]]:
    """By group, the front, the best in the first objective first; empty for one objective."""
    return {
        name: [
            FrontRow(o.trial_id, dict(o.objectives), o.values)
            for o in sorted(full, key=lambda o: (-o.objectives[study.judge], o.trial_id))
            if o.trial_id in front
        ]
        for name, full, front in _groups(study, groups, journal)
    }


def write_fronts(
    study: Study, groups: Sequence[ClassGroup], journal: Path, out: Path
) -> dict[str, str]:
    """For every group `pareto.csv`, every finished trial a row, and `figures/pareto.png` in the
    folder `out`; gives the figures' names with their captions. Nothing for one objective."""
    captions = {}
    for name, full, front in _groups(study, groups, journal):
        suffix = "" if len(groups) == 1 else f"-{safe_name(name)}"
        _write_table(out / f"pareto{suffix}.csv", full, front, study.objectives)
        title = f"{study.name}, class {name}" if suffix else study.name
        _draw(out / "figures" / f"pareto{suffix}.png", full, front, study.objectives, title)
        captions[f"pareto{suffix}.png"] = _CAPTION
    return captions


def _groups(
    study: Study, groups: Sequence[ClassGroup], journal: Path
) -> Iterator[tuple[str, list[TrialOutcome], set[str]]]:
    """By group: its name, its finished trials, the ids of those on the front."""
    from search.journal import read_front

    if len(study.objectives) == 1:
        return
    trials = outcomes_by_group(groups, journal)
    for group in groups:
        full = [o for o in trials[group.name] if o.state == "finished"]
        yield group.name, full, read_front(journal, group.prefix)


def front_table(front: Sequence[FrontRow], objectives: Sequence[str]) -> FittingTable:
    """One of `fronts` for a terminal."""
    table = FittingTable(
        "trial",
        *(Column(_TITLES[name], number=True, weight=1) for name in objectives),
        "values",
        title="Pareto front of the finished trials",
    )
    for row in front:
        table.add_row(
            row.trial,
            *(f"{_shown(name, row.objectives[name]):.4g}" for name in objectives),
            ", ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in row.values.items()
            ),
        )
    return table


def _write_table(
    path: Path, full: Sequence[TrialOutcome], front: set[str], objectives: Sequence[str]
) -> None:
    names = sorted({name for o in full for name in o.values})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "on_front", *objectives, *names])
        for o in full:
            own = [o.objectives[name] for name in objectives]
            values = [o.values.get(name, "") for name in names]
            writer.writerow([o.trial_id, o.trial_id in front, *own, *values])


def _draw(
    path: Path,
    full: Sequence[TrialOutcome],
    front: set[str],
    objectives: Sequence[str],
    title: str,
) -> None:
    from matplotlib.figure import Figure

    from memgan.figures import PALETTE, save_figure

    first, second = objectives[:2]
    figure = Figure(figsize=(6.4, 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    on = sorted(
        (_shown(second, o.objectives[second]), _shown(first, o.objectives[first]), o.trial_id)
        for o in full
        if o.trial_id in front
    )
    off = [
        (_shown(second, o.objectives[second]), _shown(first, o.objectives[first]))
        for o in full
        if o.trial_id not in front
    ]
    if off:
        axes.scatter(*zip(*off, strict=True), color="0.6", label="beaten")
    axes.plot(
        [x for x, _, _ in on], [y for _, y, _ in on], "o-", color=PALETTE[0], label="Pareto front"
    )
    for x, y, trial_id in on:
        axes.annotate(trial_id, (x, y), xytext=(4, -11), textcoords="offset points", fontsize=8)
    axes.set(xlabel=_TITLES[second], ylabel=_TITLES[first], title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    save_figure(figure, path)


def _shown(name: str, value: float) -> float:
    """A fraction as percent; seconds for a thousand images are milliseconds an image."""
    return 100 * value if name in JUDGES else value
