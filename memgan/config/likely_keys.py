"""Which key a wrong one may mean, among the keys of all sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from pydantic import BaseModel

from memgan.errors import nearest


def did_you_mean(key: str, known: Sequence[str]) -> str:
    """` did you mean …?` for a dotted key, or nothing where no known one comes near.

    Keys of the same last part come first, whatever section they are in: `image_size` means
    `data.image_size`, however near `batch_size` is in spelling.
    """
    found = of_the_same_name(key, known) or _nearest(key, known)
    return f" did you mean {' or '.join(map(repr, found))}?" if found else ""


def of_the_same_name(key: str, known: Iterable[str]) -> list[str]:
    """The known keys whose last part is that of `key`, each once and `key` itself left out."""
    last = _last(key)
    return [each for each in dict.fromkeys(known) if _last(each) == last and each != key]


def dotted_keys(model: type[BaseModel], section: str = "") -> Iterator[str]:
    """The keys of a configuration, `section` before each; those of its own sections dotted."""
    for name, field in model.model_fields.items():
        yield f"{section}{name}"
        # A section that may be left out is a union with None.
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from dotted_keys(inner, f"{section}{name}.")


def _nearest(key: str, known: Sequence[str]) -> list[str]:
    if near := nearest(key, known):
        return [near]
    by_last = {_last(each): each for each in reversed(known)}
    near = nearest(_last(key), by_last)
    return [by_last[near]] if near else []


def _last(key: str) -> str:
    return key.rpartition(".")[2]
