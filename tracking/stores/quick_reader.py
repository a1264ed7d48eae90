"""A record read without MLflow, whose import alone takes longer than most questions.

A quick reader answers what it is sure of. Where anything is not as it knows it, MLflow itself is
asked, and either answers or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from tracking.stores.tracker import RecordReader, RunView

_Answer = TypeVar("_Answer")


class NotQuick(Exception):
    """This is not as a quick reader knows it; ask MLflow."""


class QuickReader:
    """A `RecordReader` that asks `quick` until that raises `NotQuick`, and from then on `whole`."""

    def __init__(self, quick: RecordReader, whole: Callable[[], RecordReader]) -> None:
        self._quick: RecordReader | None = quick
        self._make_whole = whole
        self._whole: RecordReader | None = None

    def find_experiment(self, name: str) -> str | None:
        return self._ask(lambda reader: reader.find_experiment(name))

    def experiments(self) -> list[str]:
        return self._ask(lambda reader: reader.experiments())

    def runs(self, experiment_id: str, tags: Mapping[str, str]) -> list[RunView]:
        return self._ask(lambda reader: reader.runs(experiment_id, tags))

    def read_artifact(self, run_id: str, path: str) -> bytes | None:
        return self._ask(lambda reader: reader.read_artifact(run_id, path))

    def _ask(self, question: Callable[[RecordReader], _Answer]) -> _Answer:
        if self._quick is not None:
            try:
                return question(self._quick)
            except NotQuick:
                self._quick = None
        if self._whole is None:
            self._whole = self._make_whole()
        return question(self._whole)
