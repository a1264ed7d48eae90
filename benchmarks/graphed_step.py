"""MEMGAN's step as a CUDA graph: one launch for all of a step's operations.

Part of the benchmark of a training step; the detector itself knows nothing of it. All batches of
an epoch must have one size, as a graph's shapes are fixed, and learning rates are those of the
capture.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from memgan.data import Pixels
from memgan.detectors import Memgan

Losses = dict[str, Tensor]
Capture = Callable[[Callable[[], Losses], Memgan], tuple[Callable[[], None], Losses]]

_WARM_UP = 3


class GraphedMemgan:
    """Trains a detector by replaying its captured step; `fit_epoch` gives the mean losses.

    It begins with three plain steps on the first batch, with which the detector has trained.
    RuntimeError where the step cannot be captured.
    """

    def __init__(self, detector: Memgan, images: Pixels, capture: Capture | None = None) -> None:
        self.detector = detector
        self.batch = torch.tensor(images[: detector.parameters.batch_size], device=detector.device)
        detector.parts.train()
        self.replay, self.losses = (capture or as_cuda_graph)(
            lambda: detector.step(detector.see(self.batch).x), detector
        )

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        """One pass over uint8 (N, C, H, W), N a multiple of the batch size."""
        detector = self.detector
        resident = torch.tensor(images, device=detector.device)
        order = torch.randperm(len(images), generator=detector.shuffling)
        batches = order.to(detector.device).split(len(self.batch))
        totals: Losses = {}
        for batch in batches:
            self.batch.copy_(resident[batch])
            self.replay()
            for name, loss in self.losses.items():
                totals[name] = totals.get(name, torch.zeros_like(loss)) + loss
        return {name: float(total) / len(batches) for name, total in totals.items()}


def as_cuda_graph(
    step: Callable[[], Losses], detector: Memgan
) -> tuple[Callable[[], None], Losses]:
    """Warm up, then capture: what replays the step, and the losses that it writes each time."""
    for optimiser in detector.optimisers.values():
        for group in optimiser.param_groups:
            group["capturable"] = True
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(_WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(detector.sampling)
    with torch.cuda.graph(graph):
        losses = step()
    return graph.replay, losses


def without_a_graph(
    step: Callable[[], Losses], detector: Memgan
) -> tuple[Callable[[], None], Losses]:
    """The same with the plain step in the place of the graph, for a device that has none."""
    for _ in range(_WARM_UP):
        step()
    losses: Losses = {}
    return lambda: losses.update(step()), losses


def difference_from_plain(graphed: GraphedMemgan, twin: Memgan, images: Pixels) -> float:
    """The largest relative difference of an epoch's mean losses between the graph and the plain
    step, from one start; twin: of the same seed as the graphed detector, not trained yet."""
    first = torch.tensor(images[: twin.parameters.batch_size], device=twin.device)
    twin.parts.train()
    for _ in range(_WARM_UP):
        twin.step(twin.see(first).x)
    plain = twin.fit_epoch(images)
    return max(
        abs(loss - plain[name]) / max(abs(plain[name]), 1e-12)
        for name, loss in graphed.fit_epoch(images).items()
    )
