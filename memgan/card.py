"""A bundle's card: what it is, what it was made from, how good it is, where it stops."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from memgan.cells import Cell
from memgan.data import Split

if TYPE_CHECKING:
    from memgan.bundle import BundleConfig


def write_card(config: BundleConfig, split: Split, cells: Sequence[Cell]) -> str:
    """Markdown for one normal class; `cells` are all its seeds, the first the bundle's own."""
    first = cells[0]
    counts = {
        "training": split.development.train.counts()[config.normal_class],
        "held-out normal": len(first.normal_scores),
        "test": len(split.test),
    }
    shape = " × ".join(map(str, config.image_shape))
    lines = [
        f"# {config.detector}: what does not look like class {config.normal_class}"
        f" of {config.data.source}",
        "",
        f"Scores images of {shape} (channels × height × width); higher is more anomalous. Trained"
        f" on images of class {config.normal_class} alone.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {what} images | {count} |" for what, count in counts.items()),
        f"| split hash | `{config.split_hash}` |",
        f"| test AUROC of this bundle (seed {first.seed}) | {_percent(first.test_auroc)} |",
        f"| test AUROC over {len(cells)} seeds | {_over_seeds(cells)} |",
        f"| average precision of this bundle | {_percent(first.test_average_precision)} |",
        "| false-positive rate at 95 % recall of this bundle |"
        f" {_percent(first.test_fpr_at_95_recall)} |",
        f"| versions | {', '.join(f'{k} {v}' for k, v in config.versions.items())} |",
        "",
        "## Limits",
        "",
        f"P-values and the threshold come from {len(first.normal_scores)} held-out normal images:"
        f" no p-value can be below {1 / (1 + len(first.normal_scores)):.2g}. They hold for images"
        " made and resized as those were. Nothing here says why an image is anomalous.",
        "",
    ]
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "no labelled anomalies to test on" if value is None else f"{100 * value:.1f} %"


def _over_seeds(cells: Sequence[Cell]) -> str:
    figures = [cell.test_auroc for cell in cells if cell.test_auroc is not None]
    if len(figures) < 2:
        return "one seed only" if figures else _percent(None)
    return f"{100 * statistics.fmean(figures):.1f} ± {100 * statistics.stdev(figures):.1f} %"
