"""What is true of a whole study, and of every run and model of it; and of one epoch of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from memgan.config import Frozen
from tracking import names
from tracking.events import DataFacts
from tracking.values import user


class StudyFacts(Frozen):
    """What is true of a whole study; becomes tags of every run."""

    study_id: str
    """Unique for ever; only the name may be used again after a study was deleted."""
    name: str
    dataset: str
    detector: str
    protocol: str
    split_hash: str
    git_commit: str | None = None
    image_shape: tuple[int, ...] = ()
    """(C, H, W)"""
    sizes: dict[str, int] = Field(default_factory=dict)
    """Images by part of the split: train, validation, test; empty where they are not known."""

    def tags(self) -> dict[str, str]:
        """The same as tags in MLflow, with who says so."""
        tags = {
            names.STUDY: self.name,
            names.STUDY_ID: self.study_id,
            names.DATASET: self.dataset,
            names.DETECTOR: self.detector,
            names.PROTOCOL: self.protocol,
            names.SPLIT_HASH: self.split_hash,
            names.USER: user(),
        }
        if self.git_commit:
            tags |= {names.GIT_COMMIT: self.git_commit, names.SOURCE_COMMIT: self.git_commit}
        return tags

    def data(self, kind: str) -> DataFacts | None:
        """The study's images, with the parts that a run of this kind works on."""
        if not self.sizes:
            return None
        return DataFacts(
            name=self.dataset,
            digest=self.split_hash[: names.DIGEST_LENGTH],
            sizes=self.sizes,
            image_shape=self.image_shape,
            parts=tuple(part for part in self.sizes if kind != "trial" or part != "test"),
        )


@dataclass(frozen=True)
class TrialEpoch:
    """One epoch of all classes of a trial, as it is told when it is done."""

    trial_id: str
    epoch: int
    """Counted from 1."""
    val_auroc: Mapping[str, float]
    """0 to 1 by class; "mean" too, where the trial knows it."""
    losses: Mapping[str, float]
    """The mean over the epoch by the loss's name."""
    seconds: float
    images_per_second: float
    peak_memory_mb: float
    health: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Measures of memory and game by name, each by class and with "mean"; empty where there are
    none."""
    val_auroc_sd: Mapping[str, float] = field(default_factory=dict)
    """The standard deviation of `val_auroc` over a trial's seeds, likewise; empty for one seed."""
