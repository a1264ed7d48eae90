"""`--set key=value` and the options that change a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memgan.config.configuration import Configuration
from memgan.config.parameters import MemganParameters
from memgan.config.settings import configure, read_settings
from memgan.errors import ConfigError, MemganError


def parameters(configuration: Configuration) -> MemganParameters:
    assert isinstance(configuration.parameters, MemganParameters)
    return configuration.parameters


def test_values_are_read_as_yaml() -> None:
    settings = ["a=1", "b.c=[x, 2]", "d=true", "e=", "f = a=b", "g=1e-3", "h='1'"]

    assert read_settings(settings) == {
        "a": 1,
        "b.c": ["x", 2],
        "d": True,
        "e": None,
        "f": "a=b",
        "g": "1e-3",  # YAML 1.1 wants a point; a number's field takes the text all the same
        "h": "1",
    }
    assert parameters(configure(Configuration(), settings=["memory_std=1e-3"])).memory_std == 1e-3


@pytest.mark.parametrize("setting", ["epochs", "=3", " =3", "epochs=[1", "epochs=!!python/none x"])
def test_a_setting_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"^--set ") as caught:
        read_settings([setting])
    assert "\n" not in str(caught.value)


def test_parameters_data_and_runtime_can_be_set() -> None:
    settings = ["memory_units=7", "data.split_seed=3", "data.image_size=16", "runtime.threads=2"]

    changed = configure(Configuration(), settings=settings)

    assert parameters(changed).memory_units == 7
    assert changed.data.split_seed == 3
    assert changed.data.image_size == (16, 16)
    assert changed.runtime.threads == 2
    assert Configuration() == configure(Configuration())


@pytest.mark.parametrize("rate", ["0.02", "2e-2"])
def test_one_learning_rate_is_for_all_and_a_dotted_one_for_one_network(rate: str) -> None:
    settings = [f"learning_rate={rate}", "learning_rate.encoder=0.001"]

    rates = parameters(configure(Configuration(), settings=settings)).learning_rate

    assert rates.model_dump() == {
        "encoder": 0.001,
        "generator": 0.02,
        "discriminator": 0.02,
        "memory": 0.02,
    }


def test_a_dotted_learning_rate_leaves_the_others_as_the_file_has_them() -> None:
    given = Configuration(parameters={"learning_rate": {"memory": 0.3}})

    changed = parameters(configure(given, settings=["learning_rate.encoder=0.2"])).learning_rate

    assert (changed.memory, changed.encoder, changed.generator) == (0.3, 0.2, 1e-3)


def test_a_setting_holds_for_classes_that_had_a_value_of_their_own() -> None:
    own = {"3": {"memory_units": 9, "learning_rate.encoder": 0.1}, "4": {"learning_rate": 0.4}}
    given = Configuration(by_class=own)

    units = configure(given, settings=["memory_units=7"])
    rates = configure(given, settings=["learning_rate=0.02"])

    three = units.parameters_for("3")
    assert isinstance(three, MemganParameters)
    assert three.memory_units == 7
    assert three.learning_rate.encoder == 0.1
    for name in ("3", "4", "5"):
        found = rates.parameters_for(name)
        assert isinstance(found, MemganParameters)
        assert set(found.learning_rate.model_dump().values()) == {0.02}


def test_one_dotted_setting_leaves_a_class_its_other_rates() -> None:
    given = Configuration(by_class={"3": {"learning_rate": 0.4}})

    found = configure(given, settings=["learning_rate.encoder=0.02"]).parameters_for("3")

    assert isinstance(found, MemganParameters)
    assert found.learning_rate.encoder == 0.02
    assert found.learning_rate.memory == 0.4


def test_options_change_what_they_name() -> None:
    changed = configure(
        Configuration(),
        source="mnist",
        data_dir=Path("there"),
        normal_class="0,1",
        seeds=(3, 4),
        device="cpu",
    )

    assert changed.data.source == "mnist"
    assert changed.data.dir == Path("there")
    assert changed.normal_class == ("0", "1")
    assert changed.seeds == (3, 4)
    assert changed.runtime.device == "cpu"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["memory_unit=3"], "did you mean 'memory_units'"),
        (["learning_rate.encode=0.1"], "did you mean 'learning_rate.encoder'|'encoder'"),
        (["data.chanels=1"], "did you mean 'channels'"),
        (["runtime.thread=1"], "did you mean 'threads'"),
        (["epochs=0"], "greater than or equal to 1"),
        (["epochs=many"], "epochs = 'many'"),
        (["epochs.x=1"], "epochs"),
        (["learning_rate=fast"], "learning_rate"),
    ],
)
def test_a_wrong_setting_is_answered_in_one_line(settings: list[str], message: str) -> None:
    with pytest.raises(MemganError, match=message) as caught:
        configure(Configuration(), settings=settings)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"device": "tpu"}, {"normal_class": ""}, {"normal_class": "1,,2"}, {"seeds": ()}]
)
def test_a_wrong_option_is_answered_in_one_line(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(Configuration(), **options)
    assert "\n" not in str(caught.value)
