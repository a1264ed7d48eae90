"""Taking weights from a file into tensors that are already there, refusing what does not fit."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from memgan.errors import BundleError


def take_weights(given: Mapping[str, Tensor], into: Mapping[str, Tensor]) -> None:
    """Copy `given` into the tensors of the same names, in place.

    BundleError if a name is missing or left over, or a shape, kind or value is wrong; then
    nothing has been copied.
    """
    for name in into:
        if name not in given:
            raise BundleError(f"weights lack {name!r}; export the bundle again")
    for name, value in given.items():
        if name not in into:
            raise BundleError(f"weights hold the unknown key {name!r}; export the bundle again")
        expected = into[name]
        if value.shape != expected.shape:
            raise BundleError(
                f"weights {name!r} have shape {tuple(value.shape)}, the configuration needs"
                f" {tuple(expected.shape)}; export the bundle again"
            )
        if value.dtype != expected.dtype:
            raise BundleError(f"weights {name!r} are {value.dtype}, expected {expected.dtype}")
        if not torch.isfinite(value).all():
            raise BundleError(f"weights {name!r} hold values that are not finite")
    with torch.no_grad():
        for name, value in given.items():
            into[name].copy_(value)
