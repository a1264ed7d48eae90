"""What to say of a path that is given for a YAML file and is something else."""

from __future__ import annotations

from pathlib import Path

from memgan.files import does_not_exist
from memgan.shell_words import quoted

_BEST, _STUDY = "best.yaml", "study.yaml"
_MANY = (".npz", ".csv", ".parquet")
_IMAGES = (*_MANY, ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_NAMED = 5


def no_yaml(path: Path, error: OSError) -> str:
    """Why a file cannot be read, and what to give instead, in one line."""
    if not path.exists():
        return does_not_exist(path, "give the path of a YAML file")
    if not path.is_dir():
        return f"{path}: {error.strerror or error}; give the path of a YAML file"
    return f"{path} is a folder, and a YAML file is wanted: {_instead(path)}"


def is_of_images(path: Path) -> bool:
    """Whether a file is images by its suffix."""
    return path.suffix.lower() in _IMAGES


def images_are_given_by(path: Path) -> str:
    """How images are given to a command, in words. path: one, or a folder or file of many."""
    if path.is_dir() or path.suffix.lower() in _MANY:
        return f"images are given with --data {quoted(str(path))}"
    return "images are given with --data, as a folder of folders, one a class"


def _instead(folder: Path) -> str:
    for best in (folder / _BEST, folder / "export" / _BEST):
        if best.is_file():
            return f"give {quoted(str(best))}"
    if (folder / _STUDY).is_file():
        return f"give {quoted(str(folder / _STUDY))}"
    names = sorted(file.name for file in folder.glob("*.y*ml"))
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"give one of those in it: {', '.join(names[:_NAMED])}{more}"
    return images_are_given_by(folder)
