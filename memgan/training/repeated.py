"""One configuration trained with several seeds at once, and judged by the mean over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from memgan.config import Configuration
from memgan.data import Development
from memgan.stats import OverSeeds, mean_of_known
from memgan.training.lockstep import EpochReport, Training, advance_together, save_state


class Repeated:
    """A training for each seed, all in the same epoch; their detectors are trained as one where
    `runtime.packing` says so.

    With one seed it is what `Training` is, and writes the same checkpoints.
    """

    def __init__(
        self,
        configuration: Configuration,
        development: Development,
        *,
        classes: Sequence[str],
        seeds: Sequence[int],
    ) -> None:
        """seeds: at least one."""
        self.trainings = [
            Training(configuration, development, classes=classes, seed=seed) for seed in seeds
        ]
        self.development = development

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.trainings[0].epoch

    @property
    def finished(self) -> bool:
        return self.trainings[0].finished

    def advance(self) -> EpochReport:
        """One epoch with every seed, then validation; means over the seeds.

        Raises TrainingDiverged if a loss or a score is not finite with any seed.
        """
        return over_seeds(advance_together(self.trainings))

    def standing(self) -> EpochReport:
        """As of `Training`, the mean over the seeds."""
        return over_seeds([training.standing() for training in self.trainings])

    def scoring_seconds(self) -> float:
        """As of `Training`; one seed is as quick as another."""
        return self.trainings[0].scoring_seconds()

    def save(self, path: Path) -> None:
        """Everything needed to go on exactly, in one file; complete or absent, never half."""
        first, *more = (training.state_dict() for training in self.trainings)
        save_state({**first, "more_seeds": more} if more else first, path)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote for the same configuration, data, classes and seeds."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        states = [state, *state.pop("more_seeds", [])]
        for training, own in zip(self.trainings, states, strict=True):
            training.load_state_dict(own)


def over_seeds(reports: Sequence[EpochReport]) -> EpochReport:
    """One report of several that differ in their seeds: means, with the spread of AUROC; seconds
    are those of all together."""
    first = reports[0]
    if len(reports) == 1:
        return first
    by_class = {name: [one.val_auroc[name] for one in reports] for name in first.val_auroc}
    if by_class:
        by_class["mean"] = [one.mean_val_auroc for one in reports]
    spreads = {name: OverSeeds.of(values).sd for name, values in by_class.items()}
    return EpochReport(
        epoch=first.epoch,
        val_auroc=_means(one.val_auroc for one in reports),
        losses=_means(one.losses for one in reports),
        seconds=sum(one.seconds for one in reports),
        images_per_second=sum(one.images_per_second for one in reports) / len(reports),
        peak_memory_mb=max(one.peak_memory_mb for one in reports),
        made_auroc={
            name: _means(one.made_auroc[name] for one in reports) for name in first.made_auroc
        },
        health={name: _means(one.health[name] for one in reports) for name in first.health},
        val_auroc_sd={name: sd for name, sd in spreads.items() if sd is not None},
    )


def _means(mappings: Iterable[Mapping[str, float]]) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for mapping in mappings:
        for key, value in mapping.items():
            values[key].append(value)
    return {key: mean for key, of in values.items() if (mean := mean_of_known(of)) is not None}
