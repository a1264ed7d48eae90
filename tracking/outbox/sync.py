"""Delivering what the outboxes of finished, stopped or killed studies still hold."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from memgan.config import Frozen
from memgan.errors import BadInput, TrackingUnavailable, unknown_name
from tracking.address import Location, has_secret, local_folder, redact, resolve, sqlite_file
from tracking.outbox.experiment import choose_experiment, delivered_as, owner
from tracking.outbox.outbox import TRACKING_URI, Outbox
from tracking.outbox.remainder import refusals
from tracking.outbox.writer import start_writer


class Synced(Frozen):
    """What became of one study's outbox."""

    study: str
    delivered: int
    waiting: int
    refused: tuple[str, ...]
    """What the store will never take, each with its reason."""
    tracking_uri: str
    """Without passwords."""
    fault: str | None = None
    """Why something still waits."""


def find_outboxes(results: Path, study: str | None = None) -> list[Path]:
    """The outboxes under a results folder, or the one of a study.

    BadInput where there is no such folder, UnknownName where there is no such study.
    """
    if not results.is_dir():
        raise BadInput(f"no results folder {results}; give the one that the study had, --results")
    found = {path.parent.name: path for path in sorted(results.glob("studies/*/outbox.db"))}
    if study is None:
        return list(found.values())
    if study not in found:
        raise unknown_name("study", study, found)
    return [found[study]]


def sync_all(
    paths: list[Path],
    results: Path,
    option: str | None,
    *,
    again: bool = False,
    experiment: str | None = None,
) -> list[Synced]:
    """Deliver outboxes one after the other, as `sync_one` does.

    Of several, one that cannot be delivered is told in its `fault` and stops no other.
    """
    done = []
    for path in paths:
        try:
            done.append(sync_one(path, results, option, again=again, experiment=experiment))
        except BadInput as error:
            if len(paths) == 1:
                raise
            done.append(_undelivered(path, str(error)))
    return done


def _undelivered(path: Path, fault: str) -> Synced:
    outbox = Outbox(path)
    try:
        waiting, where = outbox.count_waiting(), outbox.fact(TRACKING_URI)
    except sqlite3.Error:
        waiting, where = 1, None
    return Synced(
        study=path.parent.name,
        delivered=0,
        waiting=waiting,
        refused=refusals(outbox),
        tracking_uri=where or "",
        fault=fault,
    )


def sync_one(
    path: Path,
    results: Path,
    option: str | None,
    *,
    again: bool = False,
    patience: float = 60.0,
    experiment: str | None = None,
) -> Synced:
    """Deliver one outbox, for as long as something arrives every `patience` seconds.

    option: a tracking address for it; without one, where the study recorded before. again: all
    of it once more, what was refused included. experiment: where its runs go from now on, if not to
    the one they went to before. BadInput if the outbox cannot be written, or the address needs a
    password that is not known.
    """
    outbox = Outbox(path)
    outbox.check()
    _check_not_a_copy(outbox)
    location = recorded_at(outbox, results, option)
    if again:
        outbox.forget_delivery()
    before, place = outbox.count_delivered(), _place(outbox)
    fault = None
    target = choose_experiment(outbox, path.parent.name, experiment, location.uri)
    moves = (option and outbox.fact(TRACKING_URI) != redact(location.uri)) or (
        # Not the one that was asked for last: that move may have failed.
        (experiment or outbox.count_delivered()) and delivered_as(outbox) not in (None, target)
    )
    if outbox.count_waiting() or moves:
        fault = _deliver(outbox, location, target, patience)
    if _place(outbox) != place:
        before = 0  # All of it went to the new place.
    return Synced(
        study=path.parent.name,
        delivered=max(0, outbox.count_delivered() - before),
        waiting=outbox.count_waiting(),
        refused=refusals(outbox),
        tracking_uri=redact(location.uri),
        fault=fault,
    )


def _place(outbox: Outbox) -> tuple[str | None, str | None]:
    return outbox.fact(TRACKING_URI), delivered_as(outbox)


def _check_not_a_copy(outbox: Outbox) -> None:
    study, folder = owner(outbox), outbox.path.absolute().parent
    if study is not None and study != folder.name:
        raise BadInput(
            f"{folder} is a copy of study {study}, or that study renamed, and would write into its"
            f" runs; rename the folder to {study} if there is none of that name"
        )


def _deliver(outbox: Outbox, location: Location, experiment: str, patience: float) -> str | None:
    study = owner(outbox) or outbox.path.parent.name
    writer = start_writer(
        outbox.path, location.uri, experiment, location.artifact_root, study=study
    )
    try:
        writer.wait_ready()
        for waiting in _stalled(outbox, patience):
            if waiting == 0 or not writer.alive:
                break
    except TrackingUnavailable as error:
        return str(error)
    finally:
        left = writer.drain(timeout=5.0)
    return (writer.fault or f"nothing arrived for {patience:.0f} s") if left else None


def _stalled(outbox: Outbox, patience: float) -> Iterable[int]:
    """How many events wait, twice a second, until that has not changed for `patience` seconds."""
    least, since = None, time.monotonic()
    while time.monotonic() - since < patience:
        try:
            waiting = outbox.count_waiting()
        except sqlite3.Error:
            waiting = least if least is not None else 1
        if waiting != least:
            least, since = waiting, time.monotonic()
        yield waiting
        time.sleep(0.5)


def recorded_at(outbox: Outbox, results: Path | str, option: str | None) -> Location:
    """Where a study is recorded: at `option`, else where it was, else at `results`.

    BadInput where that has a password, which is not kept, and nobody gives it.
    """
    remembered = outbox.fact(TRACKING_URI)
    environment = os.environ.get("MLFLOW_TRACKING_URI")
    if option or not remembered:
        return resolve(option, results)
    file = sqlite_file(remembered)
    own = local_folder(results).absolute() / "mlflow.db"
    if file is not None and not file.is_file() and file != own:
        raise BadInput(
            f"{outbox.path.parent.name} was recorded in {file}, which is not there any more; say"
            " where it was moved with --tracking-uri sqlite:///FILE"
        )
    if not has_secret(remembered):
        return resolve(remembered, results)
    # The password was not kept: the environment may have it.
    if environment and redact(environment) == remembered:
        return resolve(environment, results)
    raise BadInput(
        f"{outbox.path.parent.name} was recorded at {remembered}, whose password is not kept; "
        "give --tracking-uri or MLFLOW_TRACKING_URI with it"
    )
