"""Passwords in addresses are not shown."""

from __future__ import annotations

import pytest

from tracking.address.redaction import redact


@pytest.mark.parametrize(
    "uri",
    [
        "https://ann:s3cret@host/x",
        "postgresql://ann:s3c@ret@host/db",
        "postgresql://ann:s3c%40ret@host/db",
        "mysql+pymysql://ann:s3c/r#t@host:3306/db",
        "http://s3cret@host",
        "https://host/x?token=s3cret",
        "https://host/x?a=1&access_token=s3cret&b=2",
        "mssql://host/db?uid=ann;Pwd=s3cret",
    ],
)
def test_passwords_are_hidden(uri: str) -> None:
    text = redact(f"cannot reach {uri} today")
    assert "s3c" not in text
    assert "host" in text
    assert text.endswith("today")
