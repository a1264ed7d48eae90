"""What happens in a study, as the keys and values that the record keeps."""

from __future__ import annotations

import functools
import getpass
import json
from collections.abc import Mapping
from typing import Any

from memgan.stats import mean_of_known
from tracking import names


def auroc_metrics(by_class: Mapping[str, float]) -> dict[str, float | None]:
    """Validation AUROC by class as metrics, with the mean of those classes if it is not given."""
    values: dict[str, float | None] = {
        names.val_auroc(name): value for name, value in by_class.items()
    }
    if names.MEAN not in by_class:
        values.update(mean_metric(names.val_auroc(names.MEAN), by_class))
    return values


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


@functools.cache
def user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "memgan"
