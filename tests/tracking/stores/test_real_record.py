"""The record of whole studies as MLflow has it in the end, in a SQLite file and on a server."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from told import FACTS

from tracking import names
from tracking.address import Location
from tracking.facts import TrialEpoch
from tracking.outbox.delivery import deliver
from tracking.outbox.outbox import EXPERIMENT, Outbox
from tracking.outbox.record import Record

if TYPE_CHECKING:
    from mlflow.entities import Run

Make = Callable[..., Record]


@pytest.fixture
def make(tmp_path: Path, study_name: str) -> Make:
    """(protocol, study_id) -> the record of a study, in this process; the same id, the same one."""

    def make_it(protocol: str = "shared", study_id: str = "1", name: str = study_name) -> Record:
        outbox = Outbox(tmp_path / "studies" / study_id / "outbox.db")
        outbox.check()
        outbox.set_fact(EXPERIMENT, name)
        facts = FACTS.model_copy(
            update={"name": name, "study_id": f"{study_id}-{name}", "protocol": protocol}
        )
        return Record(outbox, facts)

    return make_it


def arrive(record: Record, store: Location) -> dict[str, Run]:
    """Deliver everything; the study's runs by the ends of their keys."""
    from mlflow import MlflowClient

    from tracking.stores.mlflow_tracker import MlflowTracker

    tracker = MlflowTracker(store.uri, store.artifact_root)
    for _ in range(20):
        delivery = deliver(record.outbox, tracker)
        if delivery.waiting == 0:
            break
    assert (delivery.waiting, delivery.refused) == (0, 0)
    found = MlflowClient(store.uri).search_runs(
        [record.experiment_id()],
        f"tags.`{names.STUDY_ID}` = '{record.study_key.removesuffix('/study')}'",
    )
    runs = {run.data.tags[names.RUN_KEY].partition("/")[2]: run for run in found}
    assert len(runs) == len(found)
    return runs


def history(store: Location, run: Run, key: str) -> dict[int, float]:
    from mlflow import MlflowClient

    found = MlflowClient(store.uri).get_metric_history(run.info.run_id, key)
    assert len({m.step for m in found}) == len(found)
    return {m.step: m.value for m in found}


def now() -> int:
    return time.time_ns() // 1_000_000


def test_the_record_of_a_search_by_class(store: Location, make: Make, tmp_path: Path) -> None:
    record = make("per-class")
    record.study_started({"trials": 2, names.space("lr"): {"low": 0.1, "high": 0.2}})
    for normal_class in ("3", "T-shirt/top"):
        for number in range(2):
            trial_id = f"{normal_class[0]}-{number:04d}"
            record.trial_started(trial_id, {"lr": 0.1}, normal_class)
            record.trial_epoch(
                TrialEpoch(trial_id, 1, {normal_class: 0.5 + number / 10}, {}, 1.0, 9.0, 8.0)
            )
            stopped = number == 0
            record.trial_ended(
                trial_id,
                "KILLED" if stopped else "FINISHED",
                stopped_by="asha" if stopped else None,
            )
        record.study_best({normal_class: 0.6}, step=2)
        figure = tmp_path / "roc.svg"
        figure.write_text("<svg/>")
        record.final_started(trial_id, 0, {"lr": 0.1}, normal_class)
        record.artifact(record.final_key(trial_id, 0), figure, names.FIGURES)
        record.final_ended(
            trial_id,
            0,
            {normal_class: 0.9},
            {names.of_class(names.AVERAGE_PRECISION, normal_class): 0.8},
        )
    record.study_tested({"3": (0.9, 0.01), "T-shirt/top": (0.9, 0.02)}, mean=0.9)
    record.study_ended("FINISHED")
    runs = arrive(record, store)
    assert set(runs) == {
        "study",
        *(f"trial/{c}-000{n}" for c in "3T" for n in range(2)),
        *(f"final/{c}-0001/0" for c in "3T"),
    }
    study = runs.pop("study")
    shirt = names.safe("T-shirt/top")
    assert study.info.run_name == study.data.tags["memgan.study"]
    assert set(study.data.metrics) == {
        "val_auroc/3",
        f"val_auroc/{shirt}",
        "test_auroc/3",
        f"test_auroc/{shirt}",
        "test_auroc/mean",
        "test_auroc_sd/3",
        f"test_auroc_sd/{shirt}",
    }
    common = {"memgan.study_id", "memgan.dataset", "memgan.detector", "memgan.split_hash"}
    common |= {"memgan.kind", "memgan.study", "memgan.protocol", "memgan.git_commit"}
    assert common <= set(study.data.tags)
    for run in runs.values():
        assert run.data.tags["mlflow.parentRunId"] == study.info.run_id
        assert common | {"memgan.trial_id", "memgan.normal_class"} <= set(run.data.tags)
        assert run.data.tags["memgan.protocol"] == "per-class"
    assert runs["trial/3-0000"].info.status == "KILLED"
    assert runs["trial/3-0000"].data.tags["memgan.stopped_by"] == "asha"
    final = runs["final/T-0001/0"]
    assert final.info.run_name == "final T-shirt/top seed 0"
    assert final.data.tags["memgan.seed"] == "0"
    assert final.data.metrics[f"test_average_precision/{shirt}"] == 0.8


def test_a_resumed_study_goes_on_in_its_runs_and_ends_when_it_ends(
    store: Location, make: Make
) -> None:
    record = make()
    record.study_started({"trials": 3})
    for trial_id in ("done", "cut", "killed"):
        record.trial_started(trial_id, {"lr": 0.1})
        record.trial_epoch(TrialEpoch(trial_id, 1, {"0": 0.5}, {}, 1.0, 1.0, 1.0))
    record.trial_ended("done", "FINISHED")
    record.trial_ended("cut", "KILLED", stopped_by="time budget")
    record.study_ended("KILLED")
    before = arrive(record, store)
    assert {run.info.status for run in before.values()} == {"FINISHED", "KILLED"}
    first_end = before["trial/cut"].info.end_time

    again = make()
    time.sleep(0.02)
    again.study_started({"trials": 3})
    again.trial_started("cut", {"lr": 0.1})
    running = arrive(again, store)
    for key in ("study", "trial/cut"):
        assert running[key].info.status == "RUNNING"
        assert not running[key].info.end_time  # None, or 0, which MLflow's servers make None.
    again.trial_epoch(TrialEpoch("cut", 2, {"0": 0.6}, {}, 1.0, 1.0, 1.0))
    earliest = now()
    again.trial_ended("cut", "FINISHED")
    again.study_ended("FINISHED")
    latest = now()
    after = arrive(again, store)

    assert {key: run.info.run_id for key, run in after.items()} == {
        key: run.info.run_id for key, run in before.items()
    }
    for key in ("study", "trial/cut"):
        assert after[key].info.status == "FINISHED"
        assert after[key].info.start_time == before[key].info.start_time
        assert first_end < earliest <= after[key].info.end_time <= latest
    for key in ("trial/done", "trial/killed"):
        assert after[key].info.end_time == before[key].info.end_time
    assert history(store, after["trial/cut"], "val_auroc/0") == {1: 0.5, 2: 0.6}


def test_values_that_change_in_a_trial_are_params_first_and_step_metrics_and_tags_after(
    store: Location, make: Make
) -> None:
    record = make()
    record.study_started({})
    record.trial_started("a", {"lr": 0.1, "mode": "x", "same": 1})
    record.trial_changed("a", 2, {"lr": 0.2, "mode": "x", "same": 1})
    arrive(record, store)
    record.trial_changed("a", 4, {"lr": 0.3, "mode": "y", "same": 1})
    # What a resumed driver tells anew is what the trial has by now, and no other parameter.
    record.trial_started("a", {"lr": 0.3, "mode": "y", "same": 1})
    record.trial_changed("a", 6, {"lr": 0.1})
    record.trial_ended("a", "FINISHED")
    record.study_ended("FINISHED")
    trial = arrive(record, store)["trial/a"]
    assert trial.data.params == {"lr": "0.1", "mode": "x", "same": "1"}
    assert trial.data.tags["changed/mode"] == "y"
    assert trial.data.tags["changed/lr"] == "0.1"
    assert "changed/same" not in trial.data.tags
    assert history(store, trial, "changed/lr") == {2: 0.2, 4: 0.3, 6: 0.1}


def test_studies_that_run_at_once_keep_apart(store: Location, make: Make, study_name: str) -> None:
    """Two of them have the same name, from two results folders, and so one experiment."""
    ids = ("one", "two", "three")
    same = {"one": study_name, "two": study_name, "three": f"{study_name} {uuid.uuid4().hex[:4]}"}
    records = {study_id: make(study_id=study_id, name=same[study_id]) for study_id in ids}
    runs: dict[str, dict[str, Run]] = {}

    def tell_and_deliver(study_id: str) -> None:
        record = records[study_id]
        record.study_started({"study": study_id})
        for number in range(4):
            record.trial_started(f"{number}", {"lr": number})
            arrive(record, store)
            record.trial_epoch(TrialEpoch(f"{number}", 1, {"0": number / 10}, {}, 1.0, 1.0, 1.0))
            record.trial_ended(f"{number}", "FINISHED")
        record.study_ended("FINISHED")
        runs[study_id] = arrive(record, store)

    threads = [threading.Thread(target=tell_and_deliver, args=(study_id,)) for study_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records["one"].experiment_id() == records["two"].experiment_id()
    assert records["one"].experiment_id() != records["three"].experiment_id()
    for study_id in ids:
        assert set(runs[study_id]) == {"study", *(f"trial/{number}" for number in range(4))}
        study = runs[study_id]["study"]
        assert study.data.params == {"study": study_id}
        for number in range(4):
            trial = runs[study_id][f"trial/{number}"]
            assert trial.data.tags[names.PARENT_RUN] == study.info.run_id
            assert trial.info.status == "FINISHED"
            assert trial.data.metrics["val_auroc/0"] == number / 10


def test_a_study_reads_itself_in_mlflow(store: Location, make: Make) -> None:
    """Its description, its images as data sets, its view and its winner, as MLflow has them."""
    import json

    from mlflow import MlflowClient

    plain = make()
    facts = FACTS.model_copy(
        update={
            "name": plain._facts.name,
            "study_id": plain._facts.study_id,
            "dataset": "digits",
            "split_hash": "5a" * 32,
            "sizes": {"train": 1000, "validation": 100, "test": 697},
        }
    )
    record = Record(plain.outbox, facts)
    for _ in range(2):  # Told again when it is resumed.
        record.study_started({})
        record.study_viewed(["0", "1"], ["lr"])
        record.trial_started("a", {"lr": 0.1})
        record.trial_epoch(TrialEpoch("a", 1, {"0": 0.5, "1": 0.7}, {"d": 1.0}, 1.0, 1.0, 1.0))
        record.trial_ended("a", "FINISHED")
        record.trial_won("a")
        record.study_described("| class | AUROC |\n|---|---:|\n| **mean** | 60 |", "**60 %**")
        record.study_ended("FINISHED")
        runs = arrive(record, store)

    client = MlflowClient(store.uri)
    assert runs["study"].data.tags["mlflow.note.content"].startswith("| class | AUROC |")
    assert runs["trial/a"].data.tags["memgan.winner"] == "true"
    experiment = client.get_experiment(record.experiment_id())
    assert experiment.tags["mlflow.note.content"] == "**60 %**"
    view = json.loads(experiment.tags["mlflow.sharedViewState.memgan"])
    assert view["orderByKey"] == "metrics.`val_auroc/mean`"
    for key, parts in (("study", "train, validation, test"), ("trial/a", "train, validation")):
        (used,) = runs[key].inputs.dataset_inputs
        assert (used.dataset.name, used.dataset.digest) == ("digits", "5a" * 6)
        assert json.loads(used.dataset.profile)["images"]["validation"] == 100
        assert {tag.key: tag.value for tag in used.tags} == {"mlflow.data.context": parts}
    # What MLflow's page that compares runs opens on is what they were told first.
    assert next(iter(runs["trial/a"].data.metrics)) == "val_auroc/mean"
    found = client.search_runs([record.experiment_id()], "dataset.name = 'digits'")
    assert len(found) == 2
