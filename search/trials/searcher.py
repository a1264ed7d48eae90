"""Tune's view of the journals: it asks for trials here; `callback` notes what becomes of them.

Imported only where Ray is already in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ray.tune.search import Searcher

from search.journal import Journal
from search.study import METRIC


class JournalSearcher(Searcher):  # type: ignore[misc]  # Ray is untyped
    """Hands out the journals' trials, each with its group, its id and where to go on from.

    The group that had the fewest trials so far comes first, so that groups share the machine.
    Tune tells a searcher of a trial's end without saying who ended it, and of its last report
    not at all where the scheduler stopped it; so nothing is recorded from here.
    """

    def __init__(self, journals: Mapping[str, Journal]) -> None:
        super().__init__(metric=METRIC, mode="max")
        self._journals = dict(journals)
        self._handed_out = {name: len(journal.outcomes()) for name, journal in journals.items()}

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        for group in sorted(self._journals, key=lambda name: self._handed_out[name]):
            suggestion = self._journals[group].ask()
            if suggestion is not None:
                self._handed_out[group] += 1
                return {"group": group, **asdict(suggestion)}
        if all(journal.exhausted() for journal in self._journals.values()):
            return str(Searcher.FINISHED)
        return None  # Not yet: a population waits for its last.

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: see the class."""

    # Tune pickles its searcher now and then, to restore from; we resume from the journal.
    def save(self, checkpoint_path: str) -> None:
        with open(checkpoint_path, "wb"):  # noqa: PTH123
            pass

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a study resumes from its journal, not from Tune's snapshots")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_journals": {}}
