"""A study's export into the Model Registry."""

from __future__ import annotations

import json
from pathlib import Path

from memgan.errors import StudyError
from search.report import Report, describe_model, describe_version
from search.results import StudyFolder, check_not_a_copy
from tracking import Outbox, names
from tracking.address import study_command
from tracking.outbox import choose_experiment, recorded_at
from tracking.registry import Registered, StudyRun, Texts, register


def register_study(
    study: str,
    name: str,
    *,
    results: Path | str = "results",
    out: Path | None = None,
    tracking_uri: str | None = None,
    force: bool = False,
) -> Registered:
    """Make the export of a study, in `out` or its own folder, a version of the model `name`.

    It becomes champion if its finals are better on the validation images than the champion's, by
    the rule of `memgan compare`, on the same data, split, classes and objective; or by `force`.
    StudyError where there is no export, TrackingUnavailable where the store, by default the one
    that the study recorded in, does not answer.
    """
    folder = StudyFolder.at(results, study)
    settings = folder.load()
    check_not_a_copy(folder, settings)
    export = out or folder.export
    if not (export / "report.json").is_file():
        raise StudyError(
            f"{export} holds no export; run {study_command('export', study, folder.where)}"
        )
    try:
        report = Report.model_validate_json((export / "report.json").read_bytes())
    except (OSError, ValueError):
        raise StudyError(
            f"{export / 'report.json'} is damaged; {study_command('export', study, folder.where)}"
            " writes it again"
        ) from None
    outbox = Outbox(folder.outbox)
    location = recorded_at(outbox, folder.where, tracking_uri)
    tags = {names.STUDY: study, names.STUDY_ID: folder.study_id, **_tags(report)}
    return register(
        name,
        {name: export / "bundles" / name for name in report.classes},
        tags,
        StudyRun(
            location=location,
            experiment=choose_experiment(outbox, settings.name, None, location.uri),
            study=settings.name,
            key=names.study_key(folder.study_id),
            results=folder.where,
        ),
        texts=Texts(describe_model(report), describe_version(report)),
        force=force,
    )


def _tags(report: Report) -> dict[str, str]:
    """What a version says of the search that its bundles come from."""
    return {
        names.DATASET: report.dataset,
        names.DETECTOR: report.detector,
        names.PROTOCOL: report.protocol,
        names.OBJECTIVE: report.judged_by,
        names.SPLIT_HASH: report.split_hash,
        names.NORMAL_CLASSES: json.dumps(list(report.classes)),
        names.TRIAL_ID: ", ".join(dict.fromkeys(row.trial for row in report.classes.values())),
        names.VAL_AUROC: repr(report.mean.val_auroc),
    }
