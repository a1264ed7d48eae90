"""Training in lockstep: one detector for each normal class, all advance one epoch a report."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from memgan.config import Configuration
from memgan.data import Development, Pixels
from memgan.detectors import Detector, build_detector
from memgan.errors import TrainingDiverged
from memgan.features import default_cache
from memgan.health import Health, few_of, measure
from memgan.machine import computed_in, peak_memory_mb, resolve_device
from memgan.stats import Validated, judge
from memgan.training.pack import fit_epochs


@dataclass(frozen=True)
class EpochReport:
    """What one epoch of all classes gave."""

    epoch: int
    """Epochs done so far, from 1."""
    val_auroc: dict[str, float]
    """0 to 1, by normal class; classes without labelled validation are absent. On made anomalies
    it is the mean over their kinds (`memgan.stats.validation`)."""
    losses: dict[str, float]
    """Means over the classes."""
    seconds: float
    images_per_second: float
    """Training images, over the time of training only."""
    peak_memory_mb: float
    made_auroc: dict[str, dict[str, float]] = field(default_factory=dict)
    """By normal class and kind of made anomaly, 0 to 1; empty where labelled ones judge."""
    health: dict[str, Health] = field(default_factory=dict)
    """By normal class, of those trained in this epoch (in `standing` of all): measures after it of
    what is rebuilt, of memory and game, by the names in `memgan.health.MEASURES`; empty of
    detectors that have none of them."""

    val_auroc_sd: dict[str, float] = field(default_factory=dict)
    """The standard deviation of `val_auroc` over seeds by normal class, and of its "mean"; empty
    for one seed."""

    @property
    def mean_val_auroc(self) -> float:
        """Mean over the classes, 0 to 1. ValueError where no class has labelled validation."""
        if not self.val_auroc:
            raise ValueError("no class has labelled validation images")
        return sum(self.val_auroc.values()) / len(self.val_auroc)


class Training:
    """One configuration in training on development data, one detector a normal class.

    Values change where the configuration has a schedule; the trained weights of another
    configuration of the same shapes may be loaded, and go on under this one's values.
    The caller sets the process's threads (`configuration.runtime.threads`); the same
    configuration, classes, seed, device and threads give the same detectors to the bit. Where
    classes are trained as one (`runtime.packing`), each is what it would be by itself, up to
    rounding.
    """

    def __init__(
        self,
        configuration: Configuration,
        development: Development,
        *,
        classes: Sequence[str],
        seed: int,
    ) -> None:
        self.development = development
        self.seed = seed
        self.epoch = 0
        names = development.train.class_names
        self._device = device = resolve_device(configuration.runtime.device)
        self.images = {name: development.train.of_class(name) for name in classes}
        self.detectors: dict[str, Detector] = {
            name: build_detector(
                configuration.detector,
                configuration.parameters_for(name),
                image_shape=development.train.image_shape,
                seed=_seed_of(seed, names.index(name)),
                device=device,
            )
            for name in classes
        }
        self._cache = default_cache()
        for detector in self.detectors.values():
            detector.keep_features(self._cache)
        self.validated: dict[str, Validated] = {}
        """What `validate` found last, by normal class."""
        self._packing = configuration.runtime.packing
        self._precision = configuration.runtime.precision
        self._epochs = {name: configuration.parameters_for(name).epochs for name in classes}
        self._stages = {name: configuration.stages_for(name) for name in classes}

    @property
    def epochs(self) -> int:
        """Epochs of the longest class."""
        return max(self._epochs.values())

    @property
    def finished(self) -> bool:
        return self.epoch >= self.epochs

    def advance(self, *, validate: bool = True) -> EpochReport:
        """One epoch of every class that has epochs left, then validation if asked for.

        Raises TrainingDiverged if a loss or a score is not finite.
        """
        return advance_together([self], validate=validate)[0]

    def _begin_epoch(self) -> list[str]:
        """The classes that have this epoch."""
        self.epoch += 1
        active = [name for name in self.detectors if self.epoch <= self._epochs[name]]
        for name in active:
            stages = self._stages[name]
            if len(stages) > 1:
                epoch = max(epoch for epoch in stages if epoch <= self.epoch)
                self.detectors[name].change(stages[epoch])
        return active

    def _report(
        self,
        active: Sequence[str],
        found: Sequence[Mapping[str, float]],
        in_training: float,
        validate: bool,
    ) -> EpochReport:
        """What an epoch gave. found: the mean losses of the active classes."""
        started = time.perf_counter()
        losses: dict[str, list[float]] = {}
        for name, of_one in zip(active, found, strict=True):
            for loss, value in of_one.items():
                if not math.isfinite(value):
                    raise TrainingDiverged(
                        f"{loss} loss of class {name} is {value} in epoch {self.epoch};"
                        " lower the learning rate or that loss's weight"
                    )
                losses.setdefault(loss, []).append(value)
        health = self._health(active)
        val_auroc = self.validate() if validate else {}
        return EpochReport(
            epoch=self.epoch,
            val_auroc=val_auroc,
            losses={loss: sum(values) / len(values) for loss, values in losses.items()},
            seconds=in_training + time.perf_counter() - started,
            images_per_second=sum(len(self.images[name]) for name in active) / in_training,
            peak_memory_mb=peak_memory_mb(),
            made_auroc=self._made_auroc() if validate else {},
            health=health,
        )

    def standing(self) -> EpochReport:
        """The report of the epoch trained last, of a training that was loaded: validated again,
        without losses and times."""
        val_auroc = self.validate()
        return EpochReport(
            self.epoch,
            val_auroc,
            {},
            0.0,
            0.0,
            peak_memory_mb(),
            self._made_auroc(),
            self._health(list(self.detectors)),
        )

    def scoring_seconds(self) -> float:
        """Seconds to score a thousand images: of five passes over the validation images the
        fastest, mean over the classes. To be called after `validate`."""
        images = self.development.validation.images
        fastest = []
        for detector in self.detectors.values():
            detector.keep_features(None)  # New images' are in no cache.
            fastest.append(min(_seconds_to_score(detector, images) for _ in range(5)))
            detector.keep_features(self._cache)
        return 1000 * sum(fastest) / len(fastest) / len(images)

    def prepare_to_score(self) -> None:
        """Make every detector ready to score; `validate` does so by itself."""
        for name, detector in self.detectors.items():
            detector.prepare_to_score(self.images[name])

    def validate(self) -> dict[str, float]:
        """AUROC, 0 to 1, on the validation images, for every class that has labelled or made
        anomalies there."""
        self.prepare_to_score()
        self.validated = {}
        for name, detector in self.detectors.items():
            if not self.development.can_validate(name):
                continue
            images, anomalous = self.development.validation_of(name)
            scores = detector.score(images)
            if not np.isfinite(scores).all():
                raise TrainingDiverged(
                    f"scores of class {name} are not finite in epoch {self.epoch};"
                    " lower the learning rate"
                )
            self.validated[name] = judge(scores, anomalous, self.development.made_kinds(name))
        return {name: found.figure for name, found in self.validated.items()}

    def _health(self, names: Sequence[str]) -> dict[str, Health]:
        looks = {name: self.detectors[name].look(few_of(self.images[name])) for name in names}
        return {name: measure(look) for name, look in looks.items() if look is not None}

    def _made_auroc(self) -> dict[str, dict[str, float]]:
        return {name: found.kinds for name, found in self.validated.items() if found.kinds}

    def save(self, path: Path) -> None:
        """Everything needed to go on exactly, in one file; complete or absent, never half."""
        save_state(self.state_dict(), path)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote for the same configuration, data, classes and seed."""
        self.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly."""
        return {
            "epoch": self.epoch,
            "detectors": {name: d.state_dict() for name, d in self.detectors.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.epoch = state["epoch"]
        for name, detector in self.detectors.items():
            detector.load_state_dict(state["detectors"][name])


def advance_together(trainings: Sequence[Training], *, validate: bool = True) -> list[EpochReport]:
    """One epoch of trainings of one configuration, which differ in their seeds: all their
    detectors are trained as one where that is to be; the report of each, as by `advance`."""
    started = time.perf_counter()
    first = trainings[0]
    active = [training._begin_epoch() for training in trainings]
    members = [(t, name) for t, names in zip(trainings, active, strict=True) for name in names]
    with computed_in(first._precision, first._device):
        found = iter(
            fit_epochs(
                [training.detectors[name] for training, name in members],
                [training.images[name] for training, name in members],
                first._packing,
            )
        )
    in_training = (time.perf_counter() - started) / len(trainings)
    reports = []
    for training, names in zip(trainings, active, strict=True):
        try:
            losses = [next(found) for _ in names]
            reports.append(training._report(names, losses, in_training, validate))
        except TrainingDiverged as error:
            if len(trainings) == 1:
                raise
            raise TrainingDiverged(f"with seed {training.seed}: {error}") from None
    return reports


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a state as one file; complete or absent, never half."""
    partial = path.with_name(path.name + ".part")
    torch.save(dict(state), partial)
    partial.replace(path)


def _seconds_to_score(detector: Detector, images: Pixels) -> float:
    started = time.perf_counter()
    detector.score(images)
    return time.perf_counter() - started


def _seed_of(seed: int, class_index: int) -> int:
    """A detector's seed, the same whichever classes are trained beside it."""
    return int(np.random.SeedSequence([seed, class_index]).generate_state(1)[0])
