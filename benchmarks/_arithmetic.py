"""The arithmetics that a step can be taken in, as contexts by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import torch

from memgan.machine import Arithmetic, computed_in

Setting = Callable[[], AbstractContextManager[None]]


def arithmetics(device: torch.device) -> dict[str, Setting]:
    """fp32 first, then bf16 by autocast, and on a GPU tf32."""
    names: list[Arithmetic] = ["fp32", "bf16", *(["tf32"] if device.type == "cuda" else [])]
    return {name: partial(computed_in, name, device) for name in names}
