"""`memgan studies`: what is shown, what goes, and what the user is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from search.cli.app import app, run
from search.results.study_folder import StudyFolder
from search.study.study import Study
from tracking import Outbox
from tracking.events import RunStarted


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder(tmp_path, "mine")
    folder.create(Study.default().with_options(name="mine"))
    return folder


def _delete(folder: StudyFolder, *, typed: str) -> str:
    command = ["studies", "delete", "mine", "--results", str(folder.results)]
    return CliRunner().invoke(app, command, input=typed).output


def test_a_study_goes_only_after_a_yes(folder: StudyFolder) -> None:
    assert "for good?" in _delete(folder, typed="n\n")
    assert folder.path.is_dir()
    assert "its runs in MLflow stay" in _delete(folder, typed="y\n")
    assert not folder.path.exists()


def test_events_that_were_never_delivered_are_named_before_they_go(folder: StudyFolder) -> None:
    outbox = Outbox(folder.outbox)
    outbox.append([RunStarted(run_key="a", name="a"), RunStarted(run_key="b", name="b")])

    said = _delete(folder, typed="n\n")

    assert "2 events of its record never reached the tracking store" in said
    assert "memgan sync mine" in said
    assert outbox.count_waiting() == 2


def test_nothing_is_said_of_a_record_that_was_delivered(folder: StudyFolder) -> None:
    outbox = Outbox(folder.outbox)
    outbox.append([RunStarted(run_key="a", name="a")])
    outbox.mark_delivered(stored.seq for stored in outbox.waiting())

    assert "never reached" not in _delete(folder, typed="n\n")


def test_an_outbox_that_cannot_be_read_is_not_taken_for_an_empty_one(folder: StudyFolder) -> None:
    folder.outbox.write_bytes(b"not a database at all" * 100)

    assert "events that nobody can count" in _delete(folder, typed="n\n")


def test_what_somebody_put_into_the_study_stays_and_is_named(folder: StudyFolder) -> None:
    from search.results.export_place import place_export

    place_export(folder.export, lambda new: (new / "best.yaml").write_text("ours") and None)
    theirs = ["notes", "tune/notes", "tune/001/0000-004/checkpoint_000000/notes", "export/notes"]
    for name in theirs:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text(name)
    ours = folder.path / "tune/001/0000-004/checkpoint_000000/training.pt"
    ours.write_text("weights")
    (folder.results / "mine.bak").write_text("beside")

    said = _delete(folder, typed="y\n")

    left = sorted(str(p.relative_to(folder.path)) for p in folder.path.rglob("*") if p.is_file())
    assert left == sorted(theirs)
    for name in theirs:
        assert f"kept {folder.path / name}" in said.replace("\n", "")
    assert (folder.results / "mine.bak").exists()


def test_a_study_of_a_plug_in_that_is_not_installed_is_not_called_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "studies" / "far"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text("name: far\nobjective: val-auroc\ndetector: far-away\n")
    (folder / "id").write_text("7f3a")

    assert run(["studies", "list", "--results", str(tmp_path)]) == 0

    out, err = capsys.readouterr()
    assert "needs a plug-in" in out
    assert "damaged" not in out
    assert "unknown detector 'far-away'" in err
    assert "install its package" in err


def test_a_study_without_trials_has_no_empty_table_and_says_how_it_goes_on(
    folder: StudyFolder,
) -> None:
    command = ["studies", "status", "mine", "--results", str(folder.results)]

    shown = CliRunner().invoke(app, command).output

    assert "values" not in shown
    assert shown.splitlines()[-1] == f"mine: stopped; go on with: {folder.go_on_command()}"
    assert f"--results {folder.results}" in folder.go_on_command()


@pytest.mark.parametrize("command", [["studies", "list"], ["sync"]])
def test_where_there_is_no_study_the_command_that_begins_one_is_named(
    command: list[str], tmp_path: Path
) -> None:
    told = CliRunner().invoke(app, [*command, "--results", str(tmp_path)]).output
    assert f"`memgan search --results {tmp_path}` begins one" in " ".join(told.split())
