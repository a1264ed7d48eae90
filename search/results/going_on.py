"""The commands that go on with a study, as they can be pasted into a shell."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from search.results.study_folder import StudyFolder
from tracking.address import is_address, redact, resolve, shell_command

_NOTIFY = "--notify"


def same_command() -> str:
    """The command line of this process without what is secret: passwords in addresses, and whom
    it notifies, as whoever knows a chat's webhook can write there."""
    return shell_command("memgan", *map(redact, _without_notify(sys.argv[1:])))


def _without_notify(words: Iterable[str]) -> Iterator[str]:
    given = iter(words)
    for word in given:
        if word == _NOTIFY:
            next(given, None)
        elif not word.startswith(f"{_NOTIFY}="):
            yield word


def _same(words: str) -> str:
    """Some words and the same command, with what it must be given again."""
    notifies = any(word.partition("=")[0] == _NOTIFY for word in sys.argv[1:])
    again = f" (set MEMGAN_NOTIFY, as {_NOTIFY} is not shown)" if notifies else ""
    return f"{words}{again}: {same_command()}"


def driving_options(
    results: Path | str,
    tracking_uri: str | None,
    address: str | None,
    waits: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """What a command that goes on must be given beside the study and its results; waits: the
    options that say what it waits for."""
    options: tuple[str, ...] = ()
    if tracking_uri and not _is_found_anyway(tracking_uri, results):
        options += ("--tracking-uri", redact(tracking_uri))
    if address:
        options += ("--address", address)
    return options + waits


def _is_found_anyway(tracking_uri: str, results: Path | str) -> bool:
    return not is_address(results) and resolve(tracking_uri, results) == resolve(None, results)


class GoingOn:
    """What to tell a person whose search was interrupted; tells it once."""

    def __init__(
        self,
        results: Path | str,
        tracking_uri: str | None = None,
        address: str | None = None,
        *,
        waits: tuple[str, ...] = (),
        repeat: bool = False,
    ) -> None:
        """repeat: the command goes on when it is repeated as it is. The others: as for
        `driving_options`."""
        self.name: str | None = None
        """The study's name, once it is known."""
        self._results = results
        self._driving = tracking_uri, address, waits
        self._repeat = repeat
        self._told = False

    def line(self) -> str | None:
        """The line that names the command; None where it was given already."""
        if self._told:
            return None
        self._told = True
        begun = self.name is not None and StudyFolder.at(self._results, self.name).exists
        if self._repeat:
            return _same("go on with the same command")
        if self.name is None or not begun:
            return _same("nothing was begun; begin again with")
        options = driving_options(self._results, *self._driving)
        folder = StudyFolder.at(self._results, self.name, options)
        return f"go on with: {folder.go_on_command()}"
