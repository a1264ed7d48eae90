"""Configurations: typed, frozen, the same after a trip through YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from memgan.config.configuration import Configuration, Origin
from memgan.config.parameters import MemganParameters, PcaParameters
from memgan.config.typed import parse, read_yaml, to_yaml
from memgan.errors import ConfigError, MemganError

FULL: dict[str, Any] = {
    "detector": "memgan",
    "data": {"source": "mnist", "image_size": 16, "channels": 1},
    "normal_class": "0, 3,0",
    "seeds": [2, 5],
    "runtime": {"device": "cpu", "threads": 2},
    "parameters": {"memory_units": 12, "learning_rate": {"encoder": 0.01}},
    "by_class": {"3": {"learning_rate.memory": 0.02, "epochs": 3}},
}


def make(**values: Any) -> Configuration:
    return parse(Configuration, {**FULL, **values}, "file.yaml")


def test_yaml_gives_back_what_was_written(tmp_path: Path) -> None:
    origin = Origin(
        study="s",
        study_id="1f",
        protocol="shared",
        split_hash="abc",
        trials={"0": "0003"},
        test_auroc={"0": {"2": 0.1 + 0.2}},
        versions={"torch": "2"},
        machine="m",
    )
    configuration = make(origin=origin.model_dump())
    (tmp_path / "c.yaml").write_text(to_yaml(configuration))

    again = parse(Configuration, read_yaml(tmp_path / "c.yaml"), "c.yaml")

    assert again == configuration
    assert again.parameters_for("3") == configuration.parameters_for("3")
    assert again.origin is not None
    assert again.origin.test_auroc["0"]["2"] == 0.1 + 0.2


def test_equal_learning_rates_are_written_as_one_number() -> None:
    assert "learning_rate: 0.02" in to_yaml(make(parameters={"learning_rate": 0.02}))


def test_parameters_are_those_of_the_detector() -> None:
    found = make(detector="pca", parameters={"components": 3}, by_class={})

    assert found.parameters == PcaParameters(components=3)
    assert Configuration().parameters == MemganParameters()


def test_a_class_has_its_own_values_over_the_common_ones() -> None:
    configuration = make()
    common, own = configuration.parameters_for("0"), configuration.parameters_for("3")
    assert isinstance(common, MemganParameters)
    assert isinstance(own, MemganParameters)

    assert common == configuration.parameters
    assert (own.epochs, own.memory_units) == (3, 12)
    assert own.learning_rate.memory == 0.02
    assert own.learning_rate.encoder == 0.01


@pytest.mark.parametrize("own", [{"learning_rate.memory": 0.5}, {"learning_rate": {"memory": 0.5}}])
def test_one_rate_of_a_class_leaves_it_the_common_others(own: dict[str, Any]) -> None:
    configuration = make(parameters={"learning_rate": 0.01}, by_class={"3": own})

    found = configuration.parameters_for("3")

    assert isinstance(found, MemganParameters)
    assert (found.learning_rate.memory, found.learning_rate.encoder) == (0.5, 0.01)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("all", "all"),
        (3, ("3",)),
        ("0, 1", ("0", "1")),
        ([0, "good"], ("0", "good")),
        ("3,3", ("3",)),
    ],
)
def test_classes_are_written_in_any_handy_way(given: Any, names: Any) -> None:
    assert make(normal_class=given).normal_class == names


def test_one_seed_may_be_a_number() -> None:
    assert make(seeds=7).seeds == (7,)


def test_nothing_can_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make().detector = "pca"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"detectr": "pca"}, "did you mean 'detector'"),
        ({"detector": "memgon"}, "did you mean 'memgan'"),
        ({"parameters": {"memory_unit": 3}}, "did you mean 'memory_units'"),
        ({"parameters": [1]}, "keys and values"),
        ({"data": {"sorce": "x"}}, "did you mean 'source'"),
        ({"data": {"image_size": 4}}, "at least 8"),
        ({"data": {"channels": 2}}, "data.channels = 2"),
        ({"runtime": {"threads": 0}}, "runtime.threads = 0"),
        ({"by_class": {"3": {"memory_unit": 1}}}, r"by_class.3.*'memory_units'"),
        ({"seeds": []}, "at least one"),
        ({"seeds": [-1]}, "0 or more"),
        ({"normal_class": []}, "names no class"),
        ({"parameters": {"learning_rate": {"decoder": 1}}}, "learning_rate.decoder"),
        ({"parameters": {"batch_size": 1}}, "batch_size = 1"),
    ],
)
def test_a_fault_is_told_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(MemganError, match=message) as caught:
        make(**values)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_parameters_of_another_detector_do_not_pass() -> None:
    with pytest.raises(ValidationError, match="must be PcaParameters"):
        Configuration(detector="pca", parameters=MemganParameters())


@pytest.mark.parametrize(
    "text", ["- 1\n", "a: [", "just words", "a: !!python/object/apply:os.getcwd []", "\x00"]
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"c\.yaml") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml does not exist; .*path of a YAML file"):
        read_yaml(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(("written", "read"), [("off", "off"), ("on", "on"), ("auto", "auto")])
def test_a_switch_needs_no_quotes_in_yaml(written: str, read: str) -> None:
    content = yaml.safe_load(f"runtime: {{packing: {written}}}")
    assert make(**content).runtime.packing == read


def test_a_class_that_yaml_takes_for_true_or_false_is_told() -> None:
    with pytest.raises(ConfigError, match="put quotes around"):
        make(normal_class=yaml.safe_load("[no, good]"))
