"""Facts of the machine a figure was made on: versions, device, name of the processor."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memgan.errors import BadInput, unknown_name

if TYPE_CHECKING:
    import torch

_DEVICES = ("auto", "cpu", "cuda")
_RECORDED = ("memgan", "torch", "torchvision", "ray", "optuna", "mlflow", "scikit-learn", "numpy")


def own_version() -> str:
    """memgan's version; "not installed" for a checkout that Python finds only by its path."""
    try:
        return version("memgan")
    except PackageNotFoundError:
        return "not installed"


def versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Python's version and those of the packages that a figure depends on; more: further ones."""
    found = {"python": platform.python_version()}
    for package in (*_RECORDED, *more):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Architecture, processor where the system tells it, and number of cores, in one line."""
    return f"{platform.system()} {platform.machine()} {_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:  # noqa: PTH123
            for line in info:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def with_own_version(document: Mapping[str, Any]) -> dict[str, Any]:
    """What `--json` prints: the document, and which memgan wrote it."""
    return {"memgan_version": own_version(), **document}


def resolve_device(name: str) -> torch.device:
    """`auto` is CUDA where torch finds a device, else the CPU. BadInput for a missing device,
    UnknownName for any other name."""
    if name not in _DEVICES:
        raise unknown_name("device", name, _DEVICES)
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput("device 'cuda' was asked for and torch finds none; use --device cpu or auto")
    return torch.device(name)


def may_have_gpu() -> bool:
    """Whether torch might find a GPU: told without torch, by what a driver leaves in the system."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


def prepare_process(threads: int) -> None:
    """Give this process so many CPU threads and, on a GPU, kernels that repeat exactly."""
    import torch

    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def hold_to_gpu_share(share: float) -> None:
    """Let this process have no more than a share, 0 to 1, of its GPU's memory, so that who asks
    for more runs out of it, and not its neighbours. 0 and 1 leave it as it is."""
    if not 0 < share < 1:
        return
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(share)


def gpu_memory_mb() -> float:
    """All memory of the GPU that torch uses in this process, in MiB; 0 where it uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return 0.0
    return float(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory) / 2**20


def reset_peak_memory() -> None:
    """Let `peak_memory_mb` begin again, where a process trains one configuration after another."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    # Only Linux can; elsewhere the peak is that of the process.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory_mb() -> float:
    """The most memory this process has held since `reset_peak_memory`, in MiB (on the GPU where
    torch uses one)."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (2**20 if sys.platform == "darwin" else 2**10)
