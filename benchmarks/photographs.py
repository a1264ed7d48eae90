"""Small defects on photographs: detectors of pixels beside detectors behind a frozen network.

    pip install 'memgan[backbones]' scikit-image
    python benchmarks/photographs.py

Makes the five categories of examples/photographs/make_defects.py and fits each detector, with
values that are named here and not searched, on the normal images of one category. AUROC is by
image and by pixel, on the test images, one seed. Every row is written as soon as it is known, and
a run that was cut off goes on with the rows that it lacks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _setting import ROOT, check_out, write

from memgan.config import Configuration, DataConfig, Runtime
from memgan.data import load_split
from memgan.training import train_cell

_OUT = Path(__file__).parent / "results" / "photographs.json"
_MAKE = ROOT / "examples" / "photographs" / "make_defects.py"
CATEGORIES = ("brick", "grass", "gravel", "coin", "cup")
LITE0 = {"features.backbone": "efficientnet-lite0"}
WAYS: dict[str, tuple[str, int, dict[str, Any]]] = {
    # detector, pixels a side of the images, parameters
    "pca, pixels": ("pca", 64, {"components": 32}),
    "pca, pixels, smoothed-max": ("pca", 64, {"components": 32, "score": "smoothed-max"}),
    "neighbours, pixels": ("neighbours", 64, {}),
    "neighbours, lite0": ("neighbours", 256, LITE0),
    "patch-memory, filters": ("patch-memory", 256, {"features.backbone": "filters"}),
    "patch-memory, lite0": ("patch-memory", 256, LITE0),
    "patch-memory, lite0, stride8": (
        "patch-memory",
        256,
        {**LITE0, "features.layers": "stride8"},
    ),
    "patch-memory, lite0, whitened": (
        "patch-memory",
        256,
        {**LITE0, "features.layers": "stride8", "whitening": 0.1, "neighbours": 1, "largest": 5},
    ),
}


def measured(folder: Path, way: str, threads: int) -> dict[str, Any]:
    """One detector on one category."""
    detector, side, parameters = WAYS[way]
    data = DataConfig(source=str(folder), image_size=(side, side), channels=3)
    split = load_split(data, normal_class=("good",))
    configuration = Configuration(
        detector=detector,
        data=data,
        normal_class=("good",),
        parameters=parameters,
        runtime=Runtime(device="cpu", threads=threads),
    )
    started = time.perf_counter()
    cell = train_cell(configuration, split.development, split.test, "good", seed=0)
    row = {
        "category": folder.name,
        "way": way,
        "detector": detector,
        "image_size": side,
        "parameters": parameters,
        "image_auroc": cell.test_auroc,
        "pixel_auroc": cell.pixels.auroc if cell.pixels else None,
        "aupro": cell.pixels.aupro if cell.pixels else None,
        "seconds": time.perf_counter() - started,
    }
    print(
        f"{folder.name:8} {way:30} image {100 * (cell.test_auroc or 0):5.1f}  pixel"
        f" {'  –  ' if cell.pixels is None else f'{100 * cell.pixels.auroc:5.1f}'}"
        f"  {row['seconds']:.0f} s",
        flush=True,
    )
    return row


def earlier(out: Path, seed: int) -> list[dict[str, Any]]:
    """The rows of a run that was cut off, of the same images and values."""
    if not out.exists() or not out.stat().st_size:
        return []
    found = json.loads(out.read_text(encoding="utf-8"))
    if found["seeds"]["images"] != seed:
        return []
    return [
        row
        for row in found["rows"]
        if row["way"] in WAYS
        and (row["detector"], row["image_size"], row["parameters"]) == WAYS[row["way"]]
    ]


def means(rows: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Means over the categories, by way; None where one has no such figure."""
    found: dict[str, dict[str, float | None]] = {}
    for way in dict.fromkeys(row["way"] for row in rows):
        of_way = [row for row in rows if row["way"] == way]
        found[way] = {}
        for figure in ("image_auroc", "pixel_auroc", "aupro"):
            known = [row[figure] for row in of_way if row[figure] is not None]
            whole = len(known) == len(of_way)
            found[way][figure] = sum(known) / len(known) if whole else None
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="what make_defects.py wrote; made if left out")
    parser.add_argument("--seed", type=int, default=0, help="of the images that are made")
    parser.add_argument("--categories", default=",".join(CATEGORIES))
    parser.add_argument("--ways", default=";".join(WAYS), help="joined by semicolons")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=_OUT)
    chosen = parser.parse_args()
    check_out(chosen.out)
    categories, ways = chosen.categories.split(","), chosen.ways.split(";")
    with tempfile.TemporaryDirectory() as made:
        images = chosen.images
        if images is None:
            images = Path(made) / "images"
            make = [sys.executable, str(_MAKE), str(images), "--seed", str(chosen.seed)]
            subprocess.run([*make, "--categories", chosen.categories], check=True)
        rows = earlier(chosen.out, chosen.seed)
        done = {(row["way"], row["category"]) for row in rows}
        for way, category in itertools.product(ways, categories):
            if (way, category) not in done:
                rows.append(measured(images / category, way, chosen.threads))
            figures = {"seeds": {"images": chosen.seed, "training": 0}, "means": means(rows)}
            write(chosen.out, "photographs", "cpu", {**figures, "rows": rows})


if __name__ == "__main__":
    main()
