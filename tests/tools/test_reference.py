"""The reference pages are what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli.md", "keys.md"])
def test_a_page_of_the_reference_is_what_the_code_says(page: str, reference: ModuleType) -> None:
    written = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert reference.pages()[page] == written, "write it again: uv run tools/reference.py"


def test_every_option_says_what_it_means(reference: ModuleType) -> None:
    rows = [line for line in reference.cli_page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


def test_a_key_without_a_meaning_is_named(reference: ModuleType) -> None:
    class Bare(BaseModel):
        width: int = 1

    with pytest.raises(KeyError, match=r"Bare: no meaning of width"):
        reference.meanings_of(Bare)
