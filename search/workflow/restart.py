"""One command for a job that may be restarted at any moment: it begins a study, goes on with it,
or says that nothing is left to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from memgan.errors import BadInput, StudyError
from search.journal import TrialsResult, read_groups
from search.ray import WantedNodes
from search.report import Conclusion, fronts, read_conclusion
from search.results import (
    StudyFolder,
    check_not_a_copy,
    driving_options,
    mirror_of,
    read_beginning,
    wait_for_a_lost_driver,
)
from search.study import Study, as_begun, class_groups, is_elsewhere
from search.workflow.preparation import anchored
from search.workflow.stages import resume, run
from search.workflow.study_result import StudyResult
from search.workflow.study_status import budget_spent
from tracking import Outbox, Remainder, names
from tracking.outbox import EXPERIMENT_ID, TRACKING_URI, refusals, sync_one

_FREE = ("budget", "resources", "chosen")
"""What may differ from the study's own: sections by the rules of `resume`, and reasons."""


# Its parameters are what a user gives: those of `run` and `resume`.
def resume_or_start(
    study: Study,
    *,
    results: Path | str = "results",
    tracking_uri: str | None = None,
    experiment: str | None = None,
    address: str | None = None,
    wait_for: WantedNodes | None = None,
    download: bool = False,
    mend: bool = False,
    note: Callable[[str], None] = lambda line: None,
) -> StudyResult:
    """Begin `study`, or go on with it where it was begun already, or give its result where
    nothing is left to do; then Ray is not started, and only what the record still lacks is
    delivered.

    The study has a name, by which it is found again. Its budget may have grown and its resources
    may differ, as for `resume`. Where results lie at an address and the machine that drove the
    study was lost a moment ago, this waits until that is certain. mend: as for `resume`.
    StudyError, naming what differs, where the study of this name asks something else; otherwise as
    `run` and `resume`.
    """
    if "name" not in study.model_fields_set:
        raise StudyError(
            "a study that is to be found again needs a name; give one with --name, or as name: in"
            " the study file"
        )
    how: dict[str, Any] = {
        "results": results,
        "tracking_uri": tracking_uri,
        "experiment": experiment,
        "address": address,
        "wait_for": wait_for,
        "download": download,
        "note": note,
    }
    waits = wait_for.options if wait_for else ()
    options = driving_options(results, tracking_uri, address, waits)
    folder = StudyFolder.at(results, study.name, options)
    wait_for_a_lost_driver(folder, note)
    is_mirrored = mirror_of(folder) is not None
    if not folder.exists:
        return run(study, **how)
    study, written = _as_it_was_begun(study, folder)
    if study.budget == written.budget and (conclusion := _concluded(written, folder)):
        waiting = Outbox(folder.outbox).count_waiting()
        if not (waiting and is_mirrored):  # A copy at an address is kept up only by a search.
            return _done(written, conclusion, folder, (tracking_uri, experiment), note)
    return resume(
        study.name,
        options={"trials": study.budget.trials, "time_budget": study.budget.time},
        settings=list(_settings_of_resources(study, written)),
        mend=mend,
        **how,
    )


def _as_it_was_begun(study: Study, folder: StudyFolder) -> tuple[Study, Study]:
    """What is asked now, and the study in the folder. StudyError where `study` states something
    else; what it does not state is as it was begun."""
    written = folder.load()
    check_not_a_copy(folder, written)
    study = as_begun(study, written)
    if different := next(_differences(anchored(study), written), None):
        raise StudyError(
            f"study {study.name} was begun with {different}; give what it was begun with, or"
            " another --name"
        )
    return study, written


def _differences(study: Study, written: Study) -> Iterator[str]:
    """What the study asks otherwise than the one that was begun, in words."""
    now, then = study.model_dump(mode="json"), written.model_dump(mode="json")
    for key in then:
        if key in _FREE or now[key] == then[key]:
            continue
        if key == "objective" and study.objective is None:
            continue  # Settled by the images when the study began.
        if key == "start_from" and any(map(is_elsewhere, study.start_from)):
            continue  # Settled by what the files and studies held then.
        if isinstance(now[key], Mapping) and isinstance(then[key], Mapping):
            both = {**then[key], **now[key]}
            inner = next(k for k in both if now[key].get(k) != then[key].get(k))
            yield _words(f"{key}.{inner}", then[key].get(inner), now[key].get(inner))
        else:
            yield _words(key, then[key], now[key])


def _words(key: str, then: Any, now: Any) -> str:
    return f"{key} {json.dumps(then)}, and is now asked with {json.dumps(now)}"


def _settings_of_resources(study: Study, written: Study) -> Iterator[str]:
    now, then = study.resources.model_dump(), written.resources.model_dump()
    for key, value in now.items():
        if value != then[key]:
            yield f"resources.{key}={json.dumps(value)}"


def _concluded(study: Study, folder: StudyFolder) -> Conclusion | None:
    """The conclusion of a study that has nothing left to do; None where something may be."""
    conclusion = read_conclusion(folder)
    if conclusion is None or not folder.outbox.is_file():
        return None
    rows = conclusion.report.classes.values()
    if any(len(row.seeds) < study.final.seeds for row in rows):
        return None  # A final failed, and is tried again.
    if Outbox(folder.outbox).last_end(names.study_key(folder.study_id)) != "FINISHED":
        return None
    spent = budget_spent(study, read_groups(folder.journal), folder.seconds_used())
    return conclusion if spent else None


def _done(
    study: Study,
    conclusion: Conclusion,
    folder: StudyFolder,
    recorded: tuple[str | None, str | None],
    note: Callable[[str], None],
) -> StudyResult:
    """recorded: a tracking address and an experiment, where they are to be others than before."""
    tracking_uri, experiment = recorded
    with folder.lock():
        outcomes = [o for of in read_groups(folder.journal).values() for o in of]
        begun = read_beginning(folder.path)
        groups = class_groups(
            study, list(conclusion.report.classes), begun.prefixes if begun else {}
        )
        note(f"study {study.name} is done: all of its trials and finals have ended")
        outbox = Outbox(folder.outbox)
        try:
            synced = sync_one(folder.outbox, folder.results, tracking_uri, experiment=experiment)
            remainder = Remainder(
                waiting=synced.waiting, refused=synced.refused, fault=synced.fault
            )
        except BadInput as error:  # The record is gone, say: the study is done all the same.
            waiting = outbox.count_waiting()
            remainder = Remainder(waiting=waiting, refused=refusals(outbox), fault=str(error))
        return StudyResult(
            study=study,
            folder=folder,
            report=conclusion.report,
            fronts=fronts(study, groups, folder.journal),
            trials=TrialsResult(tuple(outcomes)).counts(),
            interrupted=False,
            remainder=remainder,
            faults=(),
            tracking_uri=outbox.fact(TRACKING_URI) or "",
            experiment_id=outbox.fact(EXPERIMENT_ID),
            parent_run_id=outbox.run_id(names.study_key(folder.study_id)),
            seconds=0.0,
        )
