"""A wrong key proposes the one that is meant, in whichever section that lies."""

from __future__ import annotations

import pytest

from memgan.config import Configuration, DataConfig, configure, did_you_mean, dotted_keys, parse
from memgan.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("image_size", " did you mean 'data.image_size'?"),
        ("imagesize", " did you mean 'data.image_size'?"),
        ("dat.image_size", " did you mean 'data.image_size'?"),
        ("batchsize", " did you mean 'batch_size'?"),
        ("seed", " did you mean 'final.seed' or 'sampler.seed'?"),
        ("nothing", ""),
    ],
)
def test_a_key_of_the_same_name_comes_before_one_that_is_spelled_alike(
    key: str, meant: str
) -> None:
    known = ["batch_size", "data.image_size", "final.seed", "sampler.seed"]

    assert did_you_mean(key, known) == meant


def test_keys_of_inner_sections_are_dotted() -> None:
    keys = list(dotted_keys(Configuration))

    assert {"detector", "data", "data.image_size", "runtime.threads"} <= set(keys)
    assert "x.source" in dotted_keys(DataConfig, "x.")


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("image_size=32", "did you mean 'data.image_size'?"),
        ("threads=2", "did you mean 'runtime.threads'?"),
        ("encoder=0.1", "did you mean 'learning_rate.encoder'?"),
        ("seeds=3", "give it as the option --seeds;"),
    ],
)
def test_a_setting_of_a_configuration_is_looked_up_among_all_sections(
    setting: str, meant: str
) -> None:
    with pytest.raises(ConfigError, match=f"unknown key; {meant}".replace("?", r"\?")):
        configure(Configuration(), settings=[setting])


def test_so_is_a_key_in_a_file() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'threads'; did you mean 'runtime.threads'"):
        parse(Configuration, {"threads": 2}, "here")
