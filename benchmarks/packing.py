"""K detectors trained as one model, beside the same K in turn and in as many processes as cores.

    python benchmarks/packing.py
    python benchmarks/packing.py --device cuda

The three ways take turns; a figure is the median over rounds of images a second, over all K, of one
epoch after an epoch to warm up. On a machine that others use too the CPU's own seconds are what can
be compared: they are told beside it. What `packing: auto` does follows these figures.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _setting import check_out, write

from memgan.config import MemganParameters
from memgan.data import Pixels
from memgan.detectors import Memgan
from memgan.machine import machine_share, resolve_device
from memgan.training import fit_epoch_as_one

SIZES = [
    {"shape": (1, 8, 8), "width": 8, "batch": 32},
    {"shape": (1, 8, 8), "width": 16, "batch": 64},
    {"shape": (1, 8, 8), "width": 32, "batch": 64},
    {"shape": (3, 8, 8), "width": 16, "batch": 64},
    {"shape": (1, 16, 16), "width": 8, "batch": 32},
    {"shape": (1, 16, 16), "width": 16, "batch": 64},
    {"shape": (1, 28, 28), "width": 16, "batch": 64},
    {"shape": (3, 32, 32), "width": 16, "batch": 64},
]
COUNTS = {"cpu": [1, 2, 3, 5, 10], "cuda": [1, 5, 10, 30, 100]}


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--counts", type=int, nargs="+", help="K; else what the device is for.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4, help="Steps of an epoch.")
    parser.add_argument("--tiny", action="store_true", help="Only show that it runs.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "packing.json"
    )
    chosen = parser.parse_args()
    check_out(chosen.out)
    sizes, counts = SIZES, chosen.counts or COUNTS[resolve_device(chosen.device).type]
    if chosen.tiny:
        sizes, counts, chosen.rounds = SIZES[:1], counts[:2], 1
    device = resolve_device(chosen.device)
    torch.set_num_threads(chosen.threads)
    rows = []
    with ProcessPoolExecutor(max(1, machine_share().cpus), get_context("spawn")) as pool:
        for size in sizes:
            for count in counts:
                row = _measure(size, count, pool, chosen)
                rows.append(row)
                times = {
                    way: round(value["times_in_turn_by_cpu_seconds"], 2)
                    for way, value in row["ways"].items()
                }
                print(row["shape"], f"width {row['width']}, K={count}:", times, flush=True)
    write(chosen.out, "packing", device.type, {"threads": chosen.threads, "rows": rows})


def _measure(
    size: dict[str, Any], count: int, pool: ProcessPoolExecutor, chosen: argparse.Namespace
) -> dict[str, Any]:
    images = size["batch"] * chosen.steps
    made = (size["shape"], size["width"], size["batch"], images, chosen.device, chosen.threads)
    in_turn, as_one = _Trained(*made, count), _Trained(*made, count)
    ways: dict[str, Callable[[], float]] = {
        "in turn": lambda: _cpu_seconds(in_turn.in_turn),
        "as one": lambda: _cpu_seconds(as_one.as_one),
        "processes": lambda: sum(pool.map(_epoch, [made] * count)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    of_cpu: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(chosen.rounds + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            cpu = way()
            if number:
                seconds[name].append(time.perf_counter() - started)
                of_cpu[name].append(cpu)
    whole = count * images
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    cpu_middle = {name: statistics.median(values) for name, values in of_cpu.items()}
    return {
        **size,
        "count": count,
        "ways": {
            name: {
                "images_per_second": whole / middle[name],
                "least": whole / max(seconds[name]),
                "most": whole / min(seconds[name]),
                "times_in_turn": middle["in turn"] / middle[name],
                "cpu_seconds": cpu_middle[name],
                "times_in_turn_by_cpu_seconds": cpu_middle["in turn"] / cpu_middle[name],
            }
            for name in ways
        },
    }


def _cpu_seconds(way: Callable[[], None]) -> float:
    started = time.process_time()
    way()
    return time.process_time() - started


class _Trained:
    """Some detectors and their images."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int,
        batch: int,
        images: int,
        device: str,
        threads: int,
        count: int,
    ) -> None:
        torch.set_num_threads(threads)
        parameters = MemganParameters(width=width, batch_size=batch)
        where = resolve_device(device)
        self.detectors = [
            Memgan(parameters, image_shape=shape, seed=seed, device=where) for seed in range(count)
        ]
        draw = np.random.default_rng(0).integers
        self.images: list[Pixels] = [
            draw(0, 256, (images, *shape), dtype=np.uint8) for _ in range(count)
        ]

    def in_turn(self) -> None:
        for detector, own in zip(self.detectors, self.images, strict=True):
            detector.fit_epoch(own)

    def as_one(self) -> None:
        fit_epoch_as_one(self.detectors, self.images)


@cache
def _of_process(made: tuple[Any, ...]) -> _Trained:
    return _Trained(*made, 1)


def _epoch(made: tuple[Any, ...]) -> float:
    """An epoch in a process of its own; the CPU's seconds."""
    return _cpu_seconds(_of_process(made).in_turn)


if __name__ == "__main__":
    main()
