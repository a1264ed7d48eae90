"""What the documents say is there: links, commands, imports, the test command, the versions."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from search.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")),
    *("benchmarks/results/README.md", "benchmarks/results/searches/README.md"),
]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
OWN_PATH = re.compile(
    r"`((?:benchmarks|configs|deploy|docs|examples|memgan|search|tests|tools|tracking)/[\w./-]*)`"
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, *languages: str) -> list[str]:
    return [body for language, body in FENCED.findall(text_of(document)) if language in languages]


def command_lines() -> list[tuple[str, str]]:
    """(document, command line) of every `memgan …` in a fenced block."""
    found = []
    for document in DOCUMENTS:
        for block in blocks(document, "sh", "bash", "console", ""):
            for line in block.replace("\\\n", " ").splitlines():
                found += [(document, part) for part in line.split("&&") if is_ours(part)]
    return found


def is_ours(part: str) -> bool:
    return re.match(r"\s*(uv run )?memgan ", part) is not None


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    prose = FENCED.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_somewhere(document: str) -> None:
    for target in LINK.findall(FENCED.sub("", text_of(document))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / document).parent / path if path else ROOT / document
        assert found.exists(), f"{document} links to {target}"
        assert not anchor or anchor in anchors(found), f"{document} links to {target}"


@pytest.mark.parametrize("document", sorted({*DOCUMENTS} - {"CHANGELOG.md"}))
def test_paths_named_in_passing_exist(document: str) -> None:
    for path in OWN_PATH.findall(FENCED.sub("", text_of(document))):
        assert (ROOT / path).exists(), f"{document} names {path}"


def test_ten_questions_of_a_newcomer_are_answered_by_paths() -> None:
    table = text_of("CONTRIBUTING.md").split("## Where is it?")[1].split("\n## ")[0]
    answers = [line for line in table.splitlines() if line.startswith("| Where")]

    assert len(answers) >= 10
    assert [line for line in answers if not OWN_PATH.search(line)] == []


def test_the_quick_tests_of_the_inner_loop_are_there() -> None:
    lines = [line for block in blocks("CONTRIBUTING.md", "sh") for line in block.splitlines()]
    (command,) = [line for line in lines if line.startswith("uv run pytest ")]
    for folder in command.split()[3:]:
        assert list((ROOT / folder).glob("**/test_*.py")), folder


@pytest.mark.parametrize(("document", "line"), command_lines())
def test_commands_exist_with_all_their_options(document: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    parse(words[words.index("memgan") + 1 :])
    for word in words:
        if word.startswith("configs/"):
            assert (ROOT / word).is_file(), f"{document}: {word}"


def test_a_command_with_an_option_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(typer.TyperException, match="--trails"):
        parse(["search", "--trails", "3"])


def parse(arguments: list[str]) -> None:
    """Raise as the command line would for an unknown command or option; run nothing."""
    command: Any = typer.main.get_command(app)
    parent = None
    name = "memgan"
    try:
        while hasattr(command, "resolve_command"):
            parent = command.make_context(name, arguments, parent=parent)
            rest = [*getattr(parent, "_protected_args", ()), *parent.args]
            if not rest:
                return
            name, command, arguments = command.resolve_command(parent, rest)
        command.make_context(name, arguments, parent=parent)
    except typer.Exit:
        """Asked for its version."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_named_in_passing_exist(document: str) -> None:
    command: Any = typer.main.get_command(app)
    for code in re.findall(r"`memgan ([\w-]+)[^`]*`", FENCED.sub("", text_of(document))):
        assert code.startswith("-") or code in command.commands, f"{document} names memgan {code}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_python_examples_import_is_there(document: str) -> None:
    for block in blocks(document, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{document}: {node.module}.{alias.name}"


def test_the_site_has_every_page_once() -> None:
    site = yaml.safe_load(text_of("mkdocs.yml"))
    pages = re.findall(r"[\w/-]+\.md", str(site["nav"]))

    assert site["strict"] is True
    (command,) = [line for line in text_of("CONTRIBUTING.md").splitlines() if "mkdocs" in line]
    assert command in text_of(".ci/run").splitlines()
    assert sorted(pages) == sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")
    )
    assert {f"docs/{page}" for page in pages} <= set(DOCUMENTS)


def test_links_out_of_the_sites_pages_become_text_and_others_stay() -> None:
    hook = runpy.run_path(str(ROOT / "tools" / "site_links.py"))["on_page_markdown"]
    page = SimpleNamespace(file=SimpleNamespace(src_uri="how-to/plugin.md"))
    text = "[code](../../examples/plugin) [keys](../reference/keys.md) ![a](../images/a.png)"

    assert hook(text, page) == "code [keys](../reference/keys.md) ![a](../images/a.png)"


def test_the_readmes_test_command_is_what_ci_runs() -> None:
    lines = [line for block in blocks("README.md", "sh") for line in block.splitlines()]
    (command,) = [line for line in lines if line.endswith("uv run pytest")]
    script = ROOT / ".ci" / "run"
    assert command in script.read_text(encoding="utf-8").splitlines()
    assert script.stat().st_mode & 0o111, ".ci/run cannot be executed"


def test_no_tracked_file_names_a_folder_of_somebodys_machine() -> None:
    private = re.compile(r"(?<![\w./~])/(?:home|Users|root|work)/(?!YOU\b)\w")
    for path in tracked_files():
        found = private.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert found is None, f"{path.relative_to(ROOT)}: {found}"


def tracked_files() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return (path for path in paths if path.is_file())


def test_every_dependency_is_pinned_within_its_own_range() -> None:
    content = tomllib.loads(text_of("pyproject.toml"))
    pins: dict[str, list[Requirement]] = {}
    for line in content["tool"]["uv"]["constraint-dependencies"]:
        pin = Requirement(line)
        assert [specifier.operator for specifier in pin.specifier] == ["=="], line
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    groups = content["dependency-groups"].values()
    wanted = [*content["project"]["dependencies"], *(one for group in groups for one in group)]
    for requirement in map(Requirement, wanted):
        for pin in pins[canonicalize_name(requirement.name)]:
            (version,) = [specifier.version for specifier in pin.specifier]
            assert requirement.specifier.contains(version), f"{requirement}, pinned at {version}"


def test_figures_of_the_readme_are_those_of_the_page_of_results() -> None:
    lines = text_of("README.md").splitlines()
    start = lines.index("|  | mnist | cifar10-jpeg |")
    table = lines[start : lines.index("", start)]

    assert len(table) > 3
    assert set(table) <= set(text_of("docs/results.md").splitlines())
