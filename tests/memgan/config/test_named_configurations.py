"""Configurations by name: those in configs/, and those with a value changed."""

from __future__ import annotations

import pytest

from memgan.config.memgan_parameters import GameLevers, MemoryLevers
from memgan.config.named_configurations import configuration_names, digest, named_configuration
from memgan.config.parameters import MemganParameters
from memgan.config.typed import DataConfig
from memgan.errors import ConfigError, UnknownName

FILES = [(family, name) for family in ("mnist", "cifar10") for name in configuration_names(family)]


@pytest.mark.parametrize(("family", "name"), FILES)
def test_every_file_is_a_configuration_for_its_data_set_in_one_thread(
    family: str, name: str
) -> None:
    configuration = named_configuration(family, name)

    assert configuration.data == DataConfig(source=family)
    assert configuration.normal_class == "all"
    assert configuration.runtime.threads == 1


@pytest.mark.parametrize(
    ("family", "units", "dim", "epochs", "lowest"),
    [("mnist", 50, 64, 7, 1e-5), ("cifar10", 100, 256, 10, 5e-5)],
)
def test_memgan_paper_has_the_papers_settings_and_says_all_others(
    family: str, units: int, dim: int, epochs: int, lowest: float
) -> None:
    parameters = named_configuration(family, "memgan-paper").parameters

    assert isinstance(parameters, MemganParameters)
    assert (parameters.memory_units, parameters.memory_dim) == (units, dim)
    assert parameters.epochs == epochs
    assert lowest <= parameters.learning_rate.encoder <= 1e-4
    # What the paper does not have is off.
    ours = {"cooldown", "contrast_normalised", "score", "score_share", "score_window", "features"}
    assert (parameters.score, parameters.features) == ("mean", None)
    ours |= {*GameLevers.model_fields, *MemoryLevers.model_fields} - {"epochs"}
    assert parameters.model_fields_set == set(MemganParameters.model_fields) - ours
    assert parameters.cooldown == 0
    assert not parameters.contrast_normalised


def test_a_name_may_change_values() -> None:
    changed = named_configuration(
        "mnist", "memgan-recipe+memory_units=25+learning_rate.encoder=1e-4"
    )
    plain = named_configuration("mnist", "memgan-recipe")

    assert isinstance(changed.parameters, MemganParameters)
    assert changed.parameters.memory_units == 25
    assert changed.parameters.learning_rate.encoder == 1e-4
    assert changed.parameters.learning_rate.memory == 1e-3
    assert digest(changed, "3") != digest(plain, "3")


def test_a_digest_is_of_what_is_written_and_not_of_where_it_runs() -> None:
    plain = named_configuration("mnist", "memgan-recipe")
    elsewhere = plain.model_copy(
        update={
            "data": DataConfig(source="elsewhere", dir="data"),
            "runtime": plain.runtime.model_copy(update={"device": "cuda"}),
        }
    )
    other_split = plain.model_copy(update={"data": DataConfig(source="mnist", split_seed=1)})

    assert digest(plain, "3") == digest(elsewhere, "3") != digest(other_split, "3")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("memgan-recip", UnknownName, "did you mean 'memgan-recipe'"),
        ("memgan-recipe+memory_unit=3", ConfigError, "did you mean 'memory_units'"),
        ("memgan-recipe+memory_units", ConfigError, "key=value"),
    ],
)
def test_a_wrong_name_is_answered_in_one_line(
    name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        named_configuration("mnist", name)
