"""What happens in a study, as the keys and values that the record keeps."""

from __future__ import annotations

import functools
import getpass
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from memgan.stats import mean_of_known
from tracking import names


def auroc_metrics(by_class: Mapping[str, float]) -> dict[str, float | None]:
    """Validation AUROC by class as metrics, with the mean of those classes if it is not given."""
    # The mean comes first: MLflow's page that compares runs opens on what they were told first.
    mean = names.val_auroc(names.MEAN)
    values: dict[str, float | None] = {}
    values.update(
        {mean: by_class[names.MEAN]} if names.MEAN in by_class else mean_metric(mean, by_class)
    )
    return values | {names.val_auroc(name): value for name, value in by_class.items()}


def health_metrics(by_measure: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Measures of memory and game, each by class, as metrics."""
    return {
        names.health(measure, name): value
        for measure, by_class in by_measure.items()
        for name, value in by_class.items()
    }


def mean_metric(key: str, by_class: Mapping[str, float | None]) -> dict[str, float]:
    """The mean of what is known under `key`; nothing where nothing is known."""
    mean = mean_of_known(by_class.values())
    return {} if mean is None else {key: mean}


def texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as MLflow keeps them: words by safe keys."""
    return {names.safe_path(str(key)): text(value) for key, value in params.items()}


def text(value: Any) -> str:
    """One value in words; lists and mappings as JSON."""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str)
    return str(value)


def note_digest(text: str) -> str:
    """What a description of ours is known by later."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def may_describe(now: str | None, new: str, tags: Mapping[str, str]) -> bool:
    """Whether the description that there is now may be replaced by a new one: there is none, it is
    as we wrote it, or it is the new one already, whose digest an interruption may have cut off."""
    return not now or now == new or tags.get(names.OWN_NOTE) == note_digest(now)


@functools.cache
def user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "memgan"
