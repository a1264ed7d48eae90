"""An export replaces the files of an earlier one, and no file that somebody else put there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from memgan.errors import StudyError
from search.results.export_place import exported, place_export


def write(**files: str) -> Callable[[Path], None]:
    """(names with _ for /) -> what writes them into a folder."""

    def fill(folder: Path) -> None:
        for name, content in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return fill


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def test_a_folder_with_a_report_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "report.json").write_text('{"grades": 1}')
    (tmp_path / "thesis" / "chapter1.tex").write_text("text")
    before = contents(tmp_path)
    with pytest.raises(StudyError, match="no export of ours; choose another"):
        place_export(tmp_path / "thesis", write(best="1"))
    assert contents(tmp_path) == before


def test_an_export_again_keeps_what_is_not_its_own(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    place_export(out, write(best="1", figures__old="1", figures__roc="1"))
    (out / "notes.md").write_text("theirs")
    (out / "figures" / "theirs").write_text("theirs")

    place_export(out, write(best="2", figures__roc="2"))

    theirs = {"notes.md": "theirs", "figures/theirs": "theirs"}
    assert contents(out) == {"best": "2", "figures/roc": "2", **theirs}
    assert exported(out) == ["best", "figures/roc", "manifest.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_edited_file_stops_an_export_or_gets_another_name(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    place_export(out, write(best="1", report="1"))
    (out / "best").write_text("edited")
    with pytest.raises(StudyError, match="best is not as memgan wrote it, and stays"):
        place_export(out, write(best="2", report="2"))
    assert contents(out) == {"best": "edited", "report": "1"}

    said: list[str] = []
    place_export(out, write(best="2", report="2"), said.append)
    assert contents(out) == {"best": "2", "report": "2", "best.kept": "edited"}
    assert "best.kept" in said[0]


def test_the_users_empty_working_folder_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o2750)
    place_export(Path(), write(best="1"))
    assert contents(tmp_path) == {"best": "1"}
    assert tmp_path.stat().st_mode & 0o7777 == 0o2750


@pytest.mark.parametrize("there", [False, True])
def test_one_that_is_cut_short_changes_nothing(tmp_path: Path, there: bool) -> None:
    out = tmp_path / "new" / "mine"
    if there:
        place_export(out, write(best="1"))
        (out / "notes").write_text("theirs")
    before = contents(tmp_path)

    def cut_short(folder: Path) -> None:
        (folder / "best").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place_export(out, cut_short)
    assert contents(tmp_path) == before
    assert (tmp_path / "new").exists() == there


def test_a_manifest_that_leads_out_of_its_folder_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("theirs")
    out = tmp_path / "mine"
    place_export(out, write(best="1"))
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["files"]["../precious"] = "0" * 64
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StudyError, match="no export of ours"):
        place_export(out, write(best="2"))


def test_a_link_in_an_export_is_not_followed(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    place_export(out, write(figures__roc="1"))
    (out / "figures").rename(tmp_path / "elsewhere")
    (out / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StudyError, match="figures is not as memgan wrote it"):
        place_export(out, write(figures__roc="2"))
    assert (tmp_path / "elsewhere" / "roc").read_text() == "1"
