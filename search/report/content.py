"""A study's result: the content of report.json, and the same as a table and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memgan.bundle import calibration_shortages, mean_over_classes, percent, spread, summary
from memgan.data import VERSION
from memgan.fitting_table import Column, FittingTable
from search.finals import ANCHOR_TITLES, Concluded

_VALIDATION = {"val-auroc": "validation", "label-free": "made anomalies"}


def make_report(concluded: Concluded, false_alarm_rate: float | None = None) -> dict[str, Any]:
    """The content of report.json. AUROC 0 to 1.

    A class's val_auroc is the winning trial's, on what it was chosen by; test comes from finals.
    """
    study, split, beside = concluded.study, concluded.split, concluded.beside
    winners, cells = concluded.winners, concluded.cells
    classes: dict[str, dict[str, Any]] = {}
    for winner in winners:
        trial = winner.outcome
        for name in winner.group.classes:
            final = summary(cells[name])
            classes[name] = {
                "trial": trial.trial_id,
                "run_id": concluded.run_ids.get(trial.trial_id),
                "val_auroc": trial.val_auroc.get(name),
                **_made(trial.made_auroc, name),
                **{key: final[key] for key in ("test_auroc_mean", "test_auroc_sd", "seeds")},
            }
    validated = [row["val_auroc"] for row in classes.values() if row["val_auroc"] is not None]
    mean: dict[str, Any] = dict(mean_over_classes(dict(cells)))
    mean["val_auroc"] = sum(validated) / len(validated) if validated else None
    return {
        "study": study.name,
        "dataset": split.source,
        "detector": study.detector,
        "protocol": study.protocol,
        "objective": study.judge,
        "classes": classes,
        "mean": mean,
        "shortages": calibration_shortages(cells, false_alarm_rate),
        "anchors": dict(beside.anchors),
        "values": {winner.outcome.trial_id: winner.outcome.values for winner in winners},
        **({"made_anomalies": VERSION} if study.judge == "label-free" else {}),
        "cautions": [dict(each) for each in beside.cautions],
        "split_hash": split.hash,
        "machine": beside.machine,
        "versions": dict(beside.versions),
    }


def _made(by_kind: Mapping[str, Mapping[str, float]], name: str) -> dict[str, dict[str, float]]:
    found = {kind: figures[name] for kind, figures in by_kind.items() if name in figures}
    return {"made_auroc": found} if found else {}


def made_rows(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for each class of the winner's AUROC by kind of made anomaly, in
    percent; no rows where labelled anomalies judged."""
    classes = {name: row.get("made_auroc", {}) for name, row in report["classes"].items()}
    kinds = list(dict.fromkeys(kind for of_class in classes.values() for kind in of_class))
    rows = [
        [name, *(percent(of_class.get(kind)) for kind in kinds)]
        for name, of_class in classes.items()
        if of_class
    ]
    return ["normal class", *kinds], rows


def caution_lines(report: Mapping[str, Any], most: int | None = None) -> list[str]:
    """What is to be said of the choice, a line each; of more than `most` the first, and how many
    there are beside."""
    several = report["protocol"] == "per-class"
    lines = [
        f"class {each['group']}: {each['line']}" if several else each["line"]
        for each in report.get("cautions", ())
    ]
    if most is not None and len(lines) > most:
        rest = len(lines) - most
        lines = [*lines[:most], f"and {rest} more such line{'s' * (rest > 1)}, in the report"]
    return lines


def report_rows(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for each class and for the mean, in percent."""
    seeds = max(len(row["seeds"]) for row in report["classes"].values())
    anchors = report["anchors"]
    headings = [
        "normal class",
        _VALIDATION[report["objective"]],
        f"test, {seeds} seed{'s' * (seeds > 1)}",
        *(f"{ANCHOR_TITLES.get(name, name)}, test" for name in anchors),
    ]
    rows = [
        [
            name,
            percent(row["val_auroc"]),
            spread(row),
            *(percent(a["classes"][name]["test_auroc_mean"]) for a in anchors.values()),
        ]
        for name, row in report["classes"].items()
    ]
    mean = report["mean"]
    rows.append(
        [
            "mean",
            percent(mean["val_auroc"]),
            spread(mean),
            *(percent(a["mean"]["test_auroc_mean"]) for a in anchors.values()),
        ]
    )
    return headings, rows


def report_remarks(report: Mapping[str, Any]) -> list[str]:
    """What a reader has to know beside the figures, a line each."""
    return list(report.get("shortages", []))


def report_table(report: Mapping[str, Any]) -> FittingTable:
    """AUROC by class for a terminal."""
    (name, *figures), rows = report_rows(report)
    table = FittingTable(
        name,
        *(Column(heading, number=True) for heading in figures),
        title=f"{report['detector']} on {report['dataset']}, AUROC %",
    )
    for row in rows[:-1]:
        table.add_row(*row)
    table.add_section()
    table.add_row(*rows[-1])
    return table


def report_markdown(report: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """report.md; `figures` are captions by relative path."""
    headings, rows = report_rows(report)
    values = [
        f"- trial {trial}: "
        + ", ".join(f"{key} {short_value(value)}" for key, value in chosen.items())
        for trial, chosen in report["values"].items()
    ]
    anchors = [
        f"- {ANCHOR_TITLES.get(name, name)}: "
        + ", ".join(f"{key} {value}" for key, value in anchor["parameters"].items())
        + ", chosen by validation AUROC"
        for name, anchor in report["anchors"].items()
    ]
    lines = [
        f"# {report['study']}: {report['detector']} on {report['dataset']}",
        "",
        f"AUROC in percent, protocol `{report['protocol']}`. Validation is the winning trial's, and"
        " what it was chosen by; test is the mean ± standard deviation of trainings anew with the"
        " seeds given, after the choice was made.",
        "",
        "| " + " | ".join(headings) + " |",
        "|---|" + "---:|" * (len(headings) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        *(f"- {line}\n" for line in report_remarks(report)),
        *_section("How sure the choice is", [f"- {line}" for line in caution_lines(report)]),
        *_section("By kind of made anomaly", _markdown_table(*made_rows(report))),
        "## Values",
        "",
        *values,
        *anchors,
        "",
        *(f"![{caption}]({path})\n" for path, caption in figures.items()),
        "## Made by",
        "",
        f"Split `{report['split_hash']}`; {report['machine']}; "
        + ", ".join(f"{name} {version}" for name, version in report["versions"].items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    return [
        "| " + " | ".join(headings) + " |",
        "|---|" + "---:|" * (len(headings) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def short_value(value: Any) -> str:
    """A parameter's value, of a number its first four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
