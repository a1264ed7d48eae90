"""What a trial tells of its training, without Ray around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from memgan.config import Runtime
from memgan.data import Split
from search.results import Storage
from search.study import Study
from search.trials.trainable import Shared, train_trial

OBJECTIVE = ["val-auroc", "address_perplexity"]


def test_a_measure_of_the_memory_is_told_as_an_objective_when_all_is_trained(
    make_study: Callable[..., Study], split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Mapping[str, Any]] = []
    monkeypatch.setattr(tune, "report", lambda metrics, **_: told.append(metrics))
    monkeypatch.setattr(tune, "get_checkpoint", lambda: None)
    monkeypatch.setattr("search.trials.trainable.hold_to_share_of_worker", lambda: None)
    space = {"memory_units": [20, 40]}
    study = make_study(objective=OBJECTIVE, scheduler="none", space=space)
    classes = {"all": split.development.train.class_names[:2]}
    shared = Shared(study, classes, Runtime(device="cpu"), split.development, Storage.at(tmp_path))
    point = {"values": {"memory_units": 20}, "schedule": {}, "group": "all"}

    train_trial({**point, "checkpoint": None, "until": study.epochs}, shared)

    assert ["measured" in one for one in told] == [False] * (study.epochs - 1) + [True]
    health = told[-1]["health"]["address_perplexity"]
    assert told[-1]["measured"] == {"address_perplexity": health["mean"]}
    assert 0 < health["mean"] <= 1
