"""Images a second through a whole training step of MEMGAN, beside the usual way to write it.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --device cuda --out benchmarks/results/training-step-gpu.json

The baseline (`public_step.py`) and MEMGAN under each setting take turns in one process; a figure is
the median over the rounds of a whole epoch's images a second, after an epoch to warm up. The share
of the machine is that of the floating-point operations a second of a plain matrix product.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _setting import check_out, write
from public_step import PublicMemgan
from torch.utils.flop_counter import FlopCounterMode

from memgan.config import MemganParameters
from memgan.data import Pixels
from memgan.detectors import Memgan
from memgan.machine import resolve_device

SHAPES = [
    {"shape": (1, 8, 8), "width": 8, "batch": 32},
    {"shape": (1, 28, 28), "width": 16, "batch": 128},
    {"shape": (1, 28, 28), "width": 32, "batch": 64},
    {"shape": (3, 32, 32), "width": 16, "batch": 64},
]


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40, help="Steps of an epoch.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "training-step.json"
    )
    chosen = parser.parse_args()
    check_out(chosen.out)
    device = resolve_device(chosen.device)
    torch.set_num_threads(chosen.threads)
    product = _matrix_product(device)
    rows = []
    for size in SHAPES:
        row = _measure(size, device, chosen.rounds, chosen.steps, product)
        rows.append(row)
        rates = {name: f"{value['images_per_second']:,.0f}" for name, value in row["ways"].items()}
        print(row["shape"], f"width {row['width']}, batch {row['batch']}:", rates, flush=True)
    figures = {"threads": chosen.threads, "matrix_product_flops": product, "rows": rows}
    write(chosen.out, "training_step", device.type, figures)


def _measure(
    size: dict[str, Any], device: torch.device, rounds: int, steps: int, product: float
) -> dict[str, Any]:
    parameters = MemganParameters(width=size["width"], batch_size=size["batch"])
    count = size["batch"] * steps
    images = np.random.default_rng(0).integers(0, 256, (count, *size["shape"]), dtype=np.uint8)
    ways = _ways(parameters, size["shape"], device)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = _timed(lambda way=way: way(images), device)
            if number:
                seconds[name].append(taken)
    flops = _flops_a_step(parameters, size["shape"], device, images[: size["batch"]])
    rates = {name: [count / taken for taken in values] for name, values in seconds.items()}
    base = statistics.median(rates["baseline"])
    return {
        **size,
        "flops_a_step": flops,
        "ways": {
            name: {
                "images_per_second": statistics.median(values),
                "least": min(values),
                "most": max(values),
                "times_baseline": statistics.median(values) / base,
                "share_of_matrix_product": statistics.median(values)
                / size["batch"]
                * flops
                / product,
            }
            for name, values in rates.items()
        },
    }


def _ways(
    parameters: MemganParameters, shape: tuple[int, int, int], device: torch.device
) -> dict[str, Callable[[Pixels], Any]]:
    def ours() -> Memgan:
        return Memgan(parameters, image_shape=shape, seed=0, device=device)

    def under(
        detector: Memgan, setting: Callable[[], AbstractContextManager[Any]]
    ) -> Callable[[Pixels], Any]:
        def fit(images: Pixels) -> Any:
            with setting():
                return detector.fit_epoch(images)

        return fit

    def bf16() -> AbstractContextManager[Any]:
        return torch.autocast(device.type, dtype=torch.bfloat16)

    last = ours()
    last.parts.to(memory_format=torch.channels_last)
    ways: dict[str, Callable[[Pixels], Any]] = {
        "baseline": PublicMemgan(parameters, shape, device).fit_epoch,
        "fp32": ours().fit_epoch,
        "channels-last": last.fit_epoch,
        "bf16": under(ours(), bf16),
    }
    if device.type == "cuda":
        ways["tf32"] = under(ours(), _Tf32)
    return ways


class _Tf32(nullcontext[None]):
    def __enter__(self) -> None:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True

    def __exit__(self, *fault: object) -> None:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def _timed(work: Callable[[], Any], device: torch.device) -> float:
    _wait(device)
    started = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _flops_a_step(
    parameters: MemganParameters,
    shape: tuple[int, int, int],
    device: torch.device,
    batch: Pixels,
) -> int:
    detector = Memgan(parameters, image_shape=shape, seed=0, device=device)
    with FlopCounterMode(display=False) as counter:
        detector.fit_epoch(batch)
    return int(counter.get_total_flops())


def _matrix_product(device: torch.device) -> float:
    """Operations a second of the best of five float32 products."""
    side = 4096 if device.type == "cuda" else 1024
    a = torch.randn(side, side, device=device)
    best = min(_timed(lambda: a @ a, device) for _ in range(6))
    return 2 * side**3 / best


if __name__ == "__main__":
    main()
