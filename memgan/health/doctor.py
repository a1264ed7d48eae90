"""A small doctor: what is wrong with a memory or a game, in named verdicts that say what to try."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import ConfigDict

from memgan.config import DetectorParameters, Frozen
from memgan.health.known_measures import Health

_EVEN = 0.5
"""Share of the units; above it an address hardly chooses."""
_WON = 0.95
"""Accuracy of D above which its game teaches nothing."""
_TOGETHER = 0.1
"""Share of the distance between neighbouring units at the start."""
_FEW_USED = 2.0
"""Units."""
_MEAN_IMAGE = 0.95
"""Share of the distance to the mean image."""
_ALIKE = 0.1
"""Share of the spread of the images."""


class Verdict(Frozen):
    """One thing that is wrong."""

    # A report of another version may hold more, which stays in it.
    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    """One of four: the memory is asleep, the discriminator has won, units have collapsed, it
    rebuilds only the mean image."""
    found: str
    """What it was seen by."""
    advice: str
    """What to try, by the parameters that the detector has; empty where it has none of them."""


def verdicts(health: Health, parameters: DetectorParameters) -> tuple[Verdict, ...]:
    """What is wrong after an epoch, by its measures; nothing where nothing is known.

    parameters: what was trained; advice names only what can be set there, and a game that was
    left out (`adversarial_weight` 0), or is one of a Wasserstein critic, cannot be lost.
    """
    found = (
        _asleep(health),
        _lost_game(health, parameters),
        _collapsed(health, parameters),
        _mean_image(health),
    )
    known = type(parameters).model_fields
    return tuple(
        Verdict(name=name, found=seen, advice=_advice(_TO_TRY[name], known))
        for name, seen in filter(None, found)
    )


_Seen = tuple[str, str] | None
_ASLEEP = "the memory is asleep"
_LOST = "the discriminator has won"
_COLLAPSED = "units have collapsed"
_ONLY_MEAN = "it rebuilds only the mean image"


def _asleep(health: Health) -> _Seen:
    even = health.get("address_perplexity", 0.0)
    if even <= _EVEN:
        return None
    return _ASLEEP, f"a code's address is spread over {even:.0%} of the units"


def _lost_game(health: Health, parameters: DetectorParameters) -> _Seen:
    right = health.get("d_accuracy", 0.0)
    played = bool(getattr(parameters, "adversarial_weight", 1.0))
    if right <= _WON or not (played and parameters.GAME_CAN_BE_LOST):
        return None
    return _LOST, f"it is right about {right:.0%} of the pairs, so that its game teaches nothing"


def _collapsed(health: Health, parameters: DetectorParameters) -> _Seen:
    apart = health.get("unit_distance", 1.0)
    if apart < _TOGETHER:
        return _COLLAPSED, f"neighbouring units are at {apart:.0%} of their distance at the start"
    units = getattr(parameters, "memory_units", 0)
    used = units * health.get("address_usage", 1.0)
    if used < _FEW_USED < units:
        return _COLLAPSED, f"all codes together use {used:.1f} of {units} units"
    return None


def _mean_image(health: Health) -> _Seen:
    left = health.get("residual", 0.0)
    if left > _MEAN_IMAGE:
        return _ONLY_MEAN, f"residuals are {left:.0%} of the distance to the mean image"
    varied = health.get("rebuilt_spread", 1.0)
    if varied < _ALIKE:
        return _ONLY_MEAN, f"what it rebuilds spreads {varied:.0%} as far as the images do"
    return None


_TO_TRY: dict[str, Sequence[tuple[str, str]]] = {
    _ASLEEP: (
        ("sharpness", "a greater sharpness (3 to 5)"),
        ("memory_dim", "a rate of the memory ten times the others' (learning_rate.memory)"),
        ("address_law", "address_law dirichlet"),
        ("address_scale", "a greater address_scale"),
        ("entropy_weight", "a greater entropy_weight"),
        ("shrinkage", "a greater shrinkage"),
    ),
    _LOST: (
        ("r1_weight", "r1_weight 1 to 10"),
        ("spectral_norm", "spectral_norm"),
        ("input_noise", "input_noise"),
        ("memory_dim", "a lower rate of D (learning_rate.discriminator)"),
        ("adversarial_weight", "a smaller adversarial_weight"),
    ),
    _COLLAPSED: (
        ("address_scale", "a smaller address_scale or memory_std"),
        ("mutual_information_weight", "a greater mutual_information_weight"),
        ("projection_weight", "a smaller projection_weight"),
        ("memory_dim", "a lower rate of the memory (learning_rate.memory)"),
        ("entropy_weight", "a smaller entropy_weight"),
        ("learning_rate", "a lower learning_rate"),
    ),
    _ONLY_MEAN: (
        ("epochs", "more epochs"),
        ("cycle_weight", "a greater cycle_weight"),
        ("adversarial_weight", "a smaller adversarial_weight"),
        ("learning_rate", "a greater learning_rate"),
    ),
}
"""By verdict: parameters with what to say of each; `memory_dim` stands for MEMGAN, which has rates
by network."""
_MOST_ADVICE = 4


def _advice(to_try: Sequence[tuple[str, str]], known: Collection[str]) -> str:
    lines = [text for key, text in to_try if key in known][:_MOST_ADVICE]
    *others, last = lines or [""]
    return f"{', '.join(others)} or {last}" if others else last
