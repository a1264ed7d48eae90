from __future__ import annotations

import os
from pathlib import Path

import pytest

from memgan.files.made_files import Made, scratch_folder, written_aside


def test_what_was_made_goes_and_what_was_there_or_came_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    made = Made()
    made.folder(tmp_path / "there" / "new" / "deep")
    made.folder(tmp_path / "there" / "shared")
    made.file(tmp_path / "there" / "store")
    (tmp_path / "there" / "shared" / "notes").write_text("theirs")
    (tmp_path / "there" / "store-old").write_text("theirs")

    made.take_away()

    left = sorted(p.relative_to(tmp_path / "there") for p in (tmp_path / "there").rglob("*"))
    assert [str(path) for path in left] == ["shared", "shared/notes", "store-old"]


def test_a_file_that_somebody_put_in_place_of_ours_stays(tmp_path: Path) -> None:
    made = Made()
    made.file(tmp_path / "store")
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "theirs").replace(tmp_path / "store")

    made.take_away()

    assert (tmp_path / "store").read_text() == "theirs"


def test_an_empty_folder_of_the_users_own_stays(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir(mode=0o770)
    made = Made()
    made.folder(tmp_path / "results" / "studies")
    made.take_away()
    assert list(tmp_path.iterdir()) == [tmp_path / "results"]
    assert not list((tmp_path / "results").iterdir())


def test_writing_aside_replaces_in_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("before")
    (tmp_path / "scores.csv.part").write_text("theirs")

    def cut_short() -> None:
        with written_aside(path) as aside:
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert path.read_text() == "before"
    before = os.umask(0o027)
    try:
        with written_aside(path) as aside:
            aside.write_text("whole")
    finally:
        os.umask(before)
    assert path.read_text() == "whole"
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scores.csv", "scores.csv.part"]


def test_a_scratch_folder_leaves_nothing_unless_it_was_renamed(tmp_path: Path) -> None:
    wanted = tmp_path / "new" / "export"
    with scratch_folder(wanted) as folder:
        (folder / "half").write_text("")
    assert not list(tmp_path.iterdir())
    with scratch_folder(wanted) as folder:
        (folder / "whole").write_text("")
        folder.rename(wanted)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["export"]
