"""`memgan data`: one JSON document or a table, and the library's own errors."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from memgan.cli.data_commands import app
from memgan.config.typed import DataConfig
from memgan.data import SOURCES, Source, load_split
from memgan.data.sources import named
from memgan.errors import ConfigError, DataError, UnknownName
from memgan.proposals import data_facts
from search.study import begun_study


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_says_what_is_there(write_idx: Callable[[str], Path]) -> None:
    found = json.loads(run("list", "--data-dir", write_idx("MNIST"), "--json"))

    states = {source["name"]: source["state"] for source in found["sources"]}
    assert states["digits"] == states["mnist"] == "ready"
    assert states["cifar10"].startswith("not in ")


def test_check_reports_what_the_split_holds() -> None:
    found = json.loads(run("check", "digits", "--set", "split_seed=3", "--json"))

    split = load_split(DataConfig(split_seed=3))
    assert found["split_hash"] == split.hash
    assert found["shape"] == [1, 8, 8]
    assert found["counts"]["test"] == len(split.test)
    assert found["classes"]["3"]["validation"] == split.development.validation.counts()["3"]
    assert found["classes"]["3"]["can_validate"]
    assert found["warnings"] == []


@pytest.mark.parametrize("prefix", ["", "data."])
def test_settings_reach_the_images(prefix: str) -> None:
    sizes = f"{prefix}image_size=[9, 12]"

    found = json.loads(run("check", "digits", "--set", sizes, "--set", "channels=3", "--json"))

    assert found["shape"] == [3, 9, 12]


def test_images_shared_by_official_parts_are_counted(
    write_npz: Callable[..., Path], random_images: Callable[..., Any]
) -> None:
    x, y = random_images(20, 8, 8), [0, 1] * 10
    path = write_npz(x_train=x, y_train=y, x_test=x[:6], y_test=y[:6])

    found = json.loads(run("check", path, "--json"))

    assert found["duplicates_train_test"] == 6
    assert found["counts"]["test"] == 6
    assert "warning: 6 test images" in run("check", path)


def test_the_table_tells_why_a_class_cannot_be_validated(
    write_folder: Callable[..., Path],
) -> None:
    shown = run("check", write_folder({"train/good": 9, "test/good": 2, "test/crack": 3}))

    assert "class 'good' has no labelled anomalies to validate on" in shown
    assert "class 'crack' has no training images" in shown


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["digit"], UnknownName, "did you mean 'digits'"),
        (["digits", "--set", "chanels=1"], ConfigError, "did you mean 'channels'"),
        (["digits", "--set", "channels"], ConfigError, "write it as key=value"),
        (["digits", "--set", "image_size=4"], ConfigError, "at least 8"),
        (["digits", "--set", "image_size=100000"], ConfigError, "4096 by 4096"),
        ([""], ConfigError, "give a name"),
    ],
)
def test_bad_input_raises_the_error_the_command_line_prints(
    arguments: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run("check", *arguments)


@pytest.mark.parametrize("command", ["list", "check"])
def test_help_shows_an_example(command: str) -> None:
    assert f"Example: memgan data {command}" in run(command, "--help")


def test_a_pipe_with_the_name_of_an_npz_is_refused_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")

    with pytest.raises(DataError, match=r"pipe\.npz: a pipe, a socket or a device"):
        run("check", tmp_path / "pipe.npz")


def test_check_proposes_what_a_search_begins_with_and_checks_images_of_that_size(
    write_folder: Callable[..., Path],
) -> None:
    folder = write_folder({"good": 40}, shape=(90, 120))

    found = json.loads(run("check", folder, "--json"))
    shown = run("check", folder)
    of_class = run("check", folder, "--normal-class", "good")

    proposed = {each["key"]: each["value"] for each in found["proposal"]}
    assert proposed["data.image_size"] == [56, 72]
    assert found["shape"] == [1, 56, 72]
    assert f"`memgan search --data {folder}` without a study file begins with:" in shown
    assert f"`memgan search --data {folder} --normal-class good` without" in of_class
    assert "never trained on" not in shown
    assert "  data.image_size 56×72: images are 90×120" in shown
    assert "  budget.trials " in shown
    assert json.loads(run("check", folder, "--set", "image_size=9", "--json"))["shape"] == [1, 9, 9]
    assert json.loads(run("check", "digits", "--json"))["proposal"] == []


def test_the_command_that_check_shows_searches_the_images_that_were_checked(
    write_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_folder({"good": 40}, shape=(90, 120))
    given = ["--set", "data.resize=pad", "--set", "image_size=[9, 12]", "--set", "source=digits"]

    shown = run("check", folder, *given, "--data-dir", tmp_path, "--normal-class", "good")

    (command,) = re.findall(r"`(memgan search .*)` without a study file", shown)
    words = shlex.split(command)[4:]
    assert words == [
        *("--data-dir", str(tmp_path), "--set", "data.resize=pad"),
        *("--set", "data.image_size=[9, 12]", "--normal-class", "good"),
    ]
    options = {"source": str(folder), "data_dir": tmp_path}
    study = begun_study(None, options, [words[3], words[5]])
    assert study.data.image_size == (9, 12)
    assert study.data.resize == "pad"


def test_check_and_search_load_a_named_source_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[DataConfig] = []
    digits = SOURCES["digits"]

    def load(config: DataConfig, download: bool) -> Source:
        loaded.append(config)
        return digits.load(config, download)

    others = {**SOURCES, "mnist": replace(digits, load=load)}
    monkeypatch.setattr(named, "SOURCES", others)

    assert json.loads(run("check", "mnist", "--json"))["shape"] == [1, 8, 8]
    assert len(loaded) == 1
    run("check", "mnist", "--set", "validation_fraction=0.2")
    assert len(loaded) == 2

    data_facts(DataConfig(source="mnist", validation_fraction=0.2))
    assert load_split(DataConfig(source="mnist")).source == "digits"
    assert len(loaded) == 3
    load_split(DataConfig(source="mnist"))
    data_facts(DataConfig(source="mnist"))
    assert load_split(DataConfig(source="mnist", image_size=(16, 16))).test.image_shape[1:] == (
        16,
        16,
    )
    assert len(loaded) == 6
