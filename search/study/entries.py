"""One searched parameter: a range, an ordered list or a choice, perhaps under a condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from memgan.config import Frozen

if TYPE_CHECKING:
    import numpy as np
    import optuna

INDEX_SUFFIX = "@index"
"""Behind a parameter's name in Optuna, where the value is a place in a list of numbers."""

Scalar = bool | int | float | str


class Condition(Frozen):
    """What another value must be for an entry to be searched. All given conditions must hold."""

    at_least: float | None = None
    """The other parameter has this value or a larger one."""
    at_most: float | None = None
    """The other parameter has this value or a smaller one."""
    equals: Scalar | None = None
    """The other parameter has this value."""
    one_of: tuple[Scalar, ...] | None = Field(None, alias="in")
    """The other parameter has one of these values; written `in`."""

    @model_validator(mode="after")
    def _not_empty(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("a condition needs at_least, at_most, equals or in")
        return self

    def holds(self, value: Any) -> bool:
        """Whether `value` satisfies the condition; words satisfy no bound."""
        if self.at_least is not None and not (is_number(value) and value >= self.at_least):
            return False
        if self.at_most is not None and not (is_number(value) and value <= self.at_most):
            return False
        if self.equals is not None and value != self.equals:
            return False
        return self.one_of is None or value in self.one_of


class Entry(Frozen):
    """One parameter that is searched."""

    when: dict[str, Condition] = Field(default_factory=dict)
    """Conditions on other parameters. If one does not hold, the parameter keeps its own default."""

    def ends(self) -> tuple[Any, ...]:
        """The values that the detector must accept for it to accept all of the entry."""
        raise NotImplementedError

    def suggest(self, name: str, trial: optuna.Trial) -> Any:
        """A value drawn through Optuna, as a plain Python value."""
        raise NotImplementedError

    def encode(self, name: str, value: Any) -> dict[str, Any] | None:
        """`value` as Optuna stores it, or None where the entry does not hold it."""
        raise NotImplementedError

    def all_values(self) -> Sequence[Any] | None:
        """Every value once, or None where they cannot be counted."""
        raise NotImplementedError

    def draw(self, random: np.random.Generator) -> Any:
        """A value at random, without Optuna."""
        raise NotImplementedError

    def near(self, value: Any, factor: float, random: np.random.Generator) -> Any:
        """A neighbour of `value` inside the entry: times `factor`, or a place up or down."""
        raise NotImplementedError


class Range(Entry):
    """From `low` to `high`, both included."""

    low: int | float
    """The smallest value."""
    high: int | float
    """The largest value."""
    log: bool = False
    """Draw by the logarithm."""
    step: int | float | None = None
    """Values are low, low + step, and so on."""

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
        if not is_number(value) or not self.low <= value <= self.high:
            return None
        if isinstance(self.low, int) and not float(value).is_integer():
            return None
        if self.step is not None:
            steps = (value - self.low) / self.step
            if not math.isclose(steps, round(steps), abs_tol=1e-9):
                return None
        return {name: value}

    def all_values(self) -> Sequence[Any] | None:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return range(self.low, self.high + 1, int(self.step or 1))
        if self.step is None:
            return None
        most = math.floor((self.high - self.low) / self.step + 1e-9)
        return [float(self.low + self.step * place) for place in range(most + 1)]

    def draw(self, random: np.random.Generator) -> Any:
        if self.log:
            return self._inside(math.exp(random.uniform(math.log(self.low), math.log(self.high))))
        return self._inside(random.uniform(self.low, self.high))

    def near(self, value: Any, factor: float, random: np.random.Generator) -> Any:
        moved = self._inside(value * factor)
        smallest = self.step or (1 if isinstance(self.low, int) else 0)
        if moved == value and smallest:  # The factor moved it by less than half a step.
            moved = self._inside(value + smallest * (1 if factor > 1 else -1))
        return moved

    def _inside(self, value: float) -> Any:
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        step = self.step or (1 if whole else None)
        if step is not None:
            most = math.floor((self.high - self.low) / step + 1e-9)
            value = self.low + step * min(max(round((value - self.low) / step), 0), most)
        value = min(max(value, self.low), self.high)
        return int(value) if whole else float(value)


class Ordered(Entry):
    """Numbers in a list: neighbours in the list are neighbours to the sampler."""

    values: tuple[int | float, ...] = Field(min_length=1)
    """Numbers in a meaningful order."""

    def ends(self) -> tuple[Any, ...]:
        return self.values

    def suggest(self, name: str, trial: optuna.Trial) -> Any:
        return self.values[trial.suggest_int(_index_name(name), 0, len(self.values) - 1)]

    def encode(self, name: str, value: Any) -> dict[str, Any] | None:
        return {_index_name(name): self.values.index(value)} if value in self.values else None

    def all_values(self) -> Sequence[Any] | None:
        return list(dict.fromkeys(self.values))

    def draw(self, random: np.random.Generator) -> Any:
        return self.values[random.integers(len(self.values))]

    def near(self, value: Any, factor: float, random: np.random.Generator) -> Any:
        place = self.values.index(value) + (1 if factor > 1 else -1)
        return self.values[min(max(place, 0), len(self.values) - 1)]


class Choice(Entry):
    """Values without an order."""

    choice: tuple[Scalar, ...] = Field(min_length=1)
    """Values without an order."""

    def ends(self) -> tuple[Any, ...]:
        return self.choice

    def suggest(self, name: str, trial: optuna.Trial) -> Any:
        return trial.suggest_categorical(name, list(self.choice))

    def encode(self, name: str, value: Any) -> dict[str, Any] | None:
        return {name: value} if value in self.choice else None

    def all_values(self) -> Sequence[Any] | None:
        return list(dict.fromkeys(self.choice))

    def draw(self, random: np.random.Generator) -> Any:
        return self.choice[random.integers(len(self.choice))]

    def near(self, value: Any, factor: float, random: np.random.Generator) -> Any:
        return self.draw(random)  # Without an order there are no neighbours.


def _index_name(name: str) -> str:
    return name + INDEX_SUFFIX


def is_number(value: Any) -> bool:
    """Whether a value is a number and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool)
