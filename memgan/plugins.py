"""What other packages add by entry points: listed by name, and imported only when asked for."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Generic, TypeVar

from memgan.errors import PluginFailed, UnknownName, unknown_name

Thing = TypeVar("Thing")

INSTALL = "if it is a plug-in's, install its package"
"""How the fault of an unknown name ends."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class PluginState:
    """A plug-in that is installed, and whether it can be used."""

    kind: str
    name: str
    package: str
    """The package that offers it, with its version."""
    fault: str | None = None


@dataclass(frozen=True)
class PluginPoint(Generic[Thing]):
    """One kind of thing that other packages can add, by entry points of one group."""

    kind: str
    """What it is, in a word: "detector"."""
    group: str
    check: Callable[[str, object], Thing]
    """Gives what an entry point of this name leads to, or a TypeError that says what is wanted."""

    def names(self) -> list[str]:
        """The names that packages offer, sorted. Nothing of theirs is imported."""
        return sorted({entry.name for entry in _entries(self.group)})

    def find(self, name: object) -> Thing | None:
        """What is offered under a name, or None where nobody offers it.

        PluginFailed, in one line, where it cannot be imported, is not what is wanted, or is
        offered by several packages.
        """
        offers = [entry for entry in _entries(self.group) if entry.name == name]
        if not offers:
            return None
        if len(offers) > 1:
            packages = " and ".join(sorted(_package(entry) for entry in offers))
            raise PluginFailed(
                f"{self.kind} {name!r} is offered by {packages}; uninstall all but one of them"
            )
        return self._load(offers[0])

    def unknown(self, name: object, known: Collection[str]) -> UnknownName:
        """The fault of a name that is neither built in nor offered by a package."""
        told = unknown_name(self.kind, str(name), known)
        return UnknownName(f"{told}; {INSTALL}")

    def version_of(self, name: str) -> dict[str, str]:
        """The package that offers a name, with its version; empty for what nobody offers."""
        offers = [entry for entry in _entries(self.group) if entry.name == name]
        return {e.dist.name: e.dist.version for e in offers if e.dist is not None}

    def failed(self, name: str, error: BaseException) -> PluginFailed:
        """The fault of a plug-in, in one line that names its package."""
        packages = [_package(entry) for entry in _entries(self.group) if entry.name == name]
        told = " ".join(str(error).split())
        return PluginFailed(
            f"{self.kind} {name!r} of {' and '.join(packages)} cannot be used"
            f" ({type(error).__name__}: {told}); mend that package or uninstall it"
        )

    def states(
        self, built_in: Collection[str], use: Callable[[str], object] | None = None
    ) -> Iterator[PluginState]:
        """Every plug-in of the kind, each really imported; one that fails stops no other.

        built_in: names that are taken. use: tries a plug-in further than `find` does.
        """
        for entry in sorted(_entries(self.group)):
            fault = None
            if entry.name in built_in:
                fault = f"hidden by the built-in {self.kind} of that name; it needs another name"
            else:
                try:
                    (use or self.find)(entry.name)
                except Exception as error:
                    told = (
                        error if isinstance(error, PluginFailed) else self.failed(entry.name, error)
                    )
                    fault = str(told)
            yield PluginState(self.kind, entry.name, _package(entry), fault)

    def _load(self, entry: EntryPoint) -> Thing:
        try:
            if not _NAME.fullmatch(entry.name):
                raise ValueError("its name has other characters than letters, digits, -, _ and .")
            return self.check(entry.name, entry.load())
        except (Exception, SystemExit) as error:  # It is other people's code.
            raise self.failed(entry.name, error) from error


def _entries(group: str) -> tuple[EntryPoint, ...]:
    # Looking through all installed packages takes as long as a command's whole answer may.
    return _entries_on(group, tuple(sys.path))


@lru_cache(maxsize=32)
def _entries_on(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    try:
        return tuple(entry_points(group=group))
    except Exception:  # One package whose metadata is damaged must not hide all others.
        return tuple(_readable_entries(group))


def _readable_entries(group: str) -> Iterator[EntryPoint]:
    for distribution in distributions():
        try:
            yield from distribution.entry_points.select(group=group)
        except Exception:
            continue


def _package(entry: EntryPoint) -> str:
    if entry.dist is None:
        return f"the package of {entry.value}"
    return f"{entry.dist.name} {entry.dist.version}"
