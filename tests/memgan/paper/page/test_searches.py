"""The page's account of what was tried says what the records of searches say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from memgan.errors import ResultsError
from memgan.paper.page.searches import read_searches, searches_section

ROOT = Path(__file__).parents[4]
SEARCH: dict[str, Any] = {
    "name": "some",
    "dataset": "mnist",
    "split_hash": "a" * 64,
    "study": "configs/studies/some.yaml",
    "remark": "Chose a.",
    "trials": [
        {
            "values": {"d": 8, "rate": 0.001},
            "epochs": 2,
            "state": "stopped",
            "val_auroc": {"2": 0.99, "8": 0.97},
            "seconds": 60.0,
        },
        {
            "values": {"d": 16},
            "epochs": 6,
            "state": "complete",
            "val_auroc": {"2": 0.95, "8": 0.89},
            "seconds": 180.0,
        },
    ],
}


def test_what_saw_its_full_budget_stands_first_with_its_figures(tmp_path: Path) -> None:
    (tmp_path / "some.json").write_text(json.dumps(SEARCH))

    lines = searches_section(read_searches(tmp_path)).splitlines()

    assert "[some](../configs/studies/some.yaml) on mnist: 2 trials, 4 min. Chose a." in lines
    assert lines[-2:] == [
        "| complete | 6 | 16 | – | 95.0 | 89.0 | 92.0 | 3.0 |",
        "| stopped | 2 | 8 | 0.001 | 99.0 | 97.0 | 98.0 | 1.0 |",
    ]


def test_a_malformed_record_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "some.json").write_text(json.dumps({**SEARCH, "trials": [{"epochs": 0}]}))

    with pytest.raises(ResultsError, match=r"some\.json"):
        read_searches(tmp_path)


def test_the_studies_that_records_name_are_there() -> None:
    for search in read_searches(ROOT / "benchmarks" / "results" / "searches"):
        assert search.study is None or (ROOT / search.study).is_file()
