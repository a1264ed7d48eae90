"""Best so far: how good each trial was, and the best of those that saw their full budget.

Optuna's picture of the same leaves out stopped trials and slants from one best to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from memgan.figures import ANOMALY, NORMAL, panels, plain_axes, short
from search.journal import TrialOutcome

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_CUT = 0.3
"""How far below the worst finished trial the picture goes, in spreads of finished trials."""


def history_figure(groups: Mapping[str, Sequence[TrialOutcome]], title: str) -> Figure:
    """A panel a group of classes; trials in the order they were begun."""
    if len(groups) == 1:
        figure = Figure(figsize=(7.4, 4.2), layout="constrained")
        figure.suptitle(title, fontsize=10)
        grid = [figure.subplots()]
    else:
        figure, grid = panels(len(groups), title, columns=5, size=2.1)
    for axes, (name, outcomes) in zip(grid, groups.items(), strict=True):
        _draw(axes, outcomes)
        if len(groups) > 1:
            axes.set_title(short(name), fontsize=9)
    known: dict[str, Artist] = {}
    for axes in grid:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    figure.legend(
        list(known.values()),
        list(known),
        loc="outside lower center",
        ncols=5,
        frameon=False,
        fontsize=9,
    )
    figure.supylabel("validation AUROC, %", fontsize=9)
    return figure


def _draw(axes: Axes, outcomes: Sequence[TrialOutcome]) -> None:
    finished = {n: 100 * (o.mean or 0) for n, o in enumerate(outcomes) if o.state == "finished"}
    stopped = {
        n: 100 * o.mean
        for n, o in enumerate(outcomes)
        if o.state == "stopped" and o.mean is not None
    }
    failed = [n for n, o in enumerate(outcomes) if o.state == "failed"]
    values = list(finished.values()) or list(stopped.values()) or [0.0, 100.0]
    spread = max(max(values) - min(values), 0.5)
    bottom = min(values) - _CUT * spread
    inside = {n: value for n, value in stopped.items() if value >= bottom}
    below = [n for n in stopped if n not in inside]
    if finished:
        fulfilling = {n: value for n, value in finished.items() if not outcomes[n].broken}
        if fulfilling:
            best = np.maximum.accumulate(list(fulfilling.values()))
            steps = [*fulfilling, len(outcomes) - 1]
            line = axes.step(steps, [*best, best[-1]], where="post", color=NORMAL, linewidth=1.5)
            line[0].set_label("best so far")
        axes.scatter(list(finished), list(finished.values()), s=18, color=NORMAL, label="finished")
    if stopped:
        axes.scatter(
            list(inside),
            list(inside.values()),
            s=18,
            facecolor="white",
            edgecolor="0.45",
            label="stopped early" if inside else None,
        )
    edge = bottom - 0.08 * spread
    axes.scatter(
        below,
        [edge] * len(below),
        s=18,
        marker="v",
        facecolor="white",
        edgecolor="0.45",
        label="stopped, below the picture" if below else None,
    )
    axes.scatter(
        failed,
        [edge] * len(failed),
        s=20,
        marker="x",
        color=ANOMALY,
        label="failed" if failed else None,
    )
    axes.set_ylim(edge - 0.08 * spread, min(max(values) + 0.15 * spread, 100 + 0.03 * spread))
    axes.set_xlim(-0.5, max(len(outcomes) - 0.5, 0.5))
    axes.set_xlabel("trial", fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    plain_axes(axes)
