"""What validation scores say: by kind of made anomaly, and still something where all is told."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.data.images import Development, LabeledImages
from memgan.data.made_anomalies import make_anomalies
from memgan.stats.auroc_noise import standard_error
from memgan.stats.metrics import auroc
from memgan.stats.validation import TIE_BREAK, judge, margin, mean_influence

RNG = np.random.default_rng(0)
FLAGS = np.arange(60) >= 20
KINDS = ("small-patch", "scar")


def test_the_figure_is_the_mean_over_kinds() -> None:
    scores = np.concatenate([RNG.normal(0, 1, 20), RNG.normal(4, 1, 20), RNG.normal(0.5, 1, 20)])

    found = judge(scores, FLAGS, KINDS)

    assert list(found.kinds) == list(KINDS)
    assert found.kinds["scar"] < 0.9 < found.kinds["small-patch"]
    mean = sum(found.kinds.values()) / 2
    assert mean - TIE_BREAK < found.figure < mean


def test_labelled_images_give_their_auroc_and_nothing_else() -> None:
    scores = RNG.normal(0, 1, 60) + FLAGS

    found = judge(scores, FLAGS, ())

    assert found.figure == auroc(scores, FLAGS)
    assert found.kinds == {}


def test_where_every_kind_is_told_the_wider_margin_ranks_higher() -> None:
    normals = RNG.uniform(0, 1, 20)
    figures = [
        judge(np.concatenate([normals, normals + far, normals + far]), FLAGS, KINDS).figure
        for far in (1.1, 2, 50, 1e6)
    ]

    assert figures == sorted(figures)
    assert len(set(figures)) == 4
    assert all(1 - TIE_BREAK < figure < 1 for figure in figures)


def test_no_margin_outweighs_one_pair_in_the_wrong_order() -> None:
    wide = np.concatenate([np.zeros(20), np.full(40, 1e9)])
    wide[0] = 2e9
    narrow = np.concatenate([np.linspace(0, 1, 20), np.full(40, 1.001)])

    assert judge(wide, FLAGS, KINDS).figure < judge(narrow, FLAGS, KINDS).figure


def test_a_margin_needs_no_spread() -> None:
    assert margin(np.zeros(3), np.zeros(3)) == 0.5
    assert margin(np.zeros(3), np.ones(3)) == 1.0
    assert margin(np.ones(3), np.zeros(3)) == 0.0


def _development(normals: int, made: bool) -> Development:
    images = RNG.integers(0, 256, (2 * normals, 1, 8, 8), dtype=np.uint8)
    labels = np.repeat([0, 1], normals)
    part = LabeledImages(images, labels, ("good", "bad"))
    kinds = {"good": make_anomalies(part.of_class("good"), [0])} if made else None
    return Development(part, part, kinds)


def test_labelled_influences_are_those_of_the_auroc() -> None:
    development = _development(40, made=False)
    scores = RNG.normal(0, 1, 80) + development.validation.anomalous("good")

    found = mean_influence(development, {"good": scores})

    assert found is not None
    value = auroc(scores, development.validation.anomalous("good"))
    assert np.sqrt((found**2).sum()) == pytest.approx(standard_error(value, 40, 40), rel=0.2)


def test_images_made_from_the_same_one_count_once() -> None:
    """However many kinds repeat the same scores, they make nothing surer."""
    development = _development(40, made=True)
    kinds = len(development.made_kinds("good"))
    normals, made = RNG.normal(0, 1, 40), RNG.normal(1, 1, 40)

    found = mean_influence(development, {"good": np.concatenate([normals, *[made] * kinds])})

    assert found is not None
    assert found.shape == (80,)
    assert not found[40:].any()
    value = auroc(np.concatenate([normals, made]), np.arange(80) >= 40)
    assert np.sqrt((found**2).sum()) == pytest.approx(standard_error(value, 40, 40), rel=0.25)


def test_one_anomaly_has_no_spread_to_pair() -> None:
    images = RNG.integers(0, 256, (4, 1, 8, 8), dtype=np.uint8)
    part = LabeledImages(images, np.array([0, 0, 0, 1]), ("good", "bad"))

    assert mean_influence(Development(part, part), {"good": np.arange(4.0)}) is None
