"""Which checkpoints stay: the newest of the best few trials of every group, which the record gets
in the end, and the last two of each trial that goes on. All others are removed as soon as it is
known that nobody needs them, file by file: what else lies in their folders stays."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from search.journal import TrialOutcome
from search.results import WEIGHTS_OF_TRIAL, Storage

KEPT = 3
"""Of every group of classes."""
_LAST = 2

_LOG = logging.getLogger(__name__)


def best_few(outcomes: Iterable[TrialOutcome]) -> list[TrialOutcome]:
    """The best finished trials of a group, the winner first."""
    finished = [o for o in outcomes if o.state == "finished"]
    return sorted(finished, key=lambda o: (-o.merit, o.trial_id))[:KEPT]


class Keeper:
    """Removes checkpoints from a study's storage; what cannot be removed is logged and stays.

    Trials write below RUN/TRIAL-EPOCH/, a run for every process that drove the study.
    of_population: its members go on from each other's checkpoints, so all that it removes are those
    of a trial before its last two.
    """

    def __init__(self, storage: Storage, run: str, *, of_population: bool = False) -> None:
        self._storage = storage
        self._earlier = [name for name in storage.names() if name.isdigit() and name != run]
        self._run = run
        self._of_population = of_population
        self._written: dict[str, list[str]] = defaultdict(list)
        """By folder of a trial: the checkpoints that it wrote in this run, but those removed."""
        self._best: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
        """By group, from the best on: minus the objective, trial, folder."""

    def know(self, group: str, outcomes: Sequence[TrialOutcome]) -> None:
        """Trials of a group that ended before."""
        self._best[group] = [
            (-o.merit, o.trial_id, f"{o.trial_id}-{o.epochs:03d}") for o in best_few(outcomes)
        ]

    def sweep(self, groups: Iterable[Sequence[TrialOutcome]]) -> None:
        """Whatever an earlier process had no time to remove, or all of it at the end."""
        found = defaultdict(list)
        try:
            for run in (*self._earlier, self._run):
                for file in (self._storage / run).files():
                    path = PurePosixPath(run, file).parent
                    if len(path.parts) == 3 and path.name.startswith("checkpoint_"):
                        found[path.parts[1].rpartition("-")[0]].append(str(path))
        except OSError as error:
            _LOG.warning("checkpoints could not be listed: %s", error)
            return
        for outcomes in groups:
            best = {outcome.trial_id for outcome in best_few(outcomes)}
            for outcome in outcomes:
                names = sorted(set(found[outcome.trial_id]))
                if outcome.state == "unfinished":
                    stay = names[-_LAST:]
                else:
                    stay = names[-1:] if outcome.trial_id in best else []
                for name in names:
                    if name not in stay:
                        self._remove(name)

    def checkpointed(self, path: str) -> None:
        """A trial has written a checkpoint; a single one could be lost by a kill in the moment it
        replaces the one before. Once there are two, those of earlier runs can go as well."""
        folder, name = PurePosixPath(path).parent.name, PurePosixPath(path).name
        written = self._written[folder]
        if name in written:  # Written again by a worker that took over from a lost one.
            written.remove(name)
        written.append(name)
        if len(written) > _LAST:
            self._remove(f"{self._run}/{folder}/{written.pop(0)}")
        elif len(written) == _LAST and not self._of_population:
            for run in self._earlier:
                self._remove_below(f"{run}/{folder}")

    def ended(self, group: str, trial_id: str, folder: str, mean: float | None) -> None:
        """A trial of a group has ended; folder: the name it wrote under; mean: its `merit`, if
        it saw its full budget."""
        if self._of_population:
            return
        gone = [folder]
        if mean is not None:
            best = self._best[group]
            best.append((-mean, trial_id, folder))
            best.sort()
            gone = [there for _, _, there in best[KEPT:]]
            del best[KEPT:]
        for there in gone:
            for run in (*self._earlier, self._run):
                self._remove_below(f"{run}/{there}")

    def _remove_below(self, folder: str) -> None:
        try:
            names = (self._storage / folder).names()
        except OSError as error:
            _LOG.warning("%s could not be listed: %s", folder, error)
            return
        for name in names:
            if name.startswith("checkpoint_"):
                self._remove(f"{folder}/{name}")

    def _remove(self, name: str) -> None:
        try:
            (self._storage / name).remove_made(WEIGHTS_OF_TRIAL)
        except OSError as error:
            _LOG.warning("%s could not be removed: %s", name, error)
