"""A new study that does not come to its first trial takes away what it made, and that alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from memgan.errors import MemganError
from search.results.new_study import NewStudy
from search.results.study_folder import StudyFolder
from search.study.study import Study
from search.workflow import stages as conduct


@pytest.fixture
def theirs(tmp_path: Path) -> Callable[[], None]:
    """Files of somebody else's beside all that a search makes; called, finds them as they were."""
    names = [
        *(f"results/mlflow.db{end}" for end in (".bak", "-old/notes", "_2019.csv", ".lock.txt")),
        *(f"keep/runs{end}" for end in (".bak", "_2019.csv", "heet.xlsx", "-old/notes")),
        "results/studies/notes",
        "results/studies/.mine.notes",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(0o640)

    def check() -> None:
        for name in names:
            assert (tmp_path / name).read_text() == name
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o640
        left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir()}
        assert left == set(names)

    return check


def test_it_takes_away_its_own_files_alone(
    tmp_path: Path, theirs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "keep" / "runs"

    @contextmanager
    def none(*ignored: Any) -> Iterator[None]:
        assert store.exists()
        raise MemganError("no GPU")
        yield

    monkeypatch.setattr(conduct, "connect", none)
    study = Study.default().with_options(name="mine", trials=1)
    with pytest.raises(MemganError, match="no GPU"):
        conduct.run(study, results=tmp_path / "results", tracking_uri=f"sqlite:///{store}")

    theirs()
    assert not (tmp_path / "results" / "studies" / "mine").exists()


def test_a_results_folder_that_was_there_stays_and_one_that_was_not_goes(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o2770)
    for results in ("there", "new/results"):
        folder = StudyFolder(tmp_path / results, "mine")
        uri = f"sqlite:///{tmp_path / results}/mlflow.db"
        new_study = NewStudy(Study.default().with_options(name="mine"), folder, uri)
        with pytest.raises(KeyboardInterrupt), new_study:
            raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]
    assert (tmp_path / "there").stat().st_mode & 0o7777 == 0o2770


def test_what_somebody_put_into_the_study_meanwhile_stays(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "results", "mine")
    new_study = NewStudy(Study.default().with_options(name="mine"), folder, "http://nowhere")
    with suppress(KeyboardInterrupt), new_study:
        (folder.path / "notes").write_text("theirs")
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["notes"]


def test_a_study_that_has_begun_stays(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "results", "mine")
    study = Study.default().with_options(name="mine")
    with suppress(KeyboardInterrupt), NewStudy(study, folder, "http://nowhere") as new_study:
        new_study.begun = True
        raise KeyboardInterrupt
    assert folder.load() == study


def test_another_study_of_the_same_name_is_not_touched(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "results", "mine")
    folder.create(Study.default().with_options(name="mine"))
    with pytest.raises(MemganError, match="exists already"):
        NewStudy(Study.default(), folder, "http://nowhere").__enter__()
    assert folder.exists
