"""Studies with trials of every kind, through the real journal and without any training; an
S3-compatible server and a Ray on loopback."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from memgan.config.typed import DataConfig
from memgan.data import Split, load_split
from search.journal.journal import Journal
from search.journal.journal_file import open_to_write
from search.ray.connection import connect
from search.report.report import Report
from search.study.groups import class_groups
from search.study.study import Study

SPACE: dict[str, Any] = {
    "learning_rate.encoder": {"low": 1e-4, "high": 1e-2, "log": True},
    "memory_units": [25, 50, 100],
    "adversarial_weight": {"low": 0.5, "high": 5.0},
    "sharpness": {"choice": [1, 3], "when": {"adversarial_weight": {"at_least": 2}}},
    "encoder_game": {"choice": ["saturating", "non-saturating"]},
}
EPOCHS = 7
ON_ONE_RAY = ("test_tune_loop.py", "test_schedulers_on_ray.py", "test_memory_and_disk.py")
"""`tests/conftest.py` has one worker run them one after the other."""


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
            journal = Journal(open_to_write(path), study, group.prefix)
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
def make_report() -> Callable[..., Report]:
    """(study, classes, dataset, tested, **fields) -> a report."""

    def make(
        study: Study,
        classes: Sequence[str],
        dataset: str = "digits",
        tested: bool = True,
        **fields: Any,
    ) -> Report:
        figure = {
            "val_auroc": 0.97,
            "test_auroc_mean": 0.9512 if tested else None,
            "test_auroc_sd": 0.0034 if tested else None,
            "seeds": [0, 1],
        }
        anchor = {"parameters": {"components": 10}, "mean": figure}
        content = {
            "study": study.name,
            "dataset": dataset,
            "detector": study.detector,
            "protocol": study.protocol,
            "objective": study.judge,
            "classes": {name: {**figure, "trial": "0000", "run_id": None} for name in classes},
            "mean": figure,
            "anchors": {"pca": {**anchor, "classes": dict.fromkeys(classes, figure)}},
            "values": {"0000": {"memory_units": 25}},
            "split_hash": "a1b2" * 16,
            "machine": "Linux x86_64, 2 cores",
            "versions": {"torch": "2.15.0"},
        }
        return Report.model_validate({**content, **fields})

    return make


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(_s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, as s3://NAME; processes started by the test reach it too."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": _s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{os.urandom(4).hex()}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"


class _SharedRay:
    """A Ray of two cores that is left on from one module to the next that wants it."""

    def __init__(self) -> None:
        self._on = ExitStack()
        self.is_on = False

    def start(self) -> None:
        if not self.is_on:
            self._on.enter_context(connect("local", cpus=2))
            self.is_on = True

    def stop(self) -> None:
        self.is_on = False
        self._on.close()


_SHARED = _SharedRay()


@pytest.fixture(scope="module")
def _ray() -> None:
    _SHARED.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    if _SHARED.is_on and (nextitem is None or nextitem.path.name not in ON_ONE_RAY):
        _SHARED.stop()


@pytest.fixture(scope="session")
def split() -> Split:
    """scikit-learn's digits."""
    return load_split(DataConfig(source="digits"))
