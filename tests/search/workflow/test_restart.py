"""What a command that is repeated does with a study that is done, without a search."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import search.workflow.restart
from memgan.config import Runtime
from memgan.errors import StudyError
from search.report import Report
from search.results.study_folder import StudyFolder
from search.study.study import Study
from search.workflow.restart import resume_or_start
from tracking import Outbox, Record, StudyFacts

CLASSES = ["a", "b"]


@pytest.fixture
def done(
    tmp_path: Path,
    make_study: Callable[..., Study],
    fill: Callable[[Path, Study, Sequence[str]], None],
    make_report: Callable[..., Report],
) -> StudyFolder:
    """A study whose trials, finals and record have ended; the record was never delivered."""
    study = make_study(final={"seeds": 2})
    folder = StudyFolder(tmp_path / "results", study.name)
    folder.create(study)
    fill(folder.journal, study, CLASSES)
    made = make_report(study, CLASSES)
    report = made.document()
    runtime = Runtime(device="cpu").model_dump()
    content = {"runtime": runtime, "anchors": report["anchors"], "report": report}
    (folder.path / "conclusion.json").write_text(json.dumps(content))
    facts = StudyFacts(
        study_id=folder.study_id,
        name=study.name,
        dataset="digits",
        detector=study.detector,
        protocol=study.protocol,
        split_hash=report["split_hash"],
        git_commit=None,
    )
    record = Record(Outbox(folder.outbox), facts)
    record.study_started({"trials": 12})
    record.study_ended("FINISHED")
    record.flush()
    return folder


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The studies that `resume` was called for; it does nothing."""
    names: list[str] = []

    def resume(name: str, **options: Any) -> None:
        names.append(name)

    monkeypatch.setattr(search.workflow.restart, "resume", resume)
    return names


def test_a_study_that_is_done_is_told_and_its_record_delivered(
    done: StudyFolder, resumed: list[str], fresh_store: Path
) -> None:
    said: list[str] = []
    shutil.copy(fresh_store, done.results / "mlflow.db")

    result = resume_or_start(done.load(), results=done.results, note=said.append)

    assert any("is done" in line for line in said)
    assert resumed == []
    assert result.remainder.lines("sync") == []
    assert Outbox(done.outbox).count_waiting() == 0
    assert result.report is not None
    assert sum(result.trials.values()) == 12


def test_a_record_that_is_gone_does_not_make_a_study_that_is_done_fail(
    done: StudyFolder, resumed: list[str], tmp_path: Path
) -> None:
    gone = f"sqlite:///{tmp_path / 'gone.db'}"
    Outbox(done.outbox).set_fact("tracking_uri", gone)

    result = resume_or_start(done.load(), results=done.results)

    assert resumed == []
    assert result.remainder.waiting == Outbox(done.outbox).count_waiting() > 0
    assert "gone.db, which is not there any more" in str(result.remainder.fault)


def test_a_final_that_failed_is_tried_again(done: StudyFolder, resumed: list[str]) -> None:
    path = done.path / "conclusion.json"
    content = json.loads(path.read_text())
    content["report"]["classes"]["b"]["seeds"] = [0]
    path.write_text(json.dumps(content))

    resume_or_start(done.load(), results=done.results)

    assert resumed == ["shown"]


def test_a_study_that_went_on_after_its_end_is_not_done(
    done: StudyFolder, resumed: list[str]
) -> None:
    facts = StudyFacts(
        study_id=done.study_id,
        name="shown",
        dataset="digits",
        detector="memgan",
        protocol="shared",
        split_hash="a1b2" * 16,
        git_commit=None,
    )
    record = Record(Outbox(done.outbox), facts)
    record.study_started({"trials": 12})
    record.flush()

    resume_or_start(done.load(), results=done.results)

    assert resumed == ["shown"]


def test_what_another_machine_would_choose_is_no_other_question(
    tmp_path: Path, resumed: list[str]
) -> None:
    choice = {"fixed.width": "as it was", "budget.trials": "as it was"}
    asked: dict[str, Any] = {"name": "mine", "space": {"memory_units": [4, 8]}, "chosen": choice}
    begun = Study(**asked, fixed={"epochs": 3, "width": 4}, budget={"trials": 5})
    StudyFolder.at(tmp_path, "mine").create(begun)

    resume_or_start(
        Study(**asked, fixed={"epochs": 3, "width": 32}, budget={"trials": 3}), results=tmp_path
    )

    assert resumed == ["mine"]
    stated = Study(**{**asked, "chosen": {}}, fixed={"epochs": 3, "width": 32})
    with pytest.raises(StudyError, match=r"fixed\.width 4, and is now asked with 32"):
        resume_or_start(stated, results=tmp_path)
