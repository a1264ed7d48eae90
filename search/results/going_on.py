"""The commands that go on with a study, as they can be pasted into a shell."""

from __future__ import annotations

import sys
from pathlib import Path

from search.results.study_folder import StudyFolder
from tracking.address import is_address, redact, resolve, resume_command, shell_command


def same_command() -> str:
    """The command line of this process."""
    return shell_command("memgan", *map(redact, sys.argv[1:]))


class GoingOn:
    """What to tell a person whose search was interrupted; tells it once."""

    def __init__(
        self,
        results: Path | str,
        tracking_uri: str | None = None,
        address: str | None = None,
        *,
        repeat: bool = False,
    ) -> None:
        """repeat: the command goes on when it is repeated as it is."""
        self.name: str | None = None
        """The study's name, once it is known."""
        self._results = results
        self._tracking_uri, self._address = tracking_uri, address
        self._repeat = repeat
        self._told = False

    def line(self) -> str | None:
        """The line that names the command; None where it was given already."""
        if self._told:
            return None
        self._told = True
        begun = self.name is not None and StudyFolder.at(self._results, self.name).exists
        if self._repeat:
            return f"go on with the same command: {same_command()}"
        if self.name is None or not begun:
            return f"nothing was begun; begin again with: {same_command()}"
        return f"go on with: {resume_command(self.name, self._results, *self._options())}"

    def _options(self) -> list[str]:
        options = []
        given, results = self._tracking_uri, self._results
        if given and (is_address(results) or resolve(given, results) != resolve(None, results)):
            options += ["--tracking-uri", redact(given)]
        if self._address:
            options += ["--address", self._address]
        return options
