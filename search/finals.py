"""Finals: each winner trained anew with several seeds, and only then shown the test images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memgan.cell_files import load_cell, save_cell
from memgan.cells import Cell, train_cell
from memgan.configuration import Configuration
from memgan.data import Split
from memgan.errors import MemganError
from search.groups import ClassGroup
from search.outcome import TrialOutcome
from search.resources import Allotment


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
    cells: dict[str, list[Cell]] = {}
    for winner in winners:
        for name in winner.group.classes:
            found = (load_cell(winner.folder(finals, name, seed)) for seed in seeds)
            cells[name] = [cell for cell in found if cell is not None]
    return FinalCells(cells, {})


def run_finals(
    winners: Sequence[Winner],
    configuration: Configuration,
    split: Split,
    finals: Path,
    allotment: Allotment,
    on_cell: Callable[[Winner, int, Cell | None], None],
) -> FinalCells:
    """Train what is not on disk yet, on Ray; Ray must be connected.

    on_cell: told (winner, seed, cell or None if it failed) as each one ends.
    MemganError if no seed of a class succeeds.
    """
    stored = stored_finals(winners, configuration.seeds, finals)
    cells = {
        name: {cell.seed: cell for cell in of_class} for name, of_class in stored.cells.items()
    }
    wanted = [
        (winner, name, seed)
        for seed in configuration.seeds
        for winner in winners
        for name in winner.group.classes
        if seed not in cells[name]
    ]
    failed: dict[tuple[str, int], str] = {}
    arguments = [(configuration, name, seed) for _, name, seed in wanted]
    for index, outcome in _on_ray(arguments, split, allotment):
        winner, name, seed = wanted[index]
        if isinstance(outcome, Cell):
            save_cell(winner.folder(finals, name, seed), outcome)
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
            raise MemganError(f"no final of class {name} succeeded: {reason}")
    ordered = {
        name: [of_class[seed] for seed in configuration.seeds if seed in of_class]
        for name, of_class in cells.items()
    }
    return FinalCells(ordered, failed)


def _on_ray(
    arguments: Sequence[tuple[Configuration, str, int]], split: Split, allotment: Allotment
) -> Iterator[tuple[int, Cell | str]]:
    """(position in `arguments`, cell or the line of its fault), as they are done."""
    import ray

    if not arguments:
        return
    task = ray.remote(
        num_cpus=allotment.cpus_per_trial, num_gpus=allotment.gpus_per_trial, max_retries=2
    )(train_cell)
    development, test = ray.put(split.development), ray.put(split.test)
    waiting: dict[Any, int] = {
        task.remote(configuration, development, test, name, seed): index
        for index, (configuration, name, seed) in enumerate(arguments)
    }
    while waiting:
        (reference,), _ = ray.wait(list(waiting), num_returns=1)
        index = waiting.pop(reference)
        try:
            yield index, ray.get(reference)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None) or error
            yield index, " ".join(str(cause).split())[:500]


def superseded(finals: Path, winners: Sequence[Winner]) -> Iterator[tuple[str, int]]:
    """(trial, seed) of finals on disk whose trial has lost its place since."""
    winning = {winner.outcome.trial_id for winner in winners}
    for folder in finals.iterdir() if finals.is_dir() else ():
        if folder.name in winning or folder.name.startswith("."):
            continue
        seeds = {path.name.rpartition("-seed")[2] for path in folder.glob("*-seed*")}
        yield from ((folder.name, int(seed)) for seed in sorted(seeds) if seed.isdigit())
