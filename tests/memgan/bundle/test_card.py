"""The card says what a stranger must know, and nothing that is not so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from memgan.bundle.bundle import load_bundle
from memgan.bundle.card import write_card
from memgan.config.configuration import Configuration, Origin
from memgan.data import Split
from memgan.training.cells import Cell


def test_it_tells_counts_figures_and_limits(bundle: Path, cell: Cell, digits: Split) -> None:
    second = replace(cell, seed=1, test_auroc=0.5)
    first = replace(cell, test_auroc=0.75)

    loaded = load_bundle(bundle)
    card = write_card(loaded.config, loaded.calibration.at(0.2), digits, [first, second], None)

    held = len(cell.normal_scores)
    assert "# memgan: what does not look like class 1 of digits" in card
    assert f"| training images | {digits.development.train.counts()['1']} |" in card
    assert f"| held-out normal images | {held} |" in card
    assert f"| test images | {len(digits.test)} |" in card
    assert digits.hash in card
    assert "| images of another size are resized | to 8×8, `fit` |" in card
    assert "| test AUROC of this bundle (seed 0) | 75.0 % |" in card
    assert "| test AUROC over 2 seeds | 62.5 ± 17.7 % |" in card
    threshold = loaded.calibration.at(0.2).threshold
    assert threshold is not None
    assert f"| threshold at a false-alarm rate of 0.2 | {threshold:.6g} |" in card
    assert "10 % of each class of the train part were held out, with split seed 0" in card
    assert "given and not searched for" in card
    assert f"no p-value can be below {1 / (1 + held):.2g}" in card
    assert "too few" not in card


def test_it_says_when_the_normals_are_too_few_for_the_false_alarm_rate(
    bundle: Path, cell: Cell, digits: Split
) -> None:
    loaded = load_bundle(bundle)

    card = write_card(loaded.config, loaded.calibration.at(0.01), digits, [cell], None)

    assert (
        "| threshold at a false-alarm rate of 0.01 | none, too few held-out normal images" in card
    )
    assert f"**{len(cell.normal_scores)} held-out normal images are too few" in card
    assert "hold out at least 99" in card


def test_one_seed_has_no_spread_and_no_labels_no_figure(
    bundle: Path, cell: Cell, digits: Split, tiny: Callable[..., Configuration]
) -> None:
    loaded = load_bundle(bundle)
    known = (loaded.config, loaded.calibration, digits)
    blind = replace(cell, test_auroc=None, test_average_precision=None, test_fpr_at_95_recall=None)

    assert "one seed only" in write_card(*known, [cell], None)
    assert "no labelled anomalies to test on" in write_card(*known, [blind], None)


@pytest.mark.parametrize(
    ("protocol", "judged"),
    [("shared", "over all classes of the study"), ("per-class", "AUROC of this class")],
)
def test_it_tells_how_the_values_were_chosen(
    bundle: Path, cell: Cell, digits: Split, protocol: str, judged: str
) -> None:
    loaded = load_bundle(bundle)
    origin = Origin(
        study="mine",
        study_id="1",
        protocol=protocol,
        split_hash=digits.hash,
        trials={"1": "0007"},
        test_auroc={},
        versions={},
        machine="m",
    )

    card = write_card(loaded.config, loaded.calibration, digits, [cell], origin)

    assert f"trial 0007 of study mine (protocol `{protocol}`)" in card
    assert judged in card
    assert "had a part in choosing the values" in card
