"""A study's report as a table for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memgan.fitting_table import Column, FittingTable
from memgan.health import MEASURES, doctor_lines
from memgan.text import mean_and_sd, percent
from memgan.training import BY_PIXEL, shown_by_pixel
from search.finals import ANCHOR_TITLES
from search.report.report import Report

_VALIDATION = {"val-auroc": "validation", "label-free": "made anomalies"}


def made_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for each class of the winner's AUROC by kind of made anomaly, in
    percent; no rows where labelled anomalies judged."""
    classes = {name: row.made_auroc for name, row in report.classes.items()}
    kinds = list(dict.fromkeys(kind for of_class in classes.values() for kind in of_class))
    rows = [
        [name, *(percent(of_class.get(kind)) for kind in kinds)]
        for name, of_class in classes.items()
        if of_class
    ]
    return ["normal class", *kinds], rows


def health_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for each measure of memory and game of the finals: its value by class,
    and what it says; no rows for a detector that has neither."""
    classes = {name: row.health for name, row in report.classes.items() if row.health}
    rows = [
        [measure, *(_number(health.get(measure)) for health in classes.values()), meaning]
        for measure, meaning in MEASURES.items()
        if any(measure in health for health in classes.values())
    ]
    return ["measure", *classes, "meaning"], rows


def verdict_lines(report: Report) -> list[str]:
    """What the doctor says of the finals, a line for each verdict with the classes it is of."""
    return doctor_lines({name: row.verdicts for name, row in report.classes.items()})


def verdicts_by_trial(report: Report) -> dict[str, str]:
    """The names of the doctor's verdicts, by winning trial; those without any are left out."""
    found: dict[str, list[str]] = {}
    for row in report.classes.values():
        found.setdefault(row.trial, []).extend(verdict.name for verdict in row.verdicts)
    return {trial: ", ".join(dict.fromkeys(names)) for trial, names in found.items() if names}


def caution_lines(report: Report, most: int | None = None) -> list[str]:
    """What is to be said of the choice, a line each; of more than `most` the first, and how many
    there are beside."""
    several = report.protocol == "per-class"
    lines = [
        f"class {each.group}: {each.line}" if several else each.line for each in report.cautions
    ]
    if most is not None and len(lines) > most:
        rest = len(lines) - most
        lines = [*lines[:most], f"and {rest} more such line{'s' * (rest > 1)}, in the report"]
    return lines


def report_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for each class and for the mean, in percent."""
    seeds = max(len(row.seeds) for row in report.classes.values())
    anchors = report.anchors
    by_pixel = shown_by_pixel(list(report.classes.values()))
    headings = [
        "normal class",
        _VALIDATION[report.objective],
        f"test, {seeds} seed{'s' * (seeds > 1)}",
        *(f"{ANCHOR_TITLES.get(name, name)}, test" for name in anchors),
        *(BY_PIXEL[key] for key in by_pixel),
    ]
    rows = [
        [
            name,
            mean_and_sd(row.val_auroc, row.val_auroc_sd),
            mean_and_sd(row.test_auroc_mean, row.test_auroc_sd),
            *(percent(a.classes[name].test_auroc_mean) for a in anchors.values()),
            *(percent(getattr(row, key)) for key in by_pixel),
        ]
        for name, row in report.classes.items()
    ]
    mean = report.mean
    rows.append(
        [
            "mean",
            percent(mean.val_auroc),
            mean_and_sd(mean.test_auroc_mean, mean.test_auroc_sd),
            *(percent(a.mean.test_auroc_mean) for a in anchors.values()),
            *(percent(getattr(mean, key)) for key in by_pixel),
        ]
    )
    return headings, rows


def report_remarks(report: Report) -> list[str]:
    """What a reader has to know beside the figures, a line each."""
    lines = []
    if shown_by_pixel(list(report.classes.values())):
        lines.append(
            "by pixel: over the test images with masks, at their own size; AUPRO is the overlap"
            " with each region up to 30 % false positives"
        )
    if report.lent:
        lines.append(report.lent)
    return [*lines, *report.shortages]


def report_table(report: Report) -> FittingTable:
    """AUROC by class for a terminal."""
    (name, *figures), rows = report_rows(report)
    table = FittingTable(
        name,
        *(Column(heading, number=True) for heading in figures),
        title=f"{report.detector} on {report.dataset}, AUROC %",
    )
    for row in rows[:-1]:
        table.add_row(*row)
    table.add_section()
    table.add_row(*rows[-1])
    return table


def report_markdown(report: Report, figures: Mapping[str, str]) -> str:
    """report.md; `figures` are captions by relative path."""
    headings, rows = report_rows(report)
    values = [
        f"- trial {trial}: "
        + ", ".join(f"{key} {short_value(value)}" for key, value in chosen.items())
        for trial, chosen in report.values.items()
    ]
    anchors = [
        f"- {ANCHOR_TITLES.get(name, name)}: "
        + ", ".join(f"{key} {value}" for key, value in anchor.parameters.items())
        + ", chosen by validation AUROC"
        for name, anchor in report.anchors.items()
    ]
    lines = [
        f"# {report.study}: {report.detector} on {report.dataset}",
        "",
        f"AUROC in percent, protocol `{report.protocol}`. Validation is the figure of the"
        " winning trial, by which it was chosen. Test is the mean ± standard deviation of new"
        " trainings with these seeds, after the choice.",
        "",
        *markdown_table(headings, rows),
        "",
        *(f"- {line}\n" for line in report_remarks(report)),
        *_section("How sure the choice is", [f"- {line}" for line in caution_lines(report)]),
        *_section("Memory and game", _health_section(report)),
        *_section("By kind of made anomaly", markdown_table(*made_rows(report))),
        "## Values",
        "",
        *values,
        *anchors,
        "",
        *(f"![{caption}]({path})\n" for path, caption in figures.items()),
        "## Made by",
        "",
        f"Split `{report.split_hash}`; {report.machine}; "
        + ", ".join(f"{name} {version}" for name, version in report.versions.items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def _health_section(report: Report) -> list[str]:
    table = markdown_table(*health_rows(report))
    said = [f"- Doctor: {line}" for line in verdict_lines(report)]
    return [*said, "", *table] if said else table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, its first column words and the others figures; none without rows."""
    if not rows:
        return []
    return [
        _markdown_row(headings),
        "|---|" + "---:|" * (len(headings) - 1),
        *(_markdown_row(row) for row in rows),
    ]


def _markdown_row(cells: Sequence[str]) -> str:
    # A class may have a bar in its name, which would end its cell.
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def short_value(value: Any) -> str:
    """A parameter's value, of a number its first four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
