"""How many images judge a detector, and how exactly an AUROC over so many can be known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memgan.data import Development, Flags, Split
from memgan.stats.auroc_noise import standard_error, unpaired_standard_error

SUPPOSED_AUROC = 0.9
"""The AUROC at which standard errors are stated; they fall towards 0 as it nears 1."""
LARGEST_ERROR = 0.05
"""A standard error above this is too large to rank trials, which seldom differ by as much."""


@dataclass(frozen=True)
class Judges:
    """The images of one part that a detector of one normal class is judged by."""

    normals: int
    anomalies: int
    made: bool = False
    """Whether the anomalies are made from the normals, and not labelled ones."""

    @property
    def standard_error(self) -> float | None:
        """The standard error of an AUROC of `SUPPOSED_AUROC`, 0 to 1; None without both kinds."""
        # Anomalies made from the same image tell little more than one of them.
        anomalies = min(self.anomalies, self.normals) if self.made else self.anomalies
        if not self.normals or not anomalies:
            return None
        return standard_error(SUPPOSED_AUROC, self.normals, anomalies)

    def document(self) -> dict[str, float | int | None]:
        """As plain values."""
        return {
            "normals": self.normals,
            "anomalies": self.anomalies,
            "standard_error": self.standard_error,
        }


def judges_of_trials(development: Development, normal_class: str) -> Judges:
    """The images that judge the trials of one normal class."""
    if development.made_anomalies is not None:
        normals = len(development.validation.of_class(normal_class))
        made = development.made_anomalies.get(normal_class, {})
        return Judges(normals, sum(len(of_kind) for of_kind in made.values()), made=True)
    return _counted(development.validation.anomalous(normal_class))


def judges_of_finals(split: Split, normal_class: str) -> Judges:
    """The images that judge the finals of one normal class."""
    return _counted(split.test.anomalous(normal_class))


def error_of_mean(judges: Sequence[Judges]) -> float | None:
    """The standard error of the mean AUROC over classes, taken as independent; None where a class
    has no AUROC."""
    errors = [each.standard_error for each in judges]
    known = [error for error in errors if error is not None]
    if not known or len(known) < len(errors):
        return None
    return unpaired_standard_error(*known) / len(known)


def judging_lines(split: Split, classes: Sequence[str]) -> list[str]:
    """What a user is told before a search over `classes`: how many images judge, how exactly, and
    a warning where they are too few to rank trials."""
    validation = [judges_of_trials(split.development, name) for name in classes]
    tested = [judges_of_finals(split, name) for name in classes]
    a_class = "" if len(classes) == 1 else " for each class"
    kind = "anomalies made from them" if validation[0].made else "anomalies"
    finals = (
        f"{_range([j.normals for j in tested])} normal and"
        f" {_range([j.anomalies for j in tested])} anomalous test images"
        if len(split.test)
        else "nothing, as there is no test part"
    )
    lines = [
        f"trials are judged by {_range([j.normals for j in validation])} normal images and"
        f" {_range([j.anomalies for j in validation])} {kind}{a_class}, and finals by {finals}"
    ]
    error = error_of_mean(validation)
    if error is not None:
        lines.append(f"{_stated(error, len(classes))}{_too_few(error)}")
    return lines


def warning(name: str, judges: Judges, part: str) -> str | None:
    """A warning where the images of a part are too few to rank detectors of one normal class."""
    error = judges.standard_error
    if error is None or error <= LARGEST_ERROR:
        return None
    return (
        f"{part} of class {name!r} has {judges.normals} normals and {judges.anomalies} anomalies:"
        f" {_stated(error, 1)}; too few to rank detectors that differ by less than"
        f" {200 * error:.0f} points; add labelled images of the kind that is scarce"
    )


def _counted(anomalous: Flags) -> Judges:
    anomalies = int(anomalous.sum())
    return Judges(len(anomalous) - anomalies, anomalies)


def _stated(error: float, classes: int) -> str:
    what = "an AUROC" if classes == 1 else f"a mean AUROC over {classes} classes"
    return (
        f"at that size {what} of {100 * SUPPOSED_AUROC:.0f} has a standard error of"
        f" {100 * error:.1f} points"
    )


def _too_few(error: float) -> str:
    if error <= LARGEST_ERROR:
        return ""
    return (
        f"; warning: too few to rank trials, as differences below {200 * error:.0f} points may be"
        " chance; add labelled images of the kind that is scarce"
    )


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"
