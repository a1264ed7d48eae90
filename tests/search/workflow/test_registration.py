"""What a registered version was judged by."""

from __future__ import annotations

from search.workflow.registration import judged_by


def test_label_free_figures_of_two_versions_of_made_anomalies_are_not_alike() -> None:
    one, other = ({"objective": "label-free", "made_anomalies": n} for n in (1, 2))
    assert judged_by(one) != judged_by(other)
    assert judged_by({"objective": "val-auroc"}) == "val-auroc"
