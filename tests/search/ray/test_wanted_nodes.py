"""A study waits for the nodes that it wants, and says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from memgan.errors import BadInput
from search.ray.wanted_nodes import (
    NodesMissing,
    WantedNodes,
    bundles_of,
    lacking,
    read_wanted,
    wait_for_nodes,
)


class Cluster:
    """What it has at each look; `asked` says for what it is asked at the moment."""

    def __init__(self, *looks: Mapping[str, float]) -> None:
        self.looks = list(looks)
        self.asked: list[Mapping[str, float]] = []
        self.pauses = 0

    def look(self) -> Mapping[str, float]:
        assert self.asked, "a node comes only where somebody asks for it"
        return self.looks.pop(0)

    @contextmanager
    def asked_for(self, wanted: Mapping[str, float]) -> Iterator[None]:
        self.asked.append(wanted)
        try:
            yield
        finally:
            self.asked.pop()

    def pause(self, seconds: float) -> None:
        self.pauses += 1


def _wait(cluster: Cluster, wanted: WantedNodes | None, **more: Any) -> Mapping[str, float]:
    options: dict[str, Any] = {"grows": True, **more}
    return wait_for_nodes(
        wanted,
        {"CPU": 2},
        look=cluster.look,
        asked_for=cluster.asked_for,
        pause=cluster.pause,
        **options,
    )


def test_amounts_are_read_by_name() -> None:
    assert read_wanted("GPU=2, CPU=16") == {"GPU": 2, "CPU": 16}
    assert read_wanted("accelerator_type:A100=0.5") == {"accelerator_type:A100": 0.5}


@pytest.mark.parametrize("text", ["", "GPU", "GPU=", "GPU=0", "=1", "GPU=-1", "GPU=x", "GPU=inf",
                                  "GPU=nan", "GPU=1,", "GPU=100000", "GPU=1,GPU=2"])  # fmt: skip
def test_other_words_are_refused_in_a_line(text: str) -> None:
    with pytest.raises(BadInput, match="--wait-for"):
        read_wanted(text)


def test_what_is_lacking_is_what_is_not_there() -> None:
    assert lacking({"GPU": 2, "CPU": 4}, {"CPU": 8, "GPU": 1}) == {"GPU": 1}
    assert lacking({"GPU": 1}, {"GPU": 1.0}) == {}


def test_gpus_are_asked_for_one_by_one() -> None:
    assert bundles_of({"GPU": 2.5, "tape": 3}) == [
        {"GPU": 1},
        {"GPU": 1},
        {"GPU": 0.5},
        {"tape": 3},
    ]


def test_a_study_begins_with_what_joined_and_says_that_it_waited() -> None:
    said: list[str] = []
    cluster = Cluster({"CPU": 2}, {"CPU": 6, "GPU": 1})
    found = _wait(cluster, WantedNodes({"GPU": 1}, told=said.append))
    assert found == {"CPU": 6, "GPU": 1}
    assert said == ["waiting for nodes with GPU=1; Ray has 2 CPU, 0 GPU …"]
    assert cluster.pauses == 2
    assert cluster.asked == [], "the request goes with the wait"


def test_what_is_there_is_not_waited_for() -> None:
    assert _wait(Cluster(), WantedNodes({"CPU": 2})) == {"CPU": 2}
    assert _wait(Cluster(), None) == {"CPU": 2}


def test_a_wait_that_is_over_is_no_bad_input() -> None:
    cluster = Cluster()
    with pytest.raises(NodesMissing, match=r"--wait-for GPU=1: after 00:00 Ray has 2 CPU") as over:
        _wait(cluster, WantedNodes({"GPU": 1}, at_most=0.0))
    assert over.value.exit_code == 1, "a job that is started again for 1 and not for 2 tries again"
    assert cluster.asked == []


def test_a_ray_of_its_own_never_grows() -> None:
    with pytest.raises(BadInput, match="no node joins a Ray that the search starts"):
        _wait(Cluster(), WantedNodes({"GPU": 1}), grows=False)


def test_ctrl_c_ends_the_wait_and_takes_the_request_back() -> None:
    cluster = Cluster()

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    cluster.pause = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        _wait(cluster, WantedNodes({"GPU": 1}))
    assert cluster.asked == []


def test_a_command_that_goes_on_waits_in_the_same_way() -> None:
    wanted = WantedNodes({"GPU": 1.0, "CPU": 8.0}, at_most=1800)
    assert wanted.options == ("--wait-for", "GPU=1,CPU=8", "--wait-at-most", "1800s")
    exact = WantedNodes({"memory": 17179869184.0, "GPU": 0.1234567}, at_most=1234567)
    assert exact.options == (
        "--wait-for",
        "memory=17179869184,GPU=0.1234567",
        "--wait-at-most",
        "1234567s",
    )
