"""Room on disks: looked at before a study begins and while it runs, so that it stops in order
while there is still room to write down where it stopped."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

ROOM_TO_START = 256 * 2**20
ROOM_TO_GO_ON = 64 * 2**20
NEXT_TO_NOTHING = 2 * 2**20
"""Bytes. What is written between two looks must fit the second; checkpoints are some megabytes
each. An error with no more than the third left is the disk's, whatever it calls itself."""


def why_no_room(place: Path, wanted: int = ROOM_TO_START) -> str | None:
    """Why there is too little room at a folder, or below which it will be made; None for enough."""
    existing = next(f for f in (place, *place.parents) if f.exists())
    free = shutil.disk_usage(existing).free
    if free >= wanted:
        return None
    return f"{free >> 20} MiB are free at {existing}, and {wanted >> 20} are wanted; make room"


def out_of_space(reason: str, go_on_command: str) -> str:
    """What a study that ended for want of room tells."""
    return f"{reason}; the study stopped in order: make room, then go on with: {go_on_command}"


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk, or a user's share of it, is full."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return os.strerror(errno.ENOSPC) in str(error)  # SQLite, pyarrow and Tune put it into words.
