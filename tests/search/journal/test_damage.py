"""A damaged journal: which line it is, everything else kept, and nothing done without a word."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from memgan.errors import StudyError
from search.cli.app import app
from search.journal.damage import JournalDamaged, damaged_lines
from search.journal.journal import Journal, read_groups
from search.journal.journal_file import open_to_write
from search.journal.mending import check_journal, mend_journal
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.workflow.stages import resume

CLASSES = ["a", "b"]


@pytest.fixture(params=["shared", "per-class"])
def folder(
    request: pytest.FixtureRequest,
    make_study: Callable[..., Study],
    fill: Callable[..., None],
    tmp_path: Path,
) -> StudyFolder:
    study = make_study(request.param)
    folder = StudyFolder(tmp_path / "my results", study.name)
    folder.create(study)
    fill(folder.journal, study, CLASSES)
    return folder


def _mend(folder: StudyFolder) -> str | None:
    study = folder.load()
    return mend_journal(folder, study, class_groups(study, CLASSES))


def _lines(folder: StudyFolder) -> list[bytes]:
    return folder.journal.read_bytes().splitlines(keepends=True)


DAMAGES = [b'{"op', b"\0" * 40 + b"\n", b"\xba\xfe\x01\n", b"{}\n", b"5\n", b"[" * 9000 + b"\n"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("where", [0, 5, -1])
def test_what_came_between_lines_goes_and_everything_else_stays(
    folder: StudyFolder, damage: bytes, where: int
) -> None:
    before, lines = read_groups(folder.journal), _lines(folder)
    place = where % len(lines)
    folder.journal.write_bytes(b"".join([*lines[:place], damage, *lines[place:]]))
    torn = folder.journal.read_bytes()

    with pytest.raises(JournalDamaged, match=f"line {place + 1} of .*--mend-journal"):
        check_journal(folder)
    assert f"--results '{folder.results}'" in _refusal(folder)
    assert f"line {place + 1} of" in str(_mend(folder))

    assert read_groups(folder.journal) == before
    assert folder.journal.with_name("trials.journal.damaged-1").read_bytes() == torn


def _refusal(folder: StudyFolder) -> str:
    with pytest.raises(JournalDamaged) as refused:
        check_journal(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def _each_line(folder: StudyFolder) -> Iterator[tuple[int, bytes]]:
    yield from enumerate(_lines(folder))


@pytest.mark.parametrize("left", [0, 12])
def test_whichever_line_is_lost_no_trial_takes_what_is_anothers(
    folder: StudyFolder, left: int
) -> None:
    before = {o.trial_id: o for of in read_groups(folder.journal).values() for o in of}
    lines = _lines(folder)
    # Every kind of operation, early and late: a whole run over all lines would take minutes.
    kinds = [json.loads(line)["op_code"] for line in lines]
    chosen = {kinds.index(kind) for kind in set(kinds)}
    chosen |= {len(kinds) - 1 - kinds[::-1].index(kind) for kind in set(kinds)}
    for place in sorted(chosen):
        lost = lines[place][:left] + b"\xff\n"
        folder.journal.write_bytes(b"".join([*lines[:place], lost, *lines[place + 1 :]]))
        try:
            _mend(folder)
        except JournalDamaged:
            if kinds[place] == 4:  # Of which class it was, nothing says any more.
                continue
            raise
        after = {o.trial_id: o for of in read_groups(folder.journal).values() for o in of}
        assert after.keys() <= before.keys()
        assert len(after) >= len(before) - 1
        differing = [i for i in after if after[i].values != before[i].values]
        assert not differing, (place, kinds[place])
        assert sum(after[i] != before[i] for i in after) <= 1


def test_a_trial_that_goes_on_after_a_loss_has_its_own_values(
    make_study: Callable[..., Study], tmp_path: Path
) -> None:
    study = make_study()
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    first = Journal(open_to_write(folder.journal), study).ask()
    assert first is not None
    kept = [x for x in _lines(folder) if b'"param_name":"memory_units' not in x]
    folder.journal.write_bytes(b"".join([kept[0], kept[1], b"?\n", *kept[2:]]))

    _mend(folder)

    again = Journal(open_to_write(folder.journal), study).ask()
    assert again is not None
    assert (again.trial_id, again.values) == (first.trial_id, first.values)


def test_a_half_line_at_the_end_is_no_damage(folder: StudyFolder) -> None:
    with folder.journal.open("ab") as file:
        file.write(b'{"op_code":6,"work')

    assert damaged_lines(folder.journal) == []
    check_journal(folder)


def test_a_damaged_journal_is_neither_resumed_nor_written(folder: StudyFolder) -> None:
    with folder.journal.open("ab") as file:
        file.write(b"\0\0\0\n")
    before = folder.journal.read_bytes()

    with pytest.raises(JournalDamaged):
        resume(folder.name, results=folder.results)
    with pytest.raises(JournalDamaged):
        open_to_write(folder.journal)

    assert folder.journal.read_bytes() == before


def test_whoever_sits_at_a_terminal_is_asked(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.journal.write_bytes(b"?\n" + folder.journal.read_bytes())
    asked: list[str] = []
    tried: list[bool] = []

    def go_on(*arguments: object, mend: bool, **options: object) -> None:
        tried.append(mend)
        raise JournalDamaged("line 1 is damaged") if not mend else StudyError("went on")

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("search.workflow.resume", go_on)
    monkeypatch.setattr("search.ray.connection.standard_output_kept_clean", lambda: sys.stdout)
    monkeypatch.setattr("search.cli.search_commands.sys.stdin", Terminal())
    monkeypatch.setattr("typer.confirm", lambda text, **how: asked.append(text))

    with pytest.raises(StudyError, match="went on"):
        app(["search", "--resume", "shown"], standalone_mode=False)

    assert tried == [False, True]
    assert "line 1 is damaged" in asked[0]


def _torn_journal(folder: Path) -> None:
    (folder / "trials.journal").write_bytes(b"\0\0\n" + (folder / "trials.journal").read_bytes())


def _empty_conclusion(folder: Path) -> None:
    (folder / "conclusion.json").write_bytes(b"")


def _empty_study(folder: Path) -> None:
    (folder / "study.yaml").write_bytes(b"\xff")


@pytest.mark.parametrize("damage", [_torn_journal, _empty_conclusion, _empty_study])
@pytest.mark.parametrize("folder", ["shared"], indirect=True)
def test_one_damaged_study_hides_no_other(
    folder: StudyFolder, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(folder.path, folder.path.with_name("other"))
    damage(folder.path)
    where = ["--results", str(folder.results)]

    shown = CliRunner().invoke(app, ["studies", "list", *where])
    listed = CliRunner().invoke(app, ["studies", "list", "--json", *where])
    status = CliRunner().invoke(app, ["studies", "status", "shown", *where])

    assert (shown.exit_code, listed.exit_code) == (0, 0)
    assert "other" in shown.stdout
    states = {s["name"]: s["state"] for s in json.loads(listed.stdout)["studies"]}
    assert states == {"other": "stopped", "shown": "damaged"}
    assert getattr(status.exception, "exit_code", None) == 2


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
@pytest.mark.parametrize("folder", ["shared"], indirect=True)
def test_a_lost_identity_is_named(folder: StudyFolder, content: bytes | None) -> None:
    (folder.path / "id").unlink()
    if content is not None:
        (folder.path / "id").write_bytes(content)

    with pytest.raises(StudyError, match="id is missing or damaged"):
        _ = folder.study_id
