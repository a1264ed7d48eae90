"""Starts that lie elsewhere, in files and earlier studies, replaced by what they hold now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from memgan.config import Frozen, dotted, flatten, parse
from memgan.errors import ConfigError
from memgan.files import expanded
from search.journal.journal import read_groups
from search.journal.mending import check_journal
from search.results import StudyFolder
from search.study import Space, Study, checked_point, is_elsewhere


class _Earlier(Frozen):
    """`{study: NAME, best: 3}`: the best finished trials of a study in the same results folder."""

    study: str
    best: int = Field(1, ge=1)


def settle_starts(study: Study, results: Path) -> Study:
    """The study with its files and earlier studies replaced by what they hold now, so that it
    is the same whenever it is resumed. ConfigError or StudyError for one that cannot be read."""
    if not any(map(is_elsewhere, study.start_from)):
        return study
    settled: list[str | Mapping[str, Any]] = []
    for place, start in enumerate(study.start_from):
        if not is_elsewhere(start):
            settled.append(start)
        elif isinstance(start, str):
            settled += _of_file(study.search_space, Path(start))
        else:
            earlier = parse(_Earlier, start, f"start_from.{place}")
            settled += _of_study(study.search_space, earlier, results)
    return study.model_copy(update={"start_from": tuple(settled)})


def _of_file(space: Space, path: Path) -> Iterator[dict[str, Any]]:
    """A list of configurations, a single one, or what `memgan export` wrote."""
    try:
        content = yaml.safe_load(expanded(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"start_from: {path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError(f"start_from: {path} is not valid YAML") from None
    if isinstance(content, Mapping) and isinstance(content.get("parameters"), Mapping):
        yield _within(space, dotted(content["parameters"]), str(path))
        return
    points = content if isinstance(content, list) else [content]
    for place, point in enumerate(points):
        if not isinstance(point, Mapping):
            raise ConfigError(f"{path}.{place}: expected parameters and values, got {point!r}")
        checked_point(space, point, f"{path}.{place}")
        yield dict(point)


def _of_study(space: Space, earlier: _Earlier, results: Path) -> Iterator[dict[str, Any]]:
    folder = StudyFolder.at(results, earlier.study)
    found = folder.load()
    check_journal(folder)
    if found.detector != space.detector:
        raise ConfigError(
            f"start_from: study {earlier.study} searched {found.detector}, not {space.detector}"
        )
    for outcomes in read_groups(folder.journal).values():
        full = [o for o in outcomes if o.state == "finished" and o.mean is not None]
        full.sort(key=lambda o: (-o.merit, o.trial_id))
        for outcome in full[: earlier.best]:
            values = flatten(found.parameters(outcome.values))
            yield _within(space, values, f"study {earlier.study}")


def _within(space: Space, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values that the space holds. ConfigError where it holds none."""
    inside = {
        name: values[name]
        for name, entry in space.items()
        if name in values and entry.encode(name, values[name]) is not None
    }
    if not inside:
        raise ConfigError(f"start_from: no value of {where} lies in the space: {', '.join(space)}")
    return inside
