"""Metrics against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from memgan.stats.metrics import auroc, average_precision, false_positive_rate_at_recall

SCORES = np.array([1.0, 2.0, 2.0, 3.0])
ANOMALOUS = np.array([False, False, True, True])


def test_a_tie_counts_half() -> None:
    # Of four pairs three are in order and one, 2 against 2, is tied.
    assert auroc(SCORES, ANOMALOUS) == 3.5 / 4
    assert auroc(np.zeros(4), ANOMALOUS) == 0.5


def test_higher_scores_mean_anomalies() -> None:
    assert auroc(np.array([0.0, 1.0]), np.array([False, True])) == 1.0
    assert auroc(np.array([1.0, 0.0]), np.array([False, True])) == 0.0


def test_average_precision_by_hand() -> None:
    # Precision 1 at recall 1/2; the tie is flagged as a whole: precision 2/3 at recall 1.
    assert average_precision(SCORES, ANOMALOUS) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_false_positive_rate_by_hand() -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0, 3.5, 5.0])
    anomalous = np.array([False] * 4 + [True] * 2)

    assert false_positive_rate_at_recall(scores, anomalous) == 0.25
    assert false_positive_rate_at_recall(scores, anomalous, recall=0.5) == 0.0


def test_ties_on_a_straight_line_hide_no_threshold() -> None:
    scores = np.repeat(np.arange(20.0), 2)
    anomalous = np.tile([False, True], 20)

    # Flagging all but the lowest pair finds 19 of 20 anomalies at 19 of 20 normals.
    assert false_positive_rate_at_recall(scores, anomalous) == 0.95


@pytest.mark.parametrize("metric", [auroc, average_precision, false_positive_rate_at_recall])
@pytest.mark.parametrize("kind", [True, False])
def test_one_kind_alone_has_no_figure(metric: Callable[..., float], kind: bool) -> None:
    with pytest.raises(ValueError, match="both needed"):
        metric(SCORES, np.full(4, kind))
