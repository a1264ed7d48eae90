"""`--json` of every command says which memgan wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from memgan.machine.runtime import own_version
from search.cli.app import app
from search.results.study_folder import StudyFolder
from search.study.study import Study
from tracking.outbox.outbox import Outbox


@pytest.mark.parametrize(
    "command",
    [
        "studies list --results results",
        "studies status shown --results results",
        "data list",
        "data check digits",
        "sync --results results",
        "reproduce table1",
        "reproduce hull",
    ],
)
def test_a_document_holds_the_version(
    command: str,
    make_study: Callable[..., Study],
    fill: Callable[[Path, Study, Sequence[str]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    study = make_study()
    folder = StudyFolder(Path("results"), "shown")
    folder.create(study)
    fill(folder.journal, study, ["0", "1"])
    if command.startswith("sync"):
        outbox = Outbox(folder.outbox)
        outbox.check()
        outbox.set_fact("tracking_uri", f"sqlite:///{tmp_path}/results/mlflow.db")

    told = CliRunner().invoke(app, [*command.split(), "--json"])

    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["memgan_version"] == own_version()
