"""Recorded comparisons of the label-free objective with labels, as the page shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memgan.data.made_anomalies import VERSION
from memgan.errors import ResultsError
from memgan.paper.page.label_free import (
    label_free_commands,
    label_free_section,
    read_comparisons,
)


def _write(folder: Path, name: str, **changed: object) -> None:
    content = {
        "source": "mnist",
        "detector": "pca",
        "classes": ["2", "8"],
        "spearman_made_with_test": 0.5,
        "spearman_labelled_with_test": 0.9,
        "test_of_the_choice_by_made": 90.0,
        "test_of_the_choice_by_labelled": 92.5,
        "test_of_the_middle_setting": 80.0,
        "settings": [{}, {}],
        "made_anomalies": VERSION,
        "command": "python benchmarks/label_free.py mnist",
        "seconds": 3.0,
        **changed,
    }
    (folder / f"label-free-{name}.json").write_text(json.dumps(content))


def test_a_choice_that_costs_something_says_how_much(tmp_path: Path) -> None:
    _write(tmp_path, "mnist-pca")

    text = label_free_section(read_comparisons(tmp_path))
    assert "| mnist | 2, 8 | 2 of pca | 0.50 | 0.90 | 90.0 | 92.5 | 2.5 | 80.0 |" in text
    assert "- `python benchmarks/label_free.py mnist`" in label_free_commands(
        read_comparisons(tmp_path)
    )


def test_figures_of_anomalies_that_were_made_before_are_marked(tmp_path: Path) -> None:
    _write(tmp_path, "a-now")
    assert "†" not in label_free_section(read_comparisons(tmp_path))

    _write(tmp_path, "b-before", source="digits", made_anomalies=1)
    text = label_free_section(read_comparisons(tmp_path))
    assert "| mnist | 2, 8" in text
    assert "| digits † | 2, 8" in text
    assert "† Measured with the anomalies that were made before" in text


def test_settings_that_all_tie_have_no_order(tmp_path: Path) -> None:
    _write(tmp_path, "tied", spearman_made_with_test=None)

    assert "| 2 of pca | – | 0.90 |" in label_free_section(read_comparisons(tmp_path))


def test_what_was_not_judged_by_test_images_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "label-free-kinds-mnist.json").write_text('{"spearman_blend_with_labelled": 0.5}')

    assert read_comparisons(tmp_path) == []


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "bad", spearman_made_with_test=2)

    with pytest.raises(ResultsError, match=r"label-free-bad\.json: spearman_made_with_test = 2"):
        read_comparisons(tmp_path)
