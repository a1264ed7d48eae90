"""One process's work on a study: what it holds from the opening of the study to its close."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from memgan.data import Split
from memgan.errors import OutOfSpace
from memgan.waiting import waiting_for
from search.report import Conclusion
from search.results import (
    Mirror,
    NewStudy,
    StudyFolder,
    beginning_of,
    is_full,
    out_of_space,
    read_beginning,
    write_beginning,
)
from search.stopping import current, is_interruption
from search.study import ClassGroup, Study
from search.workflow.preparation import make_record
from tracking import Location, Record, Remainder, WriterProcess, settle, start_writer
from tracking.address import sync_command

Note = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A study whose settings, images and folder are in order: it can be opened."""

    study: Study
    split: Split
    groups: Sequence[ClassGroup]
    folder: StudyFolder
    mirror: Mirror | None
    """Where results lie at an address."""
    location: Location
    """The tracking store."""
    experiment: str
    """The store's name for what holds the study's runs."""
    note: Note
    """Told a line for each thing worth knowing on the way."""
    new: NewStudy | None = None
    """Set for a study that begins, and told as soon as it has begun."""
    remarks: Sequence[str] = ()
    """What the user of a new study should know, told once nothing can refuse it any more."""


@dataclass
class Session:
    """An open study. Its lock is held, and a process delivers what its record says."""

    ready: Ready
    record: Record
    writer: WriterProcess
    until_closed: ExitStack
    """Contexts that end after the record is settled and before the lock is released."""
    started: float = field(default_factory=time.monotonic)
    begun: bool = False
    """Whether the study has come to its first trial, or went on with one."""
    seconds_after_trials: float | None = None
    """What finals and export will take, by the pace of the trials."""
    interrupted: bool = False
    """Whether somebody asked to stop."""
    conclusion: Conclusion | None = None
    """Set where the study came to its end."""
    remainder: Remainder = field(default_factory=lambda: Remainder(waiting=0))
    """What the tracking store has not taken; known once the study is closed."""


@contextmanager
def open_study(ready: Ready) -> Iterator[Session]:
    """A study to work on; left in whatever way, it is closed in order.

    A wish to stop ends the block without a fault, and is told by `interrupted`; before the study
    has begun it becomes KeyboardInterrupt. OutOfSpace where a disk was full, StudyError where
    another process works on the study.
    """
    folder, started = ready.folder, time.monotonic()
    with folder.lock(), ExitStack() as until_closed:
        if read_beginning(folder.path) is None:  # An earlier version began the study.
            write_beginning(folder.path, beginning_of(ready.split, ready.groups))
        record = make_record(ready.study, folder, ready.split)
        location = ready.location
        writer = start_writer(
            folder.outbox,
            location.uri,
            ready.experiment,
            location.artifact_root,
            study=ready.study.name,
        )
        session = Session(ready, record, writer, until_closed, started)
        try:
            yield session
        except BaseException as error:
            session.interrupted = is_interruption(error)
            if not session.interrupted and isinstance(error, OSError) and is_full(error):
                raise OutOfSpace(out_of_space(str(error), folder.go_on_command())) from None
            if not session.interrupted:
                raise
        finally:
            _close(session)
        if not session.begun:
            raise KeyboardInterrupt


def _close(session: Session) -> None:
    """Say in the record how the study ended, and deliver what is left of it."""
    ready, record, stop = session.ready, session.record, current()
    if session.begun:
        with stop.held():
            if session.interrupted:
                record.study_ended("KILLED")
            else:
                record.study_ended("FINISHED" if session.conclusion else "FAILED")
    with waiting_for("delivering the record"):
        session.remainder = _settle(record, session.writer)
    session.interrupted = session.interrupted or stop.asked
    if session.conclusion is None and not session.interrupted:
        # There is a fault on its way, and so no result that could tell it.
        for line in session.remainder.lines(sync_command(ready.study.name, ready.folder.where)):
            ready.note(line)


def _settle(record: Record, writer: WriterProcess) -> Remainder:
    """Deliver what is left of the record; in a few seconds where somebody wants to stop."""
    stop = current()
    if not stop.asked:
        try:
            return settle(record, writer)
        except BaseException as error:
            if not is_interruption(error):
                raise
    with stop.held():
        return settle(record, writer, stop.seconds_left(60.0), leave=True)


def restored_line(experiment: str) -> str:
    """What is told where a study is recorded in an experiment that somebody deleted."""
    return (
        f"MLflow has a deleted experiment {experiment}, which is restored with the runs that it"
        " had; for a fresh one give another --experiment, or remove it for good with `mlflow gc`"
    )
