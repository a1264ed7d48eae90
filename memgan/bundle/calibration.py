"""What a score means: a threshold and p-values from the scores of held-out normal images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

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
    folds: int = Field(0, ge=0)
    """0: training never saw these images. Else the scores are by cross-fitting over so many folds:
    each image was scored by a detector that did not train on it, and the bundle's own trained on
    all."""
    normal_residual: float | None = Field(None, ge=1, le=255)
    """Grey levels within which 99 % of the pixels of such images are rebuilt, at least 1; None
    where the detector rebuilds nothing."""
    normal_map: float | None = Field(None, gt=0)
    """What 99 % of the pixels of such images score at most; None where the detector does not score
    by pixel."""

    normal_peaks: tuple[float, ...] = ()
    """The highest value of the map of each held-out image (with cross-fitting: of each normal
    image), ascending; empty where there are no maps, and in bundles of earlier versions."""

    @field_validator("normal_scores", "normal_peaks")
    @classmethod
    def _finite_and_sorted(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not np.isfinite(value).all():
            raise ValueError("scores must be finite")
        return tuple(sorted(value))

    @property
    def threshold(self) -> float | None:
        """Scores above it are anomalous, those equal to it are not. None where no score is, as the
        normals are too few for the false-alarm rate."""
        return None if self._flaggable == 0 else self.normal_scores[-self._flaggable]

    @property
    def pixel_threshold(self) -> float | None:
        """Pixels of a map above it are anomalous: what, of new normal images, no more than the
        false-alarm rate reach anywhere, on average. None where the normals are too few."""
        return self.pixel_threshold_of_tiles(1)

    def pixel_threshold_of_tiles(self, tiles: int) -> float | None:
        """`pixel_threshold` for images of so many tiles, at least 1, each of which may reach it."""
        flaggable = _flaggable(len(self.normal_peaks), self.false_alarm_rate, tiles)
        return None if flaggable == 0 else self.normal_peaks[-flaggable]

    @property
    def lowest_p_value(self) -> float:
        """What a score above those of all normals has; no lower false-alarm rate can be kept."""
        return 1 / (1 + len(self.normal_scores))

    @property
    def shortage(self) -> str | None:
        """One line where the normals are too few for the false-alarm rate, so that no image can be
        called anomalous: what number would do, and what rate. None where they suffice."""
        if self._flaggable:
            return None
        count = len(self.normal_scores)
        images = "image is" if count == 1 else "images are"
        return (
            f"{count} held-out normal {images} too few for a false-alarm rate of"
            f" {self.false_alarm_rate:g}: no p-value is below {self.lowest_p_value:.3g}, so no"
            f" image is called anomalous; hold out at least {normals_for(self.false_alarm_rate)}"
            " (a greater data.validation_fraction), or ask with --false-alarm-rate for at least"
            f" {_rounded_up(self.lowest_p_value)}"
        )

    def shortage_of_tiles(self, tiles: int) -> str | None:
        """As `shortage`, for images of so many tiles, at least 1: their p-value is that of a tile
        times the number of tiles. Boxes are told of too, where there are maps."""
        rate, lowest = self.false_alarm_rate, tiles * self.lowest_p_value
        short = {}
        if lowest > rate:
            short["none is called anomalous"] = len(self.normal_scores)
        if self.normal_peaks and self.pixel_threshold_of_tiles(tiles) is None:
            short["none has a box"] = len(self.normal_peaks)
        if not short:
            return None
        count = max(short.values())
        images = "image is" if count == 1 else "images are"
        least = _rounded_up(min(1.0, lowest))
        lower = f", or ask with --false-alarm-rate for at least {least}"
        return (
            f"{count} held-out normal {images} too few for images of {tiles} tiles at a false-alarm"
            f" rate of {rate:g}, so {' and '.join(short)}; hold out at least"
            f" {normals_for(rate, tiles)} (a greater data.validation_fraction), score in larger"
            f" tiles (--tile){lower if rate < float(least) < 1 else ''}"
        )

    def document(self) -> dict[str, Any]:
        """What verdicts rest on, as plain values."""
        return {
            "threshold": self.threshold,
            "false_alarm_rate": self.false_alarm_rate,
            "held_out_normals": len(self.normal_scores),
            "folds": self.folds,
            "shortage": self.shortage,
        }

    @property
    def _flaggable(self) -> int:
        """How many of the normals may score at least as high as an image that is anomalous, plus
        one; 0 where no image is."""
        return _flaggable(len(self.normal_scores), self.false_alarm_rate)

    def p_values(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(1 + normals scoring at least as high) / (1 + normals), by image, in (0, 1]."""
        normals = np.asarray(self.normal_scores)
        at_least = len(normals) - np.searchsorted(normals, scores, side="left")
        p: npt.NDArray[np.float64] = (1 + at_least) / (1 + len(normals))
        return p

    def verdicts(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """True where the p-value is at most the false-alarm rate.

        Where the normals were held out, new normal images are flagged at most at that rate on
        average, however few they are; with cross-fitting at about that rate.
        """
        flagged: npt.NDArray[np.bool_] = self.p_values(scores) <= self.false_alarm_rate
        return flagged

    def at(self, false_alarm_rate: float) -> Calibration:
        """The same normals at another false-alarm rate, in (0, 1); else ConfigError."""
        check_rate(false_alarm_rate)
        return self.model_copy(update={"false_alarm_rate": false_alarm_rate})


def _flaggable(count: int, rate: float, tiles: int = 1) -> int:
    return int((tiles * (np.arange(1, count + 1) / (1 + count)) <= rate).sum())


def check_rate(false_alarm_rate: float) -> None:
    """ConfigError for a false-alarm rate that does not lie in (0, 1)."""
    if not 0 < false_alarm_rate < 1:
        raise ConfigError(f"false-alarm rate = {false_alarm_rate}: must lie between 0 and 1")


def shortages(calibrations: Mapping[str, Calibration]) -> list[str]:
    """`Calibration.shortage` by normal class: one line for all classes that share it."""
    classes: dict[str, list[str]] = {}
    for name, calibration in calibrations.items():
        if calibration.shortage:
            classes.setdefault(calibration.shortage, []).append(name)
    return [
        f"class{'es' * (len(names) > 1)} {', '.join(names)}: {line}"
        for line, names in classes.items()
    ]


def normals_for(false_alarm_rate: float, tiles: int = 1) -> int:
    """The least number of held-out normals that a false-alarm rate in (0, 1) can be kept with, for
    images of so many tiles."""
    count = max(1, math.ceil(tiles / false_alarm_rate) - 1)
    while tiles * (1 / (count + 1)) > false_alarm_rate:  # what rounding took away
        count += 1
    return count


def _rounded_up(rate: float) -> str:
    """Three digits, not below `rate`: a rate to be asked for again."""
    digits = 3 - math.ceil(math.log10(rate))
    return f"{math.ceil(rate * 10**digits) / 10**digits:g}"
