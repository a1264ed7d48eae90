"""Trainings at once on one device: steps a second of 1, 2, 4 and 8 processes together.

    python benchmarks/at_once.py --device cuda --processes 1,2,4,8

Each process trains MEMGAN of MNIST's size on noise, warms up, waits for the others, and counts its
steps for some seconds. With CUDA MPS running (a process `nvidia-cuda-mps-control` that you started)
the processes share the device by it; say so with --label.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path
from typing import Any

from _setting import check_out, write


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--processes", default="1,2,4,8")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--label", default="time slices", help="How they share the device.")
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "at-once.json"
    )
    chosen = parser.parse_args()
    check_out(chosen.out)
    from memgan.machine import resolve_device

    device = resolve_device(chosen.device).type
    rows = []
    for count in map(int, chosen.processes.split(",")):
        steps = _together(count, device, chosen.side, chosen.seconds)
        rows.append(
            {
                "processes": count,
                "steps_per_second": sum(steps),
                "times_one": sum(steps) / (rows[0]["steps_per_second"] if rows else sum(steps)),
            }
        )
        print(rows[-1], flush=True)
        write(chosen.out, "at_once", device, {"sharing": chosen.label, "rows": rows})
    print(f"wrote {chosen.out}")


def _together(count: int, device: str, side: int, seconds: float) -> list[float]:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(count), context.Queue()
    workers = [
        context.Process(target=_train, args=(device, side, seconds, barrier, results))
        for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join(30)
    return found


def _train(device: str, side: int, seconds: float, barrier: Any, results: Any) -> None:
    import numpy as np
    import torch

    from memgan.config import MemganParameters
    from memgan.detectors import Memgan

    torch.set_num_threads(1)
    parameters = MemganParameters(batch_size=128)
    detector = Memgan(parameters, image_shape=(1, side, side), seed=0, device=torch.device(device))
    steps = 5
    images = np.random.default_rng(0).integers(0, 256, (steps * 128, 1, side, side), dtype=np.uint8)
    detector.fit_epoch(images)
    barrier.wait(240)
    started, epochs = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        detector.fit_epoch(images)  # It ends with the losses on the host, so it has waited.
        epochs += 1
    results.put(steps * epochs / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
