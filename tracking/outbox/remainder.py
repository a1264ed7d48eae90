"""What of a study's record has not arrived when its driver is about to end."""

from __future__ import annotations

import sqlite3

from memgan.config import Frozen
from tracking.outbox.outbox import Outbox, Refusal
from tracking.outbox.record import Record
from tracking.outbox.writer import WriterProcess
from tracking.stores import tells_of_denial

_NAMED = 10
"""Refused events that are named at the end of a search; `memgan sync` names them all."""


class Remainder(Frozen):
    """What is still to come, and what never will."""

    waiting: int
    """Events in the outbox that `memgan sync` delivers; −1 where it cannot be read any more."""
    refused: tuple[str, ...] = ()
    """What the store will never take, each with its reason. It stays in the outbox."""
    lost: int = 0
    """Events that not even the outbox took: they end with this process."""
    fault: str | None = None
    """Why something waits, or was lost."""

    def lines(self, sync_command: str) -> list[str]:
        """All of it in words, for a person; nothing where everything arrived."""
        reason = f" ({self.fault})" if self.fault else ""
        said = []
        if self.waiting < 0:
            said.append(f"the outbox cannot be read{reason}; once it can, run: {sync_command}")
        elif self.waiting and tells_of_denial(self.fault):
            said.append(
                f"{self.waiting} events are kept here, as the tracking store takes none of them"
                f"{reason}; once it does, deliver them with: {sync_command}"
            )
        elif self.waiting:
            said.append(
                f"{self.waiting} events wait for the tracking store{reason}; deliver them with:"
                f" {sync_command}"
            )
        said += [f"refused by the tracking store, and kept: {one}" for one in self.refused[:_NAMED]]
        if len(self.refused) > _NAMED:
            said.append(f"… and {len(self.refused) - _NAMED} more, named by: {sync_command}")
        if self.lost:
            said.append(
                f"{self.lost} events of the record are lost: the disk of the outbox did not take"
                " them; the study itself is not affected"
            )
        return said


def settle(
    record: Record, writer: WriterProcess, timeout: float = 60.0, *, leave: bool = False
) -> Remainder:
    """Let the writer deliver what is left, for at most `timeout` seconds, and say what remains.

    leave: a writer that is not done by then goes on for its last minute, while this process ends.
    """
    record.flush()
    writer.drain(timeout, leave=leave)
    # Somebody may have made room on the disk meanwhile.
    lost = record.flush()
    waiting = writer.drain(0.0 if leave else 60.0, leave=leave)
    return Remainder(
        waiting=waiting,
        refused=refusals(record.outbox) if waiting >= 0 else (),
        lost=lost,
        fault=writer.fault if waiting or lost else None,
    )


def refusals(outbox: Outbox) -> tuple[str, ...]:
    """What the store will never take, each by its run, kind and reason, in order."""
    try:
        return tuple(_named(refusal) for refusal in outbox.refused())
    except sqlite3.Error:
        return ()


def _named(refusal: Refusal) -> str:
    return f"{refusal.run_key} {refusal.kind}: {refusal.reason}"
