"""A study's export: best.yaml, the report in three forms, figures, one bundle a class.

All of it is made from the study's own folder, so that it can be made again at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from memgan.config import to_yaml
from memgan.waiting import waiting_for
from search.finals import Concluded
from search.journal import outcomes_by_group
from search.report.content import report_markdown
from search.report.gallery import mistakes_of
from search.report.html_page import report_page
from search.report.pareto import write_fronts
from search.report.report import Report, make_report
from search.results import check_place, place_export


def write_export(
    concluded: Concluded,
    out: Path,
    false_alarm_rate: float | None = None,
    *,
    note: Callable[[str], None] | None = None,
) -> Report:
    """Write the export to `out`, complete or not at all, and give its report.

    false_alarm_rate: what bundles stand by, in (0, 1); None is `Calibration`'s own. An earlier
    export there is replaced, and files that are not its own stay. Where one of those is in the way,
    StudyError, or, with `note`, which is told, it gets another name. StudyError if `out` holds
    something else alone or cannot be written.
    """
    check_place(out)
    report = make_report(concluded, false_alarm_rate)
    with waiting_for("exporting"):
        place_export(
            out, lambda folder: _fill(folder, concluded, report, false_alarm_rate), note=note
        )
    return report


def _fill(
    folder: Path, concluded: Concluded, report: Report, false_alarm_rate: float | None
) -> None:
    from memgan.bundle import write_bundle
    from search.report.figures.finals import draw_finals
    from search.report.figures.study import draw_study

    study, split, cells = concluded.study, concluded.split, concluded.cells
    configuration, journal = concluded.best, concluded.folder.journal
    (folder / "best.yaml").write_text(to_yaml(configuration), encoding="utf-8")
    for number, (name, of_class) in enumerate(cells.items(), start=1):
        with waiting_for(f"exporting: bundle {number} of {len(cells)}, class {name}"):
            bundle = folder / "bundles" / name
            write_bundle(bundle, configuration, split, of_class, false_alarm_rate)
    first = [of_class[0] for of_class in cells.values()]
    title = f"{study.detector} on {split.source}, seed {first[0].seed}"
    groups = [winner.group for winner in concluded.winners]
    of_study = draw_study(folder / "figures", study, groups, journal, report)
    drawn = of_study | draw_finals(folder / "figures", first, title)
    drawn |= write_fronts(study, groups, journal, folder)
    figures = {f"figures/{name}": caption for name, caption in drawn.items()}
    (folder / "report.json").write_text(json.dumps(report.document(), indent=1), encoding="utf-8")
    (folder / "report.md").write_text(report_markdown(report, figures), encoding="utf-8")
    trials = outcomes_by_group(groups, journal)
    captions = {folder / name: caption for name, caption in figures.items()}
    mistakes = mistakes_of(folder / "bundles", split, cells)
    page = report_page(study, report, trials, captions, mistakes)
    (folder / "report.html").write_text(page, encoding="utf-8")
