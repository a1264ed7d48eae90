"""The card says what a stranger must know, and nothing that is not so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from memgan.bundle import load_bundle
from memgan.card import write_card
from memgan.cells import Cell
from memgan.configuration import Configuration
from memgan.data import Split


def test_it_tells_counts_figures_and_limits(bundle: Path, cell: Cell, digits: Split) -> None:
    second = replace(cell, seed=1, test_auroc=0.5)
    first = replace(cell, test_auroc=0.75)

    card = write_card(load_bundle(bundle).config, digits, [first, second])

    held = len(cell.normal_scores)
    assert "# memgan: what does not look like class 1 of digits" in card
    assert f"| training images | {digits.development.train.counts()['1']} |" in card
    assert f"| held-out normal images | {held} |" in card
    assert f"| test images | {len(digits.test)} |" in card
    assert digits.hash in card
    assert "| test AUROC of this bundle (seed 0) | 75.0 % |" in card
    assert "| test AUROC over 2 seeds | 62.5 ± 17.7 % |" in card
    assert f"no p-value can be below {1 / (1 + held):.2g}" in card


def test_one_seed_has_no_spread_and_no_labels_no_figure(
    bundle: Path, cell: Cell, digits: Split, tiny: Callable[..., Configuration]
) -> None:
    config = load_bundle(bundle).config
    blind = replace(cell, test_auroc=None, test_average_precision=None, test_fpr_at_95_recall=None)

    assert "one seed only" in write_card(config, digits, [cell])
    assert "no labelled anomalies to test on" in write_card(config, digits, [blind])
