from __future__ import annotations

from pathlib import Path

import pytest

from memgan.errors import BadInput
from memgan.files.home import expanded, expanded_argument


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/of-mine")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--results=~/x", "--results=/of-mine/x"),
        ("~/photos", "/of-mine/photos"),
        ("--data", "--data"),
        ("./~", "./~"),
        ("--results=~nobody-at-all/x", "--results=~nobody-at-all/x"),
        ("data.source=~/x", "data.source=~/x"),  # A setting is YAML; its reader expands it.
    ],
)
def test_an_argument_is_what_a_shell_would_have_made_of_it(given: str, meant: str) -> None:
    assert expanded_argument(given) == meant


def test_the_home_of_nobody_is_bad_input() -> None:
    assert expanded(Path("~/x")) == Path("/of-mine/x")
    with pytest.raises(BadInput, match=r"no such home folder; write \./~nobody"):
        expanded(Path("~nobody-at-all/x"))
