"""PatchCore (arXiv 2106.08265): a memory of local features of a frozen network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, PatchMemoryParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Detector, Rebuilt
from memgan.detectors.on_features.coreset import coreset
from memgan.detectors.on_features.distances import nearest
from memgan.detectors.on_features.sight import ready, seal_spec
from memgan.detectors.parts.weights import Spec, check_weights
from memgan.detectors.vectors.seal import sealed, unsealed
from memgan.features import Extractor, resizing
from memgan.machine import computed_in

_MOST_ROWS = 2**18
"""Places of the training images that a memory is chosen from; of more, as many at random."""
_MOST_BYTES = 2**30
"""Of all maps of some images; more are computed a few at a time and kept nowhere."""

_Maps = npt.NDArray[np.float32]


class PatchMemory(Detector):
    """The distance of the place that is farthest from its nearest neighbour in the memory.

    The memory, (M, p), is a coreset of the features of all places of the training images. A score
    is weighted as in Eq. 7 of the paper: it is larger where the other remembered places around the
    nearest one are far from the place that is scored.
    """

    name = "patch-memory"
    extractor: Extractor

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, PatchMemoryParameters)
        self.parameters = parameters
        self.extractor = Extractor(
            parameters.features,
            self.image_shape,
            device=self.device,
            average=parameters.averaged,
        )
        self.memory = torch.empty(0, self.extractor.count)
        self.whitener: dict[str, Tensor] = {}
        """`mean`, (p,), and `whitener`, (p, p), where there is `whitening`."""
        self._last_judge: tuple[Tensor, _Judge] | None = None

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        generator = torch.Generator().manual_seed(self.seed)
        cells = self.extractor.cells
        total = len(images) * cells
        wanted = np.arange(total)
        if total > _MOST_ROWS:
            drawn = torch.randperm(total, generator=generator)[:_MOST_ROWS]
            wanted = np.sort(drawn.numpy())
        rows, done = [], 0
        for maps in self._maps(images):
            here = _rows(maps)
            own = wanted[(wanted >= done) & (wanted < done + len(here))] - done
            rows.append(here[own])
            done += len(here)
        known = np.concatenate(rows)
        if self.parameters.whitening:
            self.whitener = _whitener(known, self.parameters.whitening)
            # In NumPy, which computes in fp32 whatever a training is computed in.
            mean, matrix = (self.whitener[name].numpy() for name in ("mean", "whitener"))
            known = (known - mean) @ matrix
        share = math.ceil(self.parameters.memory_share * len(known))
        count = max(1, min(share, self.parameters.most_remembered))
        self.memory = torch.from_numpy(known[coreset(known, count, generator)])
        return {}

    def _maps(self, images: Pixels) -> Iterator[_Maps]:
        """Feature maps, (n, p, h, w), of all images, some at a time."""
        bytes_each = 4 * self.extractor.count * self.extractor.cells
        step = 8 * self.at_once
        if len(images) * bytes_each <= _MOST_BYTES:
            whole = self.extractor.of(images)
            yield from (whole[at : at + step] for at in range(0, len(images), step))
            return
        cache, self.extractor.cache = self.extractor.cache, None
        try:
            for at in range(0, len(images), step):
                yield self.extractor.of(images[at : at + step])
        finally:
            self.extractor.cache = cache

    def score(self, images: Pixels) -> Scores:
        with computed_in("fp32", self.device):
            return self._found(images)[0]

    def maps(self, images: Pixels) -> Rebuilt:
        with computed_in("fp32", self.device):
            return self._found(images)[1]

    @torch.no_grad()
    def _found(self, images: Pixels) -> tuple[Scores, Rebuilt]:
        judge = self._judge()
        scores = [np.empty(0)]
        by_pixel = [np.empty((0, *self.image_shape[1:]), dtype=np.float32)]
        for some in self._maps(images):
            for at in range(0, len(some), self.at_once):
                part = torch.tensor(np.array(some[at : at + self.at_once]), device=self.device)
                found, places = judge(part)
                scores.append(found.cpu().numpy())
                by_pixel.append(places.cpu().numpy())
        return np.concatenate(scores), np.concatenate(by_pixel)

    def _judge(self) -> _Judge:
        """On the device; the same until there is another memory."""
        if self._last_judge is None or self._last_judge[0] is not self.memory:
            memory = self.memory.to(self.device)
            judge = _Judge(memory, self.extractor.side, self.image_shape, self.parameters)
            judge.whiten_by(self.whitener)
            self._last_judge = self.memory, judge.to(self.device)
        return self._last_judge[1]

    def scorer(self) -> nn.Module:
        return _Scorer(self.extractor, self._judge()).eval()

    def weights(self) -> dict[str, Tensor]:
        return sealed(self.extractor, self.state_dict())

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        count = self.extractor.count
        specs = {"memory": Spec((None, count), torch.float32)}
        if self.parameters.whitening:
            specs["mean"] = Spec((count,), torch.float32)
            specs["whitener"] = Spec((count, count), torch.float32)
        check_weights(weights, {**specs, **seal_spec(self.extractor)})
        self.load_state_dict(unsealed(self.extractor, weights))

    def state_dict(self) -> dict[str, Any]:
        learned = {"memory": self.memory, **self.whitener}
        return {name: value.clone() for name, value in learned.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.memory = state["memory"]
        self.whitener = {name: state[name] for name in ("mean", "whitener") if name in state}


class _Judge(nn.Module):
    """Feature maps (N, p, h, w) to scores, float64 (N,), and to distances by pixel, float32
    (N, H, W)."""

    memory: Tensor
    around: Tensor
    rows: Tensor
    columns: Tensor
    mean: Tensor
    whitener: Tensor

    def __init__(
        self,
        memory: Tensor,
        side: int,
        image_shape: tuple[int, int, int],
        parameters: PatchMemoryParameters,
    ) -> None:
        super().__init__()
        self.side, self.largest = side, parameters.largest
        self.register_buffer("memory", memory)
        self.register_buffer("around", _around(memory, parameters.neighbours))
        _, height, width = image_shape
        blur = parameters.smoothing * side / parameters.features.size
        self.register_buffer("rows", _smooth(side, height, blur))
        self.register_buffer("columns", _smooth(side, width, blur).T.contiguous())
        self.whitened = False

    def whiten_by(self, whitener: Mapping[str, Tensor]) -> None:
        """Whiten features before they are compared; nothing where `whitener` is empty."""
        self.whitened = bool(whitener)
        for name, value in whitener.items():
            self.register_buffer(name, value)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        places = maps.flatten(2).transpose(1, 2)
        if self.whitened:
            places = _whitened(places, self.mean, self.whitener)
        cells, length = self.side**2, int(self.memory.shape[1])
        found = nearest(places.reshape(-1, length), self.memory, 1)
        distances = found.distances.reshape(-1, cells)
        where = distances.argmax(dim=1)
        scores = distances.topk(min(self.largest, cells), dim=1).values.mean(dim=1)
        if self.around.shape[1] > 1:
            there = where[:, None]
            remembered = found.places.reshape(-1, cells).gather(1, there)[:, 0]
            place = places.gather(1, there[..., None].expand(-1, -1, length))
            others = self.memory[self.around[remembered]].to(torch.float64)
            apart = ((place.to(torch.float64) - others) ** 2).sum(dim=2).sqrt()
            scores = scores * (1 - apart.softmax(dim=1)[:, 0])
        by_cell = distances.to(torch.float32).reshape(-1, self.side, self.side)
        return scores, self.rows @ by_cell @ self.columns


class _Scorer(nn.Module):
    def __init__(self, extractor: Extractor, judge: _Judge) -> None:
        super().__init__()
        self.extractor, self.judge = ready(extractor), judge

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        scores, by_pixel = self.judge(self.extractor(images))
        return scores, by_pixel


def _whitener(rows: _Maps, share: float) -> dict[str, Tensor]:
    """What makes the rows, (N, p), uncorrelated, with variances near 1."""
    mean = rows.mean(axis=0, dtype=np.float64)
    covariance = np.atleast_2d(np.cov(rows, rowvar=False, dtype=np.float64))
    variances, directions = np.linalg.eigh(covariance)
    variances = variances.clip(0)
    added = max(share * float(variances.mean()), 1e-12)
    matrix = directions / np.sqrt(variances + added)
    found = {"mean": mean, "whitener": np.ascontiguousarray(matrix)}
    return {name: torch.from_numpy(value).to(torch.float32) for name, value in found.items()}


def _whitened(rows: Tensor, mean: Tensor, whitener: Tensor) -> Tensor:
    white: Tensor = (rows - mean) @ whitener
    return white


def _rows(maps: _Maps) -> _Maps:
    """Every place a row, (n·h·w, p)."""
    rows: _Maps = maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])
    return rows


@torch.no_grad()
def _around(memory: Tensor, count: int) -> Tensor:
    """The nearest of each remembered row, itself first, int64 (M, count)."""
    kept = min(count, len(memory))
    if kept < 2:
        return torch.zeros(len(memory), 1, dtype=torch.int64, device=memory.device)
    places = nearest(memory, memory, kept).places
    itself = torch.arange(len(memory), device=memory.device)[:, None]
    # Twins may stand before it, or in its place.
    _, others_first = (places == itself).to(torch.int8).sort(dim=1, stable=True, descending=True)
    places = places.gather(1, others_first)
    return torch.where(places[:, :1] == itself, places, torch.cat([itself, places[:, :-1]], dim=1))


def _smooth(given: int, wanted: int, blur: float) -> Tensor:
    """The matrix (wanted, given) that blurs a line of cells and brings it to a number of pixels;
    each of its rows of sum 1."""
    if blur > 0:
        at = torch.arange(given, dtype=torch.float32)
        weights = torch.exp(-((at[:, None] - at) ** 2) / (2 * blur**2))
        blurred = weights / weights.sum(dim=1, keepdim=True)
    else:
        blurred = torch.eye(given)
    return resizing(given, wanted) @ blurred
