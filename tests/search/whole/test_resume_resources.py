"""What a study may change when it goes on: the machine, never the question."""

from __future__ import annotations

from typing import Any

import pytest

from memgan.errors import StudyError
from search.study.study import Study
from search.workflow.extension import extended

STUDY = Study.default().with_options(name="s", cpus_per_trial=2.0, device="cpu")


@pytest.mark.parametrize(
    "options",
    [
        {"cpus_per_trial": 1.0},
        {"gpus_per_trial": 0.5},
        {"max_concurrent": 1},
        {"device": "auto"},
        {"cpus_per_trial": 1.0, "trials": 99},
    ],
)
def test_resources_may_be_others_on_another_machine(options: dict[str, Any]) -> None:
    assert extended(STUDY, options, []) == STUDY.with_options(**options)
    resources = {key: value for key, value in options.items() if key != "trials"}
    settings = [f"resources.{key}={value}" for key, value in resources.items()]
    assert extended(STUDY, {}, settings) == STUDY.with_options(**resources)


def test_the_question_may_not_change() -> None:
    with pytest.raises(StudyError, match=r"--seed 9 is not .* --cpus-per-trial, --max-concurrent"):
        extended(STUDY, {"seed": 9}, [])
    with pytest.raises(StudyError, match=r"but for resources\.KEY"):
        extended(STUDY, {}, ["resources.max_concurrent=1", "seed=9"])
