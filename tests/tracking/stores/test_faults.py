"""What a real server does wrong, call by call, and that nothing is lost or written twice by it.

Deliveries run in this process; `test_outage.py` has the writer, `test_long_outage.py` the minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from mlflow_servers import Call, Door, Server, Trouble
from told import Told

from tracking.outbox.deliverer import ENVIRONMENT
from tracking.outbox.delivery import Delivery, deliver
from tracking.stores.denial import tells_of_denial
from tracking.stores.mlflow_tracker import MlflowTracker


@pytest.fixture(autouse=True)
def _as_the_writer_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def tracker(door: Door) -> MlflowTracker:
    return MlflowTracker(door.address)


def tell_study(told: Told) -> None:
    told.start()
    told.trial("a")
    told.trial("b")
    told.artifact("a", "roc.png", size=200_000)
    told.artifact(None, "report.md")
    told.end()


def until_done(told: Told, tracker: MlflowTracker, rounds: int = 20) -> list[str]:
    """Deliver until nothing waits; the faults on the way."""
    faults = []
    for _ in range(rounds):
        delivery = deliver(told.outbox, tracker)
        if delivery.fault is None:
            assert delivery.waiting == 0
            return faults
        faults.append(delivery.fault)
    raise AssertionError(faults)


def only(what: str, trouble: Trouble, *, times: int = 1) -> Callable[[Call], Trouble | None]:
    """A rule by which the first calls of one kind meet trouble."""
    left = [times]

    def rule(call: Call) -> Trouble | None:
        if call.what != what or not left[0]:
            return None
        left[0] -= 1
        return trouble

    return rule


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_server_that_turns_everything_away_is_waited_for(
    told: Told, door: Door, server: Server, tracker: MlflowTracker, status: int
) -> None:
    tell_study(told)
    waiting = told.outbox.count_waiting()
    door.rule = lambda call: Trouble(status=status)
    for _ in range(3):
        delivery = deliver(told.outbox, tracker)
        assert (delivery.delivered, delivery.waiting, delivery.refused) == (0, waiting, 0)
        assert str(status) in (delivery.fault or "")
        assert tells_of_denial(delivery.fault) is (status in (401, 403, 404))
    door.rule = lambda call: None
    assert until_done(told, tracker) == []
    told.assert_arrived(server.address)


def test_a_password_that_is_wrong_in_the_middle_is_waited_for(
    told: Told, door: Door, server: Server, tracker: MlflowTracker
) -> None:
    tell_study(told)
    seen: list[Call] = []

    def rule(call: Call) -> Trouble | None:
        seen.append(call)
        return Trouble(status=401) if len(seen) > 5 else None

    door.rule = rule
    assert deliver(told.outbox, tracker).fault
    assert deliver(told.outbox, tracker).refused == 0
    door.rule = lambda call: None
    assert until_done(told, tracker) == []
    told.assert_arrived(server.address)


@pytest.mark.parametrize(
    "what",
    [
        "experiments/create",
        "runs/search",
        "runs/create",
        "runs/log-batch",
        "runs/update",
        "artifact",
    ],
)
def test_an_answer_that_is_lost_makes_nothing_twice(
    told: Told, door: Door, server: Server, tracker: MlflowTracker, what: str
) -> None:
    tell_study(told)
    door.rule = only(what, Trouble(lost=True), times=2)
    # One that makes an experiment looks for it first the next time.
    assert len(until_done(told, tracker)) == (1 if what == "experiments/create" else 2)
    told.assert_arrived(server.address)


def test_a_run_that_a_slow_server_makes_late_is_taken_away(
    told: Told,
    door: Door,
    server: Server,
    tracker: MlflowTracker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    told.start()
    until_done(told, tracker)
    told.start_trial("a")
    door.rule = only("runs/create", Trouble(delay=2.5))
    began = time.monotonic()
    assert "timeout" in (deliver(told.outbox, tracker).fault or "").lower()
    told.epoch("a")
    assert until_done(told, tracker) == []
    assert time.monotonic() - began < 2.5, "the second run has to be made before the first"
    experiment = told.record.experiment_id()
    assert experiment is not None
    while len(tracker.find_runs(experiment, told.record.trial_key("a"))) < 2:
        assert time.monotonic() - began < 20
        time.sleep(0.1)
    told.end_trial("a")
    told.end()
    assert until_done(told, tracker) == []
    told.assert_arrived(server.address)


def test_an_artifact_that_is_refused_is_named_and_stops_no_other(
    told: Told, door: Door, server: Server, tracker: MlflowTracker
) -> None:
    told.start()
    until_done(told, tracker)
    for name in ("large.bin", "choking.bin", "fine.bin"):
        told.artifact(None, name)

    def rule(call: Call) -> Trouble | None:
        if call.path.endswith("large.bin"):
            return Trouble(status=413)
        return Trouble(status=500) if call.path.endswith("choking.bin") else None

    door.rule = rule
    assert "choking.bin: " in (deliver(told.outbox, tracker).fault or "")
    told.trial("a")
    delivery = deliver(told.outbox, tracker)
    assert (delivery.waiting, delivery.refused) == (1, 1)
    (refusal,) = told.outbox.refused()
    assert "large.bin: 413" in refusal.reason
    door.rule = lambda call: None
    assert until_done(told, tracker) == []
    run_id = told.record.run_id(told.record.study_key)
    assert run_id is not None
    names = [path.rpartition("-")[2] for path in tracker.artifacts(run_id)]
    assert names == ["choking.bin", "fine.bin"]


def test_a_run_that_the_server_chokes_on_stops_no_other(
    told: Told, door: Door, server: Server, tracker: MlflowTracker
) -> None:
    door.rule = lambda call: (
        Trouble(status=500) if call.what == "runs/log-batch" and b"choking" in call.body else None
    )
    told.start()
    told.trial("choking")
    told.artifact("choking", "first.png")
    told.trial("b")
    told.artifact("b", "second.png")
    told.end()
    faults = [deliver(told.outbox, tracker).fault for _ in range(3)]
    assert all(faults)
    left = {stored.event.run_key for stored in told.outbox.waiting()}
    assert left == {told.record.trial_key("choking")}
    door.rule = lambda call: None
    assert until_done(told, tracker) == []
    told.assert_arrived(server.address)


def test_a_run_that_somebody_deleted_is_named_and_costs_few_calls(
    told: Told, door: Door, tracker: MlflowTracker
) -> None:
    told.start()
    told.start_trial("a")
    until_done(told, tracker)
    run_id = told.record.run_id(told.record.trial_key("a"))
    assert run_id is not None
    tracker.delete_run(run_id)
    for _ in range(20):
        told.epoch("a")
    told.trial("b")
    door.calls.clear()
    assert until_done(told, tracker) == []
    assert len(door.calls) <= 6
    refused = told.outbox.refused()
    assert len(refused) == 20
    assert all("its run is gone" in refusal.reason for refusal in refused)


def test_an_experiment_that_somebody_deleted_comes_back(
    told: Told, server: Server, tracker: MlflowTracker
) -> None:
    told.start()
    until_done(told, tracker)
    experiment = told.record.experiment_id()
    assert experiment is not None
    tracker._client.delete_experiment(experiment)
    told.trial("a")
    told.end()
    assert len(until_done(told, tracker)) == 1
    told.assert_arrived(server.address)


def test_a_disk_that_is_full_at_the_server_is_waited_for(
    told: Told, server: Server, tracker: MlflowTracker
) -> None:
    told.start()
    until_done(told, tracker)
    tell_study(told)

    def attempt() -> Delivery:
        return deliver(told.outbox, tracker)

    with server.disk_full():
        assert [attempt().fault is None for _ in range(3)] == [False] * 3
        assert attempt().refused == 0
    until_done(told, tracker)
    told.assert_arrived(server.address)


def test_artifacts_alone_that_find_no_room_hold_up_no_figures(
    told: Told, door: Door, server: Server, tracker: MlflowTracker
) -> None:
    told.start()
    told.artifact(None, "report.md")
    door.rule = lambda call: Trouble(status=507) if call.what == "artifact" else None
    for trial_id in ("a", "b"):
        told.trial(trial_id)
        assert "report.md: 507" in (deliver(told.outbox, tracker).fault or "")
        assert told.outbox.count_waiting() == 1
    door.rule = lambda call: None
    until_done(told, tracker)
    told.assert_arrived(server.address)
