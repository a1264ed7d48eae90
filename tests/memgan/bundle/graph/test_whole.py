"""What an ONNX model does before the detector: the pixels are those of memgan's own reading."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from memgan.bundle.graph.whole import Whole
from memgan.data import conform, enlarged

pytestmark = pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
WANTED = (24, 16)
SIZES = [(24, 16), (25, 17), (48, 32), (96, 20), (20, 96), (8, 8), (131, 77), (300, 411), (1, 5)]


class Shows(nn.Module):
    """As its score the sum of an image's grey levels, as its map the first channel."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        grey = images.to(torch.float32)
        return grey.sum(dim=(1, 2, 3)).to(torch.float64), grey[:, 0]


@pytest.fixture(scope="module", params=["fit", "pad", "crop"])
def graph(
    request: pytest.FixtureRequest,
) -> tuple[Literal["fit", "pad", "crop"], onnxruntime.InferenceSession]:
    whole = Whole(
        Shows(), (3, *WANTED), normal_scores=[0.1, 70000.3, 9e5], resize=request.param, window=1
    )
    file = io.BytesIO()
    torch.onnx.export(
        whole,
        (torch.zeros((2, 3, 31, 37), dtype=torch.uint8),),
        file,  # type: ignore[arg-type]
        dynamo=False,
        input_names=["images"],
        output_names=["scores", "p_values", "map"],
        dynamic_axes={"images": {0: "N", 2: "H", 3: "W"}},
    )
    return request.param, onnxruntime.InferenceSession(
        file.getvalue(), providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize("size", SIZES)
def test_a_graph_resizes_as_files_are_read_to_the_last_grey_level(
    graph: tuple[Literal["fit", "pad", "crop"], onnxruntime.InferenceSession],
    size: tuple[int, int],
) -> None:
    how, session = graph
    images = np.random.default_rng(1).integers(0, 256, (2, 3, *size), dtype=np.uint8)

    scores, p_values, maps = session.run(None, {"images": images})

    seen = conform(images, WANTED, None, how)
    assert scores.tolist() == seen.astype(np.float64).sum(axis=(1, 2, 3)).tolist()
    at_least = (np.array([0.1, 70000.3, 9e5]) >= scores[:, None]).sum(axis=1)
    np.testing.assert_allclose(p_values, (1 + at_least) / 4)
    expected = [enlarged(one[0].astype(np.float32), size, how) for one in seen]
    np.testing.assert_allclose(maps, np.stack(expected), atol=0.01)
