"""The hull, measured: how far codes lie from the convex hull of a trained memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from memgan.analysis import exact_distance_to_hull
from memgan.config import Configuration, Frozen
from memgan.data import Flags, Pixels, Split
from memgan.detectors import Memgan, build_detector
from memgan.paper.cells.result_cells import Recorded, ResultCell
from memgan.stats import auroc
from memgan.training import Cell

_INSIDE = 1e-5
"""Of the memory's extent: nearer than this a code counts as inside."""


class Distances(Frozen):
    """Distances of codes to the hull, in units of the code space."""

    count: int = Field(ge=1)
    mean: float = Field(ge=0)
    sd: float = Field(ge=0)
    median: float = Field(ge=0)
    inside: float = Field(ge=0, le=1)
    """Share of codes inside."""


class HullCell(Recorded):
    """One trained memory and the codes around it. Distances are exact to a millionth."""

    memory_units: int
    memory_dim: int
    extent: float = Field(gt=0)
    """Mean distance of the units from their centroid: what distances are to be seen against."""
    train: Distances
    test_normal: Distances
    test_anomalous: Distances
    auroc: float = Field(ge=0, le=1)
    """The AUROC of the distance as an anomaly score, on the test images."""


def measure(detector: Memgan, split: Split, result: ResultCell, anomalous: Flags) -> HullCell:
    """The hull of a trained memory, from training and test images. anomalous: of the latter."""
    units = torch.from_numpy(detector.memory_units())
    extent = float(torch.linalg.vector_norm(units - units.mean(dim=0), dim=1).mean())
    train = _to_hull(detector, split.development.train.of_class(result.normal_class), units)
    test = _to_hull(detector, split.test.images, units)
    return HullCell(
        **result.model_dump(exclude={"auroc", "average_precision", "seconds"}),
        memory_units=len(units),
        memory_dim=units.shape[1],
        extent=extent,
        train=_distances(train, extent),
        test_normal=_distances(test[~anomalous], extent),
        test_anomalous=_distances(test[anomalous], extent),
        auroc=auroc(test, anomalous),
    )


def restore(configuration: Configuration, split: Split, cell: Cell) -> Memgan | None:
    """The MEMGAN that a cell's weights are of, on the CPU; None for another detector."""
    if configuration.detector != Memgan.name:
        return None
    detector = build_detector(
        configuration.detector,
        configuration.parameters_for(cell.normal_class),
        image_shape=split.development.train.image_shape,
        seed=cell.seed,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Memgan)
    detector.load_weights(cell.weights)
    return detector


def _to_hull(detector: Memgan, images: Pixels, units: torch.Tensor) -> npt.NDArray[np.float64]:
    codes = torch.from_numpy(detector.codes(images))
    return exact_distance_to_hull(codes, units).distance.numpy()


def _distances(values: npt.NDArray[np.float64], extent: float) -> Distances:
    return Distances(
        count=len(values),
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)),
        median=float(np.median(values)),
        inside=float((values < _INSIDE * extent).mean()),
    )
