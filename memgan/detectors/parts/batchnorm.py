"""BatchNorm that keeps nothing of its training: statistics for scoring are gathered afterwards.

In training every batch is normalised by its own mean and variance and nothing else happens: no
running values are written, and nothing waits for the device. What scoring needs is gathered on the
path that scoring takes, from the training images (`renew_statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

from memgan.data import Pixels
from memgan.machine import computed_in

_BATCH = 256


class _OfTheBatch(_BatchNorm):
    """Has the tensors and the names of torch's own, so that weights of either fit the other.

    `update_bn` takes the momentum away while it gathers: then, and when scoring, it is torch's own.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.momentum is None:
            return super().forward(x)
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)


class BatchNorm1d(_OfTheBatch, nn.BatchNorm1d):
    """Of (B, C)."""


class BatchNorm2d(_OfTheBatch, nn.BatchNorm2d):
    """Of (B, C, H, W)."""


def renew_statistics(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Forget the running statistics in `model` and gather them again: the plain mean over
    `batches`, each passed through `model`, in fp32 as in scoring. Leaves its BatchNorm layers in
    evaluation mode."""
    with computed_in("fp32", next(model.parameters()).device):
        update_bn(batches, model.eval())


def even_batches(images: Pixels, device: torch.device) -> Iterator[Tensor]:
    """uint8 (N, C, H, W) in near-equal parts on `device`, so that the plain mean over the parts is
    the mean over the images."""
    for batch in np.array_split(images, math.ceil(len(images) / _BATCH)):
        yield torch.tensor(batch, device=device)
