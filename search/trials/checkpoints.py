"""Where a trial's checkpoint lies: noted from the study's own storage on, so that it is found
wherever the study was moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from search.journal import TrialOutcome
from search.results import Storage

CHECKPOINT_FILE = "training.pt"
INFLUENCE_FILE = "influence.npy"
"""Of a finished trial: what each validation image adds to the error of its figure."""


def noted(storage: Storage, path: str) -> str:
    """A checkpoint's path, as Tune tells it, as the journal keeps it."""
    return path.removeprefix(f"{storage.path}/")


def stored(storage: Storage, note: str) -> Storage:
    """The checkpoint's folder, from what the journal keeps of it."""
    # Journals of earlier versions have whole paths, perhaps of before a move.
    return storage / note.rpartition("/tune/")[2]


def lost(outcomes: Iterable[TrialOutcome], storage: Storage) -> Iterator[str]:
    """A line for each unfinished trial whose checkpoint is gone, so that it starts from 0."""
    for outcome in outcomes:
        if outcome.state != "unfinished" or outcome.checkpoint is None:
            continue
        folder = stored(storage, outcome.checkpoint)
        if folder.written_at(CHECKPOINT_FILE) is None:
            yield (
                f"trial {outcome.trial_id} was at epoch {outcome.epochs} and starts from 0: its"
                f" checkpoint {folder.path} is gone"
            )
