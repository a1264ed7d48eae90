"""The notebook in examples/, its cells executed in their order as a notebook does."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memgan.machine import machine_share

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "digits.ipynb"

pytestmark = pytest.mark.timeout(600)


def cells(kind: str) -> list[str]:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


@pytest.fixture(scope="module")
def home(fresh_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the notebook runs in; an empty record is there."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("notebook")
    (folder / "results").mkdir()
    shutil.copy(fresh_store, folder / "results" / "mlflow.db")
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def names(home: Path) -> dict[str, Any]:
    """What the names of the notebook stand for once all of its cells have run."""
    import matplotlib

    matplotlib.use("Agg")
    found: dict[str, Any] = {"__name__": "__main__"}
    one_core = replace(machine_share(), cpus=1)  # One worker of Ray's imports torch, and not two.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.ray.connection.machine_share", lambda: one_core)
        for number, source in enumerate(cells("code")):
            exec(compile(source, f"cell {number}", "exec"), found)
    return found


def test_the_notebook_is_stored_without_what_a_run_left_in_it() -> None:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert content["nbformat"] == 4
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])


def test_its_study_shows_itself_in_a_line(names: dict[str, Any]) -> None:
    assert repr(names["study"]).startswith("Study(notebook: memgan on digits, shared, 2 trials")
    assert "2 finished" in repr(names["result"])


def test_its_trials_are_those_of_the_record(names: dict[str, Any], home: Path) -> None:
    from mlflow import MlflowClient

    trials, result = names["trials"], names["result"]
    assert list(trials["state"]) == ["finished", "finished"]
    client = MlflowClient(result.tracking_uri)
    for row in trials.to_dict("records"):
        run = client.get_run(row["run_id"])
        assert run.data.tags["memgan.trial_id"] == row["trial"]
        assert run.data.metrics["val_auroc/mean"] == pytest.approx(row["val_auroc/mean"])
        assert run.data.params["memory_units"] == str(row["values/memory_units"])
        assert run.data.tags.get("memgan.winner", "false") == str(row["winner"]).lower()
        history = client.get_metric_history(row["run_id"], "seconds")
        assert row["seconds"] == pytest.approx(sum(point.value for point in history))
    assert (home / "results" / "studies" / "notebook").is_dir()


def test_its_chart_has_a_bar_for_each_trial_and_class(names: dict[str, Any]) -> None:
    heights = sorted(bar.get_height() for bar in names["axes"].patches)
    drawn = names["trials"][["val_auroc/0", "val_auroc/1"]].to_numpy().ravel()
    assert heights == pytest.approx(sorted(drawn))


def test_its_study_of_optuna_agrees_with_its_table(names: dict[str, Any]) -> None:
    best = names["trials"].set_index("winner").loc[True]
    assert names["optuna_study"].best_value == best["val_auroc/mean"]
    assert names["optuna_study"].best_params["memory_units"] == best["values/memory_units"]


def test_its_bundle_scores_images(names: dict[str, Any]) -> None:
    assert names["scores"].shape == (10,)
    assert np.isfinite(names["scores"]).all()
    assert names["bundle"].config.normal_class == "0"
