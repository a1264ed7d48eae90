"""Where the record is kept."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from memgan.errors import BadInput
from tracking.address.location import resolve
from tracking.address.sqlite_uri import sqlite_file
from tracking.stores.mlflow_tracker import MlflowTracker


def test_the_record_is_under_the_results_by_default(tmp_path: Path) -> None:
    location = resolve(None, tmp_path / "my results")
    assert location.uri == f"sqlite:///{tmp_path}/my results/mlflow.db"
    assert location.artifact_root == f"file://{tmp_path}/my%20results/mlartifacts"
    assert sqlite_file(location.uri) == tmp_path / "my results" / "mlflow.db"


@pytest.mark.parametrize("name", ["r?x", "r#x", "r%x", "r%41", "a%?#"])
def test_a_folder_holds_its_record_whatever_an_address_would_read_in_its_name(
    tmp_path: Path, name: str
) -> None:
    location = resolve(None, tmp_path / name)
    assert resolve(location.uri) == location
    assert sqlite_file(location.uri) == tmp_path / name / "mlflow.db"
    assert location.artifact_root == f"file://{tmp_path}/{quote(name)}/mlartifacts"


def test_mlflow_keeps_its_record_in_such_a_folder_and_makes_no_other(tmp_path: Path) -> None:
    location = resolve(None, tmp_path / "a?b#c%41")
    tracker = MlflowTracker(location.uri, location.artifact_root)
    run = tracker.create_run(tracker.create_experiment("mine"), "run", 1, {})
    (tmp_path / "figure.svg").write_text("<svg/>")
    tracker.log_artifact(run, tmp_path / "figure.svg", None)
    assert tracker.read_artifact(run, "figure.svg") == b"<svg/>"
    assert {p.name for p in tmp_path.iterdir()} == {"a?b#c%41", "figure.svg"}
    assert (tmp_path / "a?b#c%41" / "mlflow.db").is_file()


def test_an_option_beats_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://env:5000")
    assert resolve(None, tmp_path).uri == "http://env:5000"
    assert resolve("https://option", tmp_path).uri == "https://option"
    assert resolve("https://option", tmp_path).artifact_root is None


def test_a_relative_sqlite_file_means_the_same_from_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    location = resolve("sqlite:///a.db")
    assert location.uri == f"sqlite:///{tmp_path}/a.db"
    assert location.artifact_root == f"file://{tmp_path}/mlartifacts"


@pytest.mark.parametrize("uri", ["./mlruns", "file:///mlruns", "htp://host", "localhost:5000"])
def test_what_mlflow_does_not_record_at_is_bad_input(uri: str) -> None:
    with pytest.raises(BadInput, match="tracking address"):
        resolve(uri)


def test_results_elsewhere_need_an_address() -> None:
    with pytest.raises(BadInput, match="--tracking-uri"):
        resolve(None, "s3://bucket/results")
    assert resolve("http://host", "s3://bucket/results").uri == "http://host"
