"""Health in words, for a terminal and a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memgan.health.doctor import Verdict
from memgan.health.known_measures import Health

_SAID = {
    "d_accuracy": "D is right about {:.0%}",
    "address_perplexity": "an address is spread over {:.0%} of the units",
    "unit_movement": "units moved by {:.0%} of their length",
    "mutual_information": "mutual information is {:.0%} of none at all",
    "in_hull": "{:.0%} of codes in the hull",
    "residual": "residuals are {:.0%} of those of the mean image",
}


def health_line(health: Health) -> str:
    """The measures that say most, in one line; empty where there are none."""
    return ", ".join(said.format(health[name]) for name, said in _SAID.items() if name in health)


def doctor_lines(found: Mapping[str, Sequence[Verdict]]) -> list[str]:
    """What is wrong, by normal class, as a line for each verdict, that of the most classes first;
    of several classes it says what the first of them shows. Empty where nothing is wrong.

    found: by normal class.
    """
    classes: dict[str, list[str]] = {}
    first: dict[str, Verdict] = {}
    for normal_class, verdicts in found.items():
        for verdict in verdicts:
            classes.setdefault(verdict.name, []).append(normal_class)
            first.setdefault(verdict.name, verdict)
    lines = []
    for name, affected in sorted(classes.items(), key=lambda item: -len(item[1])):
        verdict, several = first[name], len(affected) > 1
        whose = f"class{'es' * several} {', '.join(affected)}"
        example = f" (class {affected[0]})" if several else ""
        advised = f"; try {verdict.advice}" if verdict.advice else ""
        lines.append(f"{name} in {whose}: {verdict.found}{example}{advised}")
    return lines
