"""The plane of codes is a linear projection that says how much it shows."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.analysis.code_plane import project_to_plane, sample_evenly

RNG = np.random.default_rng(0)


def points(count: int, dim: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return RNG.normal(size=(count, dim)).astype(np.float32)


def test_combinations_of_units_stay_the_same_combinations_in_the_plane() -> None:
    units = points(6, 8)
    weights = RNG.dirichlet(np.ones(6), size=30).astype(np.float32)

    plane = project_to_plane(weights @ units, np.zeros(30, np.bool_), units)

    np.testing.assert_allclose(plane.codes, weights @ plane.units, atol=1e-4)


def test_two_dimensions_are_shown_whole_with_their_distances() -> None:
    codes, units = points(20, 2), points(5, 2)

    plane = project_to_plane(codes, np.zeros(20, np.bool_), units)

    assert (plane.codes_share, plane.units_share) == (pytest.approx(1), pytest.approx(1))
    np.testing.assert_allclose(
        np.linalg.norm(plane.codes[:5] - plane.units, axis=1),
        np.linalg.norm(codes[:5] - units, axis=1),
        rtol=1e-4,
    )


def test_the_share_is_what_the_plane_keeps_of_the_spread() -> None:
    codes = points(2000, 4) * np.array([3, 2, 1, 0], np.float32)
    units = points(2000, 4) * np.array([3, 2, 0, 0], np.float32)

    plane = project_to_plane(codes, np.zeros(2000, np.bool_), units)

    assert plane.codes_share == pytest.approx(13 / 14, abs=0.01)
    assert plane.units_share == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("dim", [1, 64])
def test_codes_of_any_length_have_two_coordinates(dim: int) -> None:
    plane = project_to_plane(points(1, dim), np.zeros(1, np.bool_), points(2, dim))

    assert plane.codes.shape == (1, 2)
    assert plane.units.shape == (2, 2)
    assert np.isfinite([*plane.codes.ravel(), plane.codes_share, plane.units_share]).all()


def test_as_many_of_each_kind_are_kept_from_all_over() -> None:
    anomalous = np.arange(10_000) >= 1000

    some = sample_evenly(anomalous)

    assert (np.diff(some) > 0).all()
    assert (anomalous[some].sum(), len(some)) == (300, 600)
    assert (some[0], some[-1]) == (0, 9999)
    assert sample_evenly(anomalous[:5]).tolist() == [0, 1, 2, 3, 4]
