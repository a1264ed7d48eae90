"""Trials that want more memory or disk than there is, through real Ray."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from recorder import Recorder

from memgan.data import Split
from memgan.errors import OutOfSpace
from memgan.machine.runtime import peak_memory_mb, reset_peak_memory
from search.journal.outcomes import TrialsResult
from search.ray.allotment import Allotment
from search.ray.out_of_memory import is_out_of_memory, judge_share, share_of
from search.results.disk import ROOM_TO_GO_ON
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.trials.kept_checkpoints import KEPT
from search.trials.tune_loop import run_trials
from search.workflow.ending import ending

POINTS = (4, 10**12, 8, 5, 6, 7, 9)[: KEPT + 3]
FIXED = {"epochs": 4, "batch_size": 64, "width": 2, "memory_dim": 4}


def _study(**sections: Any) -> Study:
    content: dict[str, Any] = {
        "name": "tiny",
        "normal_class": "0,1",
        "space": {"memory_units": [4, 5, 6, 7, 8, 9, 10**12]},
        "fixed": FIXED,
        "scheduler": "none",
        "resources": {"checkpoint_epochs": 1},
    }
    return Study.model_validate({**content, **sections})


def _run(study: Study, split: Split, results: Path, listener: Recorder) -> TrialsResult:
    folder = StudyFolder(results, study.name)
    if not folder.exists:
        folder.create(study)
    with folder.lock():
        groups = class_groups(study, split.normal_classes)
        (result,) = run_trials(study, groups, split.development, folder, listener)
    return result


@pytest.fixture(scope="module")
def searched(
    _ray: None, split: Split, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrialsResult, Recorder, Path]:
    """All points of a space, two more than the best few, one of them wanting more memory than there
    is; the budget would have one trial more."""
    study = _study(
        space={"memory_units": sorted(POINTS)},
        start_from=[{"memory_units": n} for n in POINTS],
        budget={"trials": len(POINTS) + 1},
    )
    results, recorder = tmp_path_factory.mktemp("results"), Recorder()
    result = _run(study, split, results, recorder)
    assert ending(study, result).endswith(f"the space has {len(POINTS)} points, and all were tried")
    return result, recorder, results


def test_out_of_memory_is_tried_once_more_and_then_failed_in_that_word(
    searched: tuple[TrialsResult, Recorder, Path],
) -> None:
    result, recorder, _ = searched
    assert [o.state for o in result.outcomes] == ["finished", "failed", *["finished"] * (KEPT + 1)]
    error = str(result.outcomes[1].error)
    assert error.startswith("out of memory, with fewer neighbours too: RuntimeError")
    told = [values[0] for values in recorder.of("trial_started")]
    assert [told.count(o.trial_id) for o in result.outcomes] == [1, 2, *[1] * (KEPT + 1)]
    ended = sorted(values[0] for values in recorder.of("trial_ended"))
    assert ended == [o.trial_id for o in result.outcomes]


def test_a_finite_space_ends_when_every_point_was_tried_once(
    searched: tuple[TrialsResult, Recorder, Path],
) -> None:
    result, _, _ = searched
    values = sorted(outcome.values["memory_units"] for outcome in result.outcomes)
    assert values == sorted(POINTS)
    assert result.counts() == {"finished": KEPT + 2, "stopped": 0, "failed": 1, "unfinished": 0}


def test_checkpoints_of_the_best_few_alone_are_left(
    searched: tuple[TrialsResult, Recorder, Path],
) -> None:
    result, _, results = searched
    ranked = sorted(result.outcomes, key=lambda o: (-(o.mean or 0), o.trial_id))
    kept = sorted(f"/tune/{o.checkpoint}" for o in ranked[:KEPT])
    left = sorted(str(file.parent) for file in results.rglob("training.pt"))
    assert [path[path.index("/tune/") :] for path in left] == kept


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.slow
@pytest.mark.usefixtures("_ray")
@pytest.mark.parametrize("leave", [ROOM_TO_GO_ON // 2, 0])
def test_a_full_disk_stops_a_study_that_then_goes_on(
    leave: int, split: Split, small_disk: Path
) -> None:
    study = _study(space={"memory_units": [4, 6, 8]}, budget={"trials": 3})
    study = study.with_options(epochs=12)
    ballast = small_disk / "ballast"

    def fill() -> None:
        while not list(small_disk.rglob("training.pt")):
            time.sleep(0.05)
        state = os.statvfs(small_disk)
        with contextlib.suppress(OSError), ballast.open("wb") as file:  # Others write meanwhile.
            file.write(bytes(max(0, state.f_bavail * state.f_frsize - leave)))

    filler = threading.Thread(target=fill)
    filler.start()
    with pytest.raises(OutOfSpace, match=r"make room, then go on with: .*--resume tiny"):
        _run(study, split, small_disk, Recorder())
    filler.join()
    ballast.unlink()

    recorder = Recorder()
    result = _run(study, split, small_disk, recorder)
    assert result.counts() == {"finished": 3, "stopped": 0, "failed": 0, "unfinished": 0}
    assert [outcome.epochs for outcome in result.outcomes] == [12, 12, 12]


def test_what_out_of_memory_looks_like() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes differ"))


@pytest.mark.parametrize(
    ("allotment", "cpus", "wanted"),
    [
        (Allotment(4, 1, 0.25), 8, (1, 0.5)),
        (Allotment(4, 1, 0.75), 8, (1, 1.0)),
        (Allotment(2, 1, 2.0), 8, (1, 2.0)),
        (Allotment(2, 1, 0), 8, (2, 0)),
        (Allotment(2, 3, 0), 4, (4, 0)),
    ],
)
def test_fewer_neighbours_are_a_larger_share(
    allotment: Allotment, cpus: float, wanted: tuple[float, float]
) -> None:
    share = share_of(allotment, 2, {"CPU": cpus})
    assert (share["CPU"], share["GPU"]) == wanted


def test_a_fraction_is_held_against_what_a_trial_used() -> None:
    assert judge_share(1000, 16000, 0.25) is None
    assert judge_share(8500, 16000, 1.0) is None
    assert "give --gpus-per-trial 0.55" in str(judge_share(8500, 16000, 0.25))


def test_peak_memory_is_a_trials_own_and_not_its_processs() -> None:
    before = peak_memory_mb()
    del before
    block = bytearray(200 * 2**20)
    high = peak_memory_mb()
    del block
    reset_peak_memory()
    assert peak_memory_mb() < high - 100
