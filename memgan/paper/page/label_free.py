"""How well anomalies made from normal images choose settings, from recorded comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from memgan.config import Frozen, explain
from memgan.data import VERSION
from memgan.errors import ResultsError
from memgan.paper.page.render import markdown

_TEXT = """\
## Choosing without labels

`--objective label-free` judges settings by anomalies that are made from held-out normal images
([how](explanation/science.md#anomalies-made-from-normals)). A row compares it with labelled
validation images, over several settings of one detector. "Made and test" and "labelled and test"
are Spearman's rank correlations with the AUROC on test images. Then come the test AUROC of the
setting that each would choose, what labels would have gained ("cost"), and the test AUROC of the
setting in the middle. Test images choose nothing here. Each row has one seed. The MEMGANs are
narrow and trained for one to four epochs, so these figures do not say how good MEMGAN is. `part`
and `texture` are drawn with small defects, 64 pixels a side (`benchmarks/local_defects.py`).
"""
_EARLIER = """
† Measured with the anomalies that were made before, exchanged patches of a quarter to half of each
side and quarter turns, and not measured again: these rows do not describe what a search does now.
"""
_HEADER = [
    *("images", "classes", "settings", "made and test", "labelled and test"),
    *("AUROC % by made", "by labelled", "cost", "in the middle"),
]


class Comparison(Frozen):
    """One detector under several settings, as `benchmarks/label_free.py` writes it."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    source: str
    detector: str
    classes: tuple[str, ...]
    made_anomalies: int = 1
    """The version of the made anomalies; records of the first do not tell it."""
    spearman_made_with_test: float | None = Field(ge=-1, le=1)
    """None where all settings have the same figure."""
    spearman_labelled_with_test: float | None = Field(ge=-1, le=1)
    test_of_the_choice_by_made: float = Field(ge=0, le=100)
    """AUROC, percent."""
    test_of_the_choice_by_labelled: float = Field(ge=0, le=100)
    test_of_the_middle_setting: float = Field(ge=0, le=100)
    settings: tuple[Any, ...] = Field(min_length=2)
    command: str


def read_comparisons(records: Path) -> list[Comparison]:
    """Those of label-free-*.json in `records` that were judged by test images, in order of file.
    ResultsError for one that cannot be read."""
    found = []
    for path in sorted(records.glob("label-free-*.json")):
        text = path.read_text(encoding="utf-8")
        if "spearman_made_with_test" not in text:
            continue
        try:
            found.append(Comparison.model_validate_json(text))
        except ValidationError as error:
            raise ResultsError(f"{path}: {explain(error, Comparison)}; restore the file") from None
    return found


def label_free_section(comparisons: Sequence[Comparison]) -> str:
    """Markdown: a row each."""
    body = [
        [
            c.source + (" †" if c.made_anomalies != VERSION else ""),
            ", ".join(c.classes) if len(c.classes) < 10 else f"{len(c.classes)} of them",
            f"{len(c.settings)} of {c.detector}",
            _order(c.spearman_made_with_test),
            _order(c.spearman_labelled_with_test),
            f"{c.test_of_the_choice_by_made:.1f}",
            f"{c.test_of_the_choice_by_labelled:.1f}",
            f"{c.test_of_the_choice_by_labelled - c.test_of_the_choice_by_made:.1f}",
            f"{c.test_of_the_middle_setting:.1f}",
        ]
        for c in comparisons
    ]
    earlier = [_EARLIER] if any(c.made_anomalies != VERSION for c in comparisons) else [""]
    return "\n".join([_TEXT, markdown(_HEADER, body), *earlier])


def label_free_commands(comparisons: Sequence[Comparison]) -> str:
    """Markdown: the commands that make the comparisons again."""
    commands = "\n".join(f"- `{c.command}`" for c in comparisons)
    return f"## Choosing without labels\n\nMade by:\n\n{commands}"


def _order(correlation: float | None) -> str:
    return "–" if correlation is None else f"{correlation:.2f}"
