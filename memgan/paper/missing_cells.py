"""Training the cells that a table lacks, each written as soon as it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from memgan.config import Configuration, DataConfig, digest, named_configuration
from memgan.data import Split, check_normal_classes, load_split
from memgan.detectors import Memgan
from memgan.errors import ResultsError
from memgan.machine import machine, versions
from memgan.paper.cells.hull_cells import HullCell, measure, restore
from memgan.paper.cells.layout import Layout, make_layout
from memgan.paper.cells.memories import keep_memory
from memgan.paper.cells.result_cells import ResultCell, add_recorded, read_cells, read_recorded
from memgan.paper.cells.tables import Table, fill
from memgan.paper.drawing.figures import find_memory
from memgan.paper.page.hull_table import hulls_of
from memgan.training import Cell, train_cells
from memgan.waiting import waiting_for

CELLS, HULLS, MEMORIES = "cells", "hull", "memories"
"""What lies where below the folder of records."""


@dataclass(frozen=True, kw_only=True)
class TrainingMeans:
    """Where images are, and what trains on them."""

    data_dir: Path | None = None
    """Where named data sets lie; None for the environment's MEMGAN_DATA."""
    download: bool = False
    device: str | None = None
    """None leaves it to the configuration."""
    jobs: int | None = None
    """Cells trained at once; None for as many as this machine carries."""


def train_missing(
    layout: Layout,
    records: Path,
    means: TrainingMeans,
    *,
    for_figure: bool = False,
    note: Callable[[str], None] = lambda line: None,
) -> Layout:
    """Train what `layout` wants and `records` has not; gives the layout with its classes.

    Of a MEMGAN that the table of hulls shows, the hull is measured along with it, and of every
    first seed the memory is kept for the figures; for_figure: cells whose memory was not kept
    count as missing too, and for the table of hulls those whose hull was not measured.
    Interrupted, what is done stays, and the next call goes on. ResultsError if the cells there
    were made from another split.
    """
    data = DataConfig(source=layout.source, dir=means.data_dir)
    split = load_split(data, download=means.download)
    if split.source != layout.dataset:
        raise ResultsError(f"{layout.source} holds {split.source}, expected {layout.dataset}")
    layout = replace(layout, classes=check_normal_classes(split, layout.classes or "all"))
    table = fill(layout, read_cells(records / CELLS))
    if any(cell.split_hash != split.hash for cell in table.cells):
        raise ResultsError(
            f"the cells of {split.source} in {records} were made from another split, of other"
            " images or by another version; give the new ones a folder of their own (--records)"
        )
    missing = _missing(table, records, for_figure=for_figure)
    done = 0
    with waiting_for(lambda: f"training cells, {done} of {len(missing)} done", logged=False):
        for name, configuration, cell in _trained(layout, missing, split, means, note):
            result = _result(layout, name, configuration, split, cell)
            _keep_more(layout, records, configuration, split, result, cell)
            add_recorded(records / CELLS, result)
            done += 1
            note(
                f"{done}/{len(missing)}  {name}  class {cell.normal_class}  seed {cell.seed}"
                f"  test AUROC {100 * result.auroc:.1f}  {cell.seconds:.0f} s"
            )
    return layout


def _trained(
    layout: Layout,
    missing: Sequence[tuple[str, str, int]],
    split: Split,
    means: TrainingMeans,
    note: Callable[[str], None],
) -> Iterator[tuple[str, Configuration, Cell]]:
    """The missing cells as they are done, with the name and the values of their configuration."""
    data = DataConfig(source=layout.source, dir=means.data_dir)
    for name in dict.fromkeys(configuration for configuration, _, _ in missing):
        configuration = _configured(layout.family, name, data, means.device)
        for classes, seeds in _together(missing, name).items():
            for cell in train_cells(
                configuration, split, classes=classes, seeds=seeds, jobs=means.jobs, note=note
            ):
                yield name, configuration, cell


def _missing(table: Table, records: Path, *, for_figure: bool) -> list[tuple[str, str, int]]:
    layout = table.layout
    if for_figure:
        (column,) = layout.columns
        shown = [(column.configuration, name, column.seeds[0]) for name in table.classes]
        return [w for w in shown if find_memory(layout, records / MEMORIES, w[1]) is None]
    missing = list(table.missing)
    if layout.name == "hull":
        hulls = read_recorded(records / HULLS, HullCell)
        for column in layout.columns:
            if named_configuration(layout.family, column.configuration).detector != Memgan.name:
                raise ResultsError(
                    f"the hull is measured only for detector {Memgan.name}, and"
                    f" {column.configuration} has another; name a different --configuration"
                )
            for klass in table.classes:
                measured = {hull.seed for hull in hulls_of(layout, column, klass, hulls)}
                lacking = ((column.configuration, klass, s) for s in column.seeds)
                missing += [w for w in lacking if w[2] not in measured and w not in missing]
    return missing


def _together(
    missing: Sequence[tuple[str, str, int]], name: str
) -> dict[tuple[str, ...], list[int]]:
    """Seeds of one configuration by the classes they lack, so that no process waits for the last
    class of each seed."""
    seeds: dict[tuple[str, ...], list[int]] = {}
    for seed in dict.fromkeys(s for c, _, s in missing if c == name):
        classes = tuple(k for c, k, s in missing if (c, s) == (name, seed))
        seeds.setdefault(classes, []).append(seed)
    return seeds


def _keep_more(
    layout: Layout,
    records: Path,
    configuration: Configuration,
    split: Split,
    result: ResultCell,
    cell: Cell,
) -> None:
    detector = restore(configuration, split, cell)
    if detector is None:
        return
    if layout.name == "hull" or _in_hull_table(result):
        add_recorded(records / HULLS, measure(detector, split, result, cell.test_anomalous))
    if cell.seed == configuration.seeds[0]:
        keep_memory(records / MEMORIES, result, detector, split.test.images, cell.test_anomalous)


def _in_hull_table(result: ResultCell) -> bool:
    """Whether the hull is shown; measuring one takes longer than a training where d is large."""
    hull = make_layout("hull")
    return (
        result.dataset == hull.dataset
        and result.normal_class in (hull.classes or ())
        and result.configuration in {column.configuration for column in hull.columns}
    )


def _configured(family: str, name: str, data: DataConfig, device: str | None) -> Configuration:
    configuration = named_configuration(family, name)
    runtime = configuration.runtime.model_copy(update={"device": device} if device else {})
    return configuration.model_copy(update={"data": data, "runtime": runtime})


def _result(
    layout: Layout, name: str, configuration: Configuration, split: Split, cell: Cell
) -> ResultCell:
    if cell.test_auroc is None or cell.test_average_precision is None:
        raise ResultsError(
            f"{split.source} has no labelled anomalies to test class {cell.normal_class} on, so"
            " there is no figure for a table"
        )
    return ResultCell(
        configuration=name,
        dataset=split.source,
        normal_class=cell.normal_class,
        seed=cell.seed,
        auroc=cell.test_auroc,
        average_precision=cell.test_average_precision,
        seconds=round(cell.seconds, 2),
        command=f"memgan reproduce {layout.name} --run --data-dir DIR",
        versions={**versions(), "configuration": digest(configuration, cell.normal_class)},
        machine=machine(),
        split_hash=split.hash,
    )
