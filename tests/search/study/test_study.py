from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from memgan.config import parameters as parameters_module
from memgan.config.configuration import Runtime
from memgan.config.parameters import PARAMETERS
from memgan.config.typed import parse, to_yaml
from memgan.errors import BadInput, ConfigError, UnknownName
from search.study.budget import parse_duration
from search.study.study import Study, studies_folder


@pytest.mark.parametrize("name", ["digits", "mnist", "cifar10"])
def test_shipped_studies_load_and_are_written_as_they_are_read(name: str) -> None:
    study = Study.from_yaml(studies_folder() / f"{name}.yaml")
    assert parse(Study, yaml.safe_load(to_yaml(study)), "again") == study


def test_the_default_is_digits_under_a_name_of_its_own() -> None:
    one, two = Study.default(), Study.default()
    assert one.data.source == "digits"
    assert re.fullmatch(r"memgan-digits-\d{4}-\d{6}-[0-9a-f]{4}", one.name)
    assert one.name != two.name
    assert (one.budget.trials, one.epochs) == (12, 30)


def test_a_made_up_name_follows_the_detector_and_a_given_one_stays() -> None:
    study = Study.default()
    assert study.with_options(detector="pca").name.startswith("pca-digits-")
    assert study.with_options(name="mine").with_options(trials=3).name == "mine"


def test_options_go_where_they_belong() -> None:
    study = Study.default().with_options(
        trials=4,
        epochs=3,
        time_budget="30m",
        final_seeds=2,
        max_concurrent=1,
        seed=7,
        normal_class="3,5",
        protocol="per-class",
        sampler="random",
        scheduler="none",
        device=None,
    )
    assert (study.budget.trials, study.budget.time) == (4, 1800)
    assert (study.epochs, study.final.seeds, study.resources.max_concurrent) == (3, 2, 1)
    assert (study.seed, study.normal_class, study.protocol) == (7, ("3", "5"), "per-class")
    assert (study.sampler.name, study.scheduler.name) == ("random", "none")


def test_naming_the_sampler_that_is_set_keeps_its_options() -> None:
    study = Study.default().with_settings(["sampler.startup_trials=2"])
    assert study.with_options(sampler="tpe").sampler == study.sampler


def test_settings_fix_search_and_reach_sections() -> None:
    study = Study.default().with_settings(
        [
            "learning_rate=1e-3",
            "width=[4, 8]",
            "memory_dim={low: 4, high: 8}",
            "data.image_size=16",
            "scheduler.grace_epochs=1",
            "budget.time=90s",
        ]
    )
    assert study.fixed["learning_rate"] == 1e-3
    assert list(study.space) == ["memory_units", "width", "memory_dim"]
    assert "width" not in study.fixed
    assert study.data.image_size == (16, 16)
    assert study.budget.time == 90


def test_a_trials_configuration_holds_fixed_and_suggested_values() -> None:
    study = Study.default()
    made = study.configuration({"memory_units": 40, "learning_rate": 2e-3}, Runtime())
    values = made.parameters.model_dump()
    assert (values["memory_units"], values["learning_rate"], values["width"]) == (40, 2e-3, 8)


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ("learning_rat=3", ConfigError, "did you mean 'learning_rate'"),
        ("budget.trial=4", ConfigError, "did you mean 'trials'"),
        ("learning_rate", ConfigError, "key=value"),
        ("learning_rate=[1", ConfigError, "not valid YAML"),
        ("width=0", ConfigError, "greater than or equal to 1"),
        ("sampler=tp", UnknownName, "did you mean 'tpe'"),
        ("scheduler.name=ahsa", UnknownName, "did you mean 'asha'"),
        ("objective=label-fre", UnknownName, "label-free"),
        ("name=a b", ConfigError, "letters, digits"),
        ("budget.time=soon", ConfigError, "write 90s"),
        ("start_from=[papr]", UnknownName, "did you mean 'paper'"),
        ("start_from=[{memory_units: 11}]", ConfigError, "outside the space"),
        ("start_from=[{width: 4}]", ConfigError, "not searched"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(
    setting: str, error: type[BadInput], message: str
) -> None:
    with pytest.raises(error) as refused:
        Study.default().with_settings([setting])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_key_in_a_file_names_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("space: {width: [4, 8]}\nbudgte: {trials: 3}\n")
    with pytest.raises(ConfigError, match=r"study\.yaml: .*did you mean 'budget'"):
        Study.from_yaml(file)


@pytest.mark.parametrize("content", [{}, {"space": {}}, {"space": [1]}])
def test_a_study_searches_something(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="space"):
        parse(Study, content, "study")


def test_named_starts_give_what_the_space_holds() -> None:
    study = Study.default().with_settings(["start_from=[paper, {memory_units: 40}]"])
    # 1e-4 and 50 units lie outside the digits' space: they are left to the sampler.
    assert study.points() == [{}, {"memory_units@index": 2}]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2d", 172800), ("12", 12)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("detector", sorted(PARAMETERS))
def test_every_detector_is_searched_by_its_name_alone_or_says_why_not(detector: str) -> None:
    study = Study.default()
    if detector == "kde":  # Held-out likelihood chooses its bandwidth.
        with pytest.raises(ConfigError, match="nothing to search; train it"):
            study.with_options(detector=detector)
        return
    changed = study.with_options(detector=detector)
    assert changed.space
    known = set(PARAMETERS[detector].model_fields)
    assert {name.partition(".")[0] for name in changed.space} <= known


@pytest.fixture
def parameters_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where a detector's parameters were read from, each time that they were."""
    read: list[str] = []
    honest = parameters_module.parse

    def counting(model: Any, values: Any, where: str) -> Any:
        read.append(where)
        return honest(model, values, where)

    monkeypatch.setattr(parameters_module, "parse", counting)
    return read


def _ends(study: Study) -> int:
    return sum(len(entry.ends()) for entry in study.space.values())


def test_a_study_file_is_checked_once(parameters_read: list[str]) -> None:
    study = Study.from_yaml(studies_folder() / "mnist.yaml")
    assert (study.search_space.size(3), study.epochs) == (3, 10)
    assert parameters_read.count("space") == _ends(study)
    assert parameters_read.count("fixed") == 1
    assert len(parameters_read) == _ends(study) + 1 + len(study.start_from)


def test_options_and_settings_are_laid_over_a_study_file_before_it_is_checked(
    parameters_read: list[str],
) -> None:
    file = studies_folder() / "mnist.yaml"
    study = Study.from_yaml(
        file, {"trials": 3, "epochs": 4, "device": None}, ["memory_dim=16", "final.seeds=2"]
    )
    assert len(parameters_read) == _ends(study) + 1 + len(study.start_from)
    one_by_one = Study.from_yaml(file).with_options(trials=3, epochs=4)
    assert study == one_by_one.with_settings(["memory_dim=16", "final.seeds=2"])


def test_overrides_that_say_nothing_check_nothing(parameters_read: list[str]) -> None:
    study = Study.default()
    parameters_read.clear()
    assert study.with_options(trials=None).with_settings([]) is study
    assert parameters_read == []


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"detector": "pca"}, ["components=[2, 4]"]),
        ({"detector": "memgan", "epochs": 3}, []),
        ({"sampler": "tpe"}, ["sampler.startup_trials=2"]),
        ({"sampler": "random", "scheduler": "none"}, []),
        ({"objective": "label-free,epoch-seconds"}, []),
        ({"scheduler": "pbt"}, ["learning_rate={low: 0.001, high: 0.01, log: true}"]),
        ({}, ["scheduler.name=hyperband", "resources.cpus_per_trial=2", "seed=3"]),
    ],
)
@pytest.mark.parametrize("file", ["digits", "mnist", "cifar10", "short"])
def test_overrides_of_a_file_and_of_the_study_read_from_it_give_the_same(
    options: dict[str, Any], settings: list[str], file: str, tmp_path: Path
) -> None:
    path = studies_folder() / f"{file}.yaml"
    if file == "short":
        path = tmp_path / "short.yaml"
        path.write_text(
            "{name: s, space: {learning_rate.encoder: [1e-4, 1e-3]}, scheduler: none,"
            " start_from: [{learning_rate.encoder: 0.0001}]}"
        )
    options = {"name": "mine", **options}

    def given(read: Callable[[], Study]) -> Study | str:
        try:
            return read()
        except BadInput as fault:
            return str(fault)

    at_once = given(lambda: Study.from_yaml(path, options, settings))
    after = given(lambda: Study.from_yaml(path).with_options(**options).with_settings(settings))
    assert at_once == after


def test_a_population_without_a_sampler_stays_one_under_options(tmp_path: Path) -> None:
    path = tmp_path / "population.yaml"
    path.write_text(
        "{space: {learning_rate: {low: 0.001, high: 0.01}}, scheduler: {name: pbt},"
        " fixed: {epochs: 30}}"
    )
    study = Study.from_yaml(path, {"trials": 4})
    assert (study.sampler.name, study.scheduler.name) == ("random", "pbt")


@pytest.mark.parametrize(
    ("content", "options", "settings", "line"),
    [
        ("{budget: 5, space: {memory_units: [4]}}", {"trials": 3}, [], "study.yaml: budget"),
        ("[1]", {"trials": 3}, [], "study.yaml"),
        ("{space: {nothing: [1, 2]}}", {"trials": 3}, [], "space: unknown key 'nothing'"),
        ("{space: {memory_units: [4, 8]}}", {"trials": 0}, [], "options: budget.trials = 0"),
        ("{space: {memory_units: [4, 8]}}", {}, ["final.seeds=0"], "--set: final.seeds = 0"),
        ("{space: {memory_units: [4, 8]}, seed: -1}", {"trials": 1}, [], "study.yaml: seed = -1"),
    ],
)
def test_a_fault_is_told_where_it_stands(
    content: str, options: dict[str, Any], settings: list[str], line: str, tmp_path: Path
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(content)
    with pytest.raises(BadInput) as fault:
        Study.from_yaml(path, options, settings)
    assert line in str(fault.value)


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("image_size=32", "data.image_size"),
        ("trials=3", "budget.trials"),
        ("data.trials=3", "budget.trials"),
        ("time_budget=30m", "budget.time"),
        ("final_seeds=3", "final.seeds"),
        ("fixed.epochs=3", "epochs"),
        ("memory_unit=3", "memory_units"),
    ],
)
def test_an_unknown_setting_proposes_the_key_that_is_meant_in_whichever_section(
    setting: str, meant: str
) -> None:
    with pytest.raises(ConfigError, match=rf"unknown key; did you mean '{meant}'\?"):
        Study.default().with_settings([setting])


def test_the_detector_is_no_setting() -> None:
    with pytest.raises(ConfigError, match="give it as the option --detector NAME"):
        Study.default().with_settings(["detector=pca"])
