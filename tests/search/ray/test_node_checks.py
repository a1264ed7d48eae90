"""What is found before a trial, on a Ray that reports a GPU which torch does not find."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from ray.util import placement_group_table
from recorder import Recorder

from memgan.config.typed import DataConfig
from memgan.data import load_split
from memgan.errors import PreflightFailed, TrackingUnavailable
from search.ray.allotment import Allotment, allot
from search.ray.connection import connect
from search.ray.node_checks import node_faults, preflight
from search.ray.wanted_nodes import WantedNodes, wait_for_nodes
from search.results.disk import why_no_room
from search.results.storage import Storage
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.trials.tune_loop import run_trials

ON_CPU, ON_GPU = Allotment(1, 1, 0), Allotment(1, 1, 0.25)
no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU here is no fake")


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    with connect("local", cpus=2, gpus=1):
        yield


def _silent() -> None:
    """A tracking store that answers."""


def _folder(results: Path) -> StudyFolder:
    folder = StudyFolder(results, "mine")
    folder.create(Study.default().with_options(name="mine"))
    return folder


def test_a_sound_cluster_passes_and_keeps_no_trace(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    preflight(folder, ON_CPU, _silent, ask_nodes=True)
    assert folder.checkpoints.files() == []


def test_all_faults_are_told_at_once_a_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise TrackingUnavailable("nobody answers")

    monkeypatch.setattr("search.results.disk.shutil.disk_usage", lambda path: _Usage())
    with pytest.raises(PreflightFailed) as caught:
        preflight(_folder(tmp_path), Allotment(1, 64, 0), away, ask_nodes=True)
    tracking, *spaces, size = caught.value.faults
    assert tracking == "tracking: nobody answers"
    assert spaces
    assert all(line.startswith("space: 1 MiB are free") for line in spaces)
    assert size.startswith("no node has the 64 CPU")


class _Usage:
    free = 2**20


def test_a_node_without_the_package_of_a_plug_in_is_named(tmp_path: Path) -> None:
    here = {"memgan-far": "1.2", "optuna": version("optuna")}  # only the second is there as well
    (fault,) = node_faults(Storage.at(tmp_path), ON_CPU, here)
    assert fault.endswith("has memgan-far not, and this machine 1.2; install the same")


def test_storage_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (fault,) = node_faults(Storage.at(tmp_path / "file" / "x"), ON_CPU)
    assert fault.startswith(f"storage: {tmp_path}/file/x cannot be written")


@no_cuda
def test_a_gpu_that_torch_does_not_find_is_named_with_its_node(tmp_path: Path) -> None:
    assert node_faults(Storage.at(tmp_path), ON_CPU) == []
    (fault,) = node_faults(Storage.at(tmp_path), ON_GPU)
    assert fault.startswith("node ")
    assert "Ray reports a GPU and torch finds none" in fault


@no_cuda
def test_trials_take_cuda_and_a_fraction_where_ray_reports_a_gpu(tmp_path: Path) -> None:
    import ray

    split = load_split(DataConfig(source="digits"))
    study = Study.default().with_options(name="mine", normal_class="0", trials=1, epochs=1)
    assert allot(study.resources, ray.cluster_resources()).gpus_per_trial == 0.25
    folder = _folder(tmp_path)
    groups = class_groups(study, split.normal_classes)
    with folder.lock():
        (result,) = run_trials(study, groups, split.development, folder, Recorder())
    (outcome,) = result.outcomes
    assert outcome.state == "failed"
    assert "device 'cuda' was asked for and torch finds none" in str(outcome.error)


def test_room_is_looked_for_below_the_nearest_folder_there_is(tmp_path: Path) -> None:
    assert why_no_room(tmp_path / "not" / "there", 1) is None
    assert str(why_no_room(tmp_path / "not" / "there", 2**60)).endswith("make room")


def test_nodes_that_are_waited_for_are_asked_of_ray_until_the_wait_is_over() -> None:
    def groups() -> dict[str, list[dict[str, float]]]:
        found: dict[str, list[dict[str, float]]] = {}
        for group in placement_group_table().values():
            found.setdefault(group["state"], []).extend(group["bundles"].values())
        return found

    def look() -> dict[str, float]:
        assert groups()["PENDING"] == [{"GPU": 1.0}, {"GPU": 1.0}], "what an autoscaler starts for"
        return {"CPU": 2, "GPU": 2}

    found = wait_for_nodes(WantedNodes({"GPU": 2}), {"CPU": 2, "GPU": 1}, grows=True, look=look)
    assert found == {"CPU": 2, "GPU": 2}
    assert set(groups()) == {"REMOVED"}
