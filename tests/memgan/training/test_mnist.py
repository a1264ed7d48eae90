"""The training configuration for MNIST on the real images. Minutes: pytest -m slow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memgan.bundle.trained_configuration import train_configuration
from memgan.config.configuration import Configuration
from memgan.config.settings import configure
from memgan.config.typed import parse, read_yaml

_CONFIG = Path(__file__).parents[3] / "configs" / "mnist" / "memgan-recipe.yaml"
_AT_LEAST = {"0": 0.99, "1": 0.995, "6": 0.98, "8": 0.85}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    not Path(os.environ.get("MEMGAN_DATA", "-"), "MNIST").is_dir(),
    reason="real MNIST is needed: MEMGAN_DATA=DIR with DIR/MNIST/raw",
)
def test_four_digits_of_mnist_are_told_from_the_others(tmp_path: Path) -> None:
    configuration = configure(
        parse(Configuration, read_yaml(_CONFIG), str(_CONFIG)),
        normal_class="0,1,6,8",
        seeds=(0,),
    )
    trained = train_configuration(configuration, out=tmp_path)
    found = {name: cells[0].test_auroc for name, cells in trained.cells.items()}
    assert all((found[name] or 0.0) >= least for name, least in _AT_LEAST.items()), found
