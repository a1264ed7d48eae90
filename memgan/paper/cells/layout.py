"""What each table shows: which configurations, classes and seeds, and the paper's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from memgan.config import configuration_names, named_configuration
from memgan.data import source_name
from memgan.errors import unknown_name
from memgan.paper.published.tables import (
    PublishedFigure,
    printed_means,
    published_auroc,
    published_for,
    published_memory_units,
)

_ORDER = (
    *("memgan", "memgan-grey", "memgan-plus", "memgan-paper", "memae", "autoencoder"),
    *("pca", "pca-contrast", "neighbours", "hog-neighbours", "hog-mean-image"),
    *("ocsvm", "kde", "iforest"),
)
"""Columns of Tables 1 and 2. memgan-recipe is in neither, as its values were chosen with test
images in sight, nor are configurations that are another one without a part."""
_ON_FEATURES = ("neighbours", "gaussian", "pca", "ocsvm")
"""Columns of the table with ImageNet features, each of the file features-NAME.yaml."""
_STARTS = ("memgan-recipe", "memgan")
"""What figures and the table of hulls start from: the first of these that there is. The recipe, as
it has every loss at the same weight; the search took most of the projection loss out of `memgan`.
"""


_Maker = Callable[[str | None], "Layout"]
"""A table's layout from the images it is of; None for its own."""


@dataclass(frozen=True)
class Column:
    """One configuration over the classes of a table."""

    configuration: str
    title: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What a table shows, before any figure."""

    name: str
    title: str
    family: str
    """The folder of configs/ that its configurations are in."""
    source: str
    """The images, as `--data` names them."""
    classes: tuple[str, ...] | None
    """Normal classes; None for every one of the data set."""
    columns: tuple[Column, ...]
    published: Mapping[str, Mapping[str, PublishedFigure]] = field(default_factory=dict)
    """The paper's columns, by title, then class."""
    printed_means: Mapping[str, float] = field(default_factory=dict)
    """The paper's own means over classes by title, 0 to 1, where it prints them."""

    @property
    def dataset(self) -> str:
        """The name that cells have for the images."""
        return source_name(self.source)


def make_layout(
    name: str,
    *,
    source: str | None = None,
    classes: tuple[str, ...] | None = None,
    configurations: Sequence[str] = (),
    seeds: int | None = None,
) -> Layout:
    """A table by its name, perhaps with other images, or with these classes, configurations
    (names as `named_configuration` takes them) or only so many seeds.

    A configuration with one seed in its file keeps that one: it draws no random numbers.
    UnknownName for a table or a configuration that there is not.
    """
    if name not in _TABLES:
        raise unknown_name("table", name, TABLES)
    layout = _TABLES[name](source)
    if configurations:
        chosen = [_column(layout.family, configuration) for configuration in configurations]
        layout = replace(layout, columns=tuple(chosen))
    if classes is not None:
        layout = replace(layout, classes=classes)
    if seeds is not None:
        columns = [
            replace(c, seeds=tuple(range(seeds))) if len(c.seeds) > 1 else c for c in layout.columns
        ]
        layout = replace(layout, columns=tuple(columns))
    return layout


def start_of(family: str) -> str:
    """The configuration that figures and the table of hulls start from."""
    known = configuration_names(family)
    return next(name for name in _STARTS if name in known)


def figure_layout(
    name: str,
    *,
    source: str | None = None,
    classes: tuple[str, ...] | None = None,
    configuration: str | None = None,
) -> Layout:
    """The one trained seed of one configuration that a figure shows, all classes or these."""
    chosen = configuration or start_of("mnist")
    if name == "fig4":
        chosen += "+projection_weight=0"
    first = named_configuration("mnist", chosen).seeds[:1]
    if classes is None and name != "fig1":
        classes = ("5",)
    return Layout(
        name=name,
        title=_FIGURES[name],
        family="mnist",
        source=source or "mnist",
        classes=classes,
        columns=(Column(chosen, chosen, first),),
    )


def _by_class(name: str, title: str, family: str, default: str) -> _Maker:
    def make(source: str | None) -> Layout:
        chosen = source or default
        table = published_for(source_name(chosen))
        known = configuration_names(family)
        return Layout(
            name=name,
            title=title,
            family=family,
            source=chosen,
            classes=None,
            columns=tuple(_column(family, name) for name in _ORDER if name in known),
            published=published_auroc(table) if table else {},
            printed_means=printed_means(table) if table else {},
        )

    return make


def _memory_units(source: str | None) -> Layout:
    start = "memgan"
    own = named_configuration("mnist", start).parameters.model_dump()["memory_units"]
    published = published_memory_units() if source is None else {}
    return Layout(
        name="table3",
        title="Table 3: AUROC % by number of memory units",
        family="mnist",
        source=source or "mnist",
        classes=("0", "1", "5"),
        columns=tuple(
            _first_three(
                _column("mnist", start if n == own else f"{start}+memory_units={n}", f"n = {n}")
            )
            for n in (25, 50, 100, 200)
        ),
        published={f"n = {n}": by_class for n, by_class in published.items()},
    )


def _ablations(name: str, start: str, no_memory: str, nets_alone: str) -> _Maker:
    """no_memory, nets_alone: the configurations that are `start` without memory, and without
    memory and adversary."""
    without = {
        "adversarial_weight": "without the adversary",
        "cycle_weight": "without cycle loss",
        "projection_weight": "without projection loss",
        "mutual_information_weight": "without mutual information loss",
    }

    def make(source: str | None) -> Layout:
        columns = (
            _column("mnist", start),
            *(_column("mnist", f"{start}+{key}=0", title) for key, title in without.items()),
            _column("mnist", no_memory, "without memory"),
            _column("mnist", nets_alone, "without memory and adversary"),
        )
        return Layout(
            name=name,
            title=f"Ablations of {start}: AUROC %",
            family="mnist",
            source=source or "mnist",
            classes=("2", "5", "8"),
            columns=tuple(map(_first_three, columns)),
        )

    return make


def _departures(name: str, family: str, default: str, classes: tuple[str, ...]) -> _Maker:
    def make(source: str | None) -> Layout:
        start = "memgan-plus"
        head = f"{start}+residual_weight=0"
        return Layout(
            name=name,
            title=f"Departures of {start}, each by itself: AUROC %",
            family=family,
            source=source or default,
            classes=classes,
            columns=(
                _column(family, start),
                _column(family, f"{start}+surprise_weight=0", "without the head"),
                _column(family, head, "only the head"),
                _column(family, f"{head}+warps=turns", "only the head, quarter turns"),
            ),
        )

    return make


def _features(source: str | None) -> Layout:
    return Layout(
        name="features",
        title="With ImageNet features: AUROC % on CIFAR-10",
        family="cifar10",
        source=source or "cifar10-jpeg",
        classes=tuple(published_auroc("cifar10")["MEMGAN"]),
        columns=tuple(_column("cifar10", f"features-{name}", name) for name in _ON_FEATURES),
    )


def _hull(source: str | None) -> Layout:
    start = start_of("mnist")
    return Layout(
        name="hull",
        title="The hull, measured",
        family="mnist",
        source=source or "mnist",
        classes=("2", "5", "8"),
        columns=(
            _column("mnist", start),
            _column("mnist", f"{start}+projection_weight=0"),
            _column("mnist", f"{start}+memory_dim=16"),
            _column("mnist", "memgan-grey"),
            _column("mnist", "memgan"),
            _first_three(_column("mnist", "memgan+projection_weight=0")),
        ),
    )


def _column(family: str, configuration: str, title: str | None = None) -> Column:
    seeds = named_configuration(family, configuration).seeds
    return Column(configuration, title or configuration, seeds)


def _first_three(column: Column) -> Column:
    return replace(column, seeds=column.seeds[:3])


_TABLES: Mapping[str, _Maker] = {
    "table1": _by_class("table1", "Table 1: AUROC % on MNIST", "mnist", "mnist"),
    "table2": _by_class("table2", "Table 2: AUROC % on CIFAR-10", "cifar10", "cifar10-jpeg"),
    "features": _features,
    "table3": _memory_units,
    "ablations": _ablations("ablations", "memgan", "alice", "autoencoder"),
    "ablations-recipe": _ablations(
        "ablations-recipe", "memgan-recipe", "alice-recipe", "autoencoder-recipe"
    ),
    "departures": _departures("departures", "mnist", "mnist", ("2", "5", "8")),
    "departures-cifar10": _departures(
        "departures-cifar10", "cifar10", "cifar10-jpeg", ("automobile", "cat", "deer")
    ),
    "hull": _hull,
}
TABLES = tuple(_TABLES)
"""Tables by name."""

_FIGURES = {
    "fig1": "Fig. 1: decoded memory units",
    "fig3": "Fig. 3: codes and memory units in two dimensions",
    "fig4": "Fig. 4: codes and memory units, trained without the projection loss",
}
FIGURES = ("fig1", "fig2", "fig3", "fig4")
"""Figures by name; the second needs no images."""
