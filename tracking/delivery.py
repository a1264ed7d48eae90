"""One round of delivery: what waits in an outbox goes to a tracking store, once.

Every step can be repeated without harm, so a round may be cut off anywhere: a run is looked for
by its key before it is made, values carry their own times, artifacts replace their like.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from memgan.config import Frozen
from tracking import names
from tracking._plan import Entry, RunWork, batches, make_plan
from tracking.events import RunEnded
from tracking.location import one_line
from tracking.outbox import EXPERIMENT, EXPERIMENT_ID, Outbox
from tracking.tracker import Refused, Tracker

DEFAULT_LIMIT = 5000


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
    until: float | None = None,
) -> Delivery:
    """Deliver up to `limit` of the oldest waiting events; at most one batch a run, as a rule.

    until: a moment of time.monotonic() after which nothing new is begun. What the store will
    never take is marked refused and does not hold up the rest. Any other fault of the store ends
    the round and is reported, never raised. Raises sqlite3.Error if the outbox itself fails.
    """
    before = outbox.count_delivered()
    fault = None
    try:
        _Round(outbox, tracker, until).run(limit)
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

    So a fault of the outbox, which is no reason to wait for the store, is told apart.
    """

    def __init__(self, tracker: Tracker, until: float | None) -> None:
        self._tracker = tracker
        self._until = until

    def __getattr__(self, name: str) -> object:
        method = getattr(self._tracker, name)

        def ask(*arguments: object) -> object:
            if self._until is not None and time.monotonic() > self._until:
                raise _OutOfTime
            try:
                return method(*arguments)
            except Refused:
                raise
            except Exception as error:
                raise _StoreFault(error) from error

        return ask


class _Round:
    def __init__(self, outbox: Outbox, tracker: Tracker, until: float | None) -> None:
        self.outbox = outbox
        self.tracker: Tracker = _Asked(tracker, until)  # type: ignore[assignment]

    def run(self, limit: int) -> None:
        events = self.outbox.waiting(limit)
        if not events:
            return
        plan = make_plan(events, self.outbox.params_before)
        experiment_id = self._experiment()
        for work in plan.runs:
            self._deliver_run(experiment_id, work)
        # Last, so that a store of artifacts that is away holds up no figures.
        for seq, event in plan.artifacts:
            self._deliver_artifact(seq, event.run_key, Path(event.path), event.folder)

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
                raise _StoreFault(error) from error
            self.outbox.set_fact(EXPERIMENT_ID, known)
        return known

    def _deliver_run(self, experiment_id: str, work: RunWork) -> None:
        run_id = self.outbox.run_id(work.run_key)
        made = False
        if run_id is None:
            if work.started is None:
                self._refuse(work.seqs, "its run was never started, or was refused")
                return
            try:
                run_id, made = self._find_or_make(experiment_id, work)
            except Refused as error:
                self._refuse(work.seqs, f"its run was refused: {one_line(error)}")
                return
        for batch in batches(work.entries):
            self._log(run_id, batch)
        try:
            if isinstance(work.last, RunEnded):
                self.tracker.end(run_id, work.last.status, work.last.at)
            elif work.last is not None and not made:
                self.tracker.reopen(run_id)
        except Refused as error:
            self._refuse(work.seqs, one_line(error))
        self.outbox.mark_delivered(work.seqs)

    def _find_or_make(self, experiment_id: str, work: RunWork) -> tuple[str, bool]:
        assert work.started is not None
        found = self.tracker.find_runs(experiment_id, work.run_key)
        made = not found
        if made:
            # A request whose answer was lost may be carried out after the store was asked again.
            again = self.outbox.was_attempted(work.run_key)
            self.outbox.set_run_id(work.run_key, None)
            found = [self._make(experiment_id, work)]
            if again:
                found = self.tracker.find_runs(experiment_id, work.run_key) or found
        for duplicate in found[1:]:
            self.tracker.delete_run(duplicate)
        self.outbox.set_run_id(work.run_key, found[0])
        return found[0], made

    def _make(self, experiment_id: str, work: RunWork) -> str:
        started = work.started
        assert started is not None
        tags = {names.RUN_KEY: work.run_key, names.SOURCE: "memgan"}
        if names.USER in started.tags:
            # MLflow takes a run's user from here alone.
            tags[names.USER] = started.tags[names.USER]
        if started.parent_key is not None:
            parent = self.outbox.run_id(started.parent_key)
            if parent is not None:
                tags[names.PARENT_RUN] = parent
        return self.tracker.create_run(experiment_id, started.name, started.at, tags)

    def _log(self, run_id: str, batch: Sequence[Entry]) -> None:
        """Write a batch; where it is refused, halve it until the culprit stands alone."""
        try:
            self.tracker.log_batch(
                run_id,
                [entry.point for entry in batch if entry.point is not None],
                {entry.key: entry.text for entry in batch if entry.kind == "param"},
                {entry.key: entry.text for entry in batch if entry.kind == "tag"},
            )
        except Refused as error:
            if len(batch) == 1:
                self._refuse([batch[0].seq], f"{batch[0].key}: {one_line(error)}")
                return
            middle = len(batch) // 2
            self._log(run_id, batch[:middle])
            self._log(run_id, batch[middle:])

    def _deliver_artifact(self, seq: int, run_key: str, path: Path, folder: str | None) -> None:
        run_id = self.outbox.run_id(run_key)
        if run_id is None:
            self._refuse([seq], "its run was never started, or was refused")
        elif not path.exists():
            self._refuse([seq], f"{path} is gone")
        else:
            try:
                self.tracker.log_artifact(run_id, path, folder)
            except Refused as error:
                self._refuse([seq], one_line(error))
            else:
                self.outbox.mark_delivered([seq])

    def _refuse(self, seqs: Iterable[int], reason: str) -> None:
        for seq in seqs:
            self.outbox.mark_refused(seq, reason)
