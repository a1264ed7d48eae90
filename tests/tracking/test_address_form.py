"""An address that cannot be one is refused in one line, whichever option or variable gives it."""

from __future__ import annotations

import pytest

from memgan.errors import BadInput
from tracking import resolve

TRACKING = [
    "http://[::1",
    "http://h:port",
    "http://h:99999",
    "http://h:0",
    "http://",
    "https:///x",
    "http:/x:5",
    "http://a b:5000",
    "sqlite:///",
    "sqlite://x",
    "sqlite:",
    "postgresql://h:po/db",
    "postgresql://u:[secret@h/db",
]


@pytest.mark.parametrize("address", TRACKING)
def test_as_a_tracking_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for given, variable in ((address, ""), (None, address)):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
        with pytest.raises(BadInput, match="give http") as told:
            resolve(given)
        assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5000",
        "https://me:pass@host.example/prefix/",
        "http://[::1]:5000",
        "http://under_score:5000",
        "sqlite:////tmp/x.db",
        "sqlite:///x.db?timeout=3",
        "postgresql://u:p%40@h:5432/db",
        "postgresql+psycopg2:///db",
        "databricks",
        "databricks://profile",
    ],
)
def test_what_can_be_one_is_not_refused(address: str) -> None:
    resolve(address)
