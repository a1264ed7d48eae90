"""A figure of the paper by its name: from kept memories, or by a small computation of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memgan.config import digest, named_configuration
from memgan.errors import ResultsError
from memgan.paper.cells.layout import Layout
from memgan.paper.published.tables import published_auroc, published_for

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from memgan.paper.cells.memories import KeptMemory

_SQUARE_UNITS = (4, 8)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure, and the classes that it lacks as nothing was trained."""

    figure: Figure
    missing: tuple[str, ...] = ()


def draw_square() -> Drawn:
    """Fig. 2."""
    from memgan.paper.drawing.pictures import square_figure
    from memgan.paper.drawing.square import CORNERS, settle_on_square

    runs = {}
    for units in _SQUARE_UNITS:
        start, end = settle_on_square(units, seed=0)
        runs[units] = (start.double().numpy(), end.double().numpy())
    return Drawn(square_figure(runs, CORNERS.double().numpy()))


def draw(layout: Layout, memories: Path) -> Drawn:
    """Figs. 1, 3 and 4 from what is kept in `memories`. ResultsError where there is nothing."""
    from memgan.paper.drawing.pictures import codes_figure, units_figure

    (column,) = layout.columns
    kept = {name: find_memory(layout, memories, name) for name in shown_classes(layout)}
    missing = tuple(name for name, memory in kept.items() if memory is None)
    present = {name: memory for name, memory in kept.items() if memory is not None}
    if not present:
        raise ResultsError(
            f"no memory of {column.configuration} on {layout.dataset} is kept in {memories}; train"
            f" it: memgan reproduce {layout.name} --run --data-dir DIR"
        )
    title = f"{layout.title}\n{column.configuration}, {layout.dataset}, seed {column.seeds[0]}"
    figure = units_figure(kept, title) if layout.name == "fig1" else codes_figure(present, title)
    return Drawn(figure, missing)


def find_memory(layout: Layout, memories: Path, normal_class: str) -> KeptMemory | None:
    """The kept memory of one class; None if there is none, or its configuration has changed."""
    from memgan.paper.cells.memories import kept_memory

    (column,) = layout.columns
    found = kept_memory(memories, layout.dataset, column.configuration, normal_class)
    if found is None:
        return None
    now = digest(named_configuration(layout.family, column.configuration), normal_class)
    return found if found.of.versions.get("configuration") == now else None


def shown_classes(layout: Layout) -> tuple[str, ...]:
    """The normal classes of a figure. ResultsError where nothing names those of the images."""
    if layout.classes is not None:
        return layout.classes
    published = published_for(layout.dataset)
    if published is None:
        raise ResultsError(f"name the classes of {layout.dataset} with --normal-class")
    return tuple(published_auroc(published)["MEMGAN"])
