"""Files and folders among images that are not read, each with the reason: none in silence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from memgan.text import visible

_NAMED = 20


@dataclass(frozen=True)
class LeftOut:
    """One file or folder that is not read; of a folder nothing is."""

    path: Path
    reason: str
    """A few words, the same for all that are left out for it."""
    is_folder: bool = False

    def shown(self, root: Path | None = None) -> str:
        """Its path, below `root` if that is given; a folder's ends in a slash."""
        inside = root is not None and self.path.is_relative_to(root)
        path = self.path.relative_to(root) if root and inside else self.path
        return visible(f"{path}/" if self.is_folder else str(path))


def left_out_lines(left_out: Iterable[LeftOut], root: Path | None = None) -> list[str]:
    """One line a reason: how many are left out for it, and their names, of many the first 20.

    root: the folder that the names are told from.
    """
    by_reason: dict[str, list[LeftOut]] = defaultdict(list)
    for each in left_out:
        by_reason[each.reason].append(each)
    return [
        f"{len(of_reason)} left out ({reason}): "
        + ", ".join(each.shown(root) for each in of_reason[:_NAMED])
        + (f" and {len(of_reason) - _NAMED} more" if len(of_reason) > _NAMED else "")
        for reason, of_reason in by_reason.items()
    ]
