"""Result cells: what is written is read again, and nothing malformed passes for a result."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from memgan.errors import ResultsError
from memgan.paper.cells.result_cells import ResultCell, add_recorded, read_cells

ROOT = Path(__file__).parents[4]
CELL: dict[str, Any] = {
    "configuration": "pca",
    "dataset": "mnist",
    "normal_class": "3",
    "seed": 0,
    "auroc": 0.955,
    "average_precision": 0.99,
    "seconds": 2.5,
    "command": "memgan reproduce table1 --run --data-dir DIR",
    "versions": {"torch": "2.15.0"},
    "machine": "Linux x86_64",
    "split_hash": "a" * 64,
}


def make(**values: Any) -> ResultCell:
    return ResultCell(**{**CELL, **values})


def test_a_file_holds_the_agreed_keys_in_their_order_and_is_read_back(tmp_path: Path) -> None:
    add_recorded(tmp_path, make())

    (written,) = json.loads((tmp_path / "mnist-pca.json").read_text(encoding="utf-8"))

    assert list(written) == list(CELL)
    assert written == CELL
    assert read_cells(tmp_path) == [make()]


def test_a_cell_takes_the_place_of_an_older_one_of_its_key_alone(tmp_path: Path) -> None:
    for cell in (make(), make(seed=1), make(configuration="pca+components=3"), make(auroc=0.5)):
        add_recorded(tmp_path, cell)

    cells = read_cells(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mnist-pca.json"]
    assert {(c.configuration, c.seed): c.auroc for c in cells} == {
        ("pca", 0): 0.5,
        ("pca", 1): 0.955,
        ("pca+components=3", 0): 0.955,
    }


def _add_one(arguments: tuple[Path, int]) -> None:
    add_recorded(arguments[0], make(seed=arguments[1]))


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_add_one, [(tmp_path, seed) for seed in range(20)]))

    assert {cell.seed for cell in read_cells(tmp_path)} == set(range(20))


def test_one_object_is_as_good_as_a_list(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(CELL), encoding="utf-8")

    assert read_cells(tmp_path) == [make()]
    assert read_cells(tmp_path / "absent") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"auroc": 95.5}, "auroc = 95.5"),
        ({"auroc": float("nan")}, "auroc"),
        ({"auroc": None}, "auroc"),
        ({"auroc": "0.9"}, "auroc"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"split_hash": "abc"}, "split_hash"),
        ({"test_auroc": 0.9}, "unknown key 'test_auroc'"),
        ({"machine": ""}, "machine"),
    ],
)
def test_a_malformed_cell_is_refused_in_one_line_with_its_file(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    (tmp_path / "bad.json").write_text(json.dumps([CELL, {**CELL, **change}]), encoding="utf-8")

    with pytest.raises(ResultsError, match=r"bad\.json: cell 1: ") as caught:
        read_cells(tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", sorted(CELL))
def test_a_cell_without_one_of_its_keys_is_refused(tmp_path: Path, key: str) -> None:
    (tmp_path / "bad.json").write_text(
        json.dumps({k: v for k, v in CELL.items() if k != key}), encoding="utf-8"
    )

    with pytest.raises(ResultsError, match=key):
        read_cells(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "3"])
def test_what_is_no_cell_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")

    with pytest.raises(ResultsError, match=r"bad\.json"):
        read_cells(tmp_path)


def test_the_same_cell_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(CELL), encoding="utf-8")

    with pytest.raises(ResultsError, match=r"b\.json: the cell pca, mnist, 3, 0 is also in .*a\.j"):
        read_cells(tmp_path)


def test_the_committed_cells_are_whole_and_of_one_split_a_data_set() -> None:
    cells = read_cells(ROOT / "benchmarks" / "results" / "cells")

    assert cells
    splits = {(cell.dataset, cell.split_hash) for cell in cells}
    assert len(splits) == len({dataset for dataset, _ in splits})
    assert all(cell.command.startswith("memgan reproduce ") for cell in cells)
