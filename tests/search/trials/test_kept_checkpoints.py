from __future__ import annotations

from pathlib import Path

import pytest

from search.journal.outcomes import State, TrialOutcome
from search.results.storage import Storage
from search.trials.kept_checkpoints import KEPT, Keeper


@pytest.fixture(params=["folder", "address"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Storage.at(tmp_path / "tune")
    return Storage.at(f"{request.getfixturevalue('bucket')}/tune")


def _outcome(number: int, state: State, mean: float) -> TrialOutcome:
    return TrialOutcome(f"{number:04d}", state, {}, 4, {"mean": mean})


def _write(storage: Storage, run: str, number: int, *indices: int) -> None:
    for index in indices:
        storage.write(f"{run}/{number:04d}-004/checkpoint_{index:06d}/training.pt", b"w")


def _left(storage: Storage) -> list[str]:
    return [f"{Path(file).parent}".replace("/checkpoint_00000", ":") for file in storage.files()]


def test_a_sweep_leaves_the_best_few_and_the_last_two_of_the_living(storage: Storage) -> None:
    for number in range(KEPT + 2):
        _write(storage, "001", number, 0, 1)
    _write(storage, "001", 7, 0, 1)
    _write(storage, "002", 7, 0)
    storage.write("001/0000-004/error.txt", b"stays")
    outcomes = [
        _outcome(0, "failed", 0.0),
        _outcome(1, "stopped", 0.99),
        *(_outcome(number, "finished", 0.5 + number / 100) for number in range(2, KEPT + 2)),
        _outcome(7, "unfinished", 0.6),
    ]
    Keeper(storage, "002").sweep([outcomes])
    assert _left(storage) == [
        "001/0000-004",
        *(f"001/{number:04d}-004:1" for number in range(2, KEPT + 2)),
        "001/0007-004:1",
        "002/0007-004:0",
    ]


def test_losers_go_as_they_end_and_the_dethroned_with_them(storage: Storage) -> None:
    for number in range(KEPT + 3):
        _write(storage, "001" if number < KEPT else "002", number, 1)
    keeper = Keeper(storage, "002")
    keeper.know("all", [_outcome(n, "finished", 0.5 + n / 100) for n in range(KEPT)])
    keeper.ended("all", "0003", "0003-004", None)
    keeper.ended("all", "0004", "0004-004", 0.4)
    keeper.ended("all", "0005", "0005-004", 0.9)
    assert _left(storage) == ["001/0001-004:1", "001/0002-004:1", "002/0005-004:1"]


def test_earlier_runs_go_once_a_trial_has_two_of_its_own(storage: Storage) -> None:
    _write(storage, "001", 0, 3, 4)
    keeper = Keeper(storage, "002")
    for index, left in enumerate([3, 2]):
        _write(storage, "002", 0, index)
        path = f"{storage.path}/002/0000-004/checkpoint_{index:06d}"
        keeper.checkpointed(path)
        assert len(_left(storage)) == left


def test_a_file_of_somebody_elses_beside_a_checkpoint_stays(storage: Storage) -> None:
    _write(storage, "001", 0, 0, 1)
    storage.write("001/0000-004/checkpoint_000000/notes", b"theirs")
    storage.write("001/0000-004/notes", b"theirs")
    keeper = Keeper(storage, "002")
    keeper.sweep([[_outcome(0, "failed", 0.0)]])
    for index in range(2):
        keeper.checkpointed(f"{storage.path}/002/0000-004/checkpoint_00000{index}")
    assert storage.files() == ["001/0000-004/checkpoint_000000/notes", "001/0000-004/notes"]


@pytest.mark.parametrize("of_population", [False, True])
def test_a_trial_keeps_its_last_two_and_what_is_somebody_elses(
    of_population: bool, storage: Storage
) -> None:
    _write(storage, "001", 0, 7)
    keeper = Keeper(storage, "002", of_population=of_population)
    storage.write("002/0000-004/checkpoint_000000/notes", b"theirs")
    for index in range(4):
        _write(storage, "002", 0, index)
        keeper.checkpointed(f"{storage.path}/002/0000-004/checkpoint_{index:06d}")
    earlier = ["001/0000-004:7"] if of_population else []
    assert _left(storage) == [*earlier, *(f"002/0000-004:{index}" for index in (0, 2, 3))]
    assert "002/0000-004/checkpoint_000000/notes" in storage.files()
    assert "002/0000-004/checkpoint_000000/training.pt" not in storage.files()
