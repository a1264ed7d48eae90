"""The base of configurations: what is refused, and how it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from memgan.config.typed import DataConfig, Frozen, parse
from memgan.errors import ConfigError


class _Inner(Frozen):
    depth: int = Field(1, ge=1)
    kind: Literal["flat", "deep"] = "flat"


class _Outer(Frozen):
    name: str
    inner: _Inner | None = None


def fault(values: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(_Outer, values, "here")
    return str(caught.value)


def test_an_unknown_key_is_answered_with_those_beside_it() -> None:
    nested = fault({"name": "a", "inner": {"dept": 2}})
    top = fault({"name": "a", "iner": {}})

    assert nested == (
        "here: unknown key 'inner.dept'; did you mean 'depth'? known keys: depth, kind"
    )
    assert top == "here: unknown key 'iner'; did you mean 'inner'? known keys: name, inner"


def test_a_wrong_value_is_shown_with_what_is_allowed() -> None:
    assert fault({"name": "a", "inner": {"kind": "round"}}).startswith(
        "here: inner.kind = 'round': Input should be 'flat' or 'deep'"
    )
    assert fault({}) == "here: name: Field required"
    assert fault({"name": 1, "inner": {"depth": 0}}).endswith("(and 1 more)")


def test_a_data_folder_may_be_under_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert DataConfig(dir=Path("~/data")).dir == tmp_path / "data"


def test_one_number_is_a_square() -> None:
    assert DataConfig.model_validate({"image_size": 12}).image_size == (12, 12)
    assert DataConfig(image_size=(9, 12)).image_size == (9, 12)
