"""Studies with trials of every kind, through the real journal and without any training."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from search.journal import Journal
from search.study import Study
from search.trials import class_groups

SPACE: dict[str, Any] = {
    "learning_rate.encoder": {"low": 1e-4, "high": 1e-2, "log": True},
    "memory_units": [25, 50, 100],
    "adversarial_weight": {"low": 0.5, "high": 5.0},
    "sharpness": {"choice": [1, 3], "when": {"adversarial_weight": {"at_least": 2}}},
    "encoder_game": {"choice": ["saturating", "non-saturating"]},
}
EPOCHS = 7


@pytest.fixture
def make_study() -> Callable[..., Study]:
    """(protocol, **values) -> a study of three parameters of every kind."""

    def make(protocol: str = "shared", **values: Any) -> Study:
        return Study(
            name="shown",
            data={"source": "digits"},
            fixed={"epochs": EPOCHS},
            protocol=protocol,
            sampler={"name": "random"},
            **{
                "space": SPACE,
                "budget": {"trials": 12},
                "objective": "val-auroc",
                **values,
            },
        )

    return make


@pytest.fixture
def fill() -> Callable[[Path, Study, Sequence[str]], None]:
    """(journal, study, classes) -> twelve trials a group: of each four, two finished, one was
    stopped and one failed."""

    def fill_it(path: Path, study: Study, classes: Sequence[str]) -> None:
        for group in class_groups(study, classes):
            rng = random.Random(group.name)
            journal = Journal(path, study, group.prefix)
            while (asked := journal.ask()) is not None:
                kind = int(asked.trial_id[-4:]) % 4
                figures = {name: rng.uniform(0.8, 0.99) for name in group.classes}
                figures["mean"] = sum(figures.values()) / len(figures)
                if kind == 3:
                    journal.failed(asked.trial_id, "loss of <b>3</b> is nan; lower the rate")
                    continue
                for epoch in range(1, 3 if kind == 2 else EPOCHS + 1):
                    journal.epoch(asked.trial_id, epoch, figures["mean"])
                if kind == 2:
                    journal.stopped(asked.trial_id, figures, "asha")
                else:
                    journal.finished(asked.trial_id, figures)

    return fill_it


@pytest.fixture
def make_report() -> Callable[..., dict[str, Any]]:
    """(study, classes, dataset, tested) -> the content of a report.json."""

    def make(
        study: Study, classes: Sequence[str], dataset: str = "digits", tested: bool = True
    ) -> dict[str, Any]:
        figure = {
            "val_auroc": 0.97,
            "test_auroc_mean": 0.9512 if tested else None,
            "test_auroc_sd": 0.0034 if tested else None,
            "seeds": [0, 1],
        }
        anchor = {"parameters": {"components": 10}, "mean": figure}
        return {
            "study": study.name,
            "dataset": dataset,
            "detector": study.detector,
            "protocol": study.protocol,
            "objective": study.objective,
            "classes": {name: {**figure, "trial": "0000", "run_id": None} for name in classes},
            "mean": figure,
            "anchors": {"pca": {**anchor, "classes": dict.fromkeys(classes, figure)}},
            "values": {"0000": {"memory_units": 25}},
            "split_hash": "a1b2" * 16,
            "machine": "Linux x86_64, 2 cores",
            "versions": {"torch": "2.15.0"},
        }

    return make
