"""What a score means: a threshold and p-values from the scores of held-out normal images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from memgan.config import Frozen
from memgan.errors import ConfigError


class Calibration(Frozen):
    """Scores of normal images that training never saw, and the false-alarm rate to stand by."""

    normal_scores: tuple[float, ...] = Field(min_length=1)
    """Ascending."""
    false_alarm_rate: float = Field(0.05, gt=0, lt=1)
    normal_residual: float | None = Field(None, ge=1, le=255)
    """Grey levels within which 99 % of the pixels of such images are rebuilt, at least 1; None
    where the detector rebuilds nothing."""

    @field_validator("normal_scores")
    @classmethod
    def _finite_and_sorted(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not np.isfinite(value).all():
            raise ValueError("scores must be finite")
        return tuple(sorted(value))

    @property
    def threshold(self) -> float:
        """The score that the wanted share of normals exceeds at most."""
        return float(np.quantile(self.normal_scores, 1 - self.false_alarm_rate, method="higher"))

    def p_values(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(1 + normals scoring at least as high) / (1 + normals), by image, in (0, 1]."""
        normals = np.asarray(self.normal_scores)
        at_least = len(normals) - np.searchsorted(normals, scores, side="left")
        p: npt.NDArray[np.float64] = (1 + at_least) / (1 + len(normals))
        return p

    def verdicts(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """True where a score is above the threshold."""
        above: npt.NDArray[np.bool_] = scores > self.threshold
        return above

    def at(self, false_alarm_rate: float) -> Calibration:
        """The same normals at another false-alarm rate, in (0, 1); else ConfigError."""
        check_rate(false_alarm_rate)
        return self.model_copy(update={"false_alarm_rate": false_alarm_rate})


def check_rate(false_alarm_rate: float) -> None:
    """ConfigError for a false-alarm rate that does not lie in (0, 1)."""
    if not 0 < false_alarm_rate < 1:
        raise ConfigError(f"false-alarm rate = {false_alarm_rate}: must lie between 0 and 1")
