from __future__ import annotations

import math
import pickle
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memgan.errors import BadInput
from tracking.events import (
    ArtifactLogged,
    Event,
    MetricsLogged,
    ParamsLogged,
    RunEnded,
    RunStarted,
    TagsSet,
    from_json,
    to_json,
)
from tracking.outbox.outbox import Outbox

EVENTS: list[Event] = [
    RunStarted(run_key="s/trial/a", name="trial a", parent_key="s/study", tags={"k": "v"}),
    ParamsLogged(run_key="s/trial/a", values={"lr": "0.1"}, step=3),
    MetricsLogged(run_key="s/trial/a", values={"val_auroc/ä": 0.1 + 0.2, "loss/d": -1e-300}),
    TagsSet(run_key="s/trial/a", tags={"memgan.error": "line"}),
    ArtifactLogged(run_key="s/trial/a", path="/x/y", folder="checkpoints"),
    RunEnded(run_key="s/trial/a", status="KILLED"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_survives_json_exactly(event: Event) -> None:
    assert from_json(to_json(event)) == event


def test_nan_and_infinity_survive_json() -> None:
    event = MetricsLogged(run_key="r", values={"a": math.nan, "b": math.inf})
    back = from_json(to_json(event))
    assert isinstance(back, MetricsLogged)
    assert math.isnan(back.values["a"])
    assert back.values["b"] == math.inf


def test_events_come_back_in_order_until_delivered(outbox: Outbox) -> None:
    outbox.append(EVENTS)
    assert [stored.event for stored in outbox.waiting()] == EVENTS
    first = outbox.waiting(limit=2)
    outbox.mark_delivered(stored.seq for stored in first)
    outbox.mark_refused([first[1].seq + 1], "because")
    assert [stored.event for stored in outbox.waiting()] == EVENTS[3:]
    assert (outbox.count_waiting(), outbox.count_delivered()) == (3, 2)
    assert [(r.kind, r.reason) for r in outbox.refused()] == [("metrics_logged", "because")]


def test_what_is_refused_is_not_delivered_later(outbox: Outbox) -> None:
    outbox.append(EVENTS[:1])
    (stored,) = outbox.waiting()
    outbox.mark_refused([stored.seq], "because")
    outbox.mark_delivered([stored.seq])
    assert len(outbox.refused()) == 1


def test_forgetting_a_delivery_lets_everything_wait_again(outbox: Outbox) -> None:
    outbox.append(EVENTS)
    outbox.mark_delivered(stored.seq for stored in outbox.waiting())
    outbox.set_run_id("s/trial/a", "id")
    outbox.forget_delivery()
    assert outbox.count_waiting() == len(EVENTS)
    assert outbox.run_id("s/trial/a") is None


def test_open_runs_are_those_that_nobody_ended_since(outbox: Outbox) -> None:
    for key in "abc":
        outbox.append([RunStarted(run_key=key, name=key)])
    outbox.append([RunEnded(run_key="a", status="KILLED"), RunEnded(run_key="b", status="FAILED")])
    outbox.append([RunStarted(run_key="a", name="a")])
    assert outbox.open_runs() == ["c", "a"]


def test_an_outbox_can_be_pickled_and_used_from_both_sides(outbox: Outbox) -> None:
    outbox.append(EVENTS[:1])
    other = pickle.loads(pickle.dumps(outbox))  # noqa: S301
    other.append(EVENTS[1:2])
    assert [stored.event for stored in outbox.waiting()] == EVENTS[:2]


def test_appending_is_quick(outbox: Outbox) -> None:
    outbox.append(EVENTS)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        outbox.append(EVENTS[2:3])
        times.append(time.perf_counter() - began)
    assert sorted(times)[25] < 0.005


def test_an_event_of_another_version_stops_no_other(outbox: Outbox) -> None:
    outbox.append(EVENTS[:1])
    with sqlite3.connect(outbox.path) as sql:
        sql.execute("UPDATE events SET body = replace(body, 'run_started', 'run_dreamt')")
    outbox.append(EVENTS[1:2])
    assert [stored.event for stored in outbox.waiting()] == EVENTS[1:2]
    assert "cannot be read" in outbox.refused()[0].reason


def test_an_outbox_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"outbox .* cannot be written"):
        Outbox(tmp_path / "file" / "outbox.db").check()


def test_a_full_disk_takes_all_or_nothing_and_recovers(outbox: Outbox) -> None:
    big = [TagsSet(run_key="r", tags={"t": "x" * 4000}) for _ in range(200)]
    outbox.append(big[:1])
    held = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(sqlite3.Error):
            outbox.append(big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, held)
    assert outbox.count_waiting() == 1
    outbox.append(big)
    assert outbox.count_waiting() == 201


def test_what_was_appended_survives_the_death_of_the_appender(outbox: Outbox) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from tracking.outbox.outbox import Outbox; from tracking.events import TagsSet\n"
        "box = Outbox(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    box.append([TagsSet(run_key='r', tags={'n': str(n)})]); print(n, flush=True)\n"
    )
    command = [sys.executable, "-c", script, str(outbox.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(30)]
        process.kill()
        said += process.stdout.readlines()
    last = int([line for line in said if line.endswith("\n")][-1])
    found = [stored.event for stored in outbox.waiting()]
    assert len(found) >= last + 1
    assert [e.tags["n"] for e in found if isinstance(e, TagsSet)] == [
        str(n) for n in range(len(found))
    ]


def test_an_outbox_that_moves_with_its_results_finds_its_record_and_files(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "results" / "studies" / "mine" / "outbox.db")
    outbox.check()
    outbox.set_fact("tracking_uri", f"sqlite:///{tmp_path}/results/mlflow.db")
    inside = outbox.from_outbox(outbox.path.with_name("study.yaml"))
    outside = outbox.from_outbox(tmp_path / "beside.txt")
    outbox.close()
    (tmp_path / "results").rename(tmp_path / "moved")

    moved = Outbox(tmp_path / "moved" / "studies" / "mine" / "outbox.db")

    assert moved.fact("tracking_uri") == f"sqlite:///{tmp_path}/moved/mlflow.db"
    assert moved.place(inside) == moved.path.with_name("study.yaml")
    assert moved.place(outside) == tmp_path / "beside.txt"
    moved.set_fact("tracking_uri", "http://127.0.0.1:5000")
    assert moved.fact("tracking_uri") == "http://127.0.0.1:5000"


def test_a_record_beside_the_results_stays_where_it_is(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "results" / "studies" / "mine" / "outbox.db")
    outbox.check()
    outbox.set_fact("tracking_uri", f"sqlite:///{tmp_path}/record.db?timeout=5")
    outbox.close()
    (tmp_path / "results").rename(tmp_path / "moved")
    moved = Outbox(tmp_path / "moved" / "studies" / "mine" / "outbox.db")
    assert moved.fact("tracking_uri") == f"sqlite:///{tmp_path}/record.db?timeout=5"
