"""On a real GPU (marker `gpu`): skipped where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from recorder import Recorder

from memgan.config.typed import DataConfig
from memgan.data import load_split
from search.ray.allotment import allot
from search.ray.connection import connect
from search.ray.node_checks import preflight
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.trials.tune_loop import run_trials

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]


def test_trials_share_a_gpu(tmp_path: Path) -> None:
    split = load_split(DataConfig(source="digits"))
    study = Study.default().with_options(name="mine", normal_class="0,1", trials=4, epochs=3)
    folder = StudyFolder(tmp_path, "mine")
    folder.create(study)
    recorder = Recorder()
    with connect("local") as available, folder.lock():
        allotment = allot(study.resources, available)
        assert (allotment.runtime.device, allotment.gpus_per_trial) == ("cuda", 0.25)
        preflight(folder, allotment, lambda: None, ask_nodes=True)
        groups = class_groups(study, split.normal_classes)
        (result,) = run_trials(study, groups, split.development, folder, recorder)
    assert result.counts()["failed"] == 0
    assert result.best is not None
    # Of the GPU, as the process alone holds more than this.
    assert all(0 < told.peak_memory_mb < 300 for told in recorder.epochs())
