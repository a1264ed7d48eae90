"""What a trial costs beside its training: bare Ray Tune and ours, with trials that do nothing.

Both use the same Optuna sampler and ASHA, two trials at a time, on one local Ray:

    python benchmarks/scheduling.py --trials 300 --out benchmarks/results/scheduling-300.json

Seconds are wall time of the driver. "suggest" is the time inside the searcher (of ours: sampler and
journal), "scheduler" inside on_trial_result, "journal" and "record" what ours writes of a trial;
"tune" is all the rest, waiting for trials included. The record's writer, a process of its own, runs
beside "ours", on the same cores; "without_writer" is the same with the record left in the outbox.
What the writer has still to deliver when the last trial ends, and how long that takes, is
"record_behind": no trial waits for it, so it counts for none.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from memgan.files import begins_with, check_output
from memgan.machine import machine, versions
from search.journal import build_sampler
from search.ray import connect
from search.results import StudyFolder
from search.study import ClassGroup, Space, Study
from search.trials import search_groups
from tracking import Outbox, Record, StudyFacts, resolve, start_writer

GROUP = ClassGroup("all", ("0",), "")
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "memory_units": [10, 20, 40, 80],
    "memory_dim": {"low": 8, "high": 64, "step": 8},
}


class Clock:
    """Seconds spent inside functions, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside: list[str] = []

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, whose time counts for `name` and no longer for what it is called from."""

        def call(*values: Any, **named: Any) -> Any:
            started = time.perf_counter()
            self._inside.append(name)
            try:
                return function(*values, **named)
            finally:
                self._inside.pop()
                spent = time.perf_counter() - started
                self.seconds[name] += spent
                if self._inside:
                    self.seconds[self._inside[-1]] -= spent

        return call

    def time_methods(self, name: str, target: Any, *methods: str) -> None:
        for method in methods:
            setattr(target, method, self.timed(name, getattr(target, method)))


class Course:
    """Seconds and the driver's memory as trials end."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._started = time.perf_counter()
        self.ended = 0
        self.points: list[dict[str, float]] = []
        self.behind: dict[str, float] | None = None

    def note(self) -> None:
        self.ended += 1
        if self.ended % self._every == 0:
            now = round(time.perf_counter() - self._started, 2)
            self.points.append({"trials": self.ended, "seconds": now, "driver_mb": _memory_mb()})


def do_nothing(config: dict[str, Any]) -> None:
    from ray import tune

    mean = config.get("learning_rate") or config["values"]["learning_rate"]
    tune.report(
        {
            "epoch": 1,
            "val_auroc": {"0": mean, "mean": mean},
            "losses": {"cycle": 1.0},
            "seconds": 0.0,
            "images_per_second": 0.0,
            "peak_memory_mb": 0.0,
            "gpu_memory_mb": 0.0,
        }
    )


def _suggest(trial: Any) -> None:
    # Not inside `bare`, as Tune pickles it.
    _space().suggest(trial)


@cache
def _space() -> Space:
    return _study(1).search_space


def bare(trials: int, folder: Path, course: Course) -> dict[str, float]:
    """Ray Tune with its own OptunaSearch."""
    import optuna
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    study = _study(trials)
    clock = Clock()

    class Note(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            course.note()

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = build_sampler(study.sampler, seed=0, number=0, trials=trials, conditional=False)
    searcher = OptunaSearch(_suggest, sampler=sampler, metric="val_auroc/mean", mode="max")
    scheduler = ASHAScheduler("epoch", max_t=1, grace_period=1, reduction_factor=3)
    # Of the classes, as Tune pickles both objects.
    clock.time_methods("suggest", OptunaSearch, "suggest", "on_trial_result", "on_trial_complete")
    clock.time_methods("scheduler", ASHAScheduler, "on_trial_result")
    tuner = tune.Tuner(
        tune.with_resources(do_nothing, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            metric="val_auroc/mean",
            mode="max",
            search_alg=searcher,
            scheduler=scheduler,
            num_samples=trials,
            max_concurrent_trials=2,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=str(folder), callbacks=[Note()], verbose=0),
    )
    clock.timed("tune", tuner.fit)()
    return dict(clock.seconds)


def without_writer(trials: int, folder: Path, course: Course) -> dict[str, float]:
    """`ours`, whose record stays in the outbox: what only the driver costs."""
    return ours(trials, folder, course, deliver=False)


def ours(trials: int, folder: Path, course: Course, *, deliver: bool = True) -> dict[str, float]:
    """The trial loop as `memgan search` runs it, with its journal, record and writer."""
    from search.journal import journal
    from search.trials import rungs, searcher

    study = _study(trials)
    place = StudyFolder(folder, study.name)
    place.create(study)
    facts = StudyFacts(
        study_id=place.study_id,
        name=study.name,
        dataset="none",
        detector="memgan",
        protocol="shared",
        split_hash="none",
    )
    record = Record(Outbox(place.outbox), facts)
    clock = Clock()
    tell = ("trial_started", "trial_epoch", "trial_ended", "study_best")
    clock.time_methods("record", record, *tell)
    note = ("epoch", "checkpointed", "finished", "stopped", "failed")
    clock.time_methods("journal", journal.Journal, *note)
    clock.time_methods("suggest", searcher.JournalSearcher, "suggest")
    clock.time_methods("scheduler", rungs.ByGroup, "on_trial_result")

    class Count:
        def __getattr__(self, event: str) -> Any:
            return lambda *values: course.note() if event == "trial_ended" else None

    location = resolve(None, folder)
    with place.lock():
        writer = None
        if deliver:
            writer = start_writer(place.outbox, location.uri, study.name, location.artifact_root)
        try:
            if writer:
                writer.wait_ready()
            record.study_started({})
            run = clock.timed("tune", search_groups)
            run(study, [GROUP], lambda chosen: do_nothing, place, [record, Count()])
            record.study_ended("FINISHED")
        finally:
            if writer:
                course.behind = {"events": record.outbox.count_waiting()}
                began = time.perf_counter()
                left = writer.drain(300.0)
                course.behind |= {"seconds": time.perf_counter() - began, "lost": left}
    return dict(clock.seconds)


def _study(trials: int) -> Study:
    return Study.model_validate(
        {
            "name": "nothing",
            "space": SPACE,
            "fixed": {"epochs": 1},
            "budget": {"trials": trials},
            "scheduler": {"name": "asha", "grace_epochs": 1},
            "resources": {"device": "cpu", "max_concurrent": 2},
        }
    )


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def _measure(what: Callable[[int, Path, Course], dict[str, float]], trials: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        course = Course(max(1, trials // 10))
        started = time.perf_counter()
        parts = what(trials, Path(folder), course)
        seconds = sum(parts.values())
        whole = time.perf_counter() - started
    return {
        "seconds_a_trial": round(seconds / trials, 4),
        "parts_ms_a_trial": {k: round(1000 * v / trials, 2) for k, v in parts.items()},
        "with_start_and_end_s": round(whole, 1),
        **({"record_behind": course.behind} if course.behind else {}),
        "course": course.points,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out:
        check_output(options.out, begins_with('{\n "trials"'))
    with connect("local", cpus=2):
        for what in (
            bare,
            without_writer,
            ours,
        ):  # Imports and first workers are paid for by nobody.
            with tempfile.TemporaryDirectory() as folder:
                what(4, Path(folder), Course(4))
        found = {
            what.__name__: _measure(what, options.trials) for what in (bare, without_writer, ours)
        }
    ratios = {
        name: round(found[name]["seconds_a_trial"] / found["bare"]["seconds_a_trial"], 2)
        for name in ("without_writer", "ours")
    }
    document = {
        "trials": options.trials,
        "ratios": ratios,
        **found,
        "machine": machine(),
        "versions": versions(),
        "command": f"python benchmarks/scheduling.py --trials {options.trials}",
    }
    print(json.dumps(document, indent=1))
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
