"""The image's recipe, step by step: it is not built here."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def _steps() -> list[tuple[str, str]]:
    """Instructions in order, each as its word and the rest; comments and line ends are gone."""
    lines = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    joined = lines.replace("\\\n", " ")
    found = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, rest in found]


def _all(word: str) -> list[str]:
    return [rest for name, rest in _steps() if name == word]


def test_images_it_is_made_from_have_whole_versions() -> None:
    outside = [rest.split()[0] for rest in _all("FROM") if rest.split()[0] != "base"]
    assert outside
    assert all(re.search(r":\d+\.\d+\.\d+-", image) for image in outside)


def test_every_package_is_pinned() -> None:
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    (install,) = [rest for rest in _all("RUN") if "uv pip install" in rest]
    assert "--constraint constraints.txt" in install
    more = [word for word in shlex.split(install) if "==" in word]
    assert {word.partition("==")[0] for word in more} == {"boto3", "flask-wtf", "psycopg2-binary"}
    known = {pin.partition("==")[0]: pin for pin in pins["constraint-dependencies"]}
    assert all(word == known.get(word.partition("==")[0], word) for word in more)
    assert any(re.search(r"\buv==\d+\.\d+\.\d+", rest) for rest in _all("RUN"))


def test_its_constraints_are_those_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (script,) = re.findall(r'python -c "(import tomllib.*?)" > constraints', TEXT)
    monkeypatch.chdir(ROOT)
    exec(script.replace("\\\\", "\\"), {})
    assert re.search(r"^torch==", capsys.readouterr().out, re.MULTILINE)


def test_one_recipe_makes_both_images() -> None:
    assert 'TORCH=""' in _all("ARG")
    assert '${TORCH:+--torch-backend="$TORCH"}' in TEXT
    assert TEXT.count("--build-arg TORCH=cpu") == 1


def test_what_it_copies_is_there_and_is_not_left_out() -> None:
    kept = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert kept[0] == "*"
    sources = [
        word for rest in _all("COPY") if not rest.startswith("--from") for word in rest.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in kept


def test_it_runs_as_a_user_with_a_name_and_a_home() -> None:
    last = {word: rest for word, rest in _steps()}  # noqa: C416 -- the last of each
    assert last["USER"] == "1000:1000"
    (made,) = [rest for rest in _all("RUN") if "useradd" in rest]
    assert "--uid 1000" in made
    home = re.findall(r"--home-dir (\S+)", made)
    assert f"HOME={home[0]}" in last["ENV"]
    words = [word for word, _ in _steps()]
    assert len(words) - 1 - words[::-1].index("USER") > words.index("RUN"), "made before"


def test_layers_keep_no_lists_and_no_downloads() -> None:
    for step in _all("RUN"):
        if "apt-get install" in step:
            assert "--no-install-recommends" in step
            assert "rm -rf /var/lib/apt/lists/*" in step
        if "pip install" in step:
            assert "--no-cache" in step
