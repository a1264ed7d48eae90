"""Finals: each winner trained again with several seeds, and only then shown the test images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memgan.config import Configuration
from memgan.data import Development, LabeledImages, Split
from memgan.errors import MemganError
from search.journal import MORE_ROOM, TrialOutcome
from search.ray import (
    Allotment,
    TaskQueue,
    hold_to_share_of_worker,
    is_out_of_memory,
    largest_node,
    share_of,
)
from search.study import ClassGroup

if TYPE_CHECKING:
    from memgan.training import Cell


@dataclass(frozen=True)
class Winner:
    """The best trial of one group of classes."""

    group: ClassGroup
    outcome: TrialOutcome

    def folder(self, finals: Path, normal_class: str, seed: int) -> Path:
        """Where the final of one class and seed is kept."""
        return finals / self.outcome.trial_id / f"{normal_class}-seed{seed}"


@dataclass(frozen=True)
class FinalCells:
    """All finals of a study: cells by normal class in the order of seeds, and what failed."""

    cells: dict[str, list[Cell]]
    failed: dict[tuple[str, int], str]
    """One line by (normal class, seed)."""


def stored_finals(winners: Sequence[Winner], seeds: Sequence[int], finals: Path) -> FinalCells:
    """The finals that are on disk already."""
    from memgan.training import load_cell

    cells: dict[str, list[Cell]] = {}
    for winner in winners:
        for name in winner.group.classes:
            found = (load_cell(winner.folder(finals, name, seed)) for seed in seeds)
            cells[name] = [cell for cell in found if cell is not None]
    return FinalCells(cells, {})


@dataclass(frozen=True)
class Finals:
    """All finals of a study: those on disk, and those to be trained."""

    winners: Sequence[Winner]
    configuration: Configuration
    """What they are trained from, and with which seeds."""
    folder: Path
    go_on_command: str = ""
    """What trains again those that fail, for messages."""

    def stored(self) -> FinalCells:
        """Those that are on disk already."""
        return stored_finals(self.winners, self.configuration.seeds, self.folder)

    def missing(self, cells: Mapping[str, Collection[int]]) -> list[tuple[Winner, str, int]]:
        """(winner, normal class, seed) of all others; cells: the seeds on disk by class."""
        return [
            (winner, name, seed)
            for seed in self.configuration.seeds
            for winner in self.winners
            for name in winner.group.classes
            if seed not in cells[name]
        ]


def run_finals(
    finals: Finals,
    split: Split,
    allotment: Allotment,
    queue: TaskQueue,
    on_cell: Callable[[Winner, int, Cell | None], None],
) -> FinalCells:
    """Train what is not on disk yet, on Ray; Ray must be connected.

    queue: what finals share with all else that runs after the trials. One that runs out of memory
    is tried once more with twice its share, as a trial is. on_cell: told (winner, seed, cell or
    None if it failed) as each one ends. MemganError if no seed of a class succeeds.
    """
    from memgan.training import Cell, save_cell

    cells = {
        name: {cell.seed: cell for cell in of_class}
        for name, of_class in finals.stored().cells.items()
    }
    wanted = finals.missing(cells)
    failed: dict[tuple[str, int], str] = {}
    arguments = [(finals.configuration, name, seed) for _, name, seed in wanted]
    for index, outcome in _on_ray(arguments, split, allotment, queue):
        winner, name, seed = wanted[index]
        if isinstance(outcome, Cell):
            save_cell(winner.folder(finals.folder, name, seed), outcome)
            cells[name][seed] = outcome
            on_cell(winner, seed, outcome)
        else:
            failed[name, seed] = outcome
            on_cell(winner, seed, None)
    for name, of_class in cells.items():
        if not of_class:
            reason = next(
                line for (failed_class, _), line in failed.items() if failed_class == name
            )
            advice = f"; go on with: {finals.go_on_command}" if finals.go_on_command else ""
            raise MemganError(f"no final of class {name} succeeded: {reason}{advice}")
    ordered = {
        name: [of_class[seed] for seed in finals.configuration.seeds if seed in of_class]
        for name, of_class in cells.items()
    }
    return FinalCells(ordered, failed)


def _on_ray(
    arguments: Sequence[tuple[Configuration, str, int]],
    split: Split,
    allotment: Allotment,
    queue: TaskQueue,
) -> Iterator[tuple[int, Cell | str]]:
    """(position in `arguments`, cell or the line of its fault), as they are done."""
    import ray

    if not arguments:
        return
    development, test = ray.put(split.development), ray.put(split.test)

    def add(key: tuple[int, int]) -> None:
        index, room = key
        share = share_of(allotment, room, largest_node() if room > 1 else {})
        task = ray.remote(num_cpus=share["CPU"], num_gpus=share["GPU"], max_retries=2)(_train_final)
        configuration, name, seed = arguments[index]
        queue.add(key, lambda: task.remote(configuration, development, test, name, seed))

    keys = {(index, room) for index in range(len(arguments)) for room in (1, MORE_ROOM)}
    for index in range(len(arguments)):
        add((index, 1))
    for (index, room), reference in queue.ended(keys):
        try:
            yield index, ray.get(reference)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None) or error
            if room == 1 and is_out_of_memory(cause):
                add((index, MORE_ROOM))
            else:
                yield index, " ".join(str(cause).split())[:500]


def _train_final(
    configuration: Configuration,
    development: Development,
    test: LabeledImages,
    normal_class: str,
    seed: int,
) -> Cell:
    from memgan.training import train_cell

    hold_to_share_of_worker()
    return train_cell(configuration, development, test, normal_class, seed)


def superseded(finals: Path, winners: Sequence[Winner]) -> Iterator[tuple[str, int]]:
    """(trial, seed) of finals on disk whose trial has lost its place since."""
    winning = {winner.outcome.trial_id for winner in winners}
    for folder in finals.iterdir() if finals.is_dir() else ():
        if folder.name in winning or folder.name.startswith("."):
            continue
        seeds = {path.name.rpartition("-seed")[2] for path in folder.glob("*-seed*")}
        yield from ((folder.name, int(seed)) for seed in sorted(seeds) if seed.isdigit())
