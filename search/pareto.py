"""Several objectives: which finished trials are not beaten in all of them, as table and figure."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.groups import ClassGroup, safe_name
from search.objectives import DIRECTIONS, JUDGES
from search.outcome import TrialOutcome
from search.store import StudyFolder
from search.study import Study
from search.trials import read_outcomes

if TYPE_CHECKING:
    from rich.table import Table

_TITLES: Mapping[str, str] = {
    "val-auroc": "validation AUROC, %",
    "label-free": "AUROC on made anomalies, %",
    "scoring-seconds": "milliseconds an image",
}


def pareto_front(outcomes: Sequence[TrialOutcome], objectives: Sequence[str]) -> list[TrialOutcome]:
    """The finished trials that no other beats in one objective and equals in the rest, the best
    in the first objective first."""
    full = [o for o in outcomes if o.state == "finished" and o.objectives]
    points = {o.trial_id: _to_maximise(o, objectives) for o in full}
    front = [
        o for o in full if not any(_beats(other, points[o.trial_id]) for other in points.values())
    ]
    return sorted(front, key=lambda o: (*(-v for v in points[o.trial_id]), o.trial_id))


def fronts(
    study: Study, groups: Sequence[ClassGroup], folder: StudyFolder
) -> dict[str, list[dict[str, Any]]]:
    """By group, the front as plain values: trial, objectives by name, searched parameters. Empty
    for a study of one objective."""
    if len(study.objectives) == 1:
        return {}
    return {
        group.name: [
            {
                "trial": o.trial_id,
                "objectives": {name: o.objectives[name] for name in study.objectives},
                "values": o.values,
            }
            for o in pareto_front(read_outcomes(group, folder), study.objectives)
        ]
        for group in groups
    }


def write_fronts(
    study: Study, groups: Sequence[ClassGroup], folder: StudyFolder, out: Path
) -> list[tuple[Path, str]]:
    """For every group `pareto.csv`, every finished trial a row, and `figures/pareto.png` in the
    export `out`, as (file, its folder in the record). Nothing for a study of one objective."""
    if len(study.objectives) == 1:
        return []
    written = []
    for group in groups:
        suffix = "" if len(groups) == 1 else f"-{safe_name(group.name)}"
        outcomes = read_outcomes(group, folder)
        table, figure = out / f"pareto{suffix}.csv", out / "figures" / f"pareto{suffix}.png"
        front = {o.trial_id for o in pareto_front(outcomes, study.objectives)}
        full = [o for o in outcomes if o.state == "finished" and o.objectives]
        _write_table(table, full, front, study.objectives)
        title = f"{study.name}, class {group.name}" if suffix else study.name
        _draw(figure, full, front, study.objectives, title)
        written += [(table, "export"), (figure, "export/figures")]
    return written


def front_table(front: Sequence[Mapping[str, Any]], objectives: Sequence[str]) -> Table:
    """One of `fronts` for a terminal."""
    from rich.table import Table

    table = Table(title="Pareto front of the finished trials")
    table.add_column("trial")
    for name in objectives:
        table.add_column(_TITLES[name], justify="right")
    table.add_column("values")
    for row in front:
        table.add_row(
            row["trial"],
            *(f"{_shown(name, row['objectives'][name]):.4g}" for name in objectives),
            ", ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in row["values"].items()
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

    from memgan.figures import PALETTE

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
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path)


def _to_maximise(outcome: TrialOutcome, objectives: Sequence[str]) -> tuple[float, ...]:
    return tuple(
        outcome.objectives[name] * (1 if DIRECTIONS[name] == "maximize" else -1)
        for name in objectives
    )


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def _shown(name: str, value: float) -> float:
    """A fraction as percent; seconds for a thousand images are milliseconds an image."""
    return 100 * value if name in JUDGES else value
