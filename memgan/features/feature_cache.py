"""Features on disk under a key of their content, so that each data set's are computed once.

Every process of a machine reads and writes the same folder, so that the trials of a study share
them; they are mapped into memory and lie there once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memgan.data import Pixels
from memgan.errors import CannotLock
from memgan.files import expanded, wait_for_lock, written_aside

Floats = npt.NDArray[np.float32]

_LARGEST = 4 * 2**30
"""Bytes of all features together; the ones unused for longest go first."""


@dataclass(frozen=True)
class FeatureCache:
    """A folder of features. What it holds is known by its content and may be removed at any time;
    where it cannot be written to, features are computed and not kept."""

    folder: Path
    largest: int = _LARGEST

    def get(
        self, made_by: Mapping[str, Any], images: Pixels, compute: Callable[[Pixels], Floats]
    ) -> Floats:
        """What `compute` makes of images, float32 (N, …), computed once by whoever comes first.

        made_by: all else that the features depend on.
        """
        name = _name(made_by, images)
        path = self.folder / f"{name}.npy"
        found = _read(path, len(images))
        if found is not None:
            return found
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / f"{name}.lock").open("ab")
        except OSError:
            return compute(images)
        with lock:
            # Without locks two processes may compute the same, which costs only time.
            with suppress(CannotLock):
                wait_for_lock(lock.fileno(), self.folder)
            found = _read(path, len(images))
            if found is None:
                found = compute(images)
                with suppress(OSError):
                    self._write(path, found)
            with suppress(OSError):
                (self.folder / f"{name}.lock").unlink()
        return found

    def _write(self, path: Path, features: Floats) -> None:
        if features.nbytes > self.largest:
            return
        self._make_room(features.nbytes)
        with written_aside(path) as aside, aside.open("wb") as file:
            np.save(file, features, allow_pickle=False)

    def _make_room(self, needed: int) -> None:
        states = [(path, path.stat()) for path in self.folder.glob("*.npy")]
        held = sum(state.st_size for _, state in states)
        for path, state in sorted(states, key=lambda one: one[1].st_mtime):
            if held + needed <= self.largest:
                return
            path.unlink(missing_ok=True)
            held -= state.st_size


def default_cache() -> FeatureCache:
    """Below the folder that MEMGAN_CACHE names, else in the user's own cache."""
    named = os.environ.get("MEMGAN_CACHE")
    if named:
        return FeatureCache(expanded(Path(named)) / "features")
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # A user without a home folder.
        home = Path("/nonexistent")
    return FeatureCache(home / "memgan" / "features")


def _name(made_by: Mapping[str, Any], images: Pixels) -> str:
    about = json.dumps([made_by, list(images.shape)], sort_keys=True).encode()
    digest = hashlib.blake2b(about, digest_size=20)
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()


def _read(path: Path, count: int) -> Floats | None:
    """Features on disk, mapped; None where there are none that fit so many images."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if found.dtype != np.float32 or len(found) != count:
            return None
        os.utime(path)
    except (OSError, ValueError, EOFError):
        return None
    features: Floats = found
    return features
