"""Features are computed once for the same content, and a cache that fails costs only time."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from memgan.data import Pixels
from memgan.features import FeatureCache, default_cache


class Counting:
    """Stands for a network; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, images: Pixels) -> npt.NDArray[np.float32]:
        self.asked += 1
        return images.reshape(len(images), -1)[:, :3].astype(np.float32)


MADE_BY = {"backbone": "filters", "size": 64}


def test_the_same_content_is_computed_once(tmp_path: Path, photographs: Pixels) -> None:
    network = Counting()
    first = FeatureCache(tmp_path / "a").get(MADE_BY, photographs, network)
    again = FeatureCache(tmp_path / "a").get(MADE_BY, photographs.copy(), network)
    np.testing.assert_array_equal(first, again)
    assert network.asked == 1


def test_other_images_or_another_size_are_computed(tmp_path: Path, photographs: Pixels) -> None:
    network, cache = Counting(), FeatureCache(tmp_path)
    cache.get(MADE_BY, photographs, network)
    changed = photographs.copy()
    changed[-1, -1, -1, -1] ^= 1
    for made_by, images in (
        (MADE_BY, changed),
        (MADE_BY, photographs[:4]),
        ({**MADE_BY, "size": 96}, photographs),
    ):
        found = cache.get(made_by, images, network)
        assert len(found) == len(images)
    assert network.asked == 4


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_is_computed_anew(
    tmp_path: Path, photographs: Pixels, content: bytes
) -> None:
    network, cache = Counting(), FeatureCache(tmp_path)
    expected = np.array(cache.get(MADE_BY, photographs, network))
    (file,) = tmp_path.glob("*.npy")
    file.write_bytes(content)
    np.testing.assert_array_equal(cache.get(MADE_BY, photographs, network), expected)
    np.testing.assert_array_equal(cache.get(MADE_BY, photographs, network), expected)
    assert network.asked == 2


def test_where_nothing_can_be_kept_all_is_computed(tmp_path: Path, photographs: Pixels) -> None:
    (tmp_path / "file").write_text("in the way")
    network = Counting()
    for _ in range(2):
        FeatureCache(tmp_path / "file" / "below").get(MADE_BY, photographs, network)
    assert network.asked == 2


def test_what_was_unused_for_longest_makes_room(tmp_path: Path, photographs: Pixels) -> None:
    one = 128 + photographs[:, 0, 0, :3].astype(np.float32).nbytes
    cache, network = FeatureCache(tmp_path, largest=2 * one + 10), Counting()
    sets = [photographs, photographs[::-1].copy(), photographs + 1]
    cache.get(MADE_BY, sets[0], network)
    (oldest,) = tmp_path.glob("*.npy")
    os.utime(oldest, (1, 1))
    cache.get(MADE_BY, sets[1], network)
    cache.get(MADE_BY, sets[2], network)
    assert not oldest.exists()
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert not list(tmp_path.glob("*.lock"))


def test_the_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMGAN_CACHE", str(tmp_path))
    assert default_cache().folder == tmp_path / "features"
