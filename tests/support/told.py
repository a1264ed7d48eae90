"""A study as a driver tells it, and what a store must have of it in the end, each thing once.

As a program it is that driver: it tells a study through a real writer, says every step on
standard output once it has told it, and how long it was held up by all of them together.

    python tests/support/told.py '{"outbox": …, "uri": …, "name": …, "study_id": …, …}'
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracking import names
from tracking.facts import StudyFacts, TrialEpoch
from tracking.outbox.outbox import EXPERIMENT, Outbox
from tracking.outbox.record import Record

FACTS = StudyFacts(
    study_id="7f3a",
    name="digits",
    dataset="digits",
    detector="memgan",
    protocol="shared",
    split_hash="abc",
    git_commit="c0ffee",
)


EPOCHS = 8
"""Of a trial that a driver tells."""


class Told:
    """Tells steps of a study, and remembers what must come of them.

    silent: only remembers, for steps that another process has told. blocked: seconds in the
    record's methods, all together. calls: how many there were.
    """

    def __init__(
        self, name: str, folder: Path, *, study_id: str | None = None, silent: bool = False
    ) -> None:
        self.name = name
        self.outbox = Outbox(folder / name / "outbox.db")
        self.outbox.check()
        self.outbox.set_fact(EXPERIMENT, name)
        study_id = study_id or uuid.uuid4().hex
        self.record = Record(
            self.outbox, FACTS.model_copy(update={"name": name, "study_id": study_id})
        )
        self.silent = silent
        self.blocked = 0.0
        self.calls = 0
        self.statuses: dict[str, str] = {}
        self.epochs: dict[str, int] = {}
        self.files: dict[str, set[str]] = {}

    def _tell(self, method: Callable[..., None], *values: Any) -> None:
        if not self.silent:
            began = time.monotonic()
            method(*values)
            self.blocked += time.monotonic() - began
            self.calls += 1

    def start(self) -> None:
        self._tell(self.record.study_started, {"trials": 4})
        self.statuses[self.record.study_key] = "RUNNING"

    def end(self) -> None:
        self._tell(self.record.study_ended, "FINISHED")
        for key, status in self.statuses.items():
            if status == "RUNNING":
                self.statuses[key] = "KILLED"
        self.statuses[self.record.study_key] = "FINISHED"

    def start_trial(self, trial_id: str) -> None:
        params = {"learning_rate": 0.001, "memory_units": 25}
        self._tell(self.record.trial_started, trial_id, params, "all")
        self.statuses[self.record.trial_key(trial_id)] = "RUNNING"

    def epoch(self, trial_id: str) -> None:
        key = self.record.trial_key(trial_id)
        epoch = self.epochs[key] = self.epochs.get(key, 0) + 1
        aurocs, losses = {"0": epoch / 1000, "1": 0.5}, {"cycle": 1 / epoch}
        event = TrialEpoch(trial_id, epoch, aurocs, losses, 0.5, 900.0, 120.0)
        self._tell(self.record.trial_epoch, event)

    def end_trial(self, trial_id: str) -> None:
        self._tell(self.record.trial_ended, trial_id, "FINISHED")
        self.statuses[self.record.trial_key(trial_id)] = "FINISHED"

    def trial(self, trial_id: str, epochs: int = 3) -> None:
        self.start_trial(trial_id)
        for _ in range(epochs):
            self.epoch(trial_id)
        self.end_trial(trial_id)

    def artifact(self, trial_id: str | None, file: str, size: int = 1000) -> None:
        """A file of a trial, or of the study."""
        key = self.record.study_key if trial_id is None else self.record.trial_key(trial_id)
        # Beside the results, whose disk may be full.
        path = self.outbox.path.parents[3] / f"{self.name}-{file}"
        if not self.silent:
            path.write_bytes(b"x" * size)
        self._tell(self.record.artifact, key, path, "figures")
        self.files.setdefault(key, set()).add(f"figures/{path.name}")

    def replay(self, output: str) -> dict[str, Any]:
        """Remember the steps that a driver's output names; gives the last line of it."""
        last: dict[str, Any] = {}
        for line in output.splitlines():
            said = json.loads(line)
            if isinstance(said, list):
                getattr(self, said[0])(*said[1:])
            else:
                last = said
        return last

    def assert_arrived(self, uri: str) -> None:
        """Every run, status, metric and artifact is there, and each of them once."""
        from mlflow import MlflowClient

        from tracking.stores.mlflow_tracker import MlflowTracker

        assert self.outbox.count_waiting() == 0
        assert self.outbox.refused() == []
        tracker, client = MlflowTracker(uri), MlflowClient(uri)
        experiment = client.get_experiment_by_name(self.name)
        runs = client.search_runs([experiment.experiment_id])
        by_key = {run.data.tags[names.RUN_KEY]: run for run in runs}
        assert len(runs) == len(by_key) == len(self.statuses)
        assert {key: run.info.status for key, run in by_key.items()} == self.statuses
        study = by_key[self.record.study_key].info.run_id
        for key, run in by_key.items():
            run_id = run.info.run_id
            assert run_id == self.record.run_id(key)
            assert (run.info.end_time is None) == (run.info.status == "RUNNING")
            assert run.data.tags.get(names.PARENT_RUN) == (study if run_id != study else None)
            assert set(tracker.artifacts(run_id)) == self.files.get(key, set())
            expected = [(n, n / 1000) for n in range(1, self.epochs.get(key, 0) + 1)]
            found = [(p.step, p.value) for p in tracker.history(run_id, "val_auroc/0")]
            assert found == expected


def drive(
    folder: str,
    uri: str,
    name: str,
    study_id: str,
    seconds: float,
    trials: int = 6,
    last_call: float = 60.0,
    die: bool = False,
) -> None:
    """Tell `trials` trials in `seconds`, two at a time; die: kill the writer and this process
    at the end instead of waiting for the last delivery."""
    from tracking.outbox.remainder import settle
    from tracking.outbox.writer import start_writer

    told = Told(name, Path(folder), study_id=study_id)
    writer = start_writer(told.outbox.path, uri, name)
    writer.wait_ready()
    print(json.dumps({"ready": True}), flush=True)

    def say(step: str, *values: Any) -> None:
        getattr(told, step)(*values)
        print(json.dumps([step, *values]), flush=True)

    pause = seconds / (trials / 2 * EPOCHS)
    say("start")
    for first in range(0, trials, 2):
        pair = [f"{first:04d}", f"{first + 1:04d}"]
        for trial_id in pair:
            say("start_trial", trial_id)
        for _ in range(EPOCHS):
            time.sleep(pause)
            for trial_id in pair:
                say("epoch", trial_id)
        for trial_id in pair:
            say("artifact", trial_id, f"{trial_id}.png")
            say("end_trial", trial_id)
    if die:
        os.kill(writer.pid, signal.SIGKILL)
        print(json.dumps({"blocked": told.blocked, "calls": told.calls}), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    say("artifact", None, "report.md")
    say("end")
    began = time.monotonic()
    remainder = settle(told.record, writer, last_call)
    print(
        json.dumps(
            {
                "blocked": told.blocked,
                "calls": told.calls,
                "last_call": time.monotonic() - began,
                "lines": remainder.lines("memgan sync"),
                **remainder.model_dump(),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    drive(**json.loads(sys.argv[1]))
