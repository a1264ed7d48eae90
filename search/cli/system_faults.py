"""What the system refuses, as a line that says what to do: the last resort of every command."""

from __future__ import annotations

import errno
import io
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from memgan.errors import MemganError
from tracking.address import redact

_NO_RIGHT = "give another place, or ask for the right to this one"
_NO_ROOM = "make room, or give another place"
_HINTS = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: "give a place on another disk, or have this one mounted to be written",
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: _NO_ROOM,
    errno.EMFILE: "allow more of them (`ulimit -n 65536`), then run it again",
    errno.ENFILE: "end other programs, or allow more of them, then run it again",
    errno.ENOMEM: "end other programs, or ask for less at once, then run it again",
    errno.EAGAIN: "end other programs, or allow more processes (`ulimit -u`)",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "its links lead in a circle; give another place",
    errno.ENOTDIR: "something above it is a file; give another place",
    errno.EISDIR: "it is a folder where a file is wanted; give another place",
    errno.EEXIST: "something else has this name; give another place",
    errno.EIO: "the disk or its network fails; look after it, or give another place",
    errno.ESTALE: "the disk or its network fails; look after it, or give another place",
    errno.ENOTCONN: "the disk or its network fails; look after it, or give another place",
}
_IN_WORDS = (errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.EDQUOT)
"""Faults that libraries without a class for them put into the system's words."""
_SQLITE = {"readonly": errno.EROFS, "full": errno.ENOSPC, "unable to open": errno.EACCES}


def in_a_line(error: BaseException) -> str | None:
    """What was refused and what to do next; None where it was not the system that refused."""
    if isinstance(error, MemganError):
        return None
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return "this user has no home folder; set HOME to one"  # pathlib's words
    for fault in _causes(error):
        if isinstance(fault, MemoryError):
            return f"not enough memory; {_HINTS[errno.ENOMEM]}"
        if isinstance(fault, OSError):
            return _of_system(fault)
        if isinstance(fault, sqlite3.Error):
            return f"a database of this study or record: {fault}; {_HINTS[_of_sqlite(fault)]}"
        for number in _IN_WORDS:
            if os.strerror(number) in str(fault):
                return f"{redact(str(fault))}; {_HINTS[number]}"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__


def _of_system(error: OSError) -> str:
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return f"{redact(str(error))}; nobody answers there: start it, or give another address"
    where = error.filename
    if error.errno is None:  # Of a library, in its own words.
        return f"{redact(str(error))}; {_hint(error, str(where))}"
    name = os.fsdecode(where) if isinstance(where, str | bytes) else "a file or standard output"
    return f"{name}: {error.strerror or 'refused'}; {_hint(error, name)}"


def _hint(error: OSError, name: str) -> str:
    home = Path(os.environ.get("HOME") or "/nowhere").absolute()
    if isinstance(error, PermissionError) and Path(name).is_relative_to(home):
        return "set HOME to a folder of your own"
    return _HINTS.get(error.errno or 0, "the system refuses it; mend that, or give another place")


def _of_sqlite(error: sqlite3.Error) -> int:
    return next((n for words, n in _SQLITE.items() if words in str(error)), errno.EIO)


def open_missing_streams() -> None:
    """Put nothing (/dev/null) where standard input, output or error was closed.

    Else the next files that are opened would have their numbers, and be written to as if they
    were a terminal.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            stream = io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8")
            setattr(sys, name, stream)


def say(line: str) -> None:
    """A line on standard error, if that takes it."""
    with suppress(OSError):
        sys.stderr.write(f"memgan: {line}\n")
        sys.stderr.flush()


def flush_output() -> None:
    """Write what standard output still holds; OSError where it takes no more, and what is left
    is then dropped, so that the end of the process does not try again."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise
