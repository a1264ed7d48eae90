"""Weights from a file: what does not fit is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from memgan.errors import BundleError


def kept(module: nn.Module) -> dict[str, Tensor]:
    """The tensors of `module` that scoring needs, by name; the tensors themselves."""
    state = module.state_dict().items()
    return {name: value for name, value in state if not name.endswith("num_batches_tracked")}


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU, free of gradients: the content of safetensors."""
    return {name: value.detach().cpu().clone() for name, value in tensors.items()}


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


@dataclass(frozen=True)
class Spec:
    """Shape and kind of an array; None stands for any length but 0."""

    shape: tuple[int | None, ...]
    dtype: torch.dtype = torch.float64


def check_weights(given: Mapping[str, Tensor], expected: Mapping[str, Spec]) -> None:
    """BundleError unless `given` has exactly these names, kinds and shapes, all values finite."""
    if set(given) != set(expected):
        raise BundleError(
            f"weights hold {', '.join(sorted(given)) or 'nothing'}, expected"
            f" {', '.join(sorted(expected))}; export the bundle again"
        )
    for name, spec in expected.items():
        value = given[name]
        fits = len(spec.shape) == value.dim() and all(
            have == want if want is not None else have > 0
            for have, want in zip(value.shape, spec.shape, strict=False)
        )
        if not fits or value.dtype != spec.dtype:
            raise BundleError(
                f"weights {name!r} are {value.dtype} {tuple(value.shape)}, expected {spec.dtype}"
                f" {tuple('any' if want is None else want for want in spec.shape)}"
            )
        if not torch.isfinite(value).all():
            raise BundleError(f"weights {name!r} hold values that are not finite")
