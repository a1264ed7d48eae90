"""The licence stands in the checkout and in the package; every implemented paper can be cited."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAPER = re.compile(r"\d{4}\.\d{5}|proceedings\.mlr\.press/[\w./]+\.html")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def citation() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_package_names_the_licence_whose_whole_text_is_there() -> None:
    assert project()["license"] == "Apache-2.0"
    (name,) = project()["license-files"]
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_citation_is_of_this_package() -> None:
    own, said = project(), citation()
    assert (said["title"], said["version"], said["license"]) == (
        own["name"],
        own["version"],
        own["license"],
    )
    assert said["authors"]


def test_every_paper_that_the_code_or_its_science_page_names_can_be_cited() -> None:
    named = set()
    for page in (*ROOT.glob("docs/explanation/*.md"), *ROOT.glob("memgan/detectors/**/*.py")):
        named |= set(PAPER.findall(page.read_text(encoding="utf-8")))
    cited = " ".join(paper["url"] for paper in citation()["references"])

    assert "2002.02669" in named
    assert {paper for paper in named if paper not in cited} == set()
    assert all(paper["title"] and paper["authors"] for paper in citation()["references"])
