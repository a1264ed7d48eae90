from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import quote

import pytest

from memgan.errors import BadInput
from tracking import names
from tracking.address import local_folder, redact, resolve, sqlite_file, ui_command
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


@pytest.mark.parametrize(
    "uri",
    [
        "https://ann:s3cret@host/x",
        "postgresql://ann:s3c@ret@host/db",
        "postgresql://ann:s3c%40ret@host/db",
        "mysql+pymysql://ann:s3c/r#t@host:3306/db",
        "http://s3cret@host",
        "https://host/x?token=s3cret",
        "https://host/x?a=1&access_token=s3cret&b=2",
        "mssql://host/db?uid=ann;Pwd=s3cret",
    ],
)
def test_passwords_are_hidden(uri: str) -> None:
    text = redact(f"cannot reach {uri} today")
    assert "s3c" not in text
    assert "host" in text
    assert text.endswith("today")


@pytest.mark.parametrize(
    ("results", "expected"),
    [("results", "memgan ui"), ("my results", "memgan ui --results 'my results'")],
)
def test_the_ui_command_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, results: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UV", raising=False)
    assert ui_command(resolve(None, results).uri, results) == expected
    monkeypatch.setenv("UV", "/usr/bin/uv")
    assert ui_command(resolve(None, results).uri, results) == f"uv run {expected}"


def test_the_ui_command_names_another_store(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/a b/mlflow.db"
    assert shlex.split(ui_command(uri))[-2:] == ["--tracking-uri", uri]
    assert "s3cret" not in ui_command("http://ann:s3cret@host:5000")


def test_names_that_mlflow_takes_stay_as_they_are() -> None:
    for name in ("3", "automobile", "größe 2", "a-b_c.d"):
        assert names.val_auroc(name) == f"val_auroc/{name}"


def test_different_names_never_share_a_key() -> None:
    raw = ["a/b", "a_b", "a@b", "a[b", "", ".", "..", " a", "a ", "a", "x" * 300, "x" * 301]
    keys = {names.val_auroc(name) for name in raw}
    assert len(keys) == len(raw)
    assert all(names.is_valid_key(key) for key in keys)


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
