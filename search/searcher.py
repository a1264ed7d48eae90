"""Tune's view of the journal: it asks for trials here; the callback in `watch` tells of them.

Imported only where Ray is already in use.
"""

from __future__ import annotations

from typing import Any

from ray.tune.search import Searcher

from search.journal import Journal
from search.scheduler import METRIC


class JournalSearcher(Searcher):  # type: ignore[misc]  # Ray is untyped
    """Hands out the journal's trials, each with its id and where to go on from.

    Tune tells a searcher of a trial's end without saying who ended it, and of its last report
    not at all where the scheduler stopped it; so nothing is recorded from here.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(metric=METRIC, mode="max")
        self._journal: Journal | None = journal

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        suggestion = self._journal.ask() if self._journal else None
        if suggestion is None:
            return str(Searcher.FINISHED)
        return {
            "trial_id": suggestion.trial_id,
            "values": suggestion.values,
            "checkpoint": suggestion.checkpoint,
        }

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
        return {**self.__dict__, "_journal": None}
