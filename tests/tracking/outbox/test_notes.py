"""Descriptions, images and views on their way from an outbox to a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from told import FACTS

from tracking import names
from tracking.events import DataFacts
from tracking.outbox.delivery import deliver
from tracking.outbox.outbox import Outbox
from tracking.outbox.record import Record
from tracking.runs_view import VIEW_KEY
from tracking.stores.tracker import Unavailable
from tracking.testing.memory_tracker import MemoryTracker

SIZES = {"train": 1000, "validation": 100, "test": 697}


class Away(MemoryTracker):
    """A store that is not there until `back`."""

    back = False

    def create_experiment(self, name: str) -> str:
        if not self.back:
            raise Unavailable("the server is away")
        return super().create_experiment(name)


@pytest.fixture
def tracker() -> MemoryTracker:
    return MemoryTracker()


@pytest.fixture
def arrive(outbox: Outbox, tracker: MemoryTracker) -> Callable[[str], str]:
    """Delivers everything; (run key) -> the run's id."""

    def look(run_key: str) -> str:
        delivery = deliver(outbox, tracker)
        assert (delivery.waiting, delivery.refused) == (0, 0)
        run_id = outbox.run_id(run_key)
        assert run_id is not None
        return run_id

    return look


def experiment_tags(record: Record, tracker: MemoryTracker) -> dict[str, str]:
    experiment = record.experiment_id()
    assert experiment is not None
    return dict(tracker.experiment_tags(experiment))


def test_a_study_and_its_experiment_are_described_and_the_newest_text_stands(
    record: Record, tracker: MemoryTracker, arrive: Callable[[str], str]
) -> None:
    record.study_started({})
    record.study_described("in search", "in search, too")
    run = arrive(record.study_key)
    assert tracker.get_run(run).tags[names.NOTE] == "in search"
    record.study_described("**98 %** [report](artifact:export/report.html)", "**98 %**")
    arrive(record.study_key)

    assert tracker.get_run(run).tags[names.NOTE] == (
        f"**98 %** [report](#/experiments/{record.experiment_id()}/runs/{run}"
        "/artifacts/export/report.html)"
    )
    assert experiment_tags(record, tracker)[names.NOTE] == "**98 %**"


def test_a_description_that_somebody_has_changed_stays(
    record: Record, tracker: MemoryTracker, arrive: Callable[[str], str]
) -> None:
    record.study_started({})
    record.study_described("ours", "ours")
    run = arrive(record.study_key)
    experiment = record.experiment_id()
    assert experiment is not None
    tracker.log_batch(run, [], {}, {names.NOTE: "my own words"})
    tracker.tag_experiment(experiment, {names.NOTE: "mine, too"})

    record.study_described("ours again", "ours again")
    arrive(record.study_key)

    assert tracker.get_run(run).tags[names.NOTE] == "my own words"
    assert experiment_tags(record, tracker)[names.NOTE] == "mine, too"


def test_a_description_whose_digest_was_cut_off_is_replaced_later(
    record: Record, tracker: MemoryTracker, arrive: Callable[[str], str]
) -> None:
    record.study_started({})
    record.study_described("first", "first")
    run = arrive(record.study_key)
    tracker.log_batch(run, [], {}, {names.NOTE: "second"})  # The server went before the digest.

    record.study_described("second", "first")
    arrive(record.study_key)
    record.study_described("third", "first")
    arrive(record.study_key)

    assert tracker.get_run(run).tags[names.NOTE] == "third"


def test_runs_name_their_images_and_a_trial_none_of_the_test(
    outbox: Outbox, tracker: MemoryTracker, arrive: Callable[[str], str]
) -> None:
    facts = FACTS.model_copy(
        update={"split_hash": "0123456789" * 6, "sizes": SIZES, "image_shape": (1, 8, 8)}
    )
    record = Record(outbox, facts)
    record.study_started({})
    for _ in range(2):  # The second time it is resumed.
        record.trial_started("a", {})
        record.trial_ended("a", "FINISHED")
    record.final_started("a", 0, {})

    parts = {}
    for key in (record.study_key, record.trial_key("a"), record.final_key("a", 0)):
        (found,) = tracker.data(arrive(key))
        assert found == DataFacts(
            name="digits",
            digest="012345678901",
            sizes=SIZES,
            image_shape=(1, 8, 8),
            parts=found.parts,
        )
        parts[key.partition("/")[2].partition("/")[0]] = found.parts
    assert parts == {
        "study": ("train", "validation", "test"),
        "trial": ("train", "validation"),
        "final": ("train", "validation", "test"),
    }


def test_the_winner_is_tagged_and_one_that_lost_its_place_no_longer(
    record: Record, tracker: MemoryTracker, arrive: Callable[[str], str]
) -> None:
    record.study_started({})
    for trial_id in ("a", "b"):
        record.trial_started(trial_id, {})
        record.trial_ended(trial_id, "FINISHED")
    record.trial_won("a")
    assert tracker.get_run(arrive(record.trial_key("a"))).tags[names.WINNER] == "true"
    record.trial_won("a", still=False)
    record.trial_won("b")
    assert tracker.get_run(arrive(record.trial_key("a"))).tags[names.WINNER] == "false"
    assert tracker.get_run(arrive(record.trial_key("b"))).tags[names.WINNER] == "true"


def test_all_of_it_waits_for_a_server_that_is_away(record: Record, outbox: Outbox) -> None:
    store = Away()
    record.study_started({})
    record.study_described("text", "text")
    record.study_viewed(["0", "1"], ["lr"])
    record.study_ended("FINISHED")
    waiting = outbox.count_waiting()

    assert deliver(outbox, store).waiting == waiting > 4
    store.back = True
    assert deliver(outbox, store).waiting == 0

    tags = experiment_tags(record, store)
    assert tags[names.NOTE] == "text"
    assert "val_auroc/mean" in tags[names.VIEWS + VIEW_KEY]
    assert tags[names.PRIMARY_METRIC] == "val_auroc/mean"


def test_a_store_of_an_earlier_version_refuses_what_it_has_no_method_for_and_takes_the_rest(
    record: Record, outbox: Outbox, tmp_path: Path
) -> None:
    class Earlier:
        """A plug-in that was written before experiments had tags."""

        def __init__(self) -> None:
            self._tracker = MemoryTracker()

        def __getattr__(self, name: str) -> object:
            if name in ("tag_experiment", "experiment_tags"):
                raise AttributeError(name)
            return getattr(self._tracker, name)

    record.study_started({})
    record.study_described("text", "of the experiment")
    record.study_ended("FINISHED")

    delivery = deliver(outbox, Earlier())  # type: ignore[arg-type]

    assert (delivery.waiting, delivery.fault) == (0, None)
    (refused,) = outbox.refused()
    assert refused.reason == "Earlier has no method experiment_tags"
