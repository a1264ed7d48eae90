"""Whoever names a detector that there is not is told those that there are, by what they are."""

from __future__ import annotations

import pytest

from memgan.config import detector_names, make_parameters
from memgan.config.detector_kinds import KINDS
from memgan.errors import UnknownName


def test_every_detector_that_is_built_in_has_one_kind() -> None:
    named = [name for names in KINDS.values() for name in names]
    assert sorted(named) == sorted(set(named))
    assert set(named) == set(detector_names())


def test_an_unknown_one_gets_the_nearest_and_all_by_kind() -> None:
    with pytest.raises(UnknownName) as caught:
        make_parameters("memgam", {}, "here")
    told = str(caught.value)
    assert told.startswith(
        "unknown detector 'memgam'; did you mean 'memgan'? networks with a memory: "
    )
    assert "; no network: pca, " in told
    assert "\n" not in told
