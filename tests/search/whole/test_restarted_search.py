"""One command that is killed and repeated: what a batch system or Kubernetes does to a job."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import search.workflow.restart
from memgan.errors import StudyError
from search.journal.journal import read_groups
from search.results.study_folder import StudyFolder
from search.study.study import Study
from search.workflow.restart import resume_or_start

STUDY: dict[str, Any] = {
    "normal_class": "0,8",
    "space": {"learning_rate": {"low": 1e-3, "high": 2e-2, "log": True}},
    "fixed": {"epochs": 6, "width": 2, "memory_units": 4, "memory_dim": 4, "batch_size": 16},
    "budget": {"trials": 3},
    "sampler": {"name": "tpe", "startup_trials": 2},
    "scheduler": {"name": "none"},
    "resources": {"max_concurrent": 1},
    "final": {"seeds": 1},
}


def _start(home: Path, *more: str, name: str = "job") -> subprocess.Popen[str]:
    (home / "study.yaml").write_text(yaml.safe_dump(STUDY))
    main = "from search.cli import main; main()"
    command = [sys.executable, "-c", main, "search", "study.yaml", "--name", name, *more]
    log = (home / f"{name}.log").open("a")
    return subprocess.Popen(
        command, stdout=log, stderr=log, text=True, cwd=home, start_new_session=True
    )


def _results(home: Path, name: str, results: Path | None = None) -> dict[str, Any]:
    """What a study found, without times, places and run ids."""
    folder = StudyFolder(results or home / "results", name)
    (outcomes,) = read_groups(folder.journal).values()
    report = json.loads((folder.export / "report.json").read_text())
    classes = [
        {key: value for key, value in row.items() if key not in ("run_id", "seconds")}
        for row in report["classes"].values()
    ]
    return {
        "trials": [(o.trial_id, o.state, o.values, o.epochs, o.val_auroc) for o in outcomes],
        "winner": report["values"],
        "tested": [row["test_auroc"] for row in classes if "test_auroc" in row],
        "mean": report["mean"].get("test_auroc_mean"),
    }


def _wait_for(driver: subprocess.Popen[str], journal: Path, word: str, times: int) -> None:
    while driver.poll() is None:
        if journal.is_file() and journal.read_text(errors="replace").count(word) >= times:
            return
        time.sleep(0.05)


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_a_command_that_is_killed_and_repeated_gives_what_an_undisturbed_one_gives(
    tmp_path: Path,
) -> None:
    undisturbed = _start(tmp_path, name="calm")
    assert undisturbed.wait(500) == 0, (tmp_path / "calm.log").read_text()
    killed = _start(tmp_path, "--resume-or-start")
    _wait_for(killed, StudyFolder(tmp_path / "results", "job").journal, '"step"', 3)
    killed.send_signal(signal.SIGTERM)
    assert killed.wait(500) == 130
    log = (tmp_path / "job.log").read_text()
    assert "go on with the same command: " in log

    repeated = _start(tmp_path, "--resume-or-start")
    assert repeated.wait(500) == 0, (tmp_path / "job.log").read_text()
    calm, restarted = _results(tmp_path, "calm"), _results(tmp_path, "job")
    assert restarted == calm
    assert len(calm["trials"]) == 3
    assert calm["mean"] is not None

    done = _start(tmp_path, "--resume-or-start")
    assert done.wait(500) == 0
    assert "study job is done" in (tmp_path / "job.log").read_text()
    assert _results(tmp_path, "job") == calm


@pytest.mark.kill
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(int(os.environ.get("MEMGAN_RESTART_ROUNDS", "3"))))
def test_a_command_killed_at_any_moment_ends_when_it_is_repeated(seed: int, tmp_path: Path) -> None:
    calm = _start(tmp_path, name="calm")
    began = time.monotonic()
    assert calm.wait(900) == 0
    lasts, moment = time.monotonic() - began, random.Random(seed)
    for _ in range(4):
        driver = _start(tmp_path, "--resume-or-start")
        try:
            code = driver.wait(moment.uniform(1.0, lasts))
        except subprocess.TimeoutExpired:
            driver.kill()
            driver.wait()
        else:
            assert code == 0, (tmp_path / "job.log").read_text()
    while (code := _start(tmp_path, "--resume-or-start").wait(900)) != 0:
        assert "is held by" in (tmp_path / "job.log").read_text().splitlines()[-1]
        time.sleep(1)
    assert _results(tmp_path, "job") == _results(tmp_path, "calm")


def test_a_study_that_is_to_be_found_again_has_a_name(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="--name"):
        resume_or_start(Study.default(), results=tmp_path)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"seed": 9}, "begun with seed 0, and is now asked with 9"),
        ({"objective": "label-free"}, 'begun with objective "val-auroc"'),
        ({"data": {"source": "mnist"}}, 'data.source "digits", and is now asked with "mnist"'),
        ({"budget": {"trials": 2}}, "has a budget of 3 already"),
    ],
)
def test_another_question_under_the_same_name_is_refused_with_what_differs(
    change: dict[str, Any], line: str, tmp_path: Path
) -> None:
    begun = Study(name="job", objective="val-auroc", **STUDY)
    StudyFolder(tmp_path, "job").create(begun)
    with pytest.raises(StudyError, match=line):
        resume_or_start(Study(name="job", **{**STUDY, **change}), results=tmp_path)


def test_a_larger_budget_and_other_resources_are_those_of_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Study(name="job", objective="val-auroc", **STUDY)
    StudyFolder(tmp_path, "job").create(begun)
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        search.workflow.restart, "resume", lambda name, **options: asked.update(options)
    )
    more = {"budget": {"trials": 5}, "resources": {"max_concurrent": None}}
    resume_or_start(Study(name="job", **{**STUDY, **more}), results=tmp_path)

    assert asked["options"] == {"trials": 5, "time_budget": None}
    assert asked["settings"] == ["resources.max_concurrent=null"]


@pytest.mark.kill
@pytest.mark.timeout(1800)
def test_a_command_that_is_killed_with_its_machine_ends_on_another(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = _start(tmp_path, name="calm")
    assert calm.wait(900) == 0, (tmp_path / "calm.log").read_text()
    record = f"sqlite:///{tmp_path / 'record.db'}"
    more = ("--resume-or-start", "--results", f"{bucket}/r", "--tracking-uri", record)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "first"))
    killed = _start(tmp_path, *more)
    _wait_for(killed, StudyFolder.at(f"{bucket}/r", "job").journal, '"step"', 3)
    killed.kill()
    assert killed.wait(60) == -signal.SIGKILL

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "second"))
    assert _start(tmp_path, *more).wait(900) == 0, (tmp_path / "job.log").read_text()
    assert "was held by process" in (tmp_path / "job.log").read_text()
    elsewhere = StudyFolder.at(f"{bucket}/r", "job").results
    assert _results(tmp_path, "job", elsewhere) == _results(tmp_path, "calm")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "third"))
    assert _start(tmp_path, *more).wait(900) == 0
    assert "study job is done" in (tmp_path / "job.log").read_text()
