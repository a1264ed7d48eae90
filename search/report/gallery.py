"""The winner's worst mistakes, for the report: chosen by test scores, after all is decided."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memgan.data import Split

if TYPE_CHECKING:
    from memgan.training import Cell

_CLASSES = 4
_OF_EACH = 6
_MOST_BYTES = 2**21
"""Of all pictures together; what does not fit is left out and told."""

Entry = Mapping[str, str]


def mistakes_of(
    bundles: Path, split: Split, cells: Mapping[str, Sequence[Cell]]
) -> tuple[list[Entry], list[str]]:
    """An entry a mistake (`kind`, `caption`, `source`), by class and by kind; and lines on what is
    left out.

    bundles: the folder of the bundles, by class. cells: the first of each class is the bundle's.
    """
    from memgan.bundle import load_bundle
    from memgan.figures import worst_mistakes

    entries: list[Entry] = []
    remarks = []
    if len(cells) > _CLASSES:
        remarks.append(f"the first {_CLASSES} of {len(cells)} normal classes are shown")
    room = _MOST_BYTES
    for name, of_class in list(cells.items())[:_CLASSES]:
        first = of_class[0]
        if len(first.test_scores) != len(split.test):
            continue
        bundle = load_bundle(bundles / name, device="cpu")
        scores, anomalous = first.test_scores, first.test_anomalous
        for mistake in worst_mistakes(bundle, split.test, scores, anomalous, _OF_EACH):
            room -= len(mistake.picture)
            if room < 0:
                remarks.append("further mistakes are left out, as their pictures are large")
                return entries, remarks
            normal = f" (normal is {name})" if len(cells) > 1 else ""
            entries.append(
                {
                    "kind": mistake.kind,
                    "caption": f"{mistake.kind}: {mistake.of_class}{normal}, test image"
                    f" {mistake.position}, score {mistake.score:.4g}, p-value"
                    f" {mistake.p_value:.3g}",
                    "source": f"data:{mistake.media_type};base64,"
                    + base64.b64encode(mistake.picture).decode(),
                }
            )
    return entries, remarks
