"""The arithmetic that a training is computed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Arithmetic = Literal["auto", "fp32", "tf32", "bf16"]


@contextmanager
def computed_in(arithmetic: Arithmetic, device: torch.device) -> Iterator[None]:
    """What is computed within is computed so on this device; before and after, as the process was.

    auto: as torch is set: fp32 on a CPU; on a GPU convolutions in tf32 and the rest in fp32.
    fp32, tf32: all of it, within bf16 too; a CPU knows no tf32 and computes fp32. bf16:
    convolutions and matrix products by autocast; weights, their updates and sums stay fp32.
    """
    import torch

    if arithmetic == "bf16":
        # Autocast would keep its bf16 copy of a weight until the end, past the weight's updates.
        with torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False):
            yield
    elif arithmetic == "auto":
        yield
    else:
        before = _tf32()
        try:
            _set_tf32((arithmetic == "tf32", arithmetic == "tf32"))
            with torch.autocast(device.type, enabled=False):
                yield
        finally:
            _set_tf32(before)


def _tf32() -> tuple[bool, bool]:
    """Whether matrix products and convolutions of a GPU may be in tf32."""
    import torch

    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def _set_tf32(allowed: tuple[bool, bool]) -> None:
    import torch

    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = allowed
