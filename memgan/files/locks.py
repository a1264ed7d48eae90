"""Locks on files, by flock: held until the holder lets go of its file, or dies."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

from memgan.errors import CannotLock

_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
"""What a file system answers where another process holds the lock; some NFS say EACCES."""


def try_lock(descriptor: int, place: Path, *, shared: bool = False) -> bool:
    """Take the lock of an open file at once; False where another process holds it.

    shared: several may hold it so. CannotLock where the file system of `place` has no locks.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise _cannot_lock(place, error) from None
    return True


def wait_for_lock(descriptor: int, place: Path) -> None:
    """Take the lock of an open file, however long another process holds it. CannotLock as for
    `try_lock`."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise _cannot_lock(place, error) from None


def _cannot_lock(place: Path, error: OSError) -> CannotLock:
    return CannotLock(
        f"{place} cannot be locked ({error.strerror or error}), so two processes could write to it"
        " at once; choose a folder on a disk of this machine, or mount its file system with locks"
        " (Lustre: the option flock)"
    )
