"""What MLflow's pages say of a study, in Markdown: its run, its experiment, its versions as a
registered model. Each text fits a tag: of many classes the first are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from memgan.text import epochs, mean_and_sd, percent
from search.report.content import (
    caution_lines,
    markdown_table,
    report_remarks,
    report_rows,
    short_value,
)
from search.report.report import Report
from search.study import Study
from tracking import names

_LINKS = (
    f"[Report with all trials](artifact:{names.EXPORT}/report.html) ·"
    f" [as text](artifact:{names.EXPORT}/report.md) · [figures](artifact:{names.FIGURES})"
)
_RUNS = (
    "The run of the study holds the result, the report and the study file. Below it are its"
    " trials (`memgan.winner` marks the winner) and its finals: the winner trained again with"
    " each seed."
)
_CAUTIONS = 5
_ROOM = names.TAG_LENGTH - 300
"""Characters of a description; its links grow when they are given the run's address."""


def describe_beginning(study: Study, dataset: str) -> tuple[str, str]:
    """What the run and the experiment of a study say until it has a result."""
    searched = ", ".join(f"`{name}`" for name in study.space)
    lines = [
        f"**{study.detector} on {_words(dataset)}**, no result yet: {study.budget.words} of"
        f" {epochs(study.epochs)} by {study.sampler.name} with scheduler {study.scheduler.name},"
        f" protocol {study.protocol}, judged by {', '.join(study.objectives)}.",
        "",
        f"Searched: {searched}.",
    ]
    text = "\n".join(lines)
    return text, f"{text}\n\n{_RUNS}"


def describe_result(report: Report) -> tuple[str, str]:
    """What the run and the experiment of a study with a result say."""
    values = [
        f"- trial {trial}{_classes_of(report, trial)}: "
        + ", ".join(f"`{key}` {short_value(value)}" for key, value in chosen.items())
        for trial, chosen in report.values.items()
    ]
    cautions = [
        f"- {line}" for line in [*caution_lines(report, _CAUTIONS), *report_remarks(report)]
    ]
    winners = ["**Winners**" if len(values) > 1 else "**Winner**", "", *values[:10]]
    after = [*winners, *(["", "**How sure this is**", "", *cautions] if cautions else [])]
    run = _fitting(report, [_headline(report), "", _LINKS], after)
    return run, _fitting(report, [_headline(report), "", _LINKS], ["", _RUNS])


def describe_version(report: Report) -> str:
    """What a version of a registered model says, which an export became."""
    trials = ", ".join(report.values)
    made = f"From study `{report.study}`, trial {trials}; split `{report.split_hash[:12]}`."
    return _fitting(report, [_headline(report), "", made], [])


def describe_model(report: Report) -> str:
    """What a registered model says, whichever its versions are."""
    return (
        f"Scores images for anomalies; a higher score is more anomalous. Images of"
        f" {_words(report.dataset)}, one detector for each normal class.\n\n"
        "Versions are exports of memgan's studies. The alias `champion` is at the version whose"
        " finals are best on the validation images.\n\n"
        "Input: images (N, C, H, W), whole numbers from 0 to 255; parameters `normal_class` and"
        " `false_alarm_rate`. Output: `score`, `p_value` and `anomalous` for each image."
    )


def _headline(report: Report) -> str:
    mean, classes = report.mean, len(report.classes)
    over = f", mean of {classes} normal classes" if classes > 1 else ""
    test = mean_and_sd(mean.test_auroc_mean, mean.test_auroc_sd)
    return (
        f"**{report.detector} on {_words(report.dataset)}**{over}: AUROC {test} % on test"
        f" images, {percent(mean.val_auroc)} % on what the winner was chosen by"
        f" (`{report.objective}`)."
    )


def _classes_of(report: Report, trial: str) -> str:
    if report.protocol == "shared":
        return ""
    mine = [name for name, row in report.classes.items() if row.trial == trial]
    return f" (class {_words(', '.join(mine))})"


def _fitting(report: Report, before: Sequence[str], after: Sequence[str]) -> str:
    """The text with as many rows of the table by class as a tag has room for; the mean is first."""
    headings, rows = report_rows(report)
    by_class, mean = rows[:-1], rows[-1]

    def text(count: int) -> str:
        left = len(by_class) - count
        more = [f"\n… and {left} more classes, in the report."] if left else []
        bold = [f"**{cell}**" for cell in mean]
        table = markdown_table(headings, [bold, *by_class[:count]])
        return "\n".join([*before, "", "AUROC in percent:", "", *table, *more, "", *after]).strip()

    return _longest(text, len(by_class))


def _longest(text: Callable[[int], str], most: int) -> str:
    for count in range(most, -1, -1):
        if len(found := text(count)) <= _ROOM:
            return found
    return text(0)[:_ROOM]


def _words(text: str) -> str:
    """A name from outside, kept from meaning something in Markdown."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]<>()#!|" else c for c in text)
