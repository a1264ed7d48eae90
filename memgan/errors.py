"""What can go wrong, as a small tree: one class for each thing a user would do next.

Every message is one line: what was wrong, what is allowed, what to do about it. The command
line prints it and exits with `exit_code`; nothing below it formats or exits.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class MemganError(Exception):
    """Something failed that is not the user's input. Read the line, mend the cause, run again."""

    exit_code = 1


class BadInput(MemganError):
    """What was asked for cannot be done as it was asked. Change the input named in the line."""

    exit_code = 2


class ConfigError(BadInput):
    """A configuration, a study file or an option has an unknown key or a value out of range."""


class UnknownName(BadInput):
    """A name (source, class, detector, sampler, ...) that nobody registered."""


class PluginFailed(BadInput):
    """A package that is installed offers this, and it cannot be used. Mend or uninstall it."""


class DataError(BadInput):
    """Images are missing, unreadable, constant, or too few for what they are needed for."""


class BundleError(BadInput):
    """A bundle is incomplete, damaged, or not a bundle."""


class ResultsError(BadInput):
    """A file of recorded results is damaged, contradicts itself, or was made from other images."""


class StudyError(BadInput):
    """A study's name, folder or state does not allow what was asked."""


class CannotLock(BadInput):
    """A file system has no locks. Choose a place on another one, or have it mounted with locks."""


class TrackingUnavailable(BadInput):
    """The tracking address did not answer when it was needed."""


class PreflightFailed(BadInput):
    """Something on this machine or a node would make trials fail. Mend what `faults` name."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class OutOfSpace(MemganError):
    """A disk is nearly full; the study stopped in order. Make room, then go on with --resume."""


class TrainingDiverged(MemganError):
    """A loss or a score stopped being finite. Lower the learning rate or a loss weight."""


def nearest(value: str, known: Iterable[str], likeness: float = 0.5) -> str | None:
    """The known name closest in spelling to `value`, or None where nothing comes near.

    likeness: at least, from 0 to 1 (letters).
    """
    close = difflib.get_close_matches(value, list(known), n=1, cutoff=likeness)
    return close[0] if close else None


def unknown_name(kind: str, value: str, known: Iterable[str]) -> UnknownName:
    """An `UnknownName` saying what was asked for, the nearest known name, and all of them."""
    names = list(known)
    near = nearest(value, names)
    hint = f" did you mean {near!r}?" if near else ""
    return UnknownName(f"unknown {kind} {value!r};{hint} known: {', '.join(names) or 'none'}")
