"""Where a study may start from beside its own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from memgan.config.configuration import Runtime
from memgan.config.typed import to_yaml
from memgan.errors import ConfigError, StudyError, UnknownName
from search.journal.settled_starts import settle_starts
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.trials.tune_loop import open_journals


def _study(*start_from: Any) -> Study:
    content = Study.default().model_dump(mode="json") | {"start_from": list(start_from)}
    return Study.model_validate(content)


def test_a_yaml_file_may_hold_several_or_what_was_exported(tmp_path: Path) -> None:
    points = [{"memory_units": 20, "learning_rate": 0.004}, {"memory_dim": 16}]
    (tmp_path / "points.yaml").write_text(yaml.safe_dump(points))
    exported = Study.default().configuration({"memory_units": 40}, Runtime())
    (tmp_path / "best.yaml").write_text(to_yaml(exported))

    study = _study("paper", str(tmp_path / "points.yaml"), str(tmp_path / "best.yaml"))
    settled = settle_starts(study, tmp_path)

    assert settled.start_from[:3] == ("paper", *points)
    assert settled.start_from[3]["memory_units"] == 40
    assert "memory_dim" not in settled.start_from[3]  # 64, which the space does not hold
    assert len(settled.points()) == 4
    assert len(study.points()) == 1


def test_the_best_of_an_earlier_study_are_those_with_their_full_budget(tmp_path: Path) -> None:
    earlier = Study.default().with_options(name="earlier", normal_class="0", trials=4)
    folder = StudyFolder(tmp_path, "earlier")
    folder.create(earlier)
    (group,) = class_groups(earlier, ("0",))
    journal = open_journals(earlier, [group], folder)[group]
    tried = []
    for score in (0.7, 0.9, 0.8):
        suggestion = journal.ask()
        assert suggestion is not None
        tried.append(suggestion.values)
        journal.finished(suggestion.trial_id, {"mean": score})
    suggestion = journal.ask()
    assert suggestion is not None
    journal.epoch(suggestion.trial_id, 1, 0.99)
    journal.stopped(suggestion.trial_id, {"mean": 0.99}, "asha")

    settled = settle_starts(_study({"study": "earlier", "best": 2}), tmp_path)

    assert settled.start_from == (tried[1], tried[2])


@pytest.mark.parametrize(
    ("start", "fault", "reason"),
    [
        ("nowhere.yaml", ConfigError, "nowhere.yaml: No such file"),
        ({"study": "unknown"}, StudyError, "no study 'unknown'"),
        ({"study": "x", "bset": 2}, ConfigError, "did you mean 'best'"),
        ("paperr", UnknownName, "did you mean 'paper'"),
    ],
)
def test_what_cannot_be_read_is_named(
    start: Any, fault: type[Exception], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(fault, match=reason):
        settle_starts(_study(start), tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[{memory_unit: 3}]", "memory_unit: is not searched"),
        ("[{memory_units: 3}]", "3 lies outside the space"),
        ("[3]", "expected parameters and values"),
        ("a: [", "not valid YAML"),
        ("parameters: {width: 4}", "no value of .* lies in the space"),
    ],
)
def test_a_file_that_does_not_fit_the_space_is_refused(
    content: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "p.yaml").write_text(content)
    with pytest.raises(ConfigError, match=reason):
        settle_starts(_study(str(tmp_path / "p.yaml")), tmp_path)
