"""MLflow's Model Registry: an export as a version of a registered model, and its champion."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from memgan.config import Frozen
from memgan.errors import BadInput, TrackingUnavailable
from memgan.stats import Difference, auroc, paired_difference
from tracking import names
from tracking.address import (
    DEFAULT_RESULTS,
    Location,
    one_line,
    redact,
    serve_command,
    sync_command,
)
from tracking.comparison import read_validation
from tracking.registry.promotion import Promotion, judge
from tracking.stores import Refused, Tracker, Unavailable, knock
from tracking.tracker_plugins import plugin_scheme

CHAMPION = "champion"

_NAME = re.compile(r"\w[\w .+-]*")
# What is not answered is told and asked for again by the user; a creation repeated by MLflow
# could make two versions.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Registered(Frozen):
    """What became of an export in the registry."""

    name: str
    version: int
    new: bool
    """False where a version held the same bundles already."""
    champion: int
    """The version that has the alias now."""
    reason: str
    """Why it is that one, as the end of a sentence."""
    tracking_uri: str
    """Without passwords."""

    def lines(self) -> list[str]:
        """What to tell a reader."""
        known = "" if self.new else ", which held these bundles already"
        mine = "" if self.champion == self.version else f" stays version {self.champion}"
        return [
            f"registered: {self.name} version {self.version}{known}",
            f"champion{mine or ' is this version'}: {self.reason}",
            f"serve the champion: {serve_command(self.name, self.tracking_uri)}",
        ]


def check_name(name: str) -> None:
    """BadInput for what cannot be the name of a registered model."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"--register {name!r}: a name is of letters, digits, blanks and _ . + -, and begins"
            " with a letter or a digit"
        )


@dataclass(frozen=True)
class Texts:
    """Descriptions in Markdown."""

    model: str
    """What the registered model says, whichever its versions are."""
    version: str


@dataclass(frozen=True)
class StudyRun:
    """A study's own run in a tracking store."""

    location: Location
    experiment: str
    """The store's name for what holds its runs."""
    key: str
    """What its run is found by."""
    results: Path | str = DEFAULT_RESULTS
    """Where the study lies, for the command that delivers its record."""
    study: str = ""
    """The study's name, where the experiment has another."""

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study or self.experiment


def register(
    name: str,
    bundles: Mapping[str, Path],
    tags: Mapping[str, str],
    run: StudyRun,
    *,
    texts: Texts | None = None,
    force: bool = False,
) -> Registered:
    """Log bundles, by normal class, as one model of a run, and make it a version of `name`.

    tags: of the version, those that `promotion.judge` reads among them. What is there already is
    taken, not made again. texts: descriptions; one that somebody has changed
    stays. force: the version becomes champion whatever its AUROC.
    TrackingUnavailable if the store does not answer, BadInput if it refuses or has no such run.
    """
    check_name(name)
    where = redact(run.location.uri)
    if plugin_scheme(run.location.uri) is not None:
        raise BadInput(
            f"not registered: {where} is a plug-in's, and has no Model Registry; give MLflow's"
            " address with --tracking-uri"
        )
    try:
        knock(run.location.uri)
        with _environment():
            found = _register(name, bundles, tags, run, force=force)
            if texts is not None:
                _describe(found, texts, run.location.uri)
            return found
    except Unavailable as error:
        raise TrackingUnavailable(
            f"not registered: tracking at {where} does not answer ({one_line(error)}); start the"
            " server, or give another address with --tracking-uri"
        ) from None
    except Refused as error:
        raise BadInput(f"not registered: {where} refuses it ({one_line(error)})") from None


def _register(
    name: str,
    bundles: Mapping[str, Path],
    tags: Mapping[str, str],
    run: StudyRun,
    *,
    force: bool,
) -> Registered:
    from tracking.models import digest
    from tracking.stores import MlflowRegistry, MlflowTracker

    tracker = MlflowTracker(run.location.uri, run.location.artifact_root)
    registry = MlflowRegistry(run.location.uri)
    run_id = _run_id(tracker, run)
    same = digest(bundles)
    tags = {**tags, names.BUNDLES: same}
    versions = registry.versions(name)
    version = next((v for v, known in versions.items() if known.get(names.BUNDLES) == same), None)
    new = version is None
    if version is None:
        key = {names.MODEL_KEY: f"{run.key}/{same}", names.KIND: "model"}
        model = names.model_name(run.name, "all")
        model_id = tracker.log_model(run_id, model, bundles, {**tags, **key})
        version = registry.add_version(name, model_id, run_id, tags)
    champion = registry.alias(name, CHAMPION)
    if champion == version:
        promotion = Promotion(moves=False, reason="it was champion before")
    else:
        before = None if champion is None else registry.versions(name)[champion]
        promotion = judge(tags, before, lambda: _difference(tracker, tags, before), force=force)
    if promotion.moves or champion is None:
        registry.set_alias(name, CHAMPION, version)
        champion = version
    return Registered(
        name=name,
        version=version,
        new=new,
        champion=champion,
        reason=promotion.reason,
        tracking_uri=redact(run.location.uri),
    )


def _describe(found: Registered, texts: Texts, uri: str) -> None:
    from tracking.stores import MlflowRegistry

    registry = MlflowRegistry(uri)
    registry.describe(found.name, texts.model)
    registry.describe_version(found.name, found.version, texts.version)


def _run_id(tracker: Tracker, run: StudyRun) -> str:
    experiment_id = tracker.find_experiment(run.experiment)
    runs = tracker.find_runs(experiment_id, run.key) if experiment_id else []
    if not runs:
        raise BadInput(
            f"not registered: {redact(run.location.uri)} has no run of study {run.name};"
            f" deliver its record with `{sync_command(run.name, run.results)}` first"
        )
    return runs[0]


def _difference(
    tracker: Tracker, tags: Mapping[str, str], champion: Mapping[str, str] | None
) -> Difference | None:
    """Of two versions' finals on validation images; None where the record lacks their scores."""
    ours, theirs = (
        read_validation(tracker, of.get(names.STUDY, ""), of.get(names.STUDY_ID, ""))
        for of in (tags, champion or {})
    )
    if not ours or ours.keys() != theirs.keys():
        return None
    auroc_of_ours, auroc_of_theirs = (
        {
            name: {seed: auroc(one.scores, one.anomalous) for seed, one in by_seed.items()}
            for name, by_seed in of.items()
        }
        for of in (ours, theirs)
    )
    return paired_difference(
        auroc_of_ours, auroc_of_theirs, first_scores=ours, second_scores=theirs
    )


@contextmanager
def _environment() -> Iterator[None]:
    before = {key: os.environ.get(key) for key in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
