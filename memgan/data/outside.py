"""What is written must not lie among the images: a folder there would be read as a class."""

from __future__ import annotations

from pathlib import Path

from memgan.config import DataConfig
from memgan.data.sources.named import find_path, is_named_source
from memgan.errors import BadInput, DataError, UnknownName


def check_outside_images(config: DataConfig, place: Path, option: str) -> None:
    """BadInput if `place`, which `option` gave, lies in the folder that the images are in."""
    if is_named_source(config.source):
        return
    try:
        images = find_path(config).resolve()
    except (DataError, UnknownName):
        return  # Whoever loads the images tells it, and what to do.
    if images.is_dir() and place.resolve().is_relative_to(images):
        raise BadInput(
            f"{option} {place} lies among the images in {images}, where it would be read as a"
            f" class; give a place outside, such as {images.with_name(f'{images.name}-results')}"
        )
