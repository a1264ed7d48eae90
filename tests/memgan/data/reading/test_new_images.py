"""New images come as a stream: what is in memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memgan.data.reading import image_files
from memgan.data.reading.new_images import stream_images


@pytest.mark.parametrize(
    ("shape", "most"), [((3, 2048, 2048), 1), ((1, 512, 512), 64), ((1, 8, 8), 256)]
)
def test_few_images_are_in_memory_whatever_their_number_and_size(
    write_folder: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, int, int],
    most: int,
) -> None:
    root = write_folder({"a": 5})
    (root / "a" / "000.png").rename(root / "a" / "first.png")
    begun = []
    real = image_files.read_image

    def read(path: Path, **options: object) -> np.ndarray:
        begun.append(path)
        return real(path, **options) if len(begun) < 3 else np.zeros(shape, dtype=np.uint8)

    monkeypatch.setattr(image_files, "read_image", read)
    stream = stream_images([root / "a" / "first.png"] * 5000, shape, lambda line: None)

    batch = next(stream)
    stream.close()

    threads = image_files._THREADS
    assert len(batch.images) == most
    # A batch, what each thread has in hand, and what waits to be fetched.
    assert len(begun) <= most + 2 * (threads + 1) * min(64, most)
