"""Packages that offer plug-ins, made where a test needs them, as if they were installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest


class Install(Protocol):
    """Puts a package of one module where Python finds it, as an installation would."""

    def __call__(self, package: str, code: str, entries: Mapping[str, Mapping[str, str]]) -> Path:
        """package: its name; its module has _ for -. entries: by group and name what is offered.

        Gives the folder that the package lies in.
        """


DETECTOR = """
from memgan.config import DetectorParameters, DetectorPlugin

class Parameters(DetectorParameters):
    width: int = 2

PLUGIN = DetectorPlugin(Parameters, "{module}:nothing", {{"width": [1, 2, 3]}})
"""
"""A detector that can be searched as far as its class is not needed."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs packages for the length of a test."""
    made: list[str] = []

    def put(package: str, code: str, entries: Mapping[str, Mapping[str, str]]) -> Path:
        site, module = tmp_path / f"site-{package}", package.replace("-", "_")
        metadata = site / f"{module}-1.2.dist-info"
        metadata.mkdir(parents=True)
        (site / f"{module}.py").write_text(code.format(module=module), encoding="utf-8")
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n"
        )
        text = ""
        for group, offered in entries.items():
            text += f"[{group}]\n" + "".join(f"{n} = {where}\n" for n, where in offered.items())
        (metadata / "entry_points.txt").write_text(text)
        monkeypatch.syspath_prepend(site)
        made.append(module)
        return site

    yield put
    for module in made:
        sys.modules.pop(module, None)
