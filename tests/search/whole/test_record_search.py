"""benchmarks/record_search.py keeps what the page of results may say of a study, and no more."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from memgan.errors import StudyError
from search.journal.journal import Journal
from search.journal.journal_file import open_to_write
from search.results.study_folder import StudyFolder
from search.study.study import Study

_SCRIPT = Path(__file__).parents[3] / "benchmarks" / "record_search.py"
Make = Callable[..., Study]
Fill = Callable[[Path, Study, Sequence[str]], None]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_search", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _written(study: Study, results: Path, name: str = "digits") -> StudyFolder:
    folder = StudyFolder.at(results, name)
    folder.create(study.with_options(name=name))
    return folder


def test_trials_with_figures_are_kept_by_class_and_the_others_left_out(
    script: ModuleType, make_study: Make, fill: Fill, tmp_path: Path
) -> None:
    folder = _written(make_study(normal_class=("2", "5")), tmp_path)
    fill(folder.journal, folder.load(), ["2", "5"])

    found = script.record(folder, "It chose nothing.")

    assert [trial.state for trial in found.trials] == ["complete", "complete", "stopped"] * 3
    assert all(set(trial.val_auroc) == {"2", "5"} for trial in found.trials)
    assert {trial.epochs for trial in found.trials if trial.state == "stopped"} == {2}
    assert (found.dataset, found.study) == ("digits", "configs/studies/digits.yaml")


def test_a_trial_that_was_stopped_before_its_first_epoch_is_left_out(
    script: ModuleType, make_study: Make, tmp_path: Path
) -> None:
    folder = _written(make_study(), tmp_path)
    journal = Journal(open_to_write(folder.journal), folder.load(), "")
    asked = journal.ask()
    assert asked is not None
    journal.stopped(asked.trial_id, {}, "time")

    assert script.record(folder, "").trials == []


def test_a_study_that_is_no_file_or_was_judged_otherwise_is_refused(
    script: ModuleType, make_study: Make, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=r"of-nobody\.yaml is not there"):
        script.record(_written(make_study(), tmp_path, "of-nobody"), "")
    with pytest.raises(StudyError, match="judged by label-free"):
        script.record(_written(make_study(objective="label-free"), tmp_path), "")
