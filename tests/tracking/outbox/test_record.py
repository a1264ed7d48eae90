"""What a record writes, seen through a whole delivery into memory."""

from __future__ import annotations

import math
import pickle
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tracking import names
from tracking.events import MetricsLogged, RunEnded
from tracking.facts import TrialEpoch
from tracking.outbox.delivery import deliver
from tracking.outbox.outbox import Outbox
from tracking.outbox.record import Record
from tracking.stores.tracker import RunView
from tracking.testing.memory_tracker import MemoryTracker


@pytest.fixture
def view(outbox: Outbox) -> Callable[[str], RunView]:
    """Delivers everything, then shows a run by its key."""
    tracker = MemoryTracker()

    def look(run_key: str) -> RunView:
        assert deliver(outbox, tracker).waiting == 0
        run_id = outbox.run_id(run_key)
        assert run_id is not None
        return tracker.get_run(run_id)

    return look


@contextmanager
def full_disk() -> Iterator[None]:
    """This process can write to no file."""
    held = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, held)


def test_a_study_has_its_facts_as_tags(record: Record, view: Callable[[str], RunView]) -> None:
    record.study_started({"budget.trials": 4, "space": {"lr": [0.1, 0.2]}})
    record.study_best({"0": 0.9, "1": 0.8, "mean": 0.85}, step=1)
    record.study_tested({"0": (0.91, 0.01), "1": (0.81, 0.02)}, mean=0.86)
    record.study_ended("FINISHED")
    study = view(record.study_key)
    assert (study.name, study.status) == ("digits", "FINISHED")
    assert study.end is not None
    assert study.end >= study.start
    expected = {
        "memgan.kind": "study",
        "memgan.study": "digits",
        "memgan.study_id": "7f3a",
        "memgan.dataset": "digits",
        "memgan.detector": "memgan",
        "memgan.protocol": "shared",
        "memgan.git_commit": "c0ffee",
        "memgan.split_hash": "abc",
        "memgan.run_key": record.study_key,
    }
    assert expected.items() <= study.tags.items()
    assert names.PARENT_RUN not in study.tags
    assert study.params == {"budget.trials": "4", "space": '{"lr": [0.1, 0.2]}'}
    assert study.metrics == {
        "val_auroc/0": 0.9,
        "val_auroc/1": 0.8,
        "val_auroc/mean": 0.85,
        "test_auroc/0": 0.91,
        "test_auroc/1": 0.81,
        "test_auroc/mean": 0.86,
        "test_auroc_sd/0": 0.01,
        "test_auroc_sd/1": 0.02,
    }


def test_a_mean_is_told_before_the_classes_as_mlflow_shows_what_came_first(
    record: Record, view: Callable[[str], RunView]
) -> None:
    record.study_started({})
    record.study_best({"0": 0.9, "1": 0.8, "mean": 0.85}, step=1)
    record.trial_started("a", {})
    record.trial_epoch(TrialEpoch("a", 1, {"0": 0.9, "1": 0.8}, {"d": 1.0}, 1.0, 1.0, 1.0))
    record.final_started("a", 0, {})
    record.final_ended("a", 0, {"0": 0.9, "1": 0.8})

    for key in (record.study_key, record.trial_key("a")):
        assert next(iter(view(key).metrics)) == "val_auroc/mean"
    assert next(iter(view(record.final_key("a", 0)).metrics)) == "test_auroc/mean"


def test_the_best_of_one_class_is_not_called_a_mean(
    record: Record, view: Callable[[str], RunView]
) -> None:
    record.study_started({})
    record.study_best({"3": 0.9}, step=1)
    assert view(record.study_key).metrics == {"val_auroc/3": 0.9}


def test_a_trial_nests_in_its_study(record: Record, view: Callable[[str], RunView]) -> None:
    record.study_started({})
    record.trial_started("a1", {"learning_rate.encoder": 0.001}, "3")
    record.trial_epoch(TrialEpoch("a1", 1, {"3": 0.9}, {"cycle": 0.5}, 1.5, 900.0, 120.0))
    record.trial_ended("a1", "KILLED", stopped_by="asha")
    trial = view(record.trial_key("a1"))
    assert (trial.name, trial.status) == ("trial a1", "KILLED")
    assert trial.params == {"learning_rate.encoder": "0.001"}
    expected = {
        names.PARENT_RUN: view(record.study_key).run_id,
        "memgan.kind": "trial",
        "memgan.trial_id": "a1",
        "memgan.normal_class": "3",
        "memgan.stopped_by": "asha",
    }
    assert expected.items() <= trial.tags.items()
    assert trial.metrics == {
        "val_auroc/3": 0.9,
        "val_auroc/mean": 0.9,
        "loss/cycle": 0.5,
        "seconds": 1.5,
        "images_per_second": 900.0,
        "peak_memory_mb": 120.0,
    }


def test_the_spread_over_a_trials_seeds_is_a_metric_by_class_and_epoch(
    record: Record, view: Callable[[str], RunView]
) -> None:
    record.trial_started("0001", {})
    event = TrialEpoch(
        "0001", 2, {"3": 0.5}, {}, 1.0, 1.0, 1.0, val_auroc_sd={"3": 0.02, "mean": 0.01}
    )
    record.trial_epoch(event)
    found = view(record.trial_key("0001")).metrics
    assert (found["val_auroc_sd/3"], found["val_auroc_sd/mean"]) == (0.02, 0.01)


def test_each_measure_of_health_is_a_metric_by_class_and_epoch(
    record: Record, view: Callable[[str], RunView]
) -> None:
    health = {"d_accuracy": {"3": 0.7, "mean": 0.6}, "residual": {"mean": 0.4}}
    record.trial_started("0001", {})
    record.trial_epoch(TrialEpoch("0001", 2, {"3": 0.5}, {}, 1.0, 1.0, 1.0, health))
    found = view(record.trial_key("0001")).metrics
    assert {key: value for key, value in found.items() if key.startswith("health/")} == {
        "health/d_accuracy/3": 0.7,
        "health/d_accuracy/mean": 0.6,
        "health/residual/mean": 0.4,
    }


def test_each_kind_of_made_anomaly_is_a_metric_by_epoch(
    record: Record, view: Callable[[str], RunView]
) -> None:
    record.trial_started("a1", {}, "all")
    record.trial_made("a1", 1, {"small-patch": 0.8, "scar": 0.7})
    record.trial_made("a1", 2, {"small-patch": 0.9, "scar": 0.75})

    trial = view(record.trial_key("a1"))
    assert trial.metrics == {"made_auroc/small-patch": 0.9, "made_auroc/scar": 0.75}


def test_a_failure_is_recorded_in_one_line(record: Record, view: Callable[[str], RunView]) -> None:
    record.trial_started("a1", {}, "all")
    record.trial_ended("a1", "FAILED", error="first\n  second")
    trial = view(record.trial_key("a1"))
    assert trial.status == "FAILED"
    assert trial.tags["memgan.error"] == "first second"


def test_finals_of_two_winners_keep_apart(record: Record, view: Callable[[str], RunView]) -> None:
    for trial_id, normal_class in (("a", "3"), ("b", "5")):
        record.final_started(trial_id, 0, {"epochs": 2}, normal_class)
        record.final_ended(trial_id, 0, {normal_class: 0.9}, {f"ap/{normal_class}": 0.5})
    record.final_superseded("a", 0)
    first, second = view(record.final_key("a", 0)), view(record.final_key("b", 0))
    assert first.run_id != second.run_id
    assert (first.name, second.name) == ("final 3 seed 0", "final 5 seed 0")
    assert first.tags["memgan.superseded"] == "true"
    assert "memgan.superseded" not in second.tags
    assert second.tags["memgan.seed"] == "0"
    assert second.metrics == {"test_auroc/5": 0.9, "test_auroc/mean": 0.9, "ap/5": 0.5}


def test_runs_that_nobody_ended_end_with_their_study(
    record: Record, view: Callable[[str], RunView]
) -> None:
    record.study_started({})
    record.trial_started("lost", {}, "all")
    record.trial_started("done", {}, "all")
    record.trial_ended("done", "FINISHED")
    record.study_ended("FINISHED")
    assert view(record.trial_key("lost")).status == "KILLED"
    assert view(record.trial_key("done")).status == "FINISHED"


def test_strange_values_are_written_as_well_as_can_be(
    record: Record, view: Callable[[str], RunView]
) -> None:
    record.trial_started("a", {}, "all")
    losses = {"d": math.nan, "e": math.inf, "g": None}
    record.trial_epoch(TrialEpoch("a", 1, {"T-shirt/top": 0.5, "mean": 0.4}, losses, 1.0, 1.0, 1.0))  # type: ignore[arg-type]
    metrics = view(record.trial_key("a")).metrics
    assert math.isnan(metrics["loss/d"])
    assert math.isnan(metrics["loss/e"])
    assert "loss/g" not in metrics
    assert metrics["val_auroc/mean"] == 0.4
    assert metrics[names.val_auroc("T-shirt/top")] == 0.5
    assert record.faults == ()


def test_nothing_that_is_told_raises(record: Record) -> None:
    record.trial_epoch(TrialEpoch("a", 1, {"0": "high"}, {}, 1.0, 1.0, 1.0))  # type: ignore[dict-item]
    record.trial_ended("a", "DREAMING")
    record.trial_started("a", {"key": "\udc80"}, "all")
    record.study_best(None, 1)  # type: ignore[arg-type]
    assert [fault.split(":")[0] for fault in record.faults] == [
        "trial_epoch",
        "trial_ended",
        "trial_started",
        "study_best",
    ]


def test_events_that_a_full_disk_refused_come_with_the_next(record: Record, outbox: Outbox) -> None:
    record.study_started({})
    before = outbox.count_waiting()
    with full_disk():
        record.trial_started("a", {}, "all")
        record.trial_ended("a", "FINISHED")
        assert outbox.count_waiting() == before
    assert record.faults
    record.study_ended("FINISHED")
    kinds = [stored.event.kind for stored in outbox.waiting()][before:]
    assert kinds == ["run_started", "params_logged", "run_ended", "run_ended"]


def test_a_study_that_ends_on_a_full_disk_ends_once_there_is_room(
    record: Record, outbox: Outbox
) -> None:
    record.study_started({})
    record.trial_started("lost", {}, "all")
    with full_disk():
        record.trial_started("new", {}, "all")
        record.study_ended("FINISHED")
        assert record.flush() == 5
        assert any("flush: " in fault for fault in record.faults)
    assert record.flush() == 0
    ended = [s.event for s in outbox.waiting() if isinstance(s.event, RunEnded)]
    assert {event.run_key: event.status for event in ended} == {
        record.trial_key("lost"): "KILLED",
        record.trial_key("new"): "KILLED",
        record.study_key: "FINISHED",
    }


def test_a_disk_that_stays_full_holds_up_nobody(record: Record, outbox: Outbox) -> None:
    record.study_started({})
    before = outbox.count_waiting()
    with full_disk():
        began = time.monotonic()
        for epoch in range(3000):
            record.trial_epoch(TrialEpoch("a", epoch, {"0": 0.5}, {"d": 1.0}, 1.0, 1.0, 1.0))
        blocked = time.monotonic() - began
    assert blocked < 5
    assert record.flush() == 0
    steps = [s.event.step for s in outbox.waiting() if isinstance(s.event, MetricsLogged)]
    assert steps == list(range(3000))
    assert outbox.count_waiting() == before + 3000


def test_an_outbox_that_another_process_holds_holds_up_nobody_for_long(
    record: Record, outbox: Outbox
) -> None:
    record.study_started({})
    before = outbox.count_waiting()
    other = sqlite3.connect(outbox.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    for epoch in range(200):
        record.trial_epoch(TrialEpoch("a", epoch, {"0": 0.5}, {}, 1.0, 1.0, 1.0))
    blocked = time.monotonic() - began
    assert 0.9 < blocked < 5
    assert any("locked" in fault for fault in record.faults)
    other.execute("ROLLBACK")
    other.close()
    assert record.flush() == 0
    assert outbox.count_waiting() == before + 200


def test_a_record_can_be_pickled(record: Record, outbox: Outbox) -> None:
    again = pickle.loads(pickle.dumps(record))  # noqa: S301
    again.study_started({})
    assert outbox.count_waiting() == 2
    assert again.study_key == record.study_key


def test_ids_are_known_once_delivered(
    record: Record, outbox: Outbox, view: Callable[[str], RunView]
) -> None:
    record.study_started({})
    assert record.run_id(record.study_key) is None
    assert record.experiment_id() is None
    delivered = view(record.study_key)
    assert record.run_id(record.study_key) == delivered.run_id
    assert record.experiment_id() is not None


def test_a_broken_outbox_gives_no_ids_and_no_exception(tmp_path: Path, record: Record) -> None:
    broken = tmp_path / "broken.db"
    broken.write_text("this is not a database, and long enough to be seen as none " * 20)
    other = Record(Outbox(broken), record._facts)
    other.study_started({})
    assert other.run_id("x") is None
    assert other.experiment_id() is None
    assert any("not a database" in fault for fault in other.faults)
