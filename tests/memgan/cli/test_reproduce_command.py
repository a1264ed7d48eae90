"""`memgan reproduce` as a user runs it, on digits, with detectors that train in a moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memgan.machine.runtime import own_version
from memgan.paper.cells.result_cells import read_cells
from search.cli.app import run

MEMGAN = "memgan-recipe+epochs=1+width=2+memory_units=5+memory_dim=3"


def reproduce(records: Path, *options: str) -> int:
    return run(["reproduce", *options, "--records", str(records), "--data", "digits"])


def test_missing_cells_are_trained_once_and_shown_ever_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("table1", "--configuration", "pca", "--json")
    limited = (*options, "--normal-class", "3,1")

    assert reproduce(tmp_path, *options) == 0
    before = json.loads(capsys.readouterr().out)
    assert reproduce(tmp_path, *limited, "--run", "--jobs", "1") == 0
    first = capsys.readouterr()
    (file,) = (tmp_path / "cells").iterdir()
    written = file.read_bytes()
    assert reproduce(tmp_path, *limited, "--run", "--jobs", "1") == 0
    again = capsys.readouterr()

    assert before["columns"]["pca"]["classes"] == {}
    assert "2/2  pca  class" in first.err
    assert "pca  class" not in again.err
    assert again.out == first.out
    assert file.read_bytes() == written
    figures = json.loads(first.out)["columns"]["pca"]["classes"]
    assert list(figures) == ["3", "1"]
    assert all(figure["mean"] > 0.9 for figure in figures.values())
    cells = read_cells(tmp_path / "cells")
    assert {cell.command for cell in cells} == {"memgan reproduce table1 --run --data-dir DIR"}


def test_a_memgan_leaves_its_hull_and_its_memory_for_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("--configuration", MEMGAN, "--normal-class", "1", "--jobs", "1")
    assert reproduce(tmp_path, "fig1", *chosen) == 2
    assert "--run" in capsys.readouterr().err

    assert reproduce(tmp_path, "table1", *chosen, "--seeds", "1", "--run") == 0
    for name in ("fig1", "fig3"):
        picture = tmp_path / f"{name}.png"
        assert reproduce(tmp_path, name, *chosen, "--out", str(picture)) == 0
        assert picture.read_bytes().startswith(b"\x89PNG")

    assert not (tmp_path / "hull").exists()
    assert reproduce(tmp_path, "hull", *chosen, "--seeds", "1", "--run") == 0
    (hull,) = json.loads((tmp_path / "hull" / "digits-memgan-recipe.json").read_text())
    assert (hull["memory_units"], hull["memory_dim"]) == (5, 3)
    assert hull["test_normal"]["count"] + hull["test_anomalous"]["count"] == 719
    assert 0 <= hull["auroc"] <= 1


def test_cells_of_another_split_are_not_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("table1", "--configuration", "pca", "--run", "--jobs", "1")
    assert reproduce(tmp_path, *options, "--normal-class", "1") == 0
    (file,) = (tmp_path / "cells").iterdir()
    content = json.loads(file.read_text())
    content[0]["split_hash"] = "0" * 64
    file.write_text(json.dumps(content))
    capsys.readouterr()

    assert reproduce(tmp_path, *options, "--normal-class", "1,2") == 2
    assert "another split" in capsys.readouterr().err


@pytest.mark.usefixtures("short_square")
def test_the_square_needs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "fig2.png"

    assert run(["reproduce", "fig2", "--out", str(picture), "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "memgan_version": own_version(),
        "figure": "fig2",
        "file": str(picture),
        "missing": [],
    }
    assert picture.stat().st_size > 5000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("fig9",), "known: table1"),
        (("table1", "--configuration", "pcaa"), "did you mean 'pca'"),
        (("table1", "--configuration", "pca", "--normal-class", "eleven", "--run"), "eleven"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert reproduce(tmp_path, *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
