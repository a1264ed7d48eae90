"""Parallel coordinates: every trial a line through its values to its AUROC.

Optuna's picture of the same shows the place in a list for the value (our ordered lists are stored
so), leaves out stopped trials, and cannot be read with more than a few parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from memgan.figures import ANOMALY, NORMAL, short
from search.journal import TrialOutcome, best
from search.study import Choice, Entry, Ordered, Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNSET = -0.13
"""Where a line passes that has no value: a parameter whose condition did not hold."""
_MOST_LABELS = 8
_MOST_UPRIGHT = 5
"""Axes whose names have room side by side."""
_WORST_TO_BEST = LinearSegmentedColormap.from_list("worst to best", ["#D7E3EC", NORMAL])


@dataclass(frozen=True)
class _Axis:
    """One vertical line: where values stand on it, 0 to 1, and what is written beside it."""

    name: str
    places: Mapping[Any, float] | None
    low: float
    high: float
    log: bool

    def place(self, value: Any) -> float:
        if value is None:
            return _UNSET
        if self.places is not None:
            return self.places.get(value, _UNSET)
        low, high, at = (
            (math.log(v) for v in (self.low, self.high, value))
            if self.log
            else (self.low, self.high, value)
        )
        return (at - low) / (high - low) if high > low else 0.5

    def labels(self) -> dict[str, float]:
        if self.places is None:
            return {f"{self.low:.4g}": 0.0, f"{self.high:.4g}": 1.0}
        every = math.ceil(len(self.places) / _MOST_LABELS)
        named = {
            short(f"{value:.4g}" if isinstance(value, float) else str(value), 16): place
            for value, place in self.places.items()
        }
        return dict(list(named.items())[::every])


def parallel_figure(
    groups: Mapping[str, Sequence[TrialOutcome]], space: Mapping[str, Entry], title: str
) -> Figure:
    """Trials of all groups in one picture, the darker the better within their group."""
    ended = {
        name: [o for o in outcomes if o.mean is not None and o.state in ("finished", "stopped")]
        for name, outcomes in groups.items()
    }
    means = [100 * (o.mean or 0.0) for outcomes in ended.values() for o in outcomes]
    axes_of = [*(_axis(name, entry) for name, entry in space.items()), _result_axis(means)]
    figure = Figure(figsize=(max(7.4, 0.95 * len(axes_of) + 1.2), 5.0), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots()
    for outcomes in ended.values():
        _draw_group(axes, axes_of, outcomes)
    _draw_axes(axes, axes_of, unset=_some_unset(ended, space))
    return figure


def _axis(name: str, entry: Entry) -> _Axis:
    if isinstance(entry, Range):
        return _Axis(name, None, float(entry.low), float(entry.high), entry.log)
    assert isinstance(entry, Ordered | Choice)
    values = entry.values if isinstance(entry, Ordered) else entry.choice
    last = max(len(values) - 1, 1)
    return _Axis(name, {value: n / last for n, value in enumerate(values)}, 0, 1, False)


def _result_axis(means: Sequence[float]) -> _Axis:
    return _Axis("validation AUROC, %", None, min(means), max(means), False)


def _draw_group(axes: Axes, axes_of: Sequence[_Axis], outcomes: Sequence[TrialOutcome]) -> None:
    finished = sorted(
        (o for o in outcomes if o.state == "finished"), key=lambda outcome: outcome.mean or 0.0
    )
    stopped = [o for o in outcomes if o.state == "stopped"]
    axes.add_collection(
        LineCollection(_lines(axes_of, stopped), colors="0.65", linewidths=0.7, linestyles="dotted")
    )
    last = max(len(finished) - 1, 1)
    colors = [_WORST_TO_BEST(number / last) for number in range(len(finished))]
    axes.add_collection(LineCollection(_lines(axes_of, finished), colors=colors, linewidths=1.1))
    if (winner := best(outcomes)) is not None:
        axes.add_collection(
            LineCollection(_lines(axes_of, [winner]), colors=ANOMALY, linewidths=2.2)
        )


def _lines(
    axes_of: Sequence[_Axis], outcomes: Sequence[TrialOutcome]
) -> list[list[tuple[float, float]]]:
    *parameters, result = axes_of
    return [
        [
            *((x, axis.place(o.values.get(axis.name))) for x, axis in enumerate(parameters)),
            (len(parameters), result.place(100 * (o.mean or 0.0))),
        ]
        for o in outcomes
    ]


def _draw_axes(axes: Axes, axes_of: Sequence[_Axis], *, unset: bool) -> None:
    for x, axis in enumerate(axes_of):
        axes.plot([x, x], [0, 1], color="0.3", linewidth=0.9, zorder=1)
        for label, y in axis.labels().items():
            axes.text(
                x + 0.04,
                y,
                label,
                fontsize=7,
                va="center",
                zorder=5,
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
            )
    if unset:
        axes.text(-0.1, _UNSET, "not set", fontsize=7, va="center", ha="right", color="0.4")
    names = [short(axis.name, 34) + (" (log)" if axis.log else "") for axis in axes_of]
    axes.set_xticks(range(len(axes_of)), names, fontsize=8)
    if len(axes_of) > _MOST_UPRIGHT:
        for written in axes.get_xticklabels():
            written.set(rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.3, len(axes_of) - 0.45)
    axes.set_ylim(_UNSET - 0.05 if unset else -0.05, 1.05)


def _some_unset(ended: Mapping[str, Sequence[TrialOutcome]], space: Mapping[str, Entry]) -> bool:
    return any(
        name not in outcome.values
        for outcomes in ended.values()
        for outcome in outcomes
        for name in space
    )
