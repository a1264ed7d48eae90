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
