"""What a study needs before its first trial: images, groups of classes, its record."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from memgan.config import Features, OnFeatures, Runtime, dotted, parameters_type
from memgan.data import (
    Development,
    Split,
    check_normal_classes,
    is_named_source,
    load_split,
    why_no_validation,
    with_made_anomalies,
)
from memgan.errors import DataError, StudyError, UnknownName
from memgan.files import expanded
from memgan.training import packs
from memgan.waiting import waiting_for
from search.report import read_conclusion
from search.results import Beginning, StudyFolder, check_same_images, read_beginning
from search.study import ClassGroup, Space, Study, class_groups, earlier_prefixes
from search.workflow.checkout import own_commit
from tracking import Outbox, Record, StudyFacts, names

_MOST_FEATURES = 1000
_WEIGHTS = "features.weights"


def prepare(study: Study, download: bool) -> tuple[Study, Split, list[ClassGroup]]:
    """The study with its objective settled, its split and its groups.

    For the label-free objective the split has made anomalies in place of labelled ones. DataError
    or UnknownName for images that do not serve.
    """
    _ensure_backbones(study, download)
    return _settled(
        study, load_split(study.data, normal_class=study.normal_class, download=download), {}
    )


def prepare_again(
    study: Study, folder: StudyFolder, download: bool, note: Callable[[str], None]
) -> tuple[Study, Split, list[ClassGroup]]:
    """As `prepare`, for a study that goes on in its folder.

    StudyError where its images are gone or are not those it began with. note: told where that
    cannot be known, as an earlier version did not write down what a study began with.
    """
    _ensure_backbones(study, download)
    begun = read_beginning(folder.path) or _begun_earlier(study, folder)
    try:
        split = load_split(study.data, normal_class=study.normal_class, download=download)
    except (DataError, UnknownName) as error:
        raise StudyError(
            f"the images that study {study.name} began with cannot be read: {error}"
        ) from None
    if begun is not None:
        check_same_images(study.name, begun, split)
        return _settled(study, split, begun.prefixes)
    note(
        f"study {study.name} was begun by an earlier version, which did not write down with which"
        " images; that these are the same is taken for granted"
    )
    return _settled(study, split, earlier_prefixes(study, split.normal_classes))


def _ensure_backbones(study: Study, download: bool) -> None:
    """See to it that every frozen network that a trial may see images through can be used."""
    wanted = features_of(study)
    if wanted:
        from memgan.features import ensure_backbones  # It needs torch, which takes seconds.

        ensure_backbones(wanted, download=download)


def features_of(study: Study) -> list[Features]:
    """Every `features` that a trial may have, each once; empty where all see pixels."""
    space = study.search_space
    entries = {k: entry for k, entry in space.items() if k.partition(".")[0] == "features"}
    points = Space(space.detector, entries, space.resting).points()
    seen = [study.parameters(values) for values in itertools.islice(points, _MOST_FEATURES)]
    found = [one.features for one in seen if isinstance(one, OnFeatures)]
    return list(dict.fromkeys(one for one in found if one is not None))


def _begun_earlier(study: Study, folder: StudyFolder) -> Beginning | None:
    """Of a study that an earlier version brought to its end: that told the images' hash."""
    conclusion = read_conclusion(folder)
    if conclusion is None:
        return None
    return Beginning(
        split_hash=conclusion.report.split_hash,
        prefixes=earlier_prefixes(study, list(conclusion.report.classes)),
    )


def _settled(
    study: Study, split: Split, prefixes: Mapping[str, str]
) -> tuple[Study, Split, list[ClassGroup]]:
    classes = check_normal_classes(split, study.normal_class)
    reasons = [reason for name in classes if (reason := why_no_validation(split, name))]
    if study.objective is None:
        chosen = "label-free" if reasons else "val-auroc"
        study = study.model_copy(update={"objective": chosen})
    if study.judge == "label-free":
        with waiting_for("making anomalies from normal images"):
            split = with_made_anomalies(split, classes, study.data.split_seed)
    elif reasons:
        raise DataError(reasons[0])
    return study, split, class_groups(study, classes, prefixes)


def anchored(study: Study) -> Study:
    """The study with absolute paths to its images and to weights of frozen networks, so that it
    resumes from any folder, and so that every process of a trial finds them."""
    data = study.data
    changes: dict[str, Any] = {}
    if not is_named_source(data.source) and (path := expanded(Path(data.source))).exists():
        changes["source"] = str(path.absolute())
    if data.dir is not None:
        changes["dir"] = data.dir.absolute()
    study = study.model_copy(update={"data": data.model_copy(update=changes)})
    written = study.model_dump(mode="json", include={"fixed", "space", "start_from"})
    settings = []
    for section in (dotted(written["fixed"]), written["space"]):
        given = section.get(_WEIGHTS)
        if (absolute := _absolute(given)) != given:
            settings.append(f"{_WEIGHTS}={json.dumps(absolute)}")
    starts = [
        {key: _absolute(value) if key == _WEIGHTS else value for key, value in point.items()}
        if isinstance(point, dict)
        else point
        for point in written["start_from"]
    ]
    if starts != written["start_from"]:
        settings.append(f"start_from={json.dumps(starts)}")
    return study.with_settings(settings)


def _absolute(paths: Any) -> Any:
    """A path, several to choose from, or a choice of them as it is written."""
    if isinstance(paths, str):
        return str(expanded(Path(paths)).absolute())
    if isinstance(paths, list):
        return [_absolute(path) for path in paths]
    if isinstance(paths, dict):
        return {key: _absolute(v) if key == "choice" else v for key, v in paths.items()}
    return paths


def make_record(study: Study, folder: StudyFolder, split: Split) -> Record:
    """The study's record, at its outbox."""
    facts = StudyFacts(
        study_id=folder.study_id,
        name=study.name,
        dataset=split.source,
        detector=study.detector,
        protocol=study.protocol,
        split_hash=split.hash,
        git_commit=own_commit(),
        image_shape=split.test.image_shape,
        sizes={
            "train": len(split.development.train),
            "validation": len(split.development.validation),
            "test": len(split.test),
        },
    )
    return Record(Outbox(folder.outbox), facts)


def classes_as_one(
    study: Study, groups: Sequence[ClassGroup], development: Development, runtime: Runtime
) -> int:
    """How many detectors of a trial, one for each class and seed, are trained as one model; 0 where
    they are trained in turn."""
    most = max(len(group.classes) for group in groups) * study.trial_seeds
    shape = development.train.image_shape
    stepwise = parameters_type(study.detector).STEPWISE
    return most if stepwise and packs(runtime.packing, runtime.device, shape, most) else 0


def study_params(study: Study, classes_as_one: int = 0) -> dict[str, Any]:
    """What the study's own run has as parameters."""
    space = study.model_dump(mode="json")["space"]
    return {
        "trials": study.budget.trials,
        "epochs": study.epochs,
        "sampler": study.sampler.name,
        "scheduler": study.scheduler.name,
        "objective": ", ".join(study.objectives),
        "seed": study.seed,
        "trial_seeds": study.trial_seeds,
        "classes_as_one": classes_as_one,
        **({"validation": "from-test"} if study.data.validation == "from-test" else {}),
        **{names.space(name): entry for name, entry in space.items()},
        **{names.fixed(name): value for name, value in study.fixed.items()},
    }
