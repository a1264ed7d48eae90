"""Constraints of a study: what they are, and which make no sense."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from memgan.errors import ConfigError, MemganError
from search.study.compatibility import constraint_doubts
from search.study.objectives import Constraint, excesses
from search.study.samplers import make_sampler
from search.study.study import Study

Make = Callable[..., Study]


def test_a_trial_is_beyond_a_bound_by_the_difference_or_by_one_where_nothing_is_known() -> None:
    constraints = {
        "address_perplexity": Constraint(at_most=0.5),
        "d_accuracy": Constraint(at_least=0.55, at_most=0.95),
    }
    assert excesses(constraints, {"address_perplexity": 0.75, "d_accuracy": 0.6}) == {
        "address_perplexity at most 0.5": pytest.approx(0.25),
        "d_accuracy at most 0.95": pytest.approx(-0.35),
        "d_accuracy at least 0.55": pytest.approx(-0.05),
    }
    assert excesses(constraints, {"d_accuracy": 0.6})["address_perplexity at most 0.5"] == 1
    assert excesses({}, {"d_accuracy": 0.6}) == {}


def test_a_study_file_has_them_and_gives_them_back(make_study: Make, tmp_path: Path) -> None:
    study = make_study(constraints={"address_perplexity": {"at_most": 0.5}})
    assert study.constraints == {"address_perplexity": Constraint(at_most=0.5)}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study.model_dump(mode="json")), encoding="utf-8")
    assert Study.from_yaml(path).constraints == study.constraints
    assert make_study().constraints == {}
    changed = make_study().with_settings(["constraints={residual: {at_most: 0.9}}"])
    assert changed.constraints == {"residual": Constraint(at_most=0.9)}


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"address_perplexty": {"at_most": 0.5}}, "did you mean 'address_perplexity'"),
        ({"address_perplexity": {}}, "needs at_least or at_most"),
        ({"d_accuracy": {"at_least": 0.9, "at_most": 0.1}}, "which nothing fulfils"),
        ({"d_accuracy": {"below": 0.9}}, "known keys: at_least, at_most"),
        ({"in_hull": {"at_least": 0.9}}, "not measured of few images"),
    ],
)
def test_what_cannot_be_fulfilled_or_measured_is_refused_in_one_line(
    make_study: Make, constraints: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "study.yaml"
    content = {**make_study().model_dump(mode="json"), "constraints": constraints}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(MemganError, match=message) as refused:
        Study.from_yaml(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("detector", "space", "measure", "known"),
    [
        ("alice", {"code_dim": [8, 16]}, "address_perplexity", False),
        ("alice", {"code_dim": [8, 16]}, "d_accuracy", True),
        ("ama", {"code_dim": [8, 16]}, "d_accuracy", True),
        ("ama", {"code_dim": [8, 16]}, "sample_spread", False),
        ("memae", {"memory_units": [50, 100]}, "d_accuracy", False),
        ("memae", {"memory_units": [50, 100]}, "mutual_information", False),
        ("memae", {"memory_units": [50, 100]}, "address_perplexity", True),
        ("autoencoder", {"code_dim": [8, 16]}, "residual", True),
        ("pca", {"components": [8, 16]}, "residual", False),
        ("dsvdd", {"width": [4, 8]}, "residual", False),
        ("memgan-plus", {"memory_units": [50, 100]}, "mutual_information", True),
        ("memgan-turns", {"memory_units": [50, 100]}, "address_perplexity", False),
    ],
)
def test_only_a_measure_that_the_detector_has_can_bind(
    make_study: Make, detector: str, space: dict[str, Any], measure: str, known: bool
) -> None:
    values = {
        "detector": detector,
        "space": space,
        "fixed": {},
        "constraints": {measure: {"at_most": 0.5}},
    }
    content = {"name": "bound", "data": {"source": "digits"}, **values}
    if known:
        assert measure in Study.model_validate(content).constraints
        return
    with pytest.raises(ConfigError, match=f"constraints.{measure}: detector {detector} has no"):
        Study.model_validate(content)


def test_a_population_knows_no_constraints(make_study: Make) -> None:
    with pytest.raises(ConfigError, match="pbt"):
        make_study(scheduler={"name": "pbt"}, constraints={"residual": {"at_most": 0.9}})


def test_a_sampler_that_does_not_look_at_constraints_says_so() -> None:
    bounds = {"residual": Constraint(at_most=0.9)}
    for name, looks in (("tpe", True), ("gp", True), ("nsga2", True), ("random", False)):
        lines = constraint_doubts(bounds, make_sampler(name))
        assert bool(lines) != looks
        assert constraint_doubts({}, make_sampler(name)) == []


def test_reading_a_study_with_constraints_imports_no_torch() -> None:
    script = (
        "import sys; from search.study import Study;"
        "Study.model_validate({'data': {'source': 'digits'}, 'space': {'memory_units': [25, 50]},"
        " 'constraints': {'residual': {'at_most': 0.9}}}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
