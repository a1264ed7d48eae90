"""One round of delivery: what waits in an outbox goes to a tracking store, once.

Every step can be repeated without harm, so a round may be cut off anywhere: a run is looked for
by its key before it is made, values carry their own times, artifacts replace their like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from memgan.config import Frozen
from tracking import names
from tracking.address import one_line
from tracking.events import (
    ArtifactLogged,
    DataUsed,
    Described,
    ExperimentTagged,
    ModelLogged,
    RunEnded,
)
from tracking.outbox.notes import write_note
from tracking.outbox.outbox import EXPERIMENT, EXPERIMENT_ID, Outbox
from tracking.outbox.plan import Entry, RunWork, WholeWork, batches, make_plan
from tracking.stores import Gone, Refused, Tracker, Unavailable, without_experiment

DEFAULT_LIMIT = 5000

_NO_RUN = "its run was never started, or was refused"
_ASKED_TWICE = "asked twice for"
"""A fact of the outbox: this run may turn up a second time."""
_WAS_THERE = "the store had this study"
"""A fact of the outbox: somebody else, or an outbox that was lost, has made runs of it."""


class Delivery(Frozen):
    """How a round went. waiting and refused count the whole outbox, delivered this round."""

    delivered: int
    waiting: int
    refused: int
    fault: str | None = None
    """Why the round stopped before its end, in one line, if it did; worth trying again."""


def deliver(
    outbox: Outbox,
    tracker: Tracker,
    limit: int = DEFAULT_LIMIT,
    stop: Callable[[], bool] = lambda: False,
) -> Delivery:
    """Deliver up to `limit` of the oldest waiting events; at most one batch a run, as a rule.

    stop: asked before every call to the store; once true, nothing new is begun. What the store
    will never take is marked refused and does not hold up the rest. Any other fault of the store
    ends the round and is reported, never raised; what it came of goes last in the next round.
    Raises sqlite3.Error if the outbox itself fails.
    """
    before = outbox.count_delivered()
    fault = None
    try:
        _Round(outbox, tracker, stop).run(limit)
    except _OutOfTime:
        fault = "out of time"
    except _StoreFault as error:
        fault = one_line(error.cause)
    return Delivery(
        delivered=outbox.count_delivered() - before,
        waiting=outbox.count_waiting(),
        refused=len(outbox.refused()),
        fault=fault,
    )


class _OutOfTime(Exception):
    pass


class _StoreFault(Exception):
    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Asked:
    """The store, with everything that is not a refusal made a `_StoreFault`.

    So a fault of the outbox, which is no reason to wait for the store, is reported separately.
    """

    def __init__(self, tracker: Tracker, stop: Callable[[], bool]) -> None:
        self._tracker = tracker
        self._stop = stop

    def __getattr__(self, name: str) -> object:
        method = getattr(self._tracker, name, None)
        if method is None:  # A plug-in that was written for an earlier version.
            raise Refused(f"{type(self._tracker).__name__} has no method {name}")

        def ask(*arguments: object) -> object:
            if self._stop():
                raise _OutOfTime
            try:
                return method(*arguments)
            except Refused:
                raise
            except Exception as error:
                raise _StoreFault(error) from error

        return ask


class _Round:
    def __init__(self, outbox: Outbox, tracker: Tracker, stop: Callable[[], bool]) -> None:
        self.outbox = outbox
        self.tracker: Tracker = _Asked(tracker, stop)  # type: ignore[assignment]
        self.runs: dict[str, RunWork] = {}
        """What is still to be done, by run key."""

    def run(self, limit: int) -> None:
        events = self.outbox.waiting(limit)
        if not events:
            return
        plan = make_plan(events, self.outbox.params_before)
        self.runs = {work.run_key: work for work in plan.runs}
        for work in plan.in_order():
            if isinstance(work, RunWork):
                self._do_run(work.run_key)
            else:
                self._do_whole(work)

    def _do_run(self, run_key: str) -> None:
        """Deliver what there is of a run, unless that is done; its parent first, which it names."""
        work = self.runs.pop(run_key, None)
        if work is None:
            return
        if work.started is not None and work.started.parent_key is not None:
            self._make_sure_of(work.started.parent_key)
        with self._noting(work.seqs):
            self._deliver_run(self._experiment(), work)

    def _do_whole(self, work: WholeWork) -> None:
        self._make_sure_of(work.event.run_key)
        with self._noting([work.seq]):
            if isinstance(work.event, ModelLogged):
                self._deliver_model(work.seq, work.event)
            elif isinstance(work.event, ArtifactLogged):
                self._deliver_artifact(work.seq, work.event)
            else:
                self._deliver_note(work.seq, work.event)

    def _make_sure_of(self, run_key: str) -> None:
        if self.outbox.run_id(run_key) is None:
            self._do_run(run_key)

    @contextmanager
    def _noting(self, seqs: Sequence[int]) -> Iterator[None]:
        """What stops a round goes behind all else in the next one."""
        try:
            yield
        except _StoreFault as fault:
            self.outbox.mark_tried(seqs, one_line(fault.cause))
            raise

    def _experiment(self) -> str:
        known = self.outbox.fact(EXPERIMENT_ID)
        if known is None:
            name = self.outbox.fact(EXPERIMENT)
            if name is None:
                raise ValueError(f"{self.outbox.path} does not know its experiment")
            try:
                known = self.tracker.create_experiment(name)
            except Refused as error:
                # Without an experiment nothing can be delivered; somebody has to mend that.
                raise _StoreFault(without_experiment(name, one_line(error))) from error
            self.outbox.set_fact(EXPERIMENT_ID, known)
        return known

    def _deliver_run(self, experiment_id: str, work: RunWork) -> None:
        run_id = self.outbox.run_id(work.run_key)
        made = False
        if run_id is None:
            if work.started is None:
                self.outbox.mark_refused(work.seqs, _NO_RUN)
                return
            try:
                run_id, made = self._find_or_make(experiment_id, work)
            except Refused as error:
                self.outbox.mark_refused(work.seqs, f"its run was refused: {one_line(error)}")
                return
        try:
            for batch in batches(work.entries):
                self._log(run_id, batch)
            if isinstance(work.last, RunEnded):
                self._take_away_late_ones(experiment_id, work.run_key, run_id)
                self.tracker.end(run_id, work.last.status, work.last.at)
            elif work.last is not None and not made:
                self.tracker.reopen(run_id)
        except Gone as error:
            self.outbox.mark_refused(work.seqs, f"its run is gone: {one_line(error)}")
        except Refused as error:
            self.outbox.mark_refused(work.seqs, one_line(error))
        self.outbox.mark_delivered(work.seqs)

    def _find_or_make(self, experiment_id: str, work: RunWork) -> tuple[str, bool]:
        key, again = work.run_key, self.outbox.was_attempted(work.run_key)
        found = []
        if again or self._may_be_there(work):
            found = self.tracker.find_runs(experiment_id, key)
        made = not found
        if made:
            self.outbox.set_run_id(key, None)
            found = [self._make(experiment_id, work)]
            if again:
                # A request whose answer was lost may be carried out after the store was asked.
                self.outbox.set_fact(f"{_ASKED_TWICE} {key}", "")
                found = self.tracker.find_runs(experiment_id, key) or found
        elif not again:
            self.outbox.set_fact(_WAS_THERE, "")
        for duplicate in found[1:]:
            self.tracker.delete_run(duplicate)
        self.outbox.set_run_id(key, found[0])
        return found[0], made

    def _may_be_there(self, work: RunWork) -> bool:
        """Whether the store may have a run that this outbox never began to make: the study's own,
        or one of a study whose own was there."""
        assert work.started is not None
        return work.started.parent_key is None or self.outbox.fact(_WAS_THERE) is not None

    def _take_away_late_ones(self, experiment_id: str, run_key: str, run_id: str) -> None:
        """A server may have held a first request for longer than we waited, and then made it."""
        fact = f"{_ASKED_TWICE} {run_key}"
        if self.outbox.fact(fact) is not None:
            for found in self.tracker.find_runs(experiment_id, run_key):
                if found != run_id:
                    self.tracker.delete_run(found)
            self.outbox.forget_fact(fact)

    def _make(self, experiment_id: str, work: RunWork) -> str:
        started = work.started
        assert started is not None
        tags = {names.RUN_KEY: work.run_key, names.SOURCE: "memgan"}
        if names.USER in started.tags:
            # MLflow takes a run's user only from here.
            tags[names.USER] = started.tags[names.USER]
        if started.parent_key is not None:
            parent = self.outbox.run_id(started.parent_key)
            if parent is not None:
                tags[names.PARENT_RUN] = parent
        try:
            return self.tracker.create_run(experiment_id, started.name, started.at, tags)
        except Gone as error:
            # Somebody deleted the experiment; the next round makes a new one or brings it back.
            self.outbox.forget_fact(EXPERIMENT_ID)
            raise _StoreFault(error) from error

    def _log(self, run_id: str, batch: Sequence[Entry]) -> None:
        """Write a batch; where it is refused, halve it until only the culprit is left."""
        try:
            self.tracker.log_batch(
                run_id,
                [entry.point for entry in batch if entry.point is not None],
                {entry.key: entry.text for entry in batch if entry.kind == "param"},
                {entry.key: entry.text for entry in batch if entry.kind == "tag"},
            )
        except Gone:
            raise
        except Refused as error:
            if len(batch) == 1:
                self.outbox.mark_refused([batch[0].seq], f"{batch[0].key}: {one_line(error)}")
                return
            middle = len(batch) // 2
            self._log(run_id, batch[:middle])
            self._log(run_id, batch[middle:])

    def _deliver_artifact(self, seq: int, event: ArtifactLogged) -> None:
        run_id, path = self.outbox.run_id(event.run_key), self.outbox.place(event.path)
        if run_id is None:
            self.outbox.mark_refused([seq], _NO_RUN)
            return
        try:
            if not path.exists():
                self.outbox.mark_refused([seq], f"{path} is gone")
                return
            self.tracker.log_artifact(run_id, path, event.folder)
        except Refused as error:
            self.outbox.mark_refused([seq], f"{path.name}: {one_line(error)}")
        except OSError as error:
            raise _StoreFault(error) from error
        except _StoreFault as fault:
            raise _StoreFault(Unavailable(f"{path.name}: {one_line(fault.cause)}")) from fault
        else:
            self.outbox.mark_delivered([seq])

    def _deliver_model(self, seq: int, event: ModelLogged) -> None:
        run_id = self.outbox.run_id(event.run_key)
        bundles = {name: self.outbox.place(folder) for name, folder in event.bundles.items()}
        if run_id is None:
            self.outbox.mark_refused([seq], _NO_RUN)
            return
        try:
            self.tracker.log_model(run_id, event.name, bundles, event.tags)
        except Refused as error:
            self.outbox.mark_refused([seq], f"model {event.name}: {one_line(error)}")
        else:
            self.outbox.mark_delivered([seq])

    def _deliver_note(self, seq: int, event: DataUsed | Described | ExperimentTagged) -> None:
        run_id = self.outbox.run_id(event.run_key)
        if run_id is None:
            self.outbox.mark_refused([seq], _NO_RUN)
            return
        try:
            write_note(self.tracker, self._experiment(), run_id, event)
        except Refused as error:
            self.outbox.mark_refused([seq], one_line(error))
        else:
            self.outbox.mark_delivered([seq])
