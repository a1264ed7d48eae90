"""Lines of a journal that cannot be read: which they are, and the journal without them.

A disk, or two writers on a disk that is shared without locks, may join two half lines, or leave
zeros or anything else behind. Trials are numbered by the order in which they were created, so a
line that is lost in the middle must not let the ones behind it count for another trial.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memgan.errors import StudyError

Operation = dict[str, Any]

_CREATE_STUDY, _CREATE_TRIAL = 0, 4
_NEEDED: Mapping[int, tuple[str, ...]] = {
    _CREATE_STUDY: ("study_name", "directions"),
    1: ("study_id",),
    2: ("study_id", "user_attr"),
    3: ("study_id", "system_attr"),
    _CREATE_TRIAL: ("study_id", "datetime_start"),
    5: ("trial_id", "param_name", "param_value_internal", "distribution"),
    6: ("trial_id", "state", "values"),
    7: ("trial_id", "step", "intermediate_value"),
    8: ("trial_id", "user_attr"),
    9: ("trial_id", "system_attr"),
}
"""Keys that an operation of Optuna's has, by its code."""
_BEGINS = b'{"op_code"'
_NAMED = 5


class JournalDamaged(StudyError):
    """A journal has lines that cannot be read. Go on without them, or put back a copy."""


@dataclass(frozen=True)
class Gap:
    """A line, or a part of one, that cannot be read."""

    number: int
    """The number of the line, from 1."""
    text: bytes


def read_lines(content: bytes) -> Iterator[Operation | Gap]:
    """Every operation of a journal and every gap, in their order.

    Operations are found in a line that is damaged before them, too. What stands behind the last
    end of a line is left out: it is being written, or its writer was killed.
    """
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        if (operation := _operation(line)) is not None:
            yield operation
            continue
        starts = [found.start() for found in re.finditer(re.escape(_BEGINS), line)]
        for start in starts:
            if (operation := _operation(line[start:])) is not None:
                yield Gap(number, line[:start])
                yield operation
                break
        else:
            yield Gap(number, line)


def damaged_lines(path: Path) -> list[int]:
    """The numbers of a journal's damaged lines, from 1; none where there is no journal."""
    if not path.exists():
        return []
    return [found.number for found in read_lines(path.read_bytes()) if isinstance(found, Gap)]


def describe(path: Path, lines: Sequence[int]) -> str:
    """Which lines of a journal are damaged, in words."""
    shown = ", ".join(map(str, lines[:_NAMED]))
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    which = (
        f"line {shown} of {path} is" if len(lines) == 1 else f"lines {shown}{more} of {path} are"
    )
    return f"{which} damaged"


def mended(content: bytes, path: Path, studies: Mapping[str, Sequence[int]]) -> bytes:
    """A journal's content without its damaged lines.

    studies: Optuna's directions by the names of its studies in the order they were created. A
    lost line that created a trial is replaced, so that those behind it keep their numbers.
    JournalDamaged where what is left does not say which trial a line belongs to.
    """
    found = _with_lost_studies(list(read_lines(content)), studies)
    whole = _with_lost_trials(found, path)
    lines = [json.dumps(each, separators=(",", ":")) for each in whole if isinstance(each, dict)]
    return "".join(f"{line}\n" for line in lines).encode()


def _operation(line: bytes) -> Operation | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("worker_id"), str):
        return None
    needed = _NEEDED.get(found.get("op_code", -1))
    return found if needed is not None and all(key in found for key in needed) else None


def _with_lost_studies(
    found: list[Operation | Gap], studies: Mapping[str, Sequence[int]]
) -> list[Operation | Gap]:
    """With every study that a lost line created, in its place before whatever is of it."""
    created = [e["study_name"] for e in found if isinstance(e, dict) and e["op_code"] == 0]
    lost = [name for name in studies if name not in created]
    highest = max(
        (e["study_id"] for e in found if isinstance(e, dict) and "study_id" in e), default=-1
    )
    if highest < len(created) or not lost:
        return found
    # Studies are created one after the other, before any trial of the last of them.
    order = [
        name for name in studies if name in created or name in lost[: highest + 1 - len(created)]
    ]
    rest = [e for e in found if not (isinstance(e, dict) and e["op_code"] == _CREATE_STUDY)]
    made = [
        {
            "op_code": _CREATE_STUDY,
            "worker_id": "mended",
            "study_name": name,
            "directions": list(studies[name]),
        }
        for name in order
    ]
    return [*made, *rest]


def _with_lost_trials(found: list[Operation | Gap], path: Path) -> list[Operation | Gap]:
    """With a trial in the place of every lost line that created one."""
    whole: list[Operation | Gap] = []
    studies = trials = 0
    for each in found:
        whole.append(each)
        if isinstance(each, Gap):
            if re.search(rb'"op_code": ?4\b', each.text):
                whole[-1] = _trial_in(each, studies, path)
                trials += 1
            continue
        studies += each["op_code"] == _CREATE_STUDY
        trials += each["op_code"] == _CREATE_TRIAL
        while each.get("trial_id", -1) >= trials:
            place = _where_one_was_lost(whole)
            if place is None:
                raise JournalDamaged(
                    f"{path}: trial {each['trial_id']} was never created, so lines are missing"
                    " that nothing shows; put back a copy, or start a new study"
                )
            gap = whole[place]
            assert isinstance(gap, Gap)
            whole[place] = _trial_in(gap, studies, path)
            trials += 1
    return whole


def _where_one_was_lost(whole: Sequence[Operation | Gap]) -> int | None:
    """The last gap that does not show that it was something else than the creation of a trial."""
    for place in reversed(range(len(whole))):
        each = whole[place]
        if isinstance(each, Gap) and not re.search(rb'"op_code": ?[0-35-9]\b', each.text):
            return place
    return None


def _trial_in(gap: Gap, studies: int, path: Path) -> Operation:
    named = re.search(rb'"study_id": ?(\d+)', gap.text)
    if named is None and studies > 1:
        raise JournalDamaged(
            f"line {gap.number} of {path} created a trial, and what is left of it does not say of"
            " which class; put back a copy, or start a new study"
        )
    study = int(named[1]) if named else 0
    return {
        "op_code": _CREATE_TRIAL,
        "worker_id": "mended",
        "study_id": study,
        "datetime_start": "2000-01-01T00:00:00.000000",
    }
