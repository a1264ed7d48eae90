"""A study's report as one HTML file that needs nothing outside itself.

Names of classes, values and lines of faults come from outside and are escaped; the page's own
policy forbids it to load anything or to run any script but its one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from memgan.config import to_yaml
from memgan.text import epochs, percent
from search.journal import TrialOutcome, TrialsResult
from search.report.content import (
    caution_lines,
    health_rows,
    made_rows,
    report_remarks,
    report_rows,
    verdict_lines,
    verdicts_by_trial,
)
from search.report.report import Report
from search.report.trial_table import trial_table
from search.study import Study


def report_page(
    study: Study,
    report: Report,
    trials: Mapping[str, Sequence[TrialOutcome]],
    figures: Mapping[Path, str],
    mistakes: tuple[Sequence[Mapping[str, str]], Sequence[str]] = ((), ()),
) -> str:
    """report.html: figures by class, all trials, pictures.

    trials: by the name of their group of classes. figures: captions by
    PNG file. mistakes: of `mistakes_of`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("search.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    script = files("search.report").joinpath("templates", "sort.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    headings, rows = report_rows(report)
    return environment.get_template("report.html").render(
        report=report,
        facts=_facts(study, report, trials),
        study_file=to_yaml(
            study.model_copy(update={"data": study.data.model_copy(update={"dir": None})})
        ),
        headings=headings,
        rows=rows,
        remarks=report_remarks(report),
        cautions=caution_lines(report),
        made=made_rows(report),
        health=health_rows(report),
        verdicts=verdict_lines(report),
        doctor=verdicts_by_trial(report),
        published=_published(report),
        table=trial_table(study, trials),
        figures=[
            {"name": path.stem, "caption": caption, "source": _as_uri(path)}
            for path, caption in figures.items()
        ],
        mistakes=mistakes[0],
        mistake_remarks=mistakes[1],
        script=script,
        script_hash=digest,
    )


def _facts(
    study: Study, report: Report, trials: Mapping[str, Sequence[TrialOutcome]]
) -> dict[str, str]:
    counts = TrialsResult(tuple(o for of_group in trials.values() for o in of_group)).counts()
    each = " for each class" if study.protocol == "per-class" else ""
    time = "" if study.budget.time is None else f", {study.budget.time:.0f} s"
    seeds = sorted({seed for row in report.classes.values() for seed in row.seeds})
    return {
        "data": report.dataset,
        "detector": study.detector,
        "protocol": study.protocol,
        "objective": report.objective,
        "budget": f"{study.budget.words}{each} of {epochs(study.epochs)}{time}",
        "trials": ", ".join(f"{count} {state}" for state, count in counts.items() if count),
        "sampler, scheduler": f"{study.sampler.name}, {study.scheduler.name}",
        "seed of the search": str(study.seed),
        "seeds of the finals": ", ".join(map(str, seeds)),
        "split": report.split_hash,
        "machine": report.machine,
        "versions": ", ".join(f"{name} {v}" for name, v in report.versions.items()),
    }


def _published(report: Report) -> dict[str, list[str]]:
    """What was published, by method, a text for each row of the table of classes; the method of
    the detector's own name first."""
    from search.report.figures.by_class import with_mean
    from search.report.figures.study import published_figures

    classes = list(report.classes)
    methods = published_figures(report.dataset)
    found = {}
    for method in sorted(methods, key=lambda name: name != report.detector.upper()):
        figures = with_mean(methods[method], classes)
        found[method] = [percent(figures.get(name)) for name in [*classes, "mean"]]
    return found


def _breakable(name: str) -> Markup:
    """A name that may be broken after its dots and underscores."""
    return Markup("<wbr>").join(re.findall(r"[^._]*[._]?", name)[:-1])


def _as_uri(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
