"""Health and verdicts in words."""

from __future__ import annotations

from memgan.health import Verdict, doctor_lines, health_line

ASLEEP = Verdict(name="the memory is asleep", found="spread over 92%", advice="sharpness")
WON = Verdict(name="the discriminator has won", found="right about 99%", advice="")


def test_the_measures_that_say_most_are_one_line() -> None:
    health = {"d_accuracy": 0.625, "address_perplexity": 0.27, "unit_spread": 3.0}
    line = "D is right about 62%, an address is spread over 27% of the units"
    assert health_line(health) == line
    assert health_line({}) == ""


def test_a_verdict_is_told_once_with_all_its_classes_the_most_common_first() -> None:
    assert doctor_lines({"0": (WON, ASLEEP), "3": (ASLEEP,), "5": ()}) == [
        "the memory is asleep in classes 0, 3: spread over 92% (class 0); try sharpness",
        "the discriminator has won in class 0: right about 99%",
    ]
    assert doctor_lines({"0": ()}) == []
