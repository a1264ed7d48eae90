"""Peak memory and images a second of `memgan score`, over the number of images.

    python benchmarks/score_memory.py
    python benchmarks/score_memory.py --counts 1000,10000 --backend onnx --out mine.json

Makes noise of 28×28 as PNG files, as a plain and as a compressed .npz (uint8 and float32), scores
each in a process of its own with an untrained MEMGAN of default size, and prints a table. Peak
memory is the most that the process held by Linux's own count (`VmHWM`; `ru_maxrss` would begin with
what the process that started it held). Images a second are those after the first
count, so that the start of Python and torch does not enter; both are of one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image

from memgan.bundle import write_bundle
from memgan.config import Configuration, DataConfig
from memgan.data import LabeledImages, Source, make_split
from memgan.files import begins_with, check_output
from memgan.machine import machine, versions
from memgan.training import train_cell

SIDE = 28
KINDS = ("files", "npz", "npz, float32, compressed")
_SCORE = """
import sys
from pathlib import Path
from search.cli.app import run
code = run(sys.argv[2:])
status = Path("/proc/self/status").read_text()
Path(sys.argv[1]).write_text(status.partition("VmHWM:")[2].split()[0])
sys.exit(code)
"""


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", default="1000,10000,100000")
    parser.add_argument("--backend", default="torch", choices=["torch", "onnx"])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    chosen = parser.parse_args()
    if chosen.out:
        check_output(chosen.out, begins_with('{\n "command"'))
    counts = sorted(int(count) for count in chosen.counts.split(","))
    with tempfile.TemporaryDirectory() as folder:
        bundle = _bundle(Path(folder) / "bundle")
        measured = {
            kind: [
                _measure(bundle, _images(Path(folder), kind, count), count, chosen.backend)
                for count in counts
            ]
            for kind in KINDS
        }
    rows = {kind: _row(runs) for kind, runs in measured.items()}
    print(f"{'':26}" + "".join(f"{count:>12,}" for count in counts) + f"{'images/s':>12}")
    for kind, row in rows.items():
        figures = "".join(f"{peak:>9.0f} MB" for peak in row["peak_mb"].values())
        print(f"{kind:26}{figures}{row['images_per_second']:>12.0f}")
    document = {
        "command": f"python benchmarks/score_memory.py {' '.join(sys.argv[1:])}".strip(),
        "date": str(date.today()),
        "machine": machine(),
        "load": os.getloadavg()[0],
        "versions": versions(),
        "backend": chosen.backend,
        "rows": rows,
    }
    chosen.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _measure(bundle: Path, images: Path, count: int, backend: str) -> tuple[int, float, float]:
    """(images, peak MB, seconds) of one scoring."""
    peak = bundle.with_name("peak")
    arguments = ["score", str(bundle), str(images), "--backend", backend, "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", _SCORE, str(peak), *arguments, "--out", f"{bundle}.csv"],
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    seconds = time.perf_counter() - began
    kilobytes = int(peak.read_text())
    print(f"{images.name}: {kilobytes / 2**10:.0f} MB, {seconds:.1f} s", file=sys.stderr)
    return count, kilobytes / 2**10, seconds


def _row(runs: list[tuple[int, float, float]]) -> dict[str, object]:
    (first, _, started), (last, _, ended) = runs[0], runs[-1]
    return {
        "peak_mb": {str(count): round(peak, 1) for count, peak, _ in runs},
        "images_per_second": round((last - first) / (ended - started)) if len(runs) > 1 else 0,
    }


def _bundle(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (200, 1, SIDE, SIDE), dtype=np.uint8)
    labels = np.arange(200) % 2
    split = make_split(
        Source("noise", LabeledImages(noise, labels, ("0", "1")), None), DataConfig()
    )
    configuration = Configuration(parameters={"epochs": 1}, runtime={"device": "cpu"})
    cell = train_cell(configuration, split.development, split.test, "0", seed=0)
    write_bundle(folder, configuration, split, [cell])
    return folder


def _images(folder: Path, kind: str, count: int) -> Path:
    rng = np.random.default_rng(count)
    images = rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
    if kind == "npz":
        path = folder / f"{count}.npz"
        np.savez(path, x=images)
    elif kind == "files":
        path = folder / f"{count}"
        path.mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(path / f"{number:06}.png")
    else:
        path = folder / f"{count}-compressed.npz"
        np.savez_compressed(path, x=images.astype(np.float32) / 255)
    return path


if __name__ == "__main__":
    main()
