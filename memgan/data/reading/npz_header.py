"""What the header of an array in an .npz file says, before its values are read.

An .npz is a zip of .npy files, and an .npy a header before the plain values.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and type of an array as its header tells of them; nobody has counted the values."""

    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_array_header(member: IO[bytes]) -> ArrayHeader:
    """The header at the start of an .npy. ValueError for none, or one that images have not."""
    version = npy.read_magic(member)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:  # (3, 0) is for names of fields, which images have not
        raise ValueError(f"version {version} of the format")
    return ArrayHeader(*read(member))


def array_headers(path: Path, keys: Sequence[str]) -> dict[str, ArrayHeader]:
    """The headers of those arrays `keys` that the file has; none that cannot be read."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for key in keys:
                try:
                    with archive.open(f"{key}.npy") as member:
                        found[key] = read_array_header(member)
                except MemoryError:
                    raise
                except Exception:  # a damaged archive fails in zlib, zipfile or numpy alike
                    continue
    except (OSError, ValueError, zipfile.BadZipFile):
        pass
    return found
