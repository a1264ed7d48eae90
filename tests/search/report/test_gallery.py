"""The mistakes in a report are those of the bundle's own cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from memgan.bundle import write_bundle
from memgan.config import Configuration
from memgan.data import Split, load_split
from memgan.training import Cell, train_cell
from search.report import gallery
from search.report.gallery import mistakes_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Split, Cell]:
    """Bundles, with one of digit 3, and its split and cell."""
    configuration = Configuration(
        detector="pca", parameters={"components": 4}, runtime={"device": "cpu"}
    )
    split = load_split(configuration.data)
    cell = train_cell(configuration, split.development, split.test, "3", seed=0)
    folder = tmp_path_factory.mktemp("bundles")
    write_bundle(folder / "3", configuration, split, [cell], 0.1)
    return folder, split, cell


def test_up_to_six_of_each_kind_are_shown_with_what_is_known_of_them(
    made: tuple[Path, Split, Cell],
) -> None:
    folder, split, cell = made

    entries, remarks = mistakes_of(folder, split, {"3": [cell]})

    kinds = [entry["kind"] for entry in entries]
    assert kinds == ["miss"] * 6 + ["false alarm"] * kinds.count("false alarm")
    worst = int(cell.test_scores[cell.test_anomalous].argmin())
    position = cell.test_anomalous.nonzero()[0][worst]
    assert f"test image {position}, score {cell.test_scores[position]:.4g}" in entries[0]["caption"]
    assert all(entry["source"].startswith("data:image/png;base64,") for entry in entries)
    assert remarks == []


def test_what_does_not_fit_is_left_out_and_told(
    made: tuple[Path, Split, Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, split, cell = made
    monkeypatch.setattr(gallery, "_MOST_BYTES", 3000)
    monkeypatch.setattr(gallery, "_CLASSES", 1)

    entries, remarks = mistakes_of(folder, split, {"3": [cell], "4": [cell]})

    assert len(entries) < 6
    assert remarks == [
        "the first 1 of 2 normal classes are shown",
        "further mistakes are left out, as their pictures are large",
    ]
