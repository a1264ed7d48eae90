"""Locks where a file system has none, as Lustre without its option and some network disks."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memgan.errors import CannotLock
from memgan.files.locks import try_lock, wait_for_lock


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """(number) -> from now on flock fails with this error."""

    def set_answer(number: int) -> None:
        def fail(descriptor: int, kind: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", fail)

    return set_answer


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES])
def test_three_answers_mean_that_another_process_holds_it(
    answering: Callable[[int], None], tmp_path: Path, number: int
) -> None:
    answering(number)
    with opened(tmp_path / "lock") as descriptor:
        assert not try_lock(descriptor, tmp_path / "lock")


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP])
def test_any_other_answer_means_that_the_place_cannot_lock(
    answering: Callable[[int], None], tmp_path: Path, number: int
) -> None:
    answering(number)
    with opened(tmp_path / "lock") as descriptor:
        for take in (try_lock, wait_for_lock):
            with pytest.raises(CannotLock, match=r"cannot be locked.*a disk of this machine"):
                take(descriptor, tmp_path / "lock")


def test_a_lock_that_is_held_is_told_and_comes_free_with_its_holder(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    with opened(place) as other:
        with opened(place) as first:
            assert try_lock(first, place)
            assert not try_lock(other, place)
            assert not try_lock(other, place, shared=True)
        assert try_lock(other, place)
