from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tracking import names
from tracking.events import MetricsLogged, ParamsLogged, RunStarted, TagsSet
from tracking.facts import TrialEpoch
from tracking.outbox.delivery import deliver
from tracking.outbox.outbox import EXPERIMENT, Outbox, Stored
from tracking.outbox.plan import batches, make_plan
from tracking.outbox.record import Record
from tracking.stores.tracker import Point, Unavailable
from tracking.testing.memory_tracker import MemoryTracker


class Flaky(MemoryTracker):
    """Loses its answers: carries out the calls named in `lose`, then fails; once each."""

    def __init__(self) -> None:
        super().__init__()
        self.lose: list[str] = []
        self.refuse_all = False

    def _maybe(self, call: str) -> None:
        if self.refuse_all:
            raise Unavailable("the server is away")
        if call in self.lose:
            self.lose.remove(call)
            raise Unavailable(f"the answer to {call} was lost")

    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> str:
        run_id = super().create_run(experiment_id, name, start, tags)
        self._maybe("create_run")
        return run_id

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        super().log_batch(run_id, metrics, params, tags)
        self._maybe("log_batch")

    def log_model(
        self, run_id: str, name: str, bundles: Mapping[str, Path], tags: Mapping[str, str]
    ) -> str:
        model_id = super().log_model(run_id, name, bundles, tags)
        self._maybe("log_model")
        return model_id

    def log_artifact(self, run_id: str, path: Path, folder: str | None) -> None:
        self._maybe("log_artifact")
        super().log_artifact(run_id, path, folder)


@pytest.fixture
def tracker() -> Flaky:
    return Flaky()


Tell = Callable[..., None]


def test_a_trial_costs_few_calls(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell
) -> None:
    record.study_started({})
    deliver(outbox, tracker)
    tracker.calls.clear()
    tell_trial(record, "a", epochs=20)
    delivery = deliver(outbox, tracker)
    assert (delivery.delivered, delivery.waiting, delivery.fault) == (23, 0, None)
    assert tracker.calls == {"create_run": 1, "log_batch": 1, "end": 1}


def test_a_lost_outbox_makes_nothing_twice(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell
) -> None:
    for _ in range(2):
        record.study_started({})
        deliver(outbox, tracker)
        tell_trial(record, "a")
        assert deliver(outbox, tracker).fault is None
        outbox.close()
        outbox.path.unlink()
        outbox.check()
        outbox.set_fact(EXPERIMENT, "digits")
    experiment = tracker.find_experiment("digits")
    assert experiment is not None
    for key in (record.study_key, record.trial_key("a")):
        assert len(tracker.find_runs(experiment, key)) == 1


def test_an_epoch_costs_one_call(record: Record, outbox: Outbox, tracker: Flaky) -> None:
    record.trial_started("a", {}, "all")
    deliver(outbox, tracker)
    tracker.calls.clear()
    record.trial_epoch(TrialEpoch("a", 1, {"0": 0.5}, {"d": 1.0}, 1.0, 1.0, 1.0))
    deliver(outbox, tracker)
    assert tracker.calls == {"log_batch": 1}


@pytest.mark.parametrize("lost", ["create_run", "log_batch"])
def test_a_lost_answer_makes_nothing_twice(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell, lost: str
) -> None:
    record.study_started({})
    tell_trial(record, "a")
    tracker.lose = [lost, lost]
    faults = [deliver(outbox, tracker).fault for _ in range(3)]
    assert faults[0] == f"the answer to {lost} was lost"
    assert faults[-1] is None
    experiment = record.experiment_id()
    assert experiment is not None
    for key in (record.study_key, record.trial_key("a")):
        assert len(tracker.find_runs(experiment, key)) == 1
    run_id = record.run_id(record.trial_key("a"))
    assert run_id is not None
    assert [p.step for p in tracker.history(run_id, "val_auroc/mean")] == [1, 2, 3]


def test_a_run_made_after_all_by_a_slow_server_is_taken_away(
    record: Record, outbox: Outbox
) -> None:
    class Slow(MemoryTracker):
        """The first creation is carried out only when the second one comes."""

        late: tuple[str, str, int, Mapping[str, str]] | None = None

        def create_run(
            self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]
        ) -> str:
            if self.late is None:
                self.late = (experiment_id, name, start, tags)
                raise Unavailable("timed out")
            super().create_run(*self.late)
            return super().create_run(experiment_id, name, start, tags)

    slow = Slow()
    record.study_started({"a": 1})
    assert deliver(outbox, slow).fault == "timed out"
    assert deliver(outbox, slow).fault is None
    experiment = record.experiment_id()
    assert experiment is not None
    found = slow.find_runs(experiment, record.study_key)
    assert found == [record.run_id(record.study_key)]
    assert slow.get_run(found[0]).params == {"a": "1"}


def test_delivering_all_of_it_again_changes_nothing(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell
) -> None:
    record.study_started({})
    tell_trial(record, "a")
    record.study_ended("FINISHED")
    deliver(outbox, tracker)
    run_id = record.run_id(record.trial_key("a"))
    assert run_id is not None
    before = tracker.get_run(run_id), tracker.history(run_id, "loss/cycle")
    outbox.forget_delivery()
    assert deliver(outbox, tracker).waiting == 0
    assert record.run_id(record.trial_key("a")) == run_id
    assert (tracker.get_run(run_id), tracker.history(run_id, "loss/cycle")) == before


def test_a_resumed_trial_goes_on_in_its_own_run(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell
) -> None:
    record.study_started({})
    tell_trial(record, "a", epochs=1)
    record.study_ended("KILLED")
    deliver(outbox, tracker)
    key = record.trial_key("a")
    run_id = record.run_id(key)
    assert run_id is not None
    record.study_started({})
    record.trial_started("a", {"learning_rate": 0.001, "memory_units": 25}, "all")
    deliver(outbox, tracker)
    assert tracker.get_run(run_id).status == "RUNNING"
    time.sleep(0.01)
    record.trial_ended("a", "FINISHED")
    deliver(outbox, tracker)
    view = tracker.get_run(run_id)
    assert record.run_id(key) == run_id
    assert view.status == "FINISHED"
    assert view.end is not None
    assert view.end >= view.start + 10


def test_a_changed_parameter_keeps_its_first_value(
    record: Record, outbox: Outbox, tracker: Flaky
) -> None:
    record.trial_started("a", {"lr": 0.1, "mode": "x", "same": 1}, "all")
    deliver(outbox, tracker)
    record.trial_changed("a", 4, {"lr": 0.2, "mode": "y", "same": 1})
    record.trial_changed("a", 5, {"lr": 0.3})
    assert deliver(outbox, tracker).refused == 0
    run_id = record.run_id(record.trial_key("a"))
    assert run_id is not None
    view = tracker.get_run(run_id)
    assert view.params == {"lr": "0.1", "mode": "x", "same": "1"}
    assert (view.tags["changed/lr"], view.tags["changed/mode"]) == ("0.3", "y")
    assert "changed/same" not in view.tags
    assert [(p.step, p.value) for p in tracker.history(run_id, "changed/lr")] == [
        (4, 0.2),
        (5, 0.3),
    ]


def test_what_is_refused_is_named_and_holds_up_nothing(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell
) -> None:
    record.study_started({})
    values = {f"m{n}": float(n) for n in range(20)} | {"bad[key]": 1.0}
    outbox.append([MetricsLogged(run_key=record.study_key, values=values)])
    outbox.append([TagsSet(run_key="nobody", tags={"a": "b"})])
    tell_trial(record, "a")
    delivery = deliver(outbox, tracker)
    assert (delivery.waiting, delivery.refused) == (0, 2)
    assert [r.reason for r in outbox.refused()] == [
        "bad[key]: invalid name 'bad[key]'",
        "its run was never started, or was refused",
    ]
    run_id = record.run_id(record.study_key)
    assert run_id is not None
    assert tracker.get_run(run_id).metrics == {f"m{n}": float(n) for n in range(20)}


def test_artifacts_that_are_away_hold_up_no_figures(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell, tmp_path: Path
) -> None:
    figure = tmp_path / "roc.svg"
    figure.write_text("<svg/>")
    record.study_started({})
    record.artifact(record.study_key, figure, "figures")
    record.artifact(record.study_key, tmp_path / "gone.svg")
    tell_trial(record, "a")
    tracker.lose = ["log_artifact"]
    delivery = deliver(outbox, tracker)
    assert (delivery.waiting, delivery.fault) == (
        2,
        "roc.svg: the answer to log_artifact was lost",
    )
    delivery = deliver(outbox, tracker)
    assert (delivery.waiting, delivery.refused) == (0, 1)
    assert outbox.refused()[0].reason == f"{tmp_path / 'gone.svg'} is gone"
    run_id = record.run_id(record.study_key)
    assert run_id is not None
    assert tracker.artifacts(run_id) == ["figures/roc.svg"]


def test_a_finals_model_comes_last_and_once(
    record: Record, outbox: Outbox, tracker: Flaky, bundles: dict[str, Path], tmp_path: Path
) -> None:
    record.final_started("a", 0, {})
    record.final_model("a", 0, bundles)
    record.final_model("a", 1, bundles)
    record.final_model("a", 0, {"1": tmp_path / "gone"})
    record.artifact(record.final_key("a", 0), bundles["1"] / "card.md")
    tracker.lose = ["log_model"]
    delivery = deliver(outbox, tracker)
    assert (delivery.waiting, delivery.fault) == (3, "the answer to log_model was lost")
    run_id = record.run_id(record.final_key("a", 0))
    assert run_id is not None
    assert tracker.artifacts(run_id) == ["card.md"]
    delivery = deliver(outbox, tracker)
    assert (delivery.waiting, delivery.refused) == (0, 1)
    assert outbox.refused()[0].reason == "its run was never started, or was refused"
    (model,) = tracker.models(run_id)
    assert model.name == "digits"
    assert model.tags[names.STUDY] == "digits"


def test_a_model_whose_bundles_are_gone_is_refused(
    record: Record, outbox: Outbox, tracker: Flaky, tmp_path: Path
) -> None:
    record.final_started("a", 0, {})
    record.final_model("a", 0, {"1": tmp_path / "gone"})
    assert deliver(outbox, tracker).waiting == 0
    assert "lacks model.onnx" in outbox.refused()[0].reason


def test_a_round_stops_at_its_time_and_goes_on_later(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell
) -> None:
    tell_trial(record, "a")
    delivery = deliver(outbox, tracker, stop=lambda: True)
    assert (delivery.delivered, delivery.fault) == (0, "out of time")
    assert deliver(outbox, tracker).waiting == 0


def test_batches_keep_to_what_a_store_takes() -> None:
    events = [
        RunStarted(run_key="r", name="r", tags={f"t{n}": "v" for n in range(150)}),
        ParamsLogged(run_key="r", values={f"p{n}": "v" for n in range(250)}),
        MetricsLogged(run_key="r", values={f"m{n}": 1.0 for n in range(2500)}),
        TagsSet(run_key="r", tags={"t0": "last"}),
    ]
    plan = make_plan([Stored(n, event) for n, event in enumerate(events)], lambda *_: {})
    found = list(batches(plan.runs[0].entries))
    for batch in found:
        kinds = [entry.kind for entry in batch]
        assert len(batch) <= 1000
        assert kinds.count("param") <= 100
        assert kinds.count("tag") <= 100
    written = [(entry.kind, entry.key) for batch in found for entry in batch]
    assert len(written) == len(set(written)) == 150 + 250 + 2500
    assert [e.text for batch in found for e in batch if e.key == "t0"] == ["last"]


def test_children_wait_for_no_parent_that_was_never_told(
    record: Record, outbox: Outbox, tracker: Flaky, tell_trial: Tell
) -> None:
    tell_trial(record, "a")
    deliver(outbox, tracker)
    run_id = record.run_id(record.trial_key("a"))
    assert run_id is not None
    assert names.PARENT_RUN not in tracker.get_run(run_id).tags
