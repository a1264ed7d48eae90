"""Time and peak memory of scoring one very large image in tiles.

    python benchmarks/large_image.py BUNDLE [--megapixels 98] [--tile 512]

The image is made here: noise in colour or grey, as the bundle takes it, saved as PNG.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from memgan import load_bundle

_MEMGAN = "from search.cli import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--megapixels", type=int, default=98)
    parser.add_argument("--tile", type=int, default=512)
    given = parser.parse_args()
    channels = load_bundle(given.bundle).config.image_shape[0]
    width = 8192
    height = given.megapixels * 10**6 // width
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (height // 8, width // 8, channels), dtype=np.uint8)
    pixels = small.repeat(8, axis=0).repeat(8, axis=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line-scan.png"
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path, compress_level=1)
        command = [sys.executable, "-c", _MEMGAN, "score", given.bundle, path]
        started = time.perf_counter()
        subprocess.run([*command, "--tile", str(given.tile)], check=True)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{height}×{width}, tiles of {given.tile}: {seconds:.0f} s, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
