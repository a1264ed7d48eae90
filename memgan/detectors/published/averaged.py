"""Detectors that score with running averages of their weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch

from memgan.config import AveragedParameters, DetectorParameters
from memgan.detectors.published.several import Several


class Averaged(Several):
    """The networks that score, `scoring`, are averages of those that train, by decay `average`;
    the same ones where that is 0. BatchNorm's statistics are no part of it."""

    parameters: AveragedParameters

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, AveragedParameters)
        self.steps = 0
        if parameters.average:
            self.scoring = copy.deepcopy(self.scoring)

    def settle(self) -> None:
        self.steps += 1
        if not self.parameters.average:
            return
        share = 1 - decay(self.parameters.average, self.steps)
        with torch.no_grad():
            for name, network in self.scoring.items():
                averages, weights = network.parameters(), self.networks[name].parameters()
                for average, weight in zip(averages, weights, strict=True):
                    average.lerp_(weight, share)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "scoring": self.scoring.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.scoring.load_state_dict(state["scoring"])
        self.steps = int(state["steps"])


def decay(average: float, steps: int) -> float:
    """Of an average after so many steps, from 1: less at first, when it is mostly its start."""
    return min(average, (1 + steps) / (10 + steps))
