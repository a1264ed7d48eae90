"""The figures of a trained configuration, as a table for a terminal."""

from __future__ import annotations

from memgan.bundle.trained_configuration import Trained
from memgan.fitting_table import Column, FittingTable
from memgan.text import mean_and_sd, percent
from memgan.training import BY_PIXEL, class_figures, mean_figures, shown_by_pixel


def trained_table(trained: Trained) -> FittingTable:
    """AUROC by class in percent: validation, and test as mean ± sd over seeds."""
    seeds = len(trained.configuration.seeds)
    by_class = {name: class_figures(cells) for name, cells in trained.cells.items()}
    by_pixel = shown_by_pixel(list(by_class.values()))
    table = FittingTable(
        "normal class",
        Column("validation", number=True),
        Column(f"test, {seeds} seed{'s' * (seeds > 1)}", number=True),
        *(Column(BY_PIXEL[key], number=True) for key in by_pixel),
        title=f"{trained.configuration.detector} on {trained.split.source}, AUROC %",
    )
    for name, row in [*by_class.items(), ("mean", mean_figures(trained.cells))]:
        if name == "mean":
            table.add_section()
        spread = mean_and_sd(row.test_auroc_mean, row.test_auroc_sd)
        pixels = [percent(getattr(row, key)) for key in by_pixel]
        table.add_row(name, percent(row.val_auroc), spread, *pixels)
    return table
