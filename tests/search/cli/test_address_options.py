"""Results and Ray at an address that cannot be one are refused in one line."""

from __future__ import annotations

import pytest

from memgan.errors import BadInput
from search.ray.connection import check_address
from search.results.study_folder import StudyFolder


@pytest.mark.parametrize("address", ["s3://", "s3:/", "s3:", "gs://", "s3://[x/y", "s3://b u/x"])
def test_as_results(address: str) -> None:
    with pytest.raises(BadInput, match="--results"):
        StudyFolder.at(address, "mine")


@pytest.mark.parametrize(
    "address",
    ["[::1", "::1", "h:99999", "127.0.0.1:99999", "h:0", "h:-1", ":5", "h h:5", "a..b:5", "h:６３"],
)
def test_as_a_ray_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for given, variable in ((address, ""), (None, address)):
        monkeypatch.setenv("RAY_ADDRESS", variable)
        with pytest.raises(BadInput, match="write host:port"):
            check_address(given)
