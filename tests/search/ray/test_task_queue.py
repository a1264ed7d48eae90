"""Finals and anchors wait for their turn: no more of them run at once than trials did."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memgan.training
import search.finals.baselines
import search.finals.finals
from memgan.config.configuration import Configuration
from memgan.data import Split
from memgan.errors import MemganError
from memgan.training.cells import Cell
from search.finals.baselines import anchors_on_ray
from search.finals.finals import Finals, Winner, run_finals
from search.journal.outcomes import TrialOutcome
from search.ray.allotment import Allotment
from search.ray.task_queue import TaskQueue
from search.study.groups import ClassGroup


class Ray:
    """In place of Ray: tasks end one after the other, when somebody waits for one."""

    class exceptions:  # noqa: N801
        class RayError(Exception):
            pass

    def __init__(self) -> None:
        self.running: dict[int, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {}
        self.most = 0
        self.asked: list[dict[str, Any]] = []
        self._numbers = itertools.count()
        self._results: dict[int, Any] = {}

    def remote(self, **options: Any) -> Any:
        ray = self

        def decorated(function: Any) -> Any:
            class Task:
                @staticmethod
                def remote(*arguments: Any) -> int:
                    number = next(ray._numbers)
                    ray.running[number] = (function, arguments, options)
                    ray.asked.append(options)
                    ray.most = max(ray.most, len(ray.running))
                    return number

            return Task

        return decorated

    def put(self, value: Any) -> Any:
        return value

    def wait(self, references: list[int], num_returns: int) -> tuple[list[int], list[int]]:
        first, *rest = references
        function, arguments, _ = self.running.pop(first)
        try:
            self._results[first] = function(*arguments)
        except Exception as error:
            fault = self.exceptions.RayError(str(error))
            fault.cause = error  # type: ignore[attr-defined]
            self._results[first] = fault
        return [first], rest

    def get(self, reference: int) -> Any:
        result = self._results[reference]
        if isinstance(result, Exception):
            raise result
        return result

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 8.0}}]


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Ray:
    fake = Ray()
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


def _cell(name: str, seed: int) -> Cell:
    empty = np.zeros(0)
    return Cell(name, seed, 1.0, 1.0, 1.0, 0.0, 0.0, {}, empty, empty, empty.astype(bool))


def _train(configuration: Any, development: Any, test: Any, name: str, seed: int) -> Cell:
    return _cell(name, seed)


def _finals(
    split: Split, folder: Path, allotment: Allotment, queue: TaskQueue
) -> search.finals.finals.FinalCells:
    configuration = Configuration(detector="pca", seeds=(0, 1, 2))
    winner = Winner(ClassGroup("all", ("1", "3"), ""), TrialOutcome("0000", "finished", {}, 1, {}))
    finals = Finals([winner], configuration, folder, "memgan search --resume mine")
    return run_finals(finals, split, allotment, queue, lambda winner, seed, cell: None)


@pytest.mark.parametrize("at_once", [1, 3])
def test_finals_and_anchors_together_are_no_more_at_once_than_trials(
    at_once: int, ray: Ray, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search.finals.finals, "_train_final", _train)
    monkeypatch.setattr(memgan.training, "save_cell", lambda folder, cell: None)
    monkeypatch.setattr(search.finals.baselines, "anchor", lambda name, *rest: {"made": name})
    allotment = Allotment(at_once, 0.5, 0)
    queue = TaskQueue(at_once)

    anchors = anchors_on_ray(
        split, ["1", "3"], allotment.runtime, queue, cpus=0.5, go_on_command="go on"
    )
    finals = _finals(split, tmp_path, allotment, queue)

    assert ray.most == at_once
    assert [len(cells) for cells in finals.cells.values()] == [3, 3]
    assert anchors() == {"pca": {"made": "pca"}, "neighbours": {"made": "neighbours"}}
    assert {options["num_cpus"] for options in ray.asked} == {0.5}


def test_finals_have_their_share_of_a_gpu_and_twice_of_it_after_running_out(
    ray: Ray, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []
    tried: list[tuple[str, int]] = []

    def train(configuration: Any, development: Any, test: Any, name: str, seed: int) -> Cell:
        tried.append((name, seed))
        if (name, seed) == ("3", 1) and tried.count(("3", 1)) == 1:
            raise RuntimeError("CUDA out of memory")
        if (name, seed) == ("1", 2):
            raise RuntimeError("out of memory, always")
        return _cell(name, seed)

    hold = lambda: held.append("held")  # noqa: E731
    monkeypatch.setattr(search.finals.finals, "hold_to_share_of_worker", hold)
    monkeypatch.setattr(memgan.training, "train_cell", train)
    monkeypatch.setattr(memgan.training, "save_cell", lambda folder, cell: None)

    finals = _finals(split, tmp_path, Allotment(4, 1, 0.25), TaskQueue(4))

    assert [len(cells) for cells in finals.cells.values()] == [2, 3]
    assert finals.failed == {("1", 2): "out of memory, always"}
    assert [options["num_gpus"] for options in ray.asked].count(0.25) == 6
    assert [options["num_gpus"] for options in ray.asked].count(0.5) == 2
    assert len(held) == len(tried) == 8


def test_where_no_final_succeeds_the_command_that_tries_them_again_is_named(
    ray: Ray, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: Any) -> Cell:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(search.finals.finals, "hold_to_share_of_worker", lambda: None)
    monkeypatch.setattr(memgan.training, "train_cell", train)

    told = r"class 1 succeeded: no such luck; go on with: memgan search --resume mine$"
    with pytest.raises(MemganError, match=told):
        _finals(split, tmp_path, Allotment(4, 1, 0), TaskQueue(4))
