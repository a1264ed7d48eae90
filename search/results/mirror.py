"""A study whose results lie at an address: this machine's part of it, copied there as it grows.

The journal, the outbox and the study's lock want a disk of the machine that drives, so they lie
in a local folder, and a thread copies what has changed to the address every few seconds. Trials
write their checkpoints to the address themselves. Another machine begins with what is there.

Who drives writes a session file beside the copies and renews it with every round. Object stores
as pyarrow reaches them have no lock that dies with its holder, so a session counts as alive until
it was not renewed for a minute. Two drivers that begin in the same moment find each other by
reading back what they wrote; one that was taken over stops.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memgan.errors import StudyError
from memgan.files import is_plain_file, try_lock
from search.results.export_place import is_of_study
from search.results.mirrored_files import (
    LOOKED_AT,
    OUTBOX,
    SESSION,
    SIDES,
    read_if_file,
    snapshot,
    travels,
    unfinished,
)
from search.results.storage import Storage
from search.results.study_files import STUDY, everything_below, in_order_of_removal
from search.results.study_folder import StudyFolder
from search.stopping import stop_process
from tracking.address import one_line, redact

EVERY = 5.0
"""Seconds between rounds: what a driver's machine takes with it where it is lost for good."""
ALIVE = 60.0
"""Seconds after which a session that nobody renews is over."""
_SETTLED = 1.0


def mirror_of(folder: StudyFolder) -> Mirror | None:
    """The study's mirror, with this machine's part brought up to date; None where results are a
    folder. StudyError where the address does not answer, or the part is in use."""
    if folder.address is None:
        return None
    mirror = Mirror(folder)
    try:
        # A bucket that does not exist reads as an empty one.
        Storage.at(folder.address).must_be_writable()
        mirror.fetch()
    except OSError as error:
        raise unreachable(folder.address, error) from None
    return mirror


class Mirror:
    """The copy of one study at its address. OSError where that does not answer."""

    def __init__(self, folder: StudyFolder) -> None:
        assert folder.address is not None
        self.lost = False
        """Another driver has taken the study over."""
        self.fault: str | None = None
        """Why the last round failed, in one line; the next one tries again."""
        self._folder = folder
        self._storage = Storage.at(f"{folder.address}/studies/{folder.name}")
        self._copied: dict[Path, tuple[int, int]] = {}
        self._seen: str | None = None
        self._token = secrets.token_hex(8)

    def held_by(self) -> str | None:
        """Who drives the study now, in words, or None."""
        session = self._session()
        if session is None or session["ended"]:
            return None
        return str(session["holder"]) if self._age() < ALIVE else None

    def driven_here(self) -> bool:
        """Whether this machine drove the study last."""
        token = self._token_there()
        return token is not None and token == self._own_token()

    def fetch(self) -> None:
        """Bring this machine's part up to date, unless this machine drove the study last, or a
        process of it holds the study: then nobody has anything newer.

        StudyError if another process begins to hold the part meanwhile.
        """
        self._seen = self._token_there()
        if self._seen is None or self._seen == self._own_token():
            return
        if STUDY not in self._storage.names():
            return  # Its driver was lost before all of it was there, so it never began.
        if self._folder.held_by() is not None:
            self._seen = self._own_token()
            return
        _made(self._folder.path)
        with self._folder.lock(), self._no_deliverer():
            self._seen = self._token_there()
            if self._seen != self._own_token():
                self._replace()

    def copy_to_look_at(self) -> StudyFolder:
        """See `looking.to_look_at`."""
        newest = self._token_there()
        if newest is None or newest == self._own_token():
            return self._folder
        # A folder only for this process: what is here may be in use by a driver.
        place = Path(tempfile.mkdtemp(prefix="memgan-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        copy = StudyFolder(place, self._folder.name, self._folder.address)
        for name in self._storage.files():
            if name in LOOKED_AT:
                (_made(copy.path) / name).write_bytes(self._storage.read(name))
        return copy

    def _replace(self) -> None:
        """Put what is at the address in place of what is here; the caller holds the lock, whose
        file stays. Cut short, it is done again by the next."""
        here = self._folder.path
        (here / SESSION).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(dir=here.parent, prefix=".") as new:
            fetched = [name for name in self._storage.files() if travels(name)]
            for name in fetched:
                target = _made((Path(new) / name).parent) / Path(name).name
                target.write_bytes(self._storage.read(name))
            self._clear_of_another(Path(new))
            # SQLite would take these for the log of the new file.
            for name in SIDES:
                (here / name).unlink(missing_ok=True)
            for name in fetched:
                (Path(new) / name).replace(_made((here / name).parent) / Path(name).name)

    def _clear_of_another(self, new: Path) -> None:
        """What is left here of a study that had the name before."""
        here = self._folder.path
        if read_if_file(here / "id") == read_if_file(new / "id"):
            return
        files, _ = everything_below(here)
        for name in files:
            if name != "lock" and is_of_study(name) and is_plain_file(here / name):
                (here / name).unlink()

    @contextlib.contextmanager
    def _no_deliverer(self) -> Iterator[None]:
        """Nobody delivers the outbox that is here while the block lasts. StudyError where
        somebody does."""
        place = self._folder.path / f"{OUTBOX}.lock"
        with place.open("ab") as lock:
            if not try_lock(lock.fileno(), place):
                raise StudyError(
                    f"the record of study {self._folder.name} is being delivered by another"
                    " process of this machine; try again in a minute"
                )
            yield

    def _token_there(self) -> str | None:
        session = self._session()
        return str(session["token"]) if session else None

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Drive the study: copy for as long as the block lasts, and once more at its end.

        The caller holds the local lock. StudyError if somebody else drives it, or drove it since
        `fetch`.
        """
        self._begin()
        self._round(ended=False)  # So that others see the study from its first moment on.
        stop = threading.Event()
        copier = threading.Thread(target=self._copy_until, args=(stop,), daemon=True)
        copier.start()
        try:
            yield
        finally:
            stop.set()
            copier.join()
            self._round(ended=True)

    def why_behind(self) -> str | None:
        """Why the copy may not have all, in one line; None where it has."""
        name, address = self._folder.name, self._folder.address
        if self.lost:
            return f"another driver has taken over study {name} at {address}; this one stopped"
        if self.fault:
            return (
                f"{address} has not all of study {name} ({self.fault}); {self._folder.path} has:"
                f" resume on this machine with: {self._folder.go_on_command()}"
            )
        return None

    def remove(self) -> list[str]:
        """Delete the study at the address, its checkpoints with it; gives the names of files that
        are not the study's, and stay."""
        names = filter(is_of_study, self._storage.files())
        for name in in_order_of_removal(names):
            self._storage.remove(name)
        self._storage.remove_if_empty()
        return self._storage.files()

    def must_be_free(self) -> None:
        """StudyError, naming the process, if somebody drives the study; the caller holds the
        local lock."""
        # A dead driver of this machine needs no minute: the local lock says that it is gone.
        if not self.driven_here() and (holder := self.held_by()):
            raise StudyError(
                f"study {self._folder.name} at {self._folder.address} is held by {holder};"
                f" wait for it to end, or for {ALIVE:.0f} s after it died"
            )

    def _begin(self) -> None:
        self.must_be_free()
        session = self._session()
        if (session["token"] if session else None) != self._seen:
            raise StudyError(f"study {self._folder.name} was driven elsewhere meanwhile; try again")
        self._renew(ended=False)
        time.sleep(_SETTLED)
        now = self._session()
        if now is None or now["token"] != self._token:
            holder = now["holder"] if now else "another process"
            raise StudyError(
                f"study {self._folder.name} was taken by {holder} just now; wait for it to end"
            )
        (self._folder.path / SESSION).write_text(self._token, encoding="utf-8")

    def _copy_until(self, stop: threading.Event) -> None:
        while not stop.wait(EVERY):
            self._round(ended=False)
            if self.lost:
                stop_process()
                return

    def _round(self, *, ended: bool) -> None:
        if self.lost:
            return
        try:
            now = self._session()
            if now is not None and now["token"] != self._token:
                self.lost = True
                return
            self._copy_changed()
            self._renew(ended=ended)
            self.fault = None
        except (OSError, sqlite3.Error) as error:
            self.fault = one_line(error)

    def _copy_changed(self) -> None:
        top = self._folder.path
        for path in sorted(top.rglob("*")):
            name = path.relative_to(top)
            if not path.is_file() or unfinished(name) or not travels(name.as_posix()):
                continue
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                print_ = (state.st_mtime_ns, state.st_size)
                if str(name) == OUTBOX:
                    # What was written last lies beside it, in the write-ahead log.
                    with contextlib.suppress(FileNotFoundError):
                        print_ = (Path(f"{path}-wal").stat().st_mtime_ns, print_[0])
                if self._copied.get(path) == print_:
                    continue
                content = snapshot(path) if str(name) == OUTBOX else path.read_bytes()
                self._storage.write(name.as_posix(), content)
                self._copied[path] = print_

    def _session(self) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = json.loads(self._storage.read(SESSION))
        except FileNotFoundError:
            return None
        return content

    def _renew(self, *, ended: bool) -> None:
        holder = f"process {os.getpid()} on {os.uname().nodename}"
        content = {"token": self._token, "holder": holder, "ended": ended}
        self._storage.write(SESSION, json.dumps(content).encode())

    def _age(self) -> float:
        """Seconds since the session was renewed, by the storage's clock only."""
        probe = f".clock-{self._token}"
        self._storage.write(probe, b"")
        try:
            now, then = self._storage.written_at(probe), self._storage.written_at(SESSION)
        finally:
            self._storage.remove(probe)
        return 0.0 if now is None or then is None else now - then

    def _own_token(self) -> str | None:
        try:
            return (self._folder.path / SESSION).read_text(encoding="utf-8")
        except OSError:
            return None


def unreachable(address: str, error: OSError) -> StudyError:
    """What to tell where an address does not answer."""
    return StudyError(
        f"results at {redact(address)} cannot be reached ({one_line(error)}); see that the bucket"
        " exists, and that credentials and endpoint are set (for S3: AWS_…)"
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
