"""Every name that the record uses in MLflow: runs, tags, parameters, metrics."""

from __future__ import annotations

import hashlib
import re

KIND = "memgan.kind"
FINAL = "final"
"""The kind of a final's run."""
STUDY = "memgan.study"
STUDY_ID = "memgan.study_id"
DATASET = "memgan.dataset"
DETECTOR = "memgan.detector"
PROTOCOL = "memgan.protocol"
GIT_COMMIT = "memgan.git_commit"
SPLIT_HASH = "memgan.split_hash"
TRIAL_ID = "memgan.trial_id"
NORMAL_CLASS = "memgan.normal_class"
SEED = "memgan.seed"
STOPPED_BY = "memgan.stopped_by"
ERROR = "memgan.error"
SUPERSEDED = "memgan.superseded"
MOVED = "memgan.moved"
"""A tag of a study's run: when the study came to this experiment from another, in milliseconds
since 1970. The copy that stays behind has an earlier one, or none."""
WINNER = "memgan.winner"
"""A tag of a trial: "true" for the winner, "false" once another trial has become it."""
OWN_NOTE = "memgan.note"
"""A digest of the description that we wrote: one of another digest is somebody else's."""
RUN_KEY = "memgan.run_key"
"""The tag by which a run is found again; its value is the same whoever asks, and when."""
MODEL_KEY = "memgan.model_key"
"""The tag by which a run's logged model is found again, as `RUN_KEY` is for runs."""
BUNDLES = "memgan.bundles"
"""Tells versions apart that serve differently: a digest of the bundles in a model."""
NORMAL_CLASSES = "memgan.normal_classes"
VAL_AUROC = "memgan.val_auroc"
OBJECTIVE = "memgan.objective"

PARENT_RUN = "mlflow.parentRunId"
USER = "mlflow.user"
MODEL_VERSIONS = "mlflow.modelVersions"
SOURCE = "mlflow.source.name"
SOURCE_COMMIT = "mlflow.source.git.commit"
NOTE = "mlflow.note.content"
"""The description of a run or an experiment, in Markdown."""
DATA_CONTEXT = "mlflow.data.context"
VIEWS = "mlflow.sharedViewState."
"""Before the key of a view of an experiment's runs, as "Share" in the MLflow UI makes them."""
PRIMARY_METRIC = "mlflow.experiment.primaryMetric.name"
EXPERIMENT_KIND = "mlflow.experimentKind"
MODEL_TRAINING = "custom_model_development"
"""Has the MLflow UI open a study as training of models; its own default is language models."""

AVERAGE_PRECISION = "test_average_precision"
FPR_AT_95_RECALL = "test_fpr_at_95_recall"
PIXEL_AUROC = "test_pixel_auroc"
AUPRO = "test_aupro"
PIXEL_F1 = "test_pixel_f1"
BY_PIXEL = {PIXEL_AUROC: "pixel AUROC", AUPRO: "AUPRO", PIXEL_F1: "best F1 by pixel"}
PIXEL_THRESHOLD = "test_pixel_threshold"
"""Of finals whose test images have masks, by class: over pixels; the threshold of the best F1."""
FINAL_VAL_AUROC = "final_val_auroc"
SECONDS = "seconds"
IMAGES_PER_SECOND = "images_per_second"
PEAK_MEMORY = "peak_memory_mb"
MEAN = "mean"

CHECKPOINTS = "checkpoints"
FIGURES = "figures"
EXPORT = "export"
SCORES = "scores"
"""Folders among a run's artifacts."""

SCORES_FILE = "scores.npz"
"""An artifact of a final: what it gave each image of test and of validation."""

DETECTOR_PARAM = "detector"
SEED_PARAM = "seed"
WEIGHTS_FROM_PARAM = "weights_from"
"""In a population: the trial whose weights this one has."""
NORMAL_CLASS_PARAM = "normal_class"
"""Parameters of trials and finals beside those of their detector."""

KEY_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
DIGEST_LENGTH = 12
"""The digest of a data set: as many characters of its hash as messages show."""

_ALLOWED = re.compile(r"[/\w.\- :]+")
_NOT_ALLOWED = re.compile(r"[^\w.\- :]")
_HASHED = re.compile(r"-[0-9a-f]{6}$")
_NOT_IN_MODEL_NAMES = re.compile(r"[/:.%\"']")


def is_valid_key(key: str) -> bool:
    """Whether MLflow takes `key` as the name of a metric, a parameter or a tag."""
    parts = key.split("/")
    clean = all(part not in ("", ".", "..") for part in parts)
    return len(key) <= KEY_LENGTH and clean and _ALLOWED.fullmatch(key) is not None


def safe(name: str) -> str:
    """`name` as one part of a key.

    Names that need no change stay as they are; others lose the characters that MLflow refuses
    and gain a short hash, so that two different names never share a key. A name that looks as if
    it had one already gains another.
    """
    return _hashed(name) if _HASHED.search(name) else _valid(name)


def safe_path(key: str) -> str:
    """A key of several parts joined by slashes, each made safe; safe ones stay as they are."""
    return "/".join(_valid(part) for part in key.split("/"))


def val_auroc(class_name: str) -> str:
    """The metric of validation AUROC (0 to 1) with this normal class, or of their `MEAN`."""
    return f"val_auroc/{safe(class_name)}"


def val_auroc_sd(class_name: str) -> str:
    """The metric of the standard deviation of validation AUROC over a trial's seeds."""
    return f"val_auroc_sd/{safe(class_name)}"


def made_auroc(kind: str) -> str:
    """The metric of AUROC (0 to 1) on one kind of made anomaly, the mean over classes."""
    return f"made_auroc/{safe(kind)}"


def test_auroc(class_name: str) -> str:
    """The metric of test AUROC (0 to 1) with this normal class, or of their `MEAN`."""
    return f"test_auroc/{safe(class_name)}"


def test_auroc_sd(class_name: str) -> str:
    """The metric of the standard deviation of test AUROC over seeds."""
    return f"test_auroc_sd/{safe(class_name)}"


def tested_class(key: str) -> str | None:
    """The normal class that a metric `test_auroc` is of; None for their mean and other metrics."""
    metric, _, class_name = key.partition("/")
    known = metric == "test_auroc" and class_name not in ("", MEAN)
    return class_name if known else None


def pixel_class(key: str, metric: str) -> str | None:
    """The normal class that a metric by pixel is of; None for other metrics."""
    found, _, class_name = key.partition("/")
    return class_name if found == metric and class_name else None


def loss(name: str) -> str:
    """The metric of one of a detector's losses."""
    return f"loss/{safe_path(name)}"


def health(measure: str, class_name: str) -> str:
    """The metric of one measure of memory and game, of a class or of their `MEAN`."""
    return f"health/{safe(measure)}/{safe(class_name)}"


def of_class(metric: str, class_name: str) -> str:
    """Any other metric of one normal class."""
    return f"{metric}/{safe(class_name)}"


def space(parameter: str) -> str:
    """A study's parameter: what was searched."""
    return f"space.{parameter}"


def fixed(parameter: str) -> str:
    """A study's parameter: a value that was not searched."""
    return f"fixed.{parameter}"


def changed(key: str) -> str:
    """Metric and tag of a parameter that changed while its trial ran."""
    return f"changed/{key}"


def study_key(study_id: str) -> str:
    """The run key of a study's parent run."""
    return f"{safe(study_id)}/study"


def trial_key(study_id: str, trial_id: str) -> str:
    """The run key of a trial."""
    return f"{safe(study_id)}/trial/{safe(trial_id)}"


def final_key(study_id: str, trial_id: str, seed: int) -> str:
    """The run key of one final: the winner `trial_id` trained again with `seed`."""
    return f"{safe(study_id)}/final/{safe(trial_id)}/{seed}"


def trial_name(trial_id: str) -> str:
    """What a trial is called in the list of runs."""
    return f"trial {trial_id}"


def model_name(study: str, normal_class: str) -> str:
    """What the logged model of a study is called; `normal_class` may be "all"."""
    whole = study if normal_class == "all" else f"{study} {normal_class}"
    cleaned = _NOT_IN_MODEL_NAMES.sub("_", whole)
    return whole if cleaned == whole else f"{cleaned}-{_short_hash(whole)}"


def final_name(normal_class: str, seed: int) -> str:
    """What a final is called in the list of runs; `normal_class` may be "all"."""
    return f"final {normal_class} seed {seed}"


def _valid(part: str) -> str:
    unchanged = _cleaned(part) == part and part not in ("", ".", "..")
    return part if unchanged else _hashed(part)


def _hashed(name: str) -> str:
    return f"{_cleaned(name).strip('.') or '_'}-{_short_hash(name)}"


def _cleaned(name: str) -> str:
    return _NOT_ALLOWED.sub("_", name).strip()[:100].strip()


def _short_hash(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:6]
