"""The search space: typed entries read from YAML, drawn through an Optuna trial.

A number has a range, an ordered list or a choice; any of them may hold only `when` another
value allows it, and is left at the detector's own (or the study's fixed) value otherwise.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, Field, model_validator

from memgan.config import Frozen, parse
from memgan.errors import ConfigError
from memgan.parameters import flatten, make_parameters, parameters_type

if TYPE_CHECKING:
    import optuna

Scalar = bool | int | float | str


class Condition(Frozen):
    """What another value must be for an entry to be searched; all that is given must hold."""

    at_least: float | None = None
    at_most: float | None = None
    equals: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = Field(None, alias="in")

    @model_validator(mode="after")
    def _not_empty(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("a condition needs at_least, at_most, equals or in")
        return self

    def holds(self, value: Any) -> bool:
        """Whether `value` satisfies the condition; words satisfy no bound."""
        if self.at_least is not None and not (_is_number(value) and value >= self.at_least):
            return False
        if self.at_most is not None and not (_is_number(value) and value <= self.at_most):
            return False
        if self.equals is not None and value != self.equals:
            return False
        return self.one_of is None or value in self.one_of


class Entry(Frozen):
    """One parameter that is searched."""

    when: dict[str, Condition] = Field(default_factory=dict)

    def ends(self) -> tuple[Any, ...]:
        """The values that the detector must accept for it to accept all of the entry."""
        raise NotImplementedError

    def suggest(self, name: str, trial: optuna.Trial) -> Any:
        """A value drawn through Optuna, as a plain Python value."""
        raise NotImplementedError

    def encode(self, name: str, value: Any) -> dict[str, Any] | None:
        """`value` as Optuna stores it, or None where the entry does not hold it."""
        raise NotImplementedError


class Range(Entry):
    """From `low` to `high`, both included."""

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range must start above 0, got low {self.low}")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ValueError(f"step must lie between 0 and high - low, got {self.step}")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other; give one of them")
        return self

    def ends(self) -> tuple[Any, ...]:
        return self.low, self.high

    def suggest(self, name: str, trial: optuna.Trial) -> Any:
        if isinstance(self.low, int) and isinstance(self.high, int):
            step = int(self.step or 1)
            # Optuna warns of an end that the steps do not meet.
            high = self.low + (self.high - self.low) // step * step
            return trial.suggest_int(name, self.low, high, step=step, log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def encode(self, name: str, value: Any) -> dict[str, Any] | None:
        if not _is_number(value) or not self.low <= value <= self.high:
            return None
        if isinstance(self.low, int) and not float(value).is_integer():
            return None
        if self.step is not None:
            steps = (value - self.low) / self.step
            if not math.isclose(steps, round(steps), abs_tol=1e-9):
                return None
        return {name: value}


class Ordered(Entry):
    """Numbers in a list: neighbours in the list are neighbours to the sampler."""

    values: tuple[int | float, ...] = Field(min_length=1)

    def ends(self) -> tuple[Any, ...]:
        return self.values

    def suggest(self, name: str, trial: optuna.Trial) -> Any:
        return self.values[trial.suggest_int(_index_name(name), 0, len(self.values) - 1)]

    def encode(self, name: str, value: Any) -> dict[str, Any] | None:
        return {_index_name(name): self.values.index(value)} if value in self.values else None


class Choice(Entry):
    """Values without an order."""

    choice: tuple[Scalar, ...] = Field(min_length=1)

    def ends(self) -> tuple[Any, ...]:
        return self.choice

    def suggest(self, name: str, trial: optuna.Trial) -> Any:
        return trial.suggest_categorical(name, list(self.choice))

    def encode(self, name: str, value: Any) -> dict[str, Any] | None:
        return {name: value} if value in self.choice else None


@dataclass(frozen=True)
class Space(Mapping[str, Entry]):
    """The searched parameters of one detector, conditions' parents before their children."""

    INDEX_SUFFIX: ClassVar[str] = "@index"

    detector: str
    entries: Mapping[str, Entry]
    resting: Mapping[str, Any]
    """Flat values of all parameters where nothing is searched: fixed ones and defaults."""

    def __getitem__(self, name: str) -> Entry:
        return self.entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def conditional(self) -> bool:
        """Whether some entry holds only under a condition."""
        return any(entry.when for entry in self.entries.values())

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """One point of the space; entries whose condition does not hold are absent."""
        chosen: dict[str, Any] = {}
        for name, entry in self.entries.items():
            if all(c.holds({**self.resting, **chosen}[p]) for p, c in entry.when.items()):
                chosen[name] = entry.suggest(name, trial)
        return chosen

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The part of `values` that lies in the space, as Optuna stores it, to try it first."""
        encoded: dict[str, Any] = {}
        for name, entry in self.entries.items():
            if name in values:
                encoded.update(entry.encode(name, values[name]) or {})
        return encoded


def make_space(detector: str, raw: Mapping[str, Any], fixed: Mapping[str, Any]) -> Space:
    """The space of a study file, checked against the detector's parameters and their limits.

    ConfigError names the key and what is allowed.
    """
    entries = {name: make_entry(detector, name, value) for name, value in raw.items()}
    for name, entry in entries.items():
        if name == "epochs":
            raise ConfigError(
                "space.epochs: epochs are every trial's full budget; put them under fixed"
            )
        if name in fixed:
            raise ConfigError(f"space.{name}: is fixed as well; keep it in one of the two")
        for end in entry.ends():
            make_parameters(detector, {**fixed, name: end}, "space")
    resting = _resting(detector, fixed)
    for name, entry in entries.items():
        for parent in entry.when:
            if parent not in entries and parent not in resting:
                known = ", ".join(sorted({*entries, *resting}))
                raise ConfigError(f"space.{name}.when: no parameter {parent!r}; known: {known}")
    return Space(detector, _parents_first(entries), resting)


def make_entry(detector: str, name: str, raw: Any) -> Entry:
    """One entry as written in YAML: a list, or a mapping with low and high, values or choice."""
    kind = number_type(detector, name)
    where = f"space.{name}"
    if isinstance(raw, Entry):
        return raw
    if isinstance(raw, list | tuple):
        numbers = [as_number(value, kind, where) for value in raw]
        ordered = bool(numbers) and all(_is_number(value) for value in numbers)
        raw = {"values": numbers} if ordered else {"choice": numbers}
    if not isinstance(raw, Mapping):
        raise ConfigError(
            f"{where}: expected a list, or low and high, or choice, got {raw!r};"
            " a single value belongs under fixed"
        )
    raw = dict(raw)
    if "choice" in raw or "values" in raw:
        key = "choice" if "choice" in raw else "values"
        if not isinstance(raw[key], list | tuple):
            raise ConfigError(f"{where}.{key}: expected a list, got {raw[key]!r}")
        raw[key] = [as_number(value, kind, where) for value in raw[key]]
        return parse(Choice if key == "choice" else Ordered, raw, where)
    for key in ("low", "high", "step"):
        if raw.get(key) is not None:
            raw[key] = as_number(raw[key], kind, f"{where}.{key}")
    return parse(Range, raw, where)


def dump_entry(entry: Entry) -> Any:
    """An entry as `make_entry` reads it back."""
    content = entry.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return content["values"] if list(content) == ["values"] else content


def _resting(detector: str, fixed: Mapping[str, Any]) -> dict[str, Any]:
    parameters = make_parameters(detector, fixed, "fixed")
    flat = flatten(parameters)
    for field, value in parameters:
        if isinstance(value, BaseModel):
            flat.update({f"{field}.{member}": inner for member, inner in value})
    return flat


def _parents_first(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    ordered: dict[str, Entry] = {}

    def place(name: str, path: Sequence[str]) -> None:
        if name in path:
            raise ConfigError(f"space: conditions form a circle: {' -> '.join([*path, name])}")
        if name in ordered:
            return
        for parent in entries[name].when:
            if parent in entries:
                place(parent, [*path, name])
        ordered[name] = entries[name]

    for name in entries:
        place(name, [])
    return ordered


def number_type(detector: str, name: str) -> type[int] | type[float] | None:
    """int or float for a parameter that is a number, None for words and unknown names."""
    owner: Any = parameters_type(detector)
    annotation: Any = None
    for part in name.split("."):
        field = getattr(owner, "model_fields", {}).get(part)
        if field is None:
            return None
        owner = annotation = field.annotation
    options = get_args(annotation) if _is_union(annotation) else (annotation,)
    if int in options:
        return int
    # A group of members, such as the four learning rates, may be searched as one number.
    return float if float in options or hasattr(annotation, "model_fields") else None


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def as_number(value: Any, kind: type[int] | type[float] | None, where: str) -> Any:
    """`value` as a plain number of that kind where it reads as one; ConfigError for 4.5 as int."""
    if kind is None or isinstance(value, bool):
        return value
    try:
        # YAML reads 1e-4, written without a point, as a word.
        number = float(value)
    except (TypeError, ValueError):
        return value
    if kind is float:
        return number
    if not number.is_integer():
        raise ConfigError(f"{where}: {value!r} must be a whole number")
    return int(number)


def _index_name(name: str) -> str:
    # The name says that Optuna's value is a place in the list and no value of the parameter.
    return name + Space.INDEX_SUFFIX


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
