"""Text for readers."""

from __future__ import annotations

from memgan.text import epochs, mean_and_sd, percent


def test_figures_are_in_percent_with_their_spread_if_there_is_one() -> None:
    assert percent(None) == "–"
    assert percent(0.98765) == "98.8"
    assert mean_and_sd(0.9, None) == "90.0"
    assert mean_and_sd(0.9, 0.012) == "90.0 ± 1.2"


def test_one_epoch_is_not_plural() -> None:
    assert [epochs(1), epochs(2)] == ["1 epoch", "2 epochs"]
