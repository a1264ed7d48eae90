"""Addresses and messages without the passwords and tokens in them."""

from __future__ import annotations

import re

# A password may hold a slash that nobody encoded: then rather too much is hidden than too little.
_CREDENTIALS = re.compile(r"(://)(?:[^/\s]+|[^/\s:]+:\S+)@")
_SECRETS = re.compile(r"([?&;][\w-]*(?:password|passwd|pwd|token|secret|key)=)[^&;\s'\"]+", re.I)


def redact(text: str) -> str:
    """`text` with every user, password and token of the addresses in it hidden."""
    return _SECRETS.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


def one_line(error: BaseException, length: int = 300) -> str:
    """An exception's message on one line, shortened, with any password in an address hidden."""
    text = redact(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= length else f"{text[:length]}…"


def has_secret(uri: str) -> bool:
    """Whether an address holds, or held before `redact`, a user or a password."""
    return redact(uri) != uri or "***" in uri
