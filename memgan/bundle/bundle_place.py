"""Where a bundle goes: a folder without one, or in place of an earlier one."""

from __future__ import annotations

from pathlib import Path

from memgan.bundle.bundle import BundleConfig
from memgan.bundle.bundle_folder import BUNDLE_FILES, CONFIG
from memgan.config import parse, read_yaml
from memgan.errors import BadInput, MemganError
from memgan.files import is_plain_file


def check_bundle_place(folder: Path) -> None:
    """BadInput if a file in `folder` has a name of a bundle's and is not of a bundle."""
    there = [
        name for name in BUNDLE_FILES if (folder / name).exists() or (folder / name).is_symlink()
    ]
    if not there:
        return
    try:
        parse(BundleConfig, read_yaml(folder / CONFIG), CONFIG)
        if all(is_plain_file(folder / name) for name in there):
            return
    except (MemganError, OSError):
        pass
    raise BadInput(
        f"{folder / there[0]} exists, and is of no bundle; move it away, or give another --out"
    )
