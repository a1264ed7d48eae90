"""A study's report as one HTML file that needs nothing outside itself.

Names of classes, values and lines of faults come from outside and are escaped; the page's own
policy forbids it to load anything or to run any script but its one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from memgan.config import to_yaml
from memgan.trained import percent
from search.figures.by_class import with_mean
from search.figures.study import published_figures
from search.outcome import TrialOutcome, TrialsResult, best
from search.report import report_rows, short_value
from search.study import Study

_HEAT_FROM = 0.1
"""Share of the trials' figures that is as pale as can be, so that the good ones are told apart."""
_ORDER = {"finished": 0, "stopped": 1, "unfinished": 2, "failed": 3}


def report_page(
    study: Study,
    report: Mapping[str, Any],
    trials: Mapping[str, Sequence[TrialOutcome]],
    figures: Mapping[Path, str],
) -> str:
    """report.html: figures by class, all trials, pictures.

    report: as report.json. trials: by the name of their group of classes. figures: captions by
    PNG file.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("search"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    script = files("search").joinpath("templates", "sort.js").read_text(encoding="utf-8")
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
        published=_published(report),
        trials=_trial_table(study, report, trials),
        figures=[
            {"name": path.stem, "caption": caption, "source": _as_uri(path)}
            for path, caption in figures.items()
        ],
        script=script,
        script_hash=digest,
    )


def _facts(
    study: Study, report: Mapping[str, Any], trials: Mapping[str, Sequence[TrialOutcome]]
) -> dict[str, str]:
    counts = TrialsResult(tuple(o for of_group in trials.values() for o in of_group)).counts()
    each = " for each class" if study.protocol == "per-class" else ""
    time = "" if study.budget.time is None else f", {study.budget.time:.0f} s"
    seeds = sorted({seed for row in report["classes"].values() for seed in row["seeds"]})
    return {
        "data": report["dataset"],
        "detector": study.detector,
        "protocol": study.protocol,
        "budget": f"{study.budget.trials} trials{each} of {study.epochs} epochs{time}",
        "trials": ", ".join(f"{count} {state}" for state, count in counts.items() if count),
        "sampler, scheduler": f"{study.sampler.name}, {study.scheduler.name}",
        "seed of the search": str(study.seed),
        "seeds of the finals": ", ".join(map(str, seeds)),
        "split": report["split_hash"],
        "machine": report["machine"],
        "versions": ", ".join(f"{name} {v}" for name, v in report["versions"].items()),
    }


def _published(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """What was published, by method, a text for each row of the table of classes."""
    classes = list(report["classes"])
    found = {}
    for method, of_class in published_figures(report["dataset"]).items():
        figures = with_mean(of_class, classes)
        found[method] = [percent(figures.get(name)) for name in [*classes, "mean"]]
    return found


def _trial_table(
    study: Study, report: Mapping[str, Any], trials: Mapping[str, Sequence[TrialOutcome]]
) -> dict[str, Any]:
    """Columns and rows of the table of all trials, good ones first."""
    by_class = study.protocol == "per-class"
    classes = [] if by_class or len(report["classes"]) == 1 else list(report["classes"])
    columns = ["mean", *classes]
    outcomes = [(group, o) for group, of_group in trials.items() for o in of_group]
    known = [value for _, o in outcomes for value in o.val_auroc.values()]
    low, high = (float(np.quantile(known, _HEAT_FROM)), max(known)) if known else (0.0, 1.0)
    winners = {o.trial_id for of_group in trials.values() if (o := best(of_group)) is not None}
    highest = {
        name: max(
            (
                o.val_auroc[name]
                for _, o in outcomes
                if o.state == "finished" and name in o.val_auroc
            ),
            default=None,
        )
        for name in classes
    }

    def cell(outcome: TrialOutcome, name: str) -> dict[str, Any]:
        value = outcome.val_auroc.get(name)
        if value is None:
            return {"text": "", "value": "", "heat": None, "best": False}
        heat = (value - low) / (high - low) if high > low else 1.0
        return {
            "text": f"{100 * value:.2f}",
            "value": value,
            "heat": round(min(max(heat, 0.0), 1.0), 2),
            "best": outcome.state == "finished" and value == highest.get(name),
        }

    outcomes.sort(key=lambda found: (_ORDER[found[1].state], -(found[1].mean or 0.0)))
    return {
        "by_class": by_class,
        "classes": classes,
        "parameters": list(study.space),
        "low": f"{100 * low:.1f}",
        "high": f"{100 * high:.1f}",
        "rows": [
            {
                "trial": outcome.trial_id,
                "group": group,
                "state": outcome.state,
                "won": outcome.trial_id in winners,
                "why": _why(outcome, study.epochs),
                "epochs": outcome.epochs,
                "cells": [cell(outcome, name) for name in columns],
                "values": [_value(outcome.values.get(name)) for name in study.space],
            }
            for group, outcome in outcomes
        ],
    }


def _why(outcome: TrialOutcome, epochs: int) -> str:
    if outcome.state == "stopped":
        return f"by {outcome.stopped_by or 'the scheduler'} after {outcome.epochs} of {epochs}"
    return outcome.error or ""


def _value(value: Any) -> dict[str, Any]:
    return {
        "text": "" if value is None else short_value(value),
        "value": "" if value is None else value,
    }


def _as_uri(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
