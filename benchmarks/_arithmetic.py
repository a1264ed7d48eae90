"""The arithmetics that a step can be taken in, as contexts by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

Setting = Callable[[], AbstractContextManager[Any]]


def arithmetics(device: torch.device) -> dict[str, Setting]:
    """fp32 first, then bf16 by autocast, and on a GPU tf32."""
    found: dict[str, Setting] = {
        "fp32": _Fp32,
        "bf16": lambda: torch.autocast(device.type, dtype=torch.bfloat16),
    }
    return {**found, "tf32": _Tf32} if device.type == "cuda" else found


class _Fp32(nullcontext[None]):
    """Torch lets convolutions be in tf32 unless it is told otherwise."""

    _tf32 = False

    def __enter__(self) -> None:
        backends = torch.backends.cuda.matmul, torch.backends.cudnn
        self.before = [backend.allow_tf32 for backend in backends]
        for backend in backends:
            backend.allow_tf32 = self._tf32

    def __exit__(self, *fault: object) -> None:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = self.before


class _Tf32(_Fp32):
    _tf32 = True
