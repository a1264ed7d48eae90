"""How the trials of a group of classes ended, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from search.journal import TrialOutcome, TrialsResult
from search.study import Study


def ending(study: Study, result: TrialsResult) -> str:
    """Trials by state, and why there are no more of them: "8 finished; the time is up"."""
    text = ", ".join(f"{count} {state}" for state, count in result.counts().items() if count)
    if result.timed_out:
        return f"{text}; the time is up"
    if size := _points_tried(study, result):
        points = "1 point, and it was" if size == 1 else f"{size} points, and all were"
        return f"{text}; the space has {points} tried"
    return text


def no_winner(
    study: Study, group: str, result: TrialsResult, go_on_command: Callable[..., str]
) -> str:
    """Why a group has no winner, and what to do next.

    go_on_command: gives the command that goes on, with further arguments.
    """
    full = [outcome for outcome in result.outcomes if outcome.state == "finished"]
    advice = _advice(study, result, go_on_command)
    if full:
        return _none_fulfils(group, full, advice)
    errors = [outcome.error for outcome in result.outcomes if outcome.error]
    reason = f"; the first fault: {errors[0]}" if errors else ""
    return f"no trial of {group} trained to the end{reason}; {advice}"


def _advice(study: Study, result: TrialsResult, go_on_command: Callable[..., str]) -> str:
    """What to do about a study without a winner."""
    if _points_tried(study, result):
        return "all points of the space were tried; begin a new study with a wider one"
    if result.timed_out and study.budget.time is not None:
        more = go_on_command("--time-budget", f"{math.ceil(2 * study.budget.time)}s")
        return f"give it more time, such as twice as much: {more}"
    if study.scheduler.name == "pbt":
        return "a population cannot grow once it has begun; begin a new study"
    more = go_on_command("--trials", str(2 * study.budget.trials))
    return f"give it more trials, such as twice as many: {more}"


def _none_fulfils(group: str, full: Sequence[TrialOutcome], advice: str) -> str:
    """Trials saw their full budget, and none keeps to the study's constraints."""
    nearest = min(full, key=lambda o: (sum(o.broken.values()), -(o.mean or 0.0), o.trial_id))
    measures = [bound.partition(" ")[0] for bound in nearest.broken]
    has = ", ".join(
        f"{name} {nearest.health[name]:.2f}" if name in nearest.health else f"no {name}"
        for name in measures
    )
    count = f"none of the {len(full)} finished trials" if len(full) > 1 else "the finished trial"
    verb = "fulfils" if len(full) > 1 else "does not fulfil"
    return (
        f"{count} of {group} {verb} the constraints; the nearest is trial {nearest.trial_id}, which"
        f" breaks {', '.join(nearest.broken)} with {has}; loosen the"
        f" constraints in a new study, or {advice}"
    )


def _points_tried(study: Study, result: TrialsResult) -> int:
    """How many points the space has, once all were tried; 0 before."""
    most = study.budget.trials
    size = study.search_space.size(most + 1)
    ended = len(result.outcomes) - result.counts()["unfinished"]
    return size if size <= most and ended >= size else 0
