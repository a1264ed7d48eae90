"""Result cells as a training would leave them, with figures of the test's own."""

from __future__ import annotations

from typing import Any

from memgan.config.named_configurations import digest, named_configuration
from memgan.paper.cells.result_cells import ResultCell


def trained(
    configuration: str, normal_class: str, auroc: float, seed: int = 0, **more: Any
) -> ResultCell:
    """A cell of MNIST whose configuration is as it stands in configs/ today; `more` replaces any
    other field."""
    made_with = digest(named_configuration("mnist", configuration), normal_class)
    values = {
        "dataset": "mnist",
        "average_precision": 0.5,
        "seconds": 1.0,
        "command": "memgan reproduce table1 --run --data-dir DIR",
        "versions": {"configuration": made_with},
        "machine": "a machine",
        "split_hash": "0" * 64,
    }
    return ResultCell(
        configuration=configuration,
        normal_class=normal_class,
        auroc=auroc,
        seed=seed,
        **{**values, **more},
    )
