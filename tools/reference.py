"""Write docs/reference from the code's own definitions: `uv run tools/reference.py`.

`cli.md` has every command and option, `keys.md` every key of a study and of a configuration. A
test holds both pages to what this writes.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from memgan.config import Configuration, DataConfig, Features, Origin, Runtime
from memgan.config.parameters import PARAMETERS
from memgan.data import SOURCES
from memgan.health import MEASURES
from search.cli.app import app
from search.study.budget import Budget
from search.study.entries import Choice, Condition, Ordered, Range
from search.study.objectives import DIRECTIONS, OF_HEALTH, Constraint
from search.study.overrides import DEFAULT_SPACES
from search.study.samplers import SAMPLERS
from search.study.schedulers import SCHEDULERS
from search.study.study import Final, Resources, Study

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
_MADE = "<!-- Written by tools/reference.py from the code; a change here is lost. -->"
_BOUNDS = {
    "ge": "≥",
    "gt": ">",
    "le": "≤",
    "lt": "<",
    "min_length": "length ≥",
    "multiple_of": "a multiple of",
}


def pages() -> dict[str, str]:
    """The pages by file name."""
    return {"cli.md": cli_page(), "keys.md": keys_page()}


def cli_page() -> str:
    """Every command with its arguments and options."""
    lines = ["# Command line", "", _MADE, ""]
    for name, command in _commands("memgan", typer.main.get_command(app)):
        lines += [f"## `{name}`", "", *_paragraphs(command.help or ""), ""]
        rows = [_option(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += _table(("option", "value", "default", "meaning"), rows)
    return "\n".join(lines).rstrip() + "\n"


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    if any(parameter.name != "help" for parameter in command.params):
        yield name, command
    for key, each in inner.items():
        yield from _commands(f"{name} {key}", each)


def _paragraphs(text: str) -> list[str]:
    parts = re.split(r"\n\s*\n", inspect.cleandoc(text))
    lines = []
    for part in parts:
        line = " ".join(part.split())
        if line.startswith("Example: "):
            line = f"```sh\n{line.removeprefix('Example: ')}\n```"
        lines += [line, ""]
    return lines[:-1]


def _option(parameter: Any) -> tuple[str, str, str, str]:
    is_argument = parameter.param_type_name == "argument"
    names = [] if is_argument else [*parameter.opts, *parameter.secondary_opts]
    value = "" if _is_flag(parameter) else parameter.metavar or _kind(parameter)
    shown = [f"`{name}`" for name in names] or [f"`{value.strip('[]') or parameter.name}`"]
    return (
        ", ".join(shown),
        "" if is_argument else f"`{value}`" if value else "",
        _default_of(parameter),
        parameter.help or "",
    )


def _kind(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    if issubclass(annotation, Enum):
        return "|".join(member.value for member in annotation)
    return {"str": "TEXT", "int": "N", "float": "F"}.get(annotation.__name__, "PATH")


def _is_flag(parameter: Any) -> bool:
    return bool(getattr(parameter, "is_bool_flag", False))


def _default_of(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default is None or _is_flag(parameter):
        return ""
    return f"`{parameter.default}`"


def keys_page() -> str:
    """Every key of a study file and of a configuration."""
    lines = ["# Keys", "", _MADE, ""]
    lines += [
        "A study file is for `memgan search`, a configuration for `memgan train`. Both take",
        "`--set KEY=VALUE`. A key that is not named here is refused.",
        "",
    ]
    for title, model, prefix in (
        ("A study", Study, ""),
        ("`data`: the images", DataConfig, "data."),
        ("`constraints`: what a trial must fulfil to win", Constraint, "constraints.MEASURE."),
        ("`budget`: where a study ends", Budget, "budget."),
        ("`resources`: what a trial takes", Resources, "resources."),
        ("`final`: the winner, trained again", Final, "final."),
    ):
        lines += [f"## {title}", "", *_fields(model, prefix)]
    lines += [*_sources(), *_objectives(), *_space()]
    for title, known in (("Samplers", SAMPLERS), ("Schedulers", SCHEDULERS)):
        lines += [f"## {title}", ""]
        section = title.lower().removesuffix("s")
        for name, kind in known.items():
            lines += [f"### `{section}: {name}`", "", *_paragraphs(kind.__doc__ or ""), ""]
            lines += _fields(kind, f"{section}.", without=("name",))
    lines += ["## `features`: a frozen network before a detector", ""]
    lines += [*_paragraphs(Features.__doc__ or ""), "", *_fields(Features, "features.")]
    lines += ["## Detectors", ""]
    for name, kind in PARAMETERS.items():
        lines += [f"### `detector: {name}`", "", *_paragraphs(kind.__doc__ or ""), ""]
        lines += _fields(kind, "", changeable=kind.CHANGEABLE)
        lines += _default_space(name)
    for title, model in (
        ("A configuration", Configuration),
        ("`runtime`: how it is computed", Runtime),
        ("`origin`: where an exported configuration comes from", Origin),
    ):
        lines += [f"## {title}", "", *_fields(model, "")]
    return "\n".join(lines).rstrip() + "\n"


def _sources() -> list[str]:
    rows = [(f"`{name}`", source.title) for name, source in SOURCES.items()]
    rows.append(("a path", "a folder of images, or an .npz file"))
    return ["### Values of `data.source`", "", *_table(("source", "images"), rows)]


def _objectives() -> list[str]:
    meaning = {
        "val-auroc": "AUROC on labelled validation images, the mean over classes, 0 to 1",
        "label-free": "the same on anomalies made from normal images",
        "scoring-seconds": "seconds to score a thousand images",
        **{name: f"{MEASURES[name]}; the mean over classes" for name in OF_HEALTH},
    }
    rows = [(f"`{name}`", way, meaning[name]) for name, way in DIRECTIONS.items()]
    return ["### Values of `objective`", "", *_table(("objective", "is to", "meaning"), rows)]


def _space() -> list[str]:
    lines = ["## `space`: what is searched", ""]
    for kind in (Range, Ordered, Choice, Condition):
        lines += [f"### {kind.__name__}", "", *_paragraphs(kind.__doc__ or ""), ""]
        lines += _fields(kind, "")
    return lines


def _default_space(name: str) -> list[str]:
    if name not in DEFAULT_SPACES:
        return []
    rows = [(f"`{key}`", _entry(value)) for key, value in DEFAULT_SPACES[name].items()]
    return [f"Searched by default with `--detector {name}`:", "", *_table(("key", "values"), rows)]


def _entry(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ", ".join(map(str, value))
    text = f"{value['low']} to {value['high']}"
    step = f", in steps of {value['step']}" if "step" in value else ""
    return text + step + (", by the logarithm" if value.get("log") else "")


def _fields(
    model: type[BaseModel],
    prefix: str,
    *,
    without: tuple[str, ...] = (),
    changeable: frozenset[str] = frozenset(),
) -> list[str]:
    meanings = meanings_of(model)
    rows = []
    for name, field in model.model_fields.items():
        if name in without:
            continue
        key = field.alias or name
        note = " May change in training." if name in changeable else ""
        rows.append(
            (
                f"`{prefix}{key}`",
                _type(field.annotation),
                _range(field),
                _default(field),
                meanings[name] + note,
            )
        )
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and _is_rates(inner):
            members = meanings_of(inner)
            rows += [
                (f"`{prefix}{key}.{k}`", _type(f.annotation), _range(f), _default(f), members[k])
                for k, f in inner.model_fields.items()
            ]
    if not rows:
        return ["It has no keys of its own.", ""]
    return _table(("key", "type", "range", "default", "meaning"), rows)


def _is_rates(model: type[BaseModel]) -> bool:
    return model.__name__ == "LearningRate"


def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """The docstring of every field; of one without, that of the class it overrides. KeyError for a
    field that has none anywhere."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            found |= _docstrings(kind)
    missing = set(model.model_fields) - set(found)
    if missing:
        raise KeyError(f"{model.__name__}: no meaning of {', '.join(sorted(missing))}")
    return found


def _docstrings(kind: type) -> dict[str, str]:
    (definition,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for statement, after in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[statement.target.id] = " ".join(str(after.value.value).split())
    return found


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in arguments))
    if origin in (tuple, list):
        if len(arguments) == 2 and arguments[1] is not Ellipsis:
            return f"{len(arguments)} {_type(arguments[0])}s"
        return f"list of {_type(arguments[0])}"
    if origin in (dict, Mapping):
        return "mapping"
    if annotation is type(None):
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    names = {"str": "text", "int": "integer", "float": "number", "bool": "true or false"}
    return names.get(annotation.__name__, annotation.__name__.lower())


def _range(field: FieldInfo) -> str:
    found = [
        f"{sign} {getattr(bound, name)}"
        for bound in field.metadata
        for name, sign in _BOUNDS.items()
        if getattr(bound, name, None) is not None
    ]
    return ", ".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return ""
    if value is None:
        return "null"
    if isinstance(value, dict | tuple | list) and not value:
        return "empty"
    return f"`{json.dumps(value) if not isinstance(value, str) else value or 'made up'}`"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return [*lines, ""]


def main() -> None:
    """Write both pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
