"""A comparison for readers: a table for terminals, Markdown, and CSV."""

from __future__ import annotations

import csv
import io

from memgan.fitting_table import Column, FittingTable
from memgan.stats import OverSeeds
from memgan.text import mean_and_sd, percent
from tracking import names
from tracking.comparison.comparison import Comparison

_Cell = tuple[str, bool]
"""A text, and whether it is the best of its row."""


def comparison_table(comparison: Comparison) -> FittingTable:
    """Classes as rows, columns as studies, the best of each row in bold."""
    from rich.text import Text

    (name, *figures), rows = _rows(comparison)
    table = FittingTable(
        name,
        *(Column(heading, number=True) for heading in figures),
        title=f"{comparison.studies[0].dataset}, test AUROC %",
    )
    for number, row in enumerate(rows):
        if number == len(comparison.classes):
            table.add_section()
        table.add_row(*(Text(t, "bold") if best else t for t, best in row))
    return table


def comparison_markdown(comparison: Comparison) -> str:
    """The table in Markdown, with what stands below it."""
    headings, rows = _rows(comparison)
    lines = [
        f"Test AUROC in percent on {comparison.studies[0].dataset}.",
        "",
        "| " + " | ".join(map(_plain, headings)) + " |",
        "|---|" + "---:|" * (len(headings) - 1),
        *(
            "| " + " | ".join(f"**{_plain(t)}**" if best else _plain(t) for t, best in row) + " |"
            for row in rows
        ),
        "",
        *(f"- {line}" for line in remarks(comparison)),
    ]
    return "\n".join(lines)


def comparison_csv(comparison: Comparison) -> str:
    """A row a class and study: class, study, mean, sd, seeds; AUROC 0 to 1."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["normal_class", "study", "auroc_mean", "auroc_sd", "seeds"])
    named = list(zip(comparison.titles, comparison.studies, strict=True))
    for name in comparison.classes:
        for title, study in named:
            writer.writerow([name, title, *_numbers(comparison.entry(study, name))])
        for method, figures in comparison.published.items():
            if figure := figures.get(name):
                writer.writerow([name, f"published {method}", figure.mean, figure.sd, ""])
    for title, study in named:
        writer.writerow(["mean", title, *_numbers(comparison.mean(study))])
    return out.getvalue()


def remarks(comparison: Comparison) -> list[str]:
    """What a reader has to know beside the figures, a line each."""
    titles = comparison.titles
    lines = [
        f"{titles[first]} − {titles[other]}: {100 * d.mean:+.2f} points, 95 % interval"
        f" {100 * d.low:+.2f} to {100 * d.high:+.2f}:"
        f" {d.verdict}"
        for first, other, d in comparison.differences()
    ]
    if lines:
        over = (
            "classes, seeds and test images"
            if all(d.images for _, _, d in comparison.differences())
            else "classes and seeds"
        )
        lines.append(f"intervals: paired bootstrap over {over}")
    if comparison.by_pixel:
        lines.append(
            "by pixel: over the test images with masks, at their own size; AUPRO up to 30 % false"
            " positives"
        )
    if comparison.published:
        lines.append(
            "published: as printed in arXiv 2002.02669, mean ± sd over ten runs, under their own"
            " protocols, mostly without a validation set; means recomputed from the classes"
        )
    return [*lines, *comparison.warnings]


def _rows(comparison: Comparison) -> tuple[list[str], list[list[_Cell]]]:
    seeds = [len(study.seeds) for study in comparison.studies]
    headings = [
        "normal class",
        *(f"{t}, {n} seed{'s' * (n > 1)}" for t, n in zip(comparison.titles, seeds, strict=True)),
        *(f"published {method}" for method in comparison.published),
    ]
    rows = []
    for name in comparison.classes:
        best = comparison.best(name)
        cells: list[_Cell] = [(name, False)]
        for number, study in enumerate(comparison.studies):
            cells.append((_shown(comparison.entry(study, name)), number in best))
        for figures in comparison.published.values():
            figure = figures.get(name)
            cells.append((mean_and_sd(figure.mean, figure.sd) if figure else "–", False))
        rows.append(cells)
    best = comparison.best(None)
    over = len(comparison.common)
    last: list[_Cell] = [
        ("mean" if over == len(comparison.classes) else f"mean of {over} common", False)
    ]
    for number, study in enumerate(comparison.studies):
        last.append((_shown(comparison.mean(study)), number in best))
    last += [(percent(comparison.published_mean(m)), False) for m in comparison.published]
    return headings, [*rows, last, *_pixel_rows(comparison)]


def _pixel_rows(comparison: Comparison) -> list[list[_Cell]]:
    rows = []
    for metric in comparison.by_pixel:
        found = [comparison.pixel_mean(study, metric) for study in comparison.studies]
        highest = max((one.mean for one in found if one), default=None)
        row: list[_Cell] = [(f"{names.BY_PIXEL[metric]}, mean", False)]
        row += [(_shown(one), one is not None and one.mean == highest) for one in found]
        rows.append([*row, *(("–", False) for _ in comparison.published)])
    return rows


def _shown(entry: OverSeeds | None) -> str:
    return "–" if entry is None else mean_and_sd(entry.mean, entry.sd)


def _numbers(entry: OverSeeds | None) -> list[float | int | None]:
    return [None, None, None] if entry is None else [entry.mean, entry.sd, entry.seeds]


def _plain(text: str) -> str:
    return text.replace("|", "\\|")
