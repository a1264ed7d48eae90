"""Studies side by side: AUROC by class with spread and seeds, and how sure the differences are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memgan.data import ordered
from memgan.errors import BadInput
from memgan.paper import PublishedFigure, published_auroc, published_for
from memgan.stats import Difference, OverSeeds, mean_of_known, mean_over_classes, paired_difference
from tracking import names
from tracking.address import DEFAULT_RESULTS, resume_command
from tracking.comparison.reader import StudyFigures


@dataclass(frozen=True)
class Comparison:
    """Studies on one data set. The rows are their normal classes."""

    studies: tuple[StudyFigures, ...]
    titles: tuple[str, ...]
    """The titles of the studies' columns, in their order."""
    published: dict[str, dict[str, PublishedFigure]]
    """Printed figures by method and class, or nothing."""
    warnings: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The normal classes of any study, in order."""
        return ordered(name for study in self.studies for name in study.auroc)

    @property
    def common(self) -> tuple[str, ...]:
        """The classes that all studies have: what a mean is taken over."""
        return tuple(c for c in self.classes if all(c in study.auroc for study in self.studies))

    def entry(self, study: StudyFigures, class_name: str) -> OverSeeds | None:
        """A study's figure of one class over its seeds, or None where it has none."""
        by_seed = study.auroc.get(class_name)
        return OverSeeds.of(list(by_seed.values())) if by_seed else None

    def mean(self, study: StudyFigures) -> OverSeeds | None:
        """Over the common classes: the mean of their means, and the sd of the seeds' means of
        those seeds that every class has. None where no class is common."""
        return mean_over_classes([study.auroc[name] for name in self.common])

    @property
    def by_pixel(self) -> tuple[str, ...]:
        """The metrics by pixel that any study has."""
        return tuple(
            m for m in names.BY_PIXEL if any(m in study.by_pixel for study in self.studies)
        )

    def pixel_mean(self, study: StudyFigures, metric: str) -> OverSeeds | None:
        """As `mean`, of a figure by pixel, over the classes that all studies with it have."""
        having = [one.by_pixel[metric] for one in self.studies if metric in one.by_pixel]
        own = study.by_pixel.get(metric)
        common = [name for name in self.common if all(name in one for one in having)]
        return None if own is None else mean_over_classes([own[name] for name in common])

    def published_mean(self, method: str) -> float | None:
        """A printed method's mean over the common classes, recomputed."""
        figures = self.published[method]
        known = [figures[name].mean for name in self.common if name in figures]
        return mean_of_known(known) if len(known) == len(self.common) else None

    def best(self, class_name: str | None) -> tuple[int, ...]:
        """The columns of the highest mean, all of equals: of a class or, for None, of the mean."""
        entries = [
            self.mean(study) if class_name is None else self.entry(study, class_name)
            for study in self.studies
        ]
        highest = max((entry.mean for entry in entries if entry), default=None)
        return tuple(i for i, entry in enumerate(entries) if entry and entry.mean == highest)

    def differences(self) -> list[tuple[int, int, Difference]]:
        """The best study by its mean less each other one: (best, other, difference)."""
        if len(self.studies) < 2 or not self.common:
            return []
        first = self.best(None)[0]
        return [
            (first, other, _difference(self.studies[first], study))
            for other, study in enumerate(self.studies)
            if other != first
        ]

    def document(self) -> dict[str, Any]:
        """The whole as plain values; AUROC 0 to 1."""
        rows: dict[str, Any] = {
            name: {
                title: _plain(self.entry(study, name))
                for title, study in zip(self.titles, self.studies, strict=True)
            }
            for name in self.classes
        }
        return {
            "dataset": self.studies[0].dataset,
            "studies": {
                title: {
                    "study": study.name,
                    "study_id": study.study_id,
                    "detector": study.detector,
                    "protocol": study.protocol,
                    "split_hash": study.split_hash,
                    "seeds": list(study.seeds),
                }
                for title, study in zip(self.titles, self.studies, strict=True)
            },
            "classes": rows,
            "mean": {
                title: _plain(self.mean(study))
                for title, study in zip(self.titles, self.studies, strict=True)
            },
            "mean_over": list(self.common),
            "by_pixel": {
                metric: {
                    title: _plain(self.pixel_mean(study, metric))
                    for title, study in zip(self.titles, self.studies, strict=True)
                }
                for metric in self.by_pixel
            },
            "differences": [
                {
                    "better": self.titles[first],
                    "than": self.titles[other],
                    "mean": difference.mean,
                    "interval": [difference.low, difference.high],
                    "significant": difference.significant,
                    "verdict": difference.verdict,
                    "images_resampled": difference.images,
                }
                for first, other, difference in self.differences()
            ],
            "published": {
                method: {name: {"mean": f.mean, "sd": f.sd} for name, f in figures.items()}
                for method, figures in self.published.items()
            },
            "warnings": list(self.warnings),
        }


def compare(
    studies: Sequence[StudyFigures],
    published: str | None = None,
    results: Path | str = DEFAULT_RESULTS,
) -> Comparison:
    """Studies beside each other and, if asked for, beside a published table.

    results: where the studies lie, for the commands that a warning names.

    BadInput for studies on different data sets, for one that is named twice, and for a published
    table of another data set.
    """
    datasets = {study.name: study.dataset for study in studies}
    if len(set(datasets.values())) > 1:
        told = ", ".join(f"{name} on {dataset}" for name, dataset in datasets.items())
        raise BadInput(
            f"{told}: figures on different images say nothing of each other; compare studies of one"
            " data set"
        )
    ids = [study.study_id for study in studies]
    for study in studies:
        if ids.count(study.study_id) > 1:
            raise BadInput(f"study {study.name} is named twice; name each one once")
    dataset = studies[0].dataset
    if published is not None and published_for(dataset) != published:
        raise BadInput(
            f"the studies are on {dataset}, and the published figures of {published} are not; leave"
            " --published out"
        )
    called = [study.name for study in studies]
    titles = tuple(
        study.name if called.count(study.name) == 1 else f"{study.name}@{study.study_id[:8]}"
        for study in studies
    )
    return Comparison(
        tuple(studies),
        titles,
        published_auroc(published) if published else {},
        tuple(_warnings(studies, results)),
    )


def _difference(first: StudyFigures, second: StudyFigures) -> Difference:
    return paired_difference(
        first.auroc,
        second.auroc,
        first_scores=first.scores,
        second_scores=second.scores,
        same_images=first.split_hash == second.split_hash,
    )


def _warnings(studies: Sequence[StudyFigures], results: Path | str) -> list[str]:
    found = []
    if len({study.split_hash for study in studies}) > 1:
        found.append("the studies were tested on different splits, which adds to the differences")
    for study in studies:
        if len(study.seeds) == 1:
            found.append(f"{study.name} has one seed: intervals know nothing of its spread")
        if not study.scores:
            found.append(
                f"{study.name} was recorded without scores by image: intervals know nothing of the"
                " draw of test images, so no difference to it is shown;"
                f" `{resume_command(study.name, results)}` records them"
            )
    if len({study.classes for study in studies}) > 1:
        found.append("means and intervals are over the classes that all studies have")
    return found


def _plain(entry: OverSeeds | None) -> dict[str, Any] | None:
    return None if entry is None else {"mean": entry.mean, "sd": entry.sd, "seeds": entry.seeds}
