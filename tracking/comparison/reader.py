"""The record read back: what the finals of studies gave, from the store only.

Nothing of a study's folder is needed, so studies that were made on other machines are read the
same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from memgan.data import ordered
from memgan.errors import BadInput, StudyError, TrackingUnavailable, unknown_name
from memgan.stats import BySeed, ImageScores, unpack
from tracking import names
from tracking.address import (
    DEFAULT_RESULTS,
    Location,
    redact,
    resume_command,
    search_command,
    sqlite_file,
    sync_command,
)
from tracking.comparison.study_experiment import experiments_of_study, studies, unnamed_finals
from tracking.stores import RecordReader, Refused, RunView, Unavailable, open_reader


@dataclass(frozen=True)
class StudyFigures:
    """The finals of one study. auroc: test AUROC, 0 to 1, by normal class and then by seed."""

    name: str
    study_id: str
    dataset: str
    detector: str
    protocol: str
    split_hash: str
    auroc: Mapping[str, Mapping[int, float]]
    scores: BySeed = field(default_factory=dict)
    """The scores of the test images; absent for finals that an earlier version recorded."""

    by_pixel: Mapping[str, Mapping[str, Mapping[int, float]]] = field(default_factory=dict)
    """Figures on the pixels of the test images that have masks, 0 to 1, by metric (a name of
    `tracking.names`), normal class and seed."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Normal classes with a figure, in order."""
        return ordered(self.auroc)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that any class has a figure of, ascending."""
        return tuple(sorted({seed for of_class in self.auroc.values() for seed in of_class}))


def open_store(location: Location) -> RecordReader:
    """The store at an address, to read from.

    BadInput where a local record does not exist, TrackingUnavailable where nobody answers.
    """
    path = sqlite_file(location.uri)
    if path is not None and not path.is_file():
        raise BadInput(
            f"no record at {path}; {search_command(location.uri)} makes one, or name another with"
            " --results or --tracking-uri"
        )
    try:
        return open_reader(location.uri, location.artifact_root)
    except Unavailable as error:
        raise TrackingUnavailable(
            f"tracking at {redact(location.uri)} cannot be read ({error}); start the server, or"
            " give another address with --tracking-uri or MLFLOW_TRACKING_URI"
        ) from None


def read_studies(
    record: RecordReader, asked: Sequence[str], results: Path | str = DEFAULT_RESULTS
) -> list[StudyFigures]:
    """The figures of several studies, in the order asked; faults as those of `read_study`, and
    TrackingUnavailable where the store goes away meanwhile."""
    try:
        return [read_study(record, name, results) for name in asked]
    except (Unavailable, Refused) as error:
        raise TrackingUnavailable(f"the record cannot be read: {error}; try again") from None


def read_study(
    record: RecordReader, asked: str, results: Path | str = DEFAULT_RESULTS
) -> StudyFigures:
    """The figures of a study's finals, those of a winner that lost its place left out.

    asked: a study's name, or name@id with the beginning of its id where several studies of that
    name share the store. results: where its study lies, for the commands that a fault names.
    UnknownName for a name that the store does not have, StudyError for a
    study without a tested final and for a name that several studies bear.
    """
    name, _, beginning = asked.partition("@")
    finals = _finals(record, name, beginning)
    if finals is None and beginning and experiments_of_study(record, name):
        finals = []
    if finals is None:
        raise unknown_name("study", name, studies(record))
    by_study: dict[str, list[RunView]] = defaultdict(list)
    for run in finals:
        by_study[run.tags.get(names.STUDY_ID, "")].append(run)
    figures = [_figures(record, name, study_id, runs) for study_id, runs in by_study.items()]
    tested = [one for one in figures if one.auroc]
    if len(tested) > 1:
        choices = ", ".join(f"{name}@{one.study_id[:8]}" for one in tested)
        raise StudyError(f"{len(tested)} studies are called {name} in this record: name {choices}")
    if not tested and any(run.status == "FINISHED" for run in finals):
        raise StudyError(
            f"the finals of study {asked} have no test AUROC, as its test images hold no labelled"
            " anomalies: there is nothing to compare; add some as a test part, and begin a new"
            " study"
        )
    if not tested:
        raise StudyError(
            f"study {asked} has no tested finals in this record; finish it with"
            f" `{resume_command(name, results)}`, deliver what waits with"
            f" `{sync_command(name, results)}`, or name another"
        )
    return tested[0]


def _finals(record: RecordReader, name: str, beginning: str) -> list[RunView] | None:
    places = experiments_of_study(record, name, beginning)
    finals = [
        run
        for study_id, experiment in places.items()
        for run in record.runs(experiment, {names.KIND: names.FINAL, names.STUDY_ID: study_id})
    ]
    if not places:
        unnamed = unnamed_finals(record, name)
        if unnamed is None:
            return None
        finals = [r for r in unnamed if r.tags.get(names.STUDY_ID, "").startswith(beginning)]
    return [run for run in finals if names.SUPERSEDED not in run.tags]


def _figures(record: RecordReader, name: str, study_id: str, finals: list[RunView]) -> StudyFigures:
    auroc: dict[str, dict[int, float]] = defaultdict(dict)
    for run in finals:
        for key, value in run.metrics.items():
            if (class_name := names.tested_class(key)) is not None:
                auroc[class_name][int(run.tags[names.SEED])] = value
    scores = _scores(record, finals, "test") if auroc else {}
    by_pixel = {metric: _of_metric(finals, metric) for metric in names.BY_PIXEL}
    tags = finals[0].tags
    return StudyFigures(
        name=name,
        study_id=study_id,
        dataset=tags.get(names.DATASET, ""),
        detector=tags.get(names.DETECTOR, ""),
        protocol=tags.get(names.PROTOCOL, ""),
        split_hash=tags.get(names.SPLIT_HASH, ""),
        auroc={key: dict(sorted(by_seed.items())) for key, by_seed in auroc.items()},
        scores=scores,
        by_pixel={metric: found for metric, found in by_pixel.items() if found},
    )


def _of_metric(finals: Sequence[RunView], metric: str) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for run in finals:
        for key, value in run.metrics.items():
            if (class_name := names.pixel_class(key, metric)) is not None:
                found[class_name][int(run.tags[names.SEED])] = value
    return dict(found)


def read_validation(record: RecordReader, study: str, study_id: str) -> BySeed:
    """What a study's finals gave the images that they were validated on, as `StudyFigures.scores`;
    empty where the store does not have it."""
    runs = _finals(record, study, study_id) if study and study_id else None
    return _scores(record, runs or [], "validation")


def _scores(record: RecordReader, finals: Sequence[RunView], part: str) -> BySeed:
    found: dict[str, dict[int, ImageScores]] = defaultdict(dict)
    for run in finals:
        content = record.read_artifact(run.run_id, f"{names.SCORES}/{names.SCORES_FILE}")
        try:
            by_class = unpack(content).get(part, {}) if content else {}
        except ValueError:
            continue  # a file by other hands; it is as if there were none
        for name, scores in by_class.items():
            found[name][int(run.tags[names.SEED])] = scores
    return {name: dict(sorted(by_seed.items())) for name, by_seed in found.items()}
