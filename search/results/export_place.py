"""Where an export goes: a new folder, an empty one, or one that holds an earlier export."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from memgan.bundle import (
    BUNDLE_FILES,
    MANIFEST,
    Known,
    in_the_way,
    ours,
    put_in_place,
    read_manifest,
    set_aside,
    write_manifest,
)
from memgan.config import Configuration, parse, read_yaml
from memgan.errors import MemganError, StudyError
from memgan.files import scratch_folder
from search.results.study_files import everything_below, is_made

_TOP = ("best.yaml", "report.json", "report.md", "report.html")
_PARETO = r"pareto(-[^/]+)?"
_FIGURES = r"(roc|scores|extremes|memory|codes|auroc|history|parallel|importance)"


def is_export_name(name: str) -> bool:
    """Whether an export has a file of this path below its folder."""
    match PurePosixPath(name).parts:
        case (file,):
            return file in (*_TOP, MANIFEST) or bool(re.fullmatch(rf"{_PARETO}\.csv", file))
        case ("figures", file):
            return bool(re.fullmatch(rf"({_FIGURES}|{_PARETO})\.png", file))
        case ("bundles", _, file):
            return file in BUNDLE_FILES
    return False


def is_of_study(name: str) -> bool:
    """Whether a path below a study's folder is that of one of its files, its export's too."""
    inside = name.removeprefix("export/")
    return is_export_name(inside) if inside != name else is_made(name)


def exported(folder: Path) -> list[str]:
    """The files in `folder` that an export wrote and nobody has changed; none of any other."""
    return ours(folder, _known(folder) or {})


def check_place(out: Path) -> None:
    """StudyError if `out` is neither free nor an export that can be replaced."""
    _known_or_refused(out)


def place_export(
    out: Path, fill: Callable[[Path], None], note: Callable[[str], None] | None = None
) -> None:
    """Let `fill` write an export into a new folder, and put that in the place of `out`.

    Of a folder that is there, the files of an earlier export are replaced and all others stay.
    Where somebody else's file is in the way, StudyError before anything is changed; with `note`,
    which is told, it gets another name instead. StudyError too for a folder that is no export, or
    where nothing can be written.
    """
    out = out.absolute()
    try:
        known = _known_or_refused(out)
        if known is None:
            with scratch_folder(out) as new:
                fill(new)
                write_manifest(new)
                new.rename(out)
            return
        with scratch_folder(out / "export") as new:
            fill(new)
            for name in in_the_way(new, out, known):
                if note is None:
                    raise StudyError(
                        f"{out / name} is not as memgan wrote it, and stays; move it away, or"
                        " choose another folder with --out"
                    )
                note(f"{out / name} is not as memgan wrote it; it is {set_aside(out, name)} now")
            put_in_place(new, out, known)
    except OSError as error:
        raise StudyError(
            f"{out} cannot be written: {error.strerror or error}; choose another with --out"
        ) from None


def _known_or_refused(out: Path) -> Known | None:
    """What is ours in `out`; None where there is no such folder yet."""
    if not out.exists() and not out.is_symlink():
        return None
    known = _known(out)
    if known is None:
        raise StudyError(f"{out} exists and is no export of ours; choose another with --out")
    return known


def _known(folder: Path) -> Known | None:
    if not folder.is_dir():
        return None
    if not any(folder.iterdir()):
        return {}
    known = read_manifest(folder)
    if known is not None or (folder / MANIFEST).exists():
        return known
    return _without_manifest(folder)


def _without_manifest(folder: Path) -> Known | None:
    """An export of an earlier version: best.yaml and report.json tell of the same study."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        best = parse(Configuration, read_yaml(folder / "best.yaml"), "best.yaml")
        same = best.origin is not None and best.origin.study == report["study"]
        same = same and {"split_hash", "classes", "anchors"} <= report.keys()
    except (OSError, ValueError, TypeError, LookupError, AttributeError, MemganError):
        return None
    if not same:
        return None
    return {name: None for name in everything_below(folder)[0] if is_export_name(name)}
