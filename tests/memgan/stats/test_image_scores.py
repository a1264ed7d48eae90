"""Scores by image, written and read; files by other hands are refused."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from memgan.stats.image_scores import ImageScores, pack, unpack


def test_what_is_packed_comes_back_to_the_bit() -> None:
    scores = ImageScores(np.array([0.1, 1 / 3, 5.0]), np.array([False, True, True]))

    found = unpack(pack({"test": {"a.b c": scores}, "validation": {"1": scores}}))

    assert found.keys() == {"test", "validation"}
    np.testing.assert_array_equal(found["test"]["a.b c"].scores, scores.scores)
    np.testing.assert_array_equal(found["validation"]["1"].anomalous, scores.anomalous)


def _archive(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        pickle.dumps([1]),
        _archive(**{"test.scores.1": np.zeros(2)}),
        _archive(**{"test.scores.1": np.zeros(2), "test.anomalous.1": np.zeros(3, bool)}),
        _archive(**{"test.scores.1": np.array([{}], object), "test.anomalous.1": np.zeros(1)}),
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(content)
