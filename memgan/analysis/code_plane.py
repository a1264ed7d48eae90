"""Codes and memory units in the one plane that shows most of them.

The projection is linear, so the hull of the projected units is the projection of their hull: a code
outside of it in the plane is outside of it in truth. One inside may still lie outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memgan.data import Flags
from memgan.detectors import Codes

_MOST = 300
"""Codes kept of normals, and of anomalies."""


@dataclass(frozen=True, eq=False)
class CodePlane:
    """Points in the plane of the two leading principal components of codes and units."""

    codes: Codes
    """float32 (N, 2)."""
    anomalous: Flags
    """(N,)."""
    units: Codes
    """float32 (n, 2)."""
    codes_share: float
    """How much of the codes' variance lies in the plane, 0 to 1."""
    units_share: float
    """The same of the memory units."""


def sample_evenly(anomalous: Flags) -> npt.NDArray[np.int64]:
    """Positions of up to 300 normals and as many anomalies, spread over the whole, ascending."""
    chosen = []
    for flag in (False, True):
        of_kind = np.flatnonzero(anomalous == flag)
        kept = min(_MOST, len(of_kind))
        chosen.append(of_kind[np.linspace(0, len(of_kind) - 1, kept).round().astype(np.int64)])
    return np.sort(np.concatenate(chosen))


def project_to_plane(codes: Codes, anomalous: Flags, units: Codes) -> CodePlane:
    """The plane of codes (N, d) and memory units (n, d), each of the two kinds weighing the same.

    With d = 1 the second coordinate is 0.
    """
    centre = (codes.mean(axis=0, dtype=np.float64) + units.mean(axis=0, dtype=np.float64)) / 2
    centred = [kind.astype(np.float64) - centre for kind in (codes, units)]
    weighted = [kind / np.sqrt(max(len(kind), 1) * _variance(kind)) for kind in centred]
    _, _, directions = np.linalg.svd(np.concatenate(weighted), full_matrices=False)
    axes = np.zeros((2, codes.shape[1]))
    axes[: min(2, len(directions))] = directions[:2]
    return CodePlane(
        codes=(centred[0] @ axes.T).astype(np.float32),
        anomalous=anomalous,
        units=(centred[1] @ axes.T).astype(np.float32),
        codes_share=_share(codes, axes),
        units_share=_share(units, axes),
    )


def _variance(points: npt.NDArray[np.float64]) -> float:
    return max(float((points**2).sum(axis=1).mean()), 1e-12)


def _share(points: Codes, axes: npt.NDArray[np.float64]) -> float:
    own = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    return float(((own @ axes.T) ** 2).sum() / max((own**2).sum(), 1e-12))
