from __future__ import annotations

from typing import Any

import pytest

from search.study.schedulers import METRIC, make_scheduler
from search.trials.schedulers import build_scheduler


class _Controller:
    """Tune's, as far as these schedulers look at it."""

    def get_live_trials(self) -> set[Any]:
        return set()


class _Trial:
    """Tune's name for it and the study's own, which schedulers shall go by."""

    def __init__(self, name: str) -> None:
        self.trial_id = f"tunes-{name}"
        self.config = {"trial_id": name}


def _reports(scheduler: Any, curves: dict[str, list[float]]) -> dict[str, int]:
    """Epochs that each trial sees when two at a time report in turn."""
    scheduler.set_search_properties(METRIC, "max")
    waiting = list(curves)
    running: list[tuple[_Trial, int]] = []
    seen: dict[str, int] = {}
    while waiting or running:
        while waiting and len(running) < 2:
            trial = _Trial(waiting[0])
            scheduler.on_trial_add(_Controller(), trial)
            running.append((trial, 0))
            waiting.pop(0)
        trial, epoch = running.pop(0)
        name = trial.config["trial_id"]
        result = {"epoch": epoch + 1, METRIC: curves[name][epoch]}
        seen[name] = epoch + 1
        decision = scheduler.on_trial_result(_Controller(), trial, result)
        if decision == "STOP" or epoch + 1 == len(curves[name]):
            scheduler.on_trial_complete(_Controller(), trial, result)
        else:
            running.append((trial, epoch + 1))
    return seen


# Twelve trials of twenty epochs, every third one good: the default study's shape.
CURVES = {f"{n:04d}": [(0.9 if n % 3 == 0 else 0.5) - n / 1000] * 20 for n in range(12)}


@pytest.mark.parametrize("name", ["asha", "hyperband", "median"])
def test_poor_trials_are_stopped_at_two_at_a_time(name: str) -> None:
    options = {"name": name, "grace_epochs": 4}
    seen = _reports(build_scheduler(make_scheduler(options), epochs=20), CURVES)
    stopped = [trial for trial, epochs in seen.items() if epochs < 20]
    assert len(stopped) >= 3
    assert seen["0000"] == 20
    assert all(epochs >= 4 for epochs in seen.values())


def test_none_stops_nobody() -> None:
    seen = _reports(build_scheduler(make_scheduler("none"), epochs=20), CURVES)
    assert set(seen.values()) == {20}


@pytest.mark.parametrize("name", ["asha", "hyperband"])
def test_a_resumed_search_judges_by_the_trials_before_it(name: str) -> None:
    config = make_scheduler({"name": name, "grace_epochs": 4, "reduction_factor": 3})
    weak = {f"{n:04d}": [0.3] * 20 for n in range(8, 12)}
    good = [(f"{n:04d}", dict.fromkeys(range(1, 21), 0.9)) for n in range(8)]
    without = _reports(build_scheduler(config, epochs=20), weak)
    remembered = _reports(build_scheduler(config, epochs=20, history=good), weak)
    assert set(without.values()) == {20}
    assert all(epochs < 20 for epochs in remembered.values())


def test_a_trial_is_judged_once_at_a_rung_also_when_resumed_past_it() -> None:
    config = make_scheduler({"name": "asha", "grace_epochs": 4, "reduction_factor": 3})
    history = [("0000", dict.fromkeys(range(1, 8), 0.5))]
    scheduler: Any = build_scheduler(config, epochs=20, history=history)
    _reports(scheduler, {"0000": [0.5] * 20})
    rungs = scheduler._brackets[0]._rungs
    assert [sorted(recorded) for _, recorded in rungs] == [["0000"], ["0000"]]


def test_grace_longer_than_the_training_stops_nobody() -> None:
    config = make_scheduler({"name": "asha", "grace_epochs": 9})
    curves = {name: curve[:3] for name, curve in CURVES.items()}
    assert set(_reports(build_scheduler(config, epochs=3), curves).values()) == {3}
