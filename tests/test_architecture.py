"""The folder tree is the architecture: rooms are entered by their faces, and none is crowded.

The floors themselves are contracts of import-linter, in pyproject.toml.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("memgan", "tracking", "search")
MOST_MODULES = 14
MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 55
MOST_PARAMETERS = 6


def _rooms() -> list[str]:
    """Every folder of a package, as a dotted name: memgan.data, search.trials …"""
    return sorted(
        f"{package}.{folder.name}"
        for package in PACKAGES
        for folder in (ROOT / package).iterdir()
        if (folder / "__init__.py").exists()
    )


def _modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def _imports(path: Path) -> Iterator[tuple[str, list[str], int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, [alias.name for alias in node.names], node.lineno


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_rooms_are_entered_by_their_faces() -> None:
    rooms = set(_rooms())
    by_the_window = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in _modules()
        for module, _, line in _imports(path)
        if _room(module) in rooms
        and module != _room(module)
        and _room(module) != _room(".".join(path.relative_to(ROOT).with_suffix("").parts))
    ]
    assert not by_the_window, "import from the room itself, and name it in the room's __init__.pyi"


@pytest.mark.parametrize("room", _rooms())
def test_a_room_has_what_its_face_says(room: str) -> None:
    module = importlib.import_module(room)
    assert module.__doc__, f"{room}/__init__.py says in a sentence what the room is for"
    for name in dir(module):
        if not name.startswith("__"):
            assert getattr(module, name) is not None


@pytest.mark.parametrize("room", _rooms())
def test_names_of_a_face_are_not_those_of_modules(room: str) -> None:
    folder = ROOT.joinpath(*room.split("."))
    face = folder / "__init__.pyi"
    if not face.exists():
        return
    offered = {
        alias.name
        for node in ast.parse(face.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert not offered & {path.stem for path in folder.glob("*.py")}


def test_no_folder_is_crowded() -> None:
    folders = {path.parent for path in _modules()}
    counts = {str(f.relative_to(ROOT)): len(list(f.glob("[!_]*.py"))) for f in folders}
    assert {name: count for name, count in counts.items() if count > MOST_MODULES} == {}


def test_no_module_holds_several_ideas_worth_of_lines() -> None:
    lines = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in _modules()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def _functions(path: Path) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """Every function, and whether a comment right above it gives a reason for its size."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield node, lines[first - 2].lstrip().startswith("# ")


def test_functions_can_be_read_at_a_glance() -> None:
    large = []
    for path in _modules():
        if "cli" in path.parts:  # There a parameter is an option.
            continue
        for node, has_reason in _functions(path):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            parameters = [a for a in named if a.arg not in ("self", "cls")]
            length = (node.end_lineno or 0) - node.lineno + 1
            is_large = length > MOST_LINES_OF_A_FUNCTION or len(parameters) > MOST_PARAMETERS
            if is_large and not has_reason:
                large.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not large, "divide it, or say in a comment above it why it is so large"
