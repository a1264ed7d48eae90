"""What a study began with: its images by number and hash, and how its classes are named in files.

A study that goes on with other images would compare trials that cannot be compared, so this is
held against the images before anything else is done with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from memgan.config import Frozen
from memgan.data import VERSION, Split
from memgan.errors import StudyError
from memgan.machine import own_version
from search.study import ClassGroup
from tracking.address import DEFAULT_RESULTS, study_command

_FILE = "beginning.json"
_NAMED = 5


class Beginning(Frozen):
    """The images of a study as they were when it began."""

    split_hash: str = Field(pattern="^[0-9a-f]{64}$")
    memgan: str | None = None
    """The version that split them; None, and no images below, where only the hash is known."""
    image_shape: tuple[int, int, int] | None = None
    """(C, H, W)."""
    images: dict[str, dict[str, int]] = Field(default_factory=dict)
    """How many, by part ("train", "validation", "test") and class."""
    made_anomalies: int | None = None
    """The version of the made anomalies that judge its trials; None where none do, and in a study
    that was begun before they had versions."""
    prefixes: dict[str, str] = Field(default_factory=dict)
    """In front of trial numbers, by class; empty where all classes are searched as one."""


def beginning_of(split: Split, groups: Sequence[ClassGroup]) -> Beginning:
    """What a study of these groups begins with; the split may hold made anomalies."""
    return Beginning(
        split_hash=split.hash,
        memgan=own_version(),
        image_shape=split.test.image_shape,
        images=_numbers(split),
        made_anomalies=None if split.development.made_anomalies is None else VERSION,
        prefixes={group.name: group.prefix for group in groups if group.prefix},
    )


def read_beginning(folder: Path) -> Beginning | None:
    """The beginning that a study's folder tells of, or None in one of an earlier version.

    StudyError where the file is damaged.
    """
    path = folder / _FILE
    try:
        return Beginning.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "damaged"
        raise StudyError(
            f"{path} cannot be read ({reason}), so nothing says which images the study began with;"
            " put back a copy, or start a new study"
        ) from None


def write_beginning(folder: Path, beginning: Beginning) -> None:
    """Into a study's folder, whole or not at all. OSError where it cannot be written."""
    partial = folder / f"{_FILE}.part"
    partial.write_text(beginning.model_dump_json(indent=1) + "\n", encoding="utf-8")
    partial.replace(folder / _FILE)


def check_same_images(study: str, begun: Beginning, split: Split) -> None:
    """StudyError, with what differs, where the images are not those the study began with."""
    if begun.split_hash == split.hash:
        return
    found = list(_differences(begun, split)) or ["their pixels or their order differ"]
    shown = "; ".join(found[:_NAMED])
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    raise StudyError(
        f"study {study} began with other images of {split.source} (split hash"
        f" {begun.split_hash[:12]}, now {split.hash[:12]}): {shown}{more}; put the images back as"
        " they were, or start a new study with these"
    )


def check_same_made_anomalies(
    study: str, begun: Beginning | None, judge: str, results: Path | str = DEFAULT_RESULTS
) -> None:
    """StudyError where trials that are judged by made anomalies would from now on be judged by
    others, which no figure of the earlier trials compares with."""
    if judge != "label-free" or (begun is not None and begun.made_anomalies == VERSION):
        return
    raise StudyError(
        f"study {study} judges its trials by anomalies made in a way that this version of memgan"
        f" no longer has, and old and new figures do not compare; start a new study, with"
        f" `start_from: [{{study: {study}, best: 3}}]` in its file to try the best of this one"
        f" first; what was exported stays, and `{study_command('export', study, results)}` still"
        " writes it"
    )


def _differences(begun: Beginning, split: Split) -> Iterator[str]:
    if not begun.images:
        return
    now = _numbers(split)
    before, after = _by_class(begun.images), _by_class(now)
    if gone := [name for name in before if name not in after]:
        yield f"class {', '.join(gone)} is gone"
    if new := [name for name in after if name not in before]:
        yield f"class {', '.join(new)} is new"
    for name, number in before.items():
        if name in after and after[name] != number:
            yield f"class {name} had {number} images and has {after[name]}"
    shape = split.test.image_shape
    if begun.image_shape != shape:
        yield f"images were {begun.image_shape} (C, H, W) and are {shape}"
    if before == after and begun.images != now:
        by = "" if begun.memgan == (mine := own_version()) else f" (by {begun.memgan}, {mine})"
        yield f"the same number of images is split otherwise{by}"


def _numbers(split: Split) -> dict[str, dict[str, int]]:
    development = split.development
    parts = {"train": development.train, "validation": development.validation, "test": split.test}
    return {part: images.counts() for part, images in parts.items()}


def _by_class(images: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    names = dict.fromkeys(name for of_part in images.values() for name in of_part)
    numbers = {name: sum(part.get(name, 0) for part in images.values()) for name in names}
    return {name: number for name, number in numbers.items() if number}
