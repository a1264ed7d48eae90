"""The figures of a trained configuration, as a table for a terminal."""

from __future__ import annotations

from memgan.bundle.trained_configuration import Trained
from memgan.fitting_table import Column, FittingTable
from memgan.text import mean_and_sd, percent
from memgan.training import class_figures, mean_figures


def trained_table(trained: Trained) -> FittingTable:
    """AUROC by class in percent: validation, and test as mean ± sd over seeds."""
    seeds = len(trained.configuration.seeds)
    table = FittingTable(
        "normal class",
        Column("validation", number=True),
        Column(f"test, {seeds} seed{'s' * (seeds > 1)}", number=True),
        title=f"{trained.configuration.detector} on {trained.split.source}, AUROC %",
    )
    by_class = {name: class_figures(cells) for name, cells in trained.cells.items()}
    for name, row in [*by_class.items(), ("mean", mean_figures(trained.cells))]:
        if name == "mean":
            table.add_section()
        spread = mean_and_sd(row.test_auroc_mean, row.test_auroc_sd)
        table.add_row(name, percent(row.val_auroc), spread)
    return table
