"""The search space: typed entries read from YAML, drawn through an Optuna trial.

A number has a range, an ordered list or a choice; any of them may hold only `when` another
value allows it, and is left at the detector's own (or the study's fixed) value otherwise.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel

from memgan.config import flatten, make_parameters, parameters_type, parse
from memgan.errors import ConfigError
from search.study.entries import Choice, Entry, Ordered, Range, is_number

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Space(Mapping[str, Entry]):
    """The searched parameters of one detector, conditions' parents before their children."""

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
            if self.holds(name, chosen):
                chosen[name] = entry.suggest(name, trial)
        return chosen

    def holds(self, name: str, chosen: Mapping[str, Any]) -> bool:
        """Whether an entry's conditions hold beside these values."""
        return all(
            condition.holds({**self.resting, **chosen}[parent])
            for parent, condition in self.entries[name].when.items()
        )

    @property
    def never_repeats(self) -> bool:
        """Whether every point has a value of a continuous range."""
        return any(not e.when and e.all_values() is None for e in self.entries.values())

    def points(self, given: Mapping[str, Any] = MappingProxyType({})) -> Iterator[dict[str, Any]]:
        """Every point with these values once; without end where a range is continuous."""
        return self._points(list(self.entries), {}, given)

    def size(self, most: int) -> int:
        """How many points there are, counted up to `most`."""
        return sum(1 for _ in itertools.islice(self.points(), most))

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Whether `values` are a whole point of the space."""
        held = [name for name in self.entries if self.holds(name, values)]
        return set(held) == set(values) and all(
            self.entries[name].encode(name, values[name]) is not None for name in held
        )

    def _points(
        self, names: Sequence[str], chosen: dict[str, Any], given: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        if not names:
            yield chosen
            return
        name, *rest = names
        if not self.holds(name, chosen):
            yield from self._points(rest, chosen, given)
            return
        values: Iterable[Any] | None = self.entries[name].all_values()
        if name in given:
            values = (given[name],)
        elif values is None:
            values = itertools.repeat(self.entries[name].ends()[0])
        for value in values:
            yield from self._points(rest, {**chosen, name: value}, given)

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
    resting = _resting(detector, fixed)
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
        ordered = bool(numbers) and all(is_number(value) for value in numbers)
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
        annotation = field.annotation
        # A section that may be left out, such as `features`, is a union with None.
        sections = [one for one in get_args(annotation) if hasattr(one, "model_fields")]
        owner = sections[0] if sections else annotation
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
