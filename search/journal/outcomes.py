"""What became of a trial, and which trial won."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from search.study import DIRECTIONS, JUDGES

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

State = Literal["finished", "stopped", "failed", "unfinished"]

MORE_ROOM = 2
"""How many times its share a trial gets that ran out of memory."""


@dataclass(frozen=True)
class TrialOutcome:
    """One trial, as the study's journal has it."""

    trial_id: str
    state: State
    """finished: saw its full budget. stopped: early, by scheduler or time. failed: see `error`.
    unfinished: cut off; goes on when the study is resumed."""
    values: dict[str, Any]
    """The searched parameters, as its weights began with them."""
    epochs: int
    """Epochs done."""
    val_auroc: dict[str, float]
    """0 to 1 after the last epoch, by normal class, with "mean"; empty before the first."""
    made_auroc: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of a finished trial that made anomalies judge: 0 to 1 by their kind, then by normal class,
    with "mean"."""
    val_auroc_sd: dict[str, float] = field(default_factory=dict)
    """The standard deviation of `val_auroc` over the trial's seeds; empty for one seed."""
    schedule: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Parameters that changed in training, by the epoch from which they hold."""
    objectives: dict[str, float] = field(default_factory=dict)
    """Of a finished trial by name, where the study has several."""
    health: dict[str, float] = field(default_factory=dict)
    """Measures of memory and game after the last epoch, means over the classes."""
    broken: dict[str, float] = field(default_factory=dict)
    """Bounds of the study's constraints that it does not fulfil, and how far it is beyond each."""
    error: str | None = None
    stopped_by: str | None = None
    checkpoint: str | None = None
    """The folder of the newest complete checkpoint, holding `training.pt`; as `checkpoints.stored`
    reads it."""
    in_training: bool = False
    """Unfinished, and handed out to be trained; true where the study runs, stale where it died."""

    @property
    def may_win(self) -> bool:
        """Whether it saw its full budget, was judged, and fulfils the study's constraints."""
        return self.state == "finished" and self.mean is not None and not self.broken

    @property
    def breach(self) -> str:
        """Which constraints a finished trial does not fulfil, in words; empty where none."""
        names = ", ".join(self.broken) if self.state == "finished" else ""
        return f"breaks {names}" if names else ""

    @property
    def mean(self) -> float | None:
        """The objective, or None before the first epoch."""
        return self.val_auroc.get("mean")

    @property
    def merit(self) -> float:
        """What trials are ordered by: the objective, or less than any for one that does not fulfil
        the study's constraints."""
        return merit(self.mean or 0.0, fulfils=not self.broken)


@dataclass(frozen=True)
class TrialsResult:
    """All trials of one group of classes so far, earlier invocations included."""

    outcomes: tuple[TrialOutcome, ...]
    interrupted: bool = False
    """By SIGINT or SIGTERM."""
    timed_out: bool = False

    @property
    def best(self) -> TrialOutcome | None:
        """The winner, or None where no trial saw its full budget and fulfils the constraints."""
        return best(self.outcomes)

    def counts(self) -> dict[str, int]:
        """Trials by state, zeros included."""
        found = dict.fromkeys(("finished", "stopped", "failed", "unfinished"), 0)
        for outcome in self.outcomes:
            found[outcome.state] += 1
        return found


def merit(mean: float, *, fulfils: bool) -> float:
    """AUROC from 0 to 1 of a trial that fulfils all constraints; from −1 to 0 of one that does
    not."""
    return mean if fulfils else mean - 1.0


def best(outcomes: Iterable[TrialOutcome]) -> TrialOutcome | None:
    """The highest mean among trials that saw their full budget and fulfil the study's constraints;
    of equals the better in other objectives, then the earlier trial."""
    return min((o for o in outcomes if o.may_win), key=_rank, default=None)


def _rank(outcome: TrialOutcome) -> tuple[float | str, ...]:
    others = [
        -value if DIRECTIONS[name] == "maximize" else value
        for name, value in outcome.objectives.items()
        if name not in JUDGES
    ]
    return (-(outcome.mean or 0.0), *others, outcome.trial_id)


_STATES: Mapping[str, State] = {
    "COMPLETE": "finished",
    "PRUNED": "stopped",
    "FAIL": "failed",
    "RUNNING": "unfinished",
    "WAITING": "unfinished",
}


def outcome_of(trial: FrozenTrial, prefix: str, heir: dict[str, Any] | None) -> TrialOutcome:
    """What became of a trial of Optuna's. prefix: of its group. heir: what it goes on with, if it
    gave way in a population."""
    notes = trial.user_attrs
    steps = trial.intermediate_values
    last = {"mean": steps[max(steps)]} if steps else {}
    return TrialOutcome(
        trial_id=f"{prefix}{trial.number:04d}",
        state=_STATES[trial.state.name],
        values=dict(heir["stages"][0]["values"] if heir else notes["values"]),
        schedule={s["epoch"]: dict(s["changes"]) for s in heir["stages"][1:]} if heir else {},
        epochs=max(steps, default=0),
        val_auroc=dict(notes.get("val_auroc", last)),
        made_auroc=dict(notes.get("made_auroc", {})),
        val_auroc_sd=dict(notes.get("val_auroc_sd", {})),
        error=notes.get("error"),
        stopped_by=notes.get("stopped_by"),
        checkpoint=notes.get("checkpoint"),
        objectives=dict(notes.get("objectives", {})),
        health=dict(notes.get("health", {})),
        broken=dict(notes.get("broken", {})),
        in_training=trial.state.name == "RUNNING",
    )
