"""How far a study is: one account, whether the search itself tells it or another terminal asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memgan.data import trainings_of_final
from memgan.text import clock
from search.journal import TrialOutcome, best
from search.study import Study

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table


_BAR = 20
"""Terminal columns of a bar."""
_EXPORT_SECONDS, _EXPORT_SECONDS_A_CLASS = 10.0, 1.0
"""Figures and reports; bundles, of which each has an ONNX model. The detector hardly matters."""
STATE_WORDS = {"in_training": "in training", "to_come": "to come"}
"""States of trials in words, where these are not the states' own names."""


@dataclass(frozen=True)
class Standing:
    """A study's trials in figures."""

    trials: int
    """The whole budget, all groups together."""
    counts: dict[str, int]
    """finished, stopped, failed; in_training, where it runs; to_come: all others."""
    bests: dict[str, TrialOutcome]
    """The best trial of every group that has one, by the group's name ("all" when shared)."""
    seconds: float
    """Searched so far, over all invocations."""
    seconds_left: float | None
    """To the end of the study, finals and export among it, by the pace so far, early stops
    included; None before the first trial ended, and once the study is done."""
    seconds_after_trials: float | None
    """What finals and export will take, by the pace so far; None before the first epoch."""
    trials_a_minute: float
    epochs_a_minute: float
    cost: float | None
    """The cost of the seconds, by the price an hour; None without a price."""
    cost_in_all: float | None

    @property
    def ended(self) -> int:
        """Trials that have ended."""
        return sum(self.counts[state] for state in ("finished", "stopped", "failed"))

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "counts": self.counts,
            "bests": {
                group: {"trial": o.trial_id, "val_auroc": o.val_auroc, "values": o.values}
                for group, o in self.bests.items()
            },
            "seconds": round(self.seconds, 1),
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 1),
            "seconds_after_trials": (
                None if self.seconds_after_trials is None else round(self.seconds_after_trials, 1)
            ),
            "trials_a_minute": self.trials_a_minute,
            "epochs_a_minute": self.epochs_a_minute,
            "cost": self.cost,
            "cost_in_all": self.cost_in_all,
        }


def standing(
    study: Study,
    groups: Mapping[str, Sequence[TrialOutcome]],
    seconds: float,
    in_training: frozenset[str] | set[str],
    *,
    concluded: bool = False,
) -> Standing:
    """The standing of trials by their groups' names; in_training: ids of those being trained;
    concluded: whether finals and export are done too."""
    outcomes = [outcome for group in groups.values() for outcome in group]
    trials = study.most_trials * max(1, len(groups))
    counts = dict.fromkeys(("finished", "stopped", "failed", "in_training", "to_come"), 0)
    for outcome in outcomes:
        if outcome.state != "unfinished":
            counts[outcome.state] += 1
        elif outcome.trial_id in in_training:
            counts["in_training"] += 1
    counts["to_come"] = max(0, trials - sum(counts.values()))
    ended = counts["finished"] + counts["stopped"] + counts["failed"]
    in_part = sum(o.epochs / study.epochs for o in outcomes if o.state == "unfinished")
    left = None
    if ended:
        left = max(0.0, trials - ended - in_part) * seconds / (ended + in_part)
    if left is not None and study.budget.time is not None:
        left = max(0.0, min(left, study.budget.time - seconds))
    after = None if concluded else _seconds_after_trials(study, groups, seconds)
    if left is not None:
        left = None if concluded else left + (after or 0.0)
    minutes = seconds / 60 or float("inf")
    price = study.resources.price_per_hour
    bests = {name: found for name, of_group in groups.items() if (found := best(of_group))}
    return Standing(
        trials=trials,
        counts=counts,
        bests=bests,
        seconds=seconds,
        seconds_left=left,
        seconds_after_trials=after,
        trials_a_minute=ended / minutes,
        epochs_a_minute=sum(outcome.epochs for outcome in outcomes) / minutes,
        cost=None if price is None else price * seconds / 3600,
        cost_in_all=None if price is None or left is None else price * (seconds + left) / 3600,
    )


def budget_spent(
    study: Study, groups: Mapping[str, Sequence[TrialOutcome]], seconds: float
) -> bool:
    """Whether no more trials are wanted: all have ended, or the time is up."""
    ended = sum(outcome.state != "unfinished" for of in groups.values() for outcome in of)
    is_up = study.budget.time is not None and seconds >= study.budget.time
    return is_up or ended >= study.most_trials * max(1, len(groups))


def _seconds_after_trials(
    study: Study, groups: Mapping[str, Sequence[TrialOutcome]], seconds: float
) -> float | None:
    """What finals and export will take: a seed of all classes is trained as long as a trial of
    full length, or several times that where finals are calibrated by cross-fitting."""
    outcomes = [outcome for group in groups.values() for outcome in group]
    epochs = sum(outcome.epochs for outcome in outcomes)
    if not epochs:
        return None
    trainings = study.final.seeds * max(1, len(groups)) * trainings_of_final(study.data)
    finals = trainings * study.epochs * seconds / epochs
    classes = sum(
        max((len(o.val_auroc.keys() - {"mean"}) for o in of_group), default=0)
        for of_group in groups.values()
    )
    return finals + export_seconds(classes)


def export_seconds(classes: int) -> float:
    """What an export of so many classes takes on a machine of two cores, about."""
    return _EXPORT_SECONDS + _EXPORT_SECONDS_A_CLASS * classes


def standing_table(study: Study, now: Standing) -> RenderableType:
    """The standing for a terminal."""
    from rich.console import Group

    left = "" if now.seconds_left is None else f", about {clock(now.seconds_left)} left with finals"
    progress = f"{now.ended} of {now.trials} trials, {clock(now.seconds)} so far{left}"
    head = _Head(study.name, now, progress)
    body = _grid(2)
    shown = [f"{n} {STATE_WORDS.get(state, state)}" for state, n in now.counts.items() if n]
    body.add_row("trials", ", ".join(shown))
    for group, trial in now.bests.items():
        label = "best" if group == "all" else f"best {group}"
        values = ", ".join(f"{key} {short(value)}" for key, value in trial.values.items())
        body.add_row(label, f"{_percent(trial.mean)} (trial {trial.trial_id}): {values}")
        if len(classes := [name for name in trial.val_auroc if name != "mean"]) > 1:
            by_class = [f"{name} {_percent(trial.val_auroc[name])}" for name in classes]
            body.add_row("by class", ", ".join(by_class))
    pace = f"{now.trials_a_minute:.3g} trials, {now.epochs_a_minute:.3g} epochs a minute"
    body.add_row("pace", pace)
    if now.cost is not None:
        in_all = "" if now.cost_in_all is None else f", about {now.cost_in_all:.2f} in all"
        price = f"{study.resources.price_per_hour:g} an hour"
        body.add_row("cost", f"{now.cost:.2f} so far{in_all}, at {price}")
    return Group(head, body)


@dataclass(frozen=True)
class _Head:
    """A study's name, how far it is as a bar, and in words: beside each other where there is
    room, else below each other without the bar."""

    name: str
    now: Standing
    words: str

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        if len(self.name) + _BAR + len(self.words) + 6 > options.max_width:
            yield Text(self.name, overflow="fold")
            yield Text(self.words, overflow="fold")
            return
        head = _grid(3)
        bar = ProgressBar(total=self.now.trials, completed=self.now.ended, width=_BAR)
        head.add_row(self.name, bar, self.words)
        yield head


def _grid(columns: int) -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for _ in range(columns):
        grid.add_column(overflow="fold")
    return grid


def short(value: Any) -> str:
    """A value of the space, to be read."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"
