"""The files of a bundle; and which bundle a folder means, as an export holds one a class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from memgan.data import ordered
from memgan.errors import BundleError
from memgan.files import does_not_exist, expanded

WEIGHTS, MODEL = "weights.safetensors", "model.onnx"
CONFIG, CALIBRATION, CARD = "config.yaml", "calibration.json", "card.md"
EXAMPLE_FILES = EXAMPLE, EXPECTED, EXAMPLE_MAP = "example.png", "example.json", "example_map.npy"

_FILES = (WEIGHTS, MODEL, CONFIG, CALIBRATION, CARD)
BUNDLE_FILES = (*_FILES, *EXAMPLE_FILES)
_BELOW = (".", "bundles", "export/bundles")
"""Where bundles lie, one a class: in their own folder, an export or a training, a study."""
_NAMED = 20


def given_bundle(given: Path, command: Callable[[Path], str] | None = None) -> Path:
    """The folder of the bundle that `given` means.

    That is `given` if any file of a bundle lies in it; else the only bundle in it, in its
    `bundles/` or in its `export/bundles/`. BundleError where there is none, and where there are
    several: then their names are told, and the `command` that takes one of them.
    """
    given = expanded(given)
    if not given.is_dir():
        raise BundleError(_no_folder(given))
    if any((given / name).exists() for name in _FILES):
        return given
    for below in _BELOW:
        place = given / below
        found = (file.parent for file in place.glob(f"*/{CONFIG}"))
        names = ordered(folder.name for folder in found if _holds_a_model(folder))
        if len(names) == 1:
            return place / names[0]
        if names:
            first = place / names[0]
            hint = command(first) if command else str(first)
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            raise BundleError(
                f"{place} holds {len(names)} bundles, one a normal class:"
                f" {', '.join(names[:_NAMED])}{more}; give one of them: {hint}"
            )
    raise BundleError(
        f"{given} is no bundle and holds none; give a folder that `memgan export` or `memgan train`"
        f" wrote (a bundle holds {CONFIG} and {WEIGHTS} or {MODEL})"
    )


def _holds_a_model(folder: Path) -> bool:
    return any((folder / name).exists() for name in (WEIGHTS, MODEL))


def _no_folder(given: Path) -> str:
    if not given.exists():
        return does_not_exist(given, "give a folder that `memgan export` wrote")
    if given.name in _FILES:
        return f"{given} is one file of a bundle; give its folder: {given.parent}"
    return f"{given} is not a folder; give one that `memgan export` wrote"
