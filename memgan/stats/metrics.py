"""How well scores tell anomalies from normals. Scores: higher = more anomalous; anomaly = True."""

from __future__ import annotations

import numpy as np

from memgan.data import Flags, Scores


def auroc(scores: Scores, anomalous: Flags) -> float:
    """Area under the ROC curve, 0 to 1, ties counted half. ValueError unless both kinds occur."""
    from sklearn.metrics import roc_auc_score

    _needs_both(anomalous)
    return float(roc_auc_score(anomalous, scores))


def average_precision(scores: Scores, anomalous: Flags) -> float:
    """Average precision with anomalies positive, 0 to 1. ValueError unless both kinds occur."""
    from sklearn.metrics import average_precision_score

    _needs_both(anomalous)
    return float(average_precision_score(anomalous, scores))


def false_positive_rate_at_recall(
    scores: Scores, anomalous: Flags, *, recall: float = 0.95
) -> float:
    """The least share of normals flagged when at least `recall` of the anomalies are, 0 to 1."""
    from sklearn.metrics import roc_curve

    _needs_both(anomalous)
    # By default roc_curve drops points on straight lines, and ties make such lines.
    false_positive, true_positive, _ = roc_curve(anomalous, scores, drop_intermediate=False)
    return float(false_positive[true_positive >= recall].min())


def _needs_both(anomalous: Flags) -> None:
    if not anomalous.any() or np.all(anomalous):
        raise ValueError("normals and anomalies are both needed to compare their scores")
