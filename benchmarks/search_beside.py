"""What both searches of `against_plain_tune.py` share: the study and its arguments."""

from __future__ import annotations

import argparse
from typing import Any

GRACE_EPOCHS, REDUCTION_FACTOR = 8, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The study's size, for either side."""
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--classes", default="all", help="all, or names with commas between.")
    parser.add_argument("--seed", type=int, default=0)


def study(chosen: argparse.Namespace) -> dict[str, Any]:
    """The study as `memgan search` reads it: configs/studies/digits.yaml with one final seed."""
    return {
        "name": "beside",
        "data": {"source": "digits"},
        "normal_class": chosen.classes,
        "space": {
            "learning_rate": {"low": 2e-3, "high": 2e-2, "log": True},
            "memory_units": [10, 20, 40, 80],
            "memory_dim": {"low": 8, "high": 32, "step": 8},
        },
        "fixed": {"epochs": chosen.epochs, "batch_size": 32, "width": 8},
        "budget": {"trials": chosen.trials},
        "scheduler": {
            "name": "asha",
            "grace_epochs": min(GRACE_EPOCHS, chosen.epochs),
            "reduction_factor": REDUCTION_FACTOR,
        },
        "resources": {"device": "cpu", "cpus_per_trial": 1},
        "final": {"seeds": 1},
        "seed": chosen.seed,
    }
