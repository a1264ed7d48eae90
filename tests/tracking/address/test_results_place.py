"""One folder of results, however its name is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from memgan.errors import BadInput
from tracking.address.location import resolve
from tracking.address.results_place import local_folder


def test_results_are_one_folder_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "my results"
    for written in (
        "~/my results",
        f"file://{tmp_path}/my%20results",
        Path(f"file://{tmp_path}/my results"),  # Which has one slash left.
        f"file:{tmp_path}/my results",
    ):
        assert local_folder(written) == folder
        assert resolve(None, written).uri == f"sqlite:///{folder}/mlflow.db"
    with pytest.raises(BadInput, match="no such home folder"):
        local_folder("~nobody-at-all/results")


@pytest.mark.parametrize("state", [None, "", "relative"])
def test_the_part_of_a_study_at_an_address_lies_where_earlier_versions_put_it(
    state: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if state is not None:  # The XDG specification says to ignore a relative one.
        monkeypatch.setenv("XDG_STATE_HOME", state)
    folder = tmp_path / ".local" / "state" / "memgan"
    assert local_folder("s3://bucket/mine") == folder / "s3-bucket-mine-576b6292"


def test_a_state_folder_of_the_users_own_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert local_folder("s3://bucket/mine").parent == tmp_path / "memgan"
