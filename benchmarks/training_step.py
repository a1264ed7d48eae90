"""Images a second through a whole training step of MEMGAN, beside the usual way to write it.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --device cuda --out benchmarks/results/training-step-gpu.json

The baseline (`public_step.py`) and MEMGAN under each setting take turns in one process; a figure is
the median over the rounds of a whole epoch's images a second, after an epoch to warm up. The share
of the machine is that of the floating-point operations a second of a plain matrix product in the
same arithmetic. "baseline", "as it is", "channels-last" and "graph" leave torch's own settings, by
which a GPU takes convolutions in tf32. "graph" is the step as a CUDA graph (`graphed_step.py`), on
only a GPU; where it fails, the reason is written down.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _arithmetic import Setting, arithmetics
from _setting import check_out, write
from graphed_step import GraphedMemgan, difference_from_plain
from public_step import PublicMemgan
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
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
    products = {
        name: _matrix_product(device, name, setting)
        for name, setting in arithmetics(device).items()
    }
    figures: dict[str, Any] = {
        "threads": chosen.threads,
        "rounds": chosen.rounds,
        "steps": chosen.steps,
        "matrix_product_flops": products,
        "rows": [],
    }
    for size in SHAPES:
        row = _measure(size, device, chosen.rounds, chosen.steps, products)
        figures["rows"].append(row)
        write(chosen.out, "training_step", device.type, figures)
        rates = {name: f"{value['images_per_second']:,.0f}" for name, value in row["ways"].items()}
        print(row["shape"], f"width {row['width']}, batch {row['batch']}:", rates, flush=True)
    print(f"wrote {chosen.out}")


def _measure(
    size: dict[str, Any], device: torch.device, rounds: int, steps: int, products: dict[str, float]
) -> dict[str, Any]:
    parameters = MemganParameters(width=size["width"], batch_size=size["batch"])
    count = size["batch"] * steps
    images = np.random.default_rng(0).integers(0, 256, (count, *size["shape"]), dtype=np.uint8)
    ways, remarks = _ways(parameters, size["shape"], device), {}
    if device.type == "cuda":
        try:
            ways["graph"], remarks["graph_differs_by"] = _graphed(
                parameters, size["shape"], device, images
            )
        except Exception as fault:  # What one version of torch cannot capture stops no other way.
            remarks["graph_failed"] = f"{type(fault).__name__}: {fault}"
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = _timed(lambda way=way: way(images), device)
            if number:
                seconds[name].append(taken)
    flops = _flops_a_step(parameters, size["shape"], device, images[: size["batch"]])
    moved = _Moved()
    with moved:
        _detector(parameters, size["shape"], device).fit_epoch(images[: size["batch"]])
    rates = {name: [count / taken for taken in values] for name, values in seconds.items()}
    base = statistics.median(rates["baseline"])
    return {
        **size,
        "flops_a_step": flops,
        "bytes_a_step": moved.bytes,
        "operators_a_step": moved.operators,
        **remarks,
        "ways": {
            name: {
                "images_per_second": statistics.median(values),
                "least": min(values),
                "most": max(values),
                "times_baseline": statistics.median(values) / base,
                "share_of_matrix_product": statistics.median(values)
                / size["batch"]
                * flops
                / products.get(name, products["fp32"]),
            }
            for name, values in rates.items()
        },
    }


def _ways(
    parameters: MemganParameters, shape: tuple[int, int, int], device: torch.device
) -> dict[str, Callable[[Pixels], Any]]:
    def ours() -> Memgan:
        return Memgan(parameters, image_shape=shape, seed=0, device=device)

    def under(detector: Memgan, setting: Setting) -> Callable[[Pixels], Any]:
        def fit(images: Pixels) -> Any:
            with setting():
                return detector.fit_epoch(images)

        return fit

    last = ours()
    last.parts.to(memory_format=torch.channels_last)
    return {
        "baseline": PublicMemgan(parameters, shape, device).fit_epoch,
        "as it is": ours().fit_epoch,
        "channels-last": last.fit_epoch,
        **{name: under(ours(), setting) for name, setting in arithmetics(device).items()},
    }


def _graphed(
    parameters: MemganParameters,
    shape: tuple[int, int, int],
    device: torch.device,
    images: Pixels,
) -> tuple[Callable[[Pixels], Any], float]:
    detector, twin = (
        Memgan(parameters, image_shape=shape, seed=0, device=device) for _ in range(2)
    )
    graphed = GraphedMemgan(detector, images)
    return graphed.fit_epoch, difference_from_plain(graphed, twin, images)


def _timed(work: Callable[[], Any], device: torch.device) -> float:
    _wait(device)
    started = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


class _Moved(TorchDispatchMode):
    """Counts operators of torch, each of which is at least one launch on a GPU, and the bytes of
    all tensors that they read and write: what would come from memory if no cache helped."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.operators += 1
            tensors = [t for t in tree_leaves((args, kwargs, found)) if isinstance(t, torch.Tensor)]
            self.bytes += sum(t.numel() * t.element_size() for t in tensors)
        return found


def _detector(
    parameters: MemganParameters, shape: tuple[int, int, int], device: torch.device
) -> Memgan:
    return Memgan(parameters, image_shape=shape, seed=0, device=device)


def _flops_a_step(
    parameters: MemganParameters,
    shape: tuple[int, int, int],
    device: torch.device,
    batch: Pixels,
) -> int:
    with FlopCounterMode(display=False) as counter:
        _detector(parameters, shape, device).fit_epoch(batch)
    return int(counter.get_total_flops())


def _matrix_product(device: torch.device, arithmetic: str, setting: Setting) -> float:
    """Operations a second of the best of five products."""
    side = 4096 if device.type == "cuda" else 1024
    kind = torch.bfloat16 if arithmetic == "bf16" else torch.float32
    a = torch.randn(side, side, device=device, dtype=kind)
    with setting():
        _timed(lambda: a @ a, device)
        best = min(_timed(lambda: a @ a, device) for _ in range(5))
    return 2 * side**3 / best


if __name__ == "__main__":
    main()
