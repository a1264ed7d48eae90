"""K detectors trained as one model, beside the same K in turn and as K processes.

    python benchmarks/packing.py
    python benchmarks/packing.py --device cuda --counts 1 5 10 30 100

The three ways take turns; a figure is the median over rounds of images a second, over all K, of one
epoch after an epoch to warm up. What `runtime.packing: auto` does follows these figures.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _setting import check_out, write

from memgan.config import MemganParameters
from memgan.data import Pixels
from memgan.detectors import Memgan
from memgan.machine import resolve_device
from memgan.training import fit_epoch_as_one

SIZES = [
    {"shape": (1, 8, 8), "width": 8, "batch": 32},
    {"shape": (1, 8, 8), "width": 16, "batch": 64},
    {"shape": (1, 16, 16), "width": 8, "batch": 32},
    {"shape": (1, 16, 16), "width": 16, "batch": 64},
    {"shape": (1, 28, 28), "width": 16, "batch": 64},
    {"shape": (3, 32, 32), "width": 16, "batch": 64},
]


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="Steps of an epoch.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "packing.json"
    )
    chosen = parser.parse_args()
    check_out(chosen.out)
    device = resolve_device(chosen.device)
    torch.set_num_threads(chosen.threads)
    rows = []
    for size in SIZES:
        for count in chosen.counts:
            row = _measure(size, count, device, chosen)
            rows.append(row)
            rates = {
                way: f"{value['images_per_second']:,.0f}" for way, value in row["ways"].items()
            }
            print(row["shape"], f"width {row['width']}, K={count}:", rates, flush=True)
    write(chosen.out, "packing", device.type, {"threads": chosen.threads, "rows": rows})


def _measure(
    size: dict[str, Any], count: int, device: torch.device, chosen: argparse.Namespace
) -> dict[str, Any]:
    images = size["batch"] * chosen.steps
    arguments = (size, images, device, chosen.threads)
    in_turn, as_one = _Trained(*arguments, count), _Trained(*arguments, count)
    rates: dict[str, list[float]] = {}
    context = get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_start, initargs=arguments) as pool:
        ways = {
            "in turn": in_turn.in_turn,
            "as one": as_one.as_one,
            "processes": lambda: list(pool.map(_epoch, range(count))),
        }
        for number in range(chosen.rounds + 1):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                if number:
                    rates.setdefault(name, []).append(
                        count * images / (time.perf_counter() - started)
                    )
    middle = {name: statistics.median(values) for name, values in rates.items()}
    return {
        **size,
        "count": count,
        "ways": {
            name: {
                "images_per_second": middle[name],
                "least": min(values),
                "most": max(values),
                "times_in_turn": middle[name] / middle["in turn"],
            }
            for name, values in rates.items()
        },
    }


class _Trained:
    """Some detectors and their images."""

    def __init__(
        self, size: dict[str, Any], images: int, device: torch.device, threads: int, count: int
    ) -> None:
        torch.set_num_threads(threads)
        parameters = MemganParameters(width=size["width"], batch_size=size["batch"])
        make = partial(Memgan, parameters, image_shape=size["shape"], device=device)
        self.detectors = [make(seed=seed) for seed in range(count)]
        draw = np.random.default_rng(0).integers
        self.images: list[Pixels] = [
            draw(0, 256, (images, *size["shape"]), dtype=np.uint8) for _ in range(count)
        ]

    def in_turn(self) -> None:
        for detector, own in zip(self.detectors, self.images, strict=True):
            detector.fit_epoch(own)

    def as_one(self) -> None:
        fit_epoch_as_one(self.detectors, self.images)


_own: _Trained


def _start(*arguments: Any) -> None:
    global _own
    _own = _Trained(*arguments, 1)


def _epoch(_: int) -> None:
    _own.in_turn()


if __name__ == "__main__":
    main()
