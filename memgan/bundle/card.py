"""A bundle's card: what it is, what it was made from, how good it is, where it stops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memgan.bundle.calibration import Calibration
from memgan.config import Origin
from memgan.data import Split
from memgan.stats import OverSeeds
from memgan.text import mean_and_sd

if TYPE_CHECKING:
    from memgan.bundle.bundle import BundleConfig
    from memgan.training import Cell

_OPTIMISTIC = " The same images had a part in choosing the values, which flatters them a little."


def write_card(
    config: BundleConfig,
    calibration: Calibration,
    split: Split,
    cells: Sequence[Cell],
    origin: Origin | None,
) -> str:
    """Markdown for one normal class; `cells` are all its seeds, the first the bundle's own."""
    first = cells[0]
    shape = " × ".join(map(str, config.image_shape))
    lines = [
        f"# {config.detector}: what does not look like class {config.normal_class}"
        f" of {config.data.source}",
        "",
        f"Scores images of {shape} (channels × height × width); higher is more anomalous. Trained"
        f" on images of class {config.normal_class} alone.",
        "",
        *_facts(config, calibration, split, cells),
        *_without_model(config),
        "",
        "## Protocol",
        "",
        _protocol(config, origin, split),
        "",
        "## Limits",
        "",
        f"P-values and the threshold come from {len(first.normal_scores)} {_scored(first)}:"
        f" no p-value can be below {1 / (1 + len(first.normal_scores)):.2g}. An image is called"
        " anomalous where its p-value is at most the false-alarm rate. They hold for images"
        f" made and resized as those were.{_OPTIMISTIC if origin else ''} Nothing here says why an"
        " image is anomalous.",
        *(["", f"**{calibration.shortage}.**"] if calibration.shortage else []),
        "",
    ]
    return "\n".join(lines)


def _without_model(config: BundleConfig) -> list[str]:
    why = config.parameters.only_in_torch
    return [] if why is None else ["", f"There is no ONNX model, so it cannot be served: {why}."]


def _facts(
    config: BundleConfig, calibration: Calibration, split: Split, cells: Sequence[Cell]
) -> list[str]:
    """The card's table: numbers of images, figures, threshold, versions."""
    first = cells[0]
    counts = {
        "training": split.development.train.counts()[config.normal_class],
        ("cross-fitted normal" if first.folds else "held-out normal"): len(first.normal_scores),
        "test": len(split.test),
    }
    size = "×".join(map(str, config.image_shape[1:]))
    return [
        "| | |",
        "|---|---|",
        *(f"| {what} images | {count} |" for what, count in counts.items()),
        f"| images of another size are resized | to {size}, `{config.data.resize}` |",
        *_white(config),
        f"| split hash | `{config.split_hash}` |",
        f"| test AUROC of this bundle (seed {first.seed}) | {_percent(first.test_auroc)} |",
        f"| test AUROC over {len(cells)} seeds | {_over_seeds(cells)} |",
        f"| average precision of this bundle | {_percent(first.test_average_precision)} |",
        "| false-positive rate at 95 % recall of this bundle |"
        f" {_percent(first.test_fpr_at_95_recall)} |",
        *_pixels(first),
        f"| threshold at a false-alarm rate of {calibration.false_alarm_rate:g} |"
        f" {_threshold(calibration)} |",
        f"| versions | {', '.join(f'{k} {v}' for k, v in config.versions.items())} |",
    ]


def _scored(cell: Cell) -> str:
    if not cell.folds:
        return "held-out normal images"
    return (
        f"normal images by cross-fitting over {cell.folds} folds (cross-conformal calibration by"
        " pooled folds; CV of Barber et al., arXiv 1905.02928, without the detectors that CV+"
        " keeps): each was scored by a detector that was not trained on it, and this one was"
        " trained on all of them. The false-alarm rate is therefore about the one asked for and"
        " not guaranteed"
    )


def _protocol(config: BundleConfig, origin: Origin | None, split: Split) -> str:
    chosen = "Its values were given and not searched for."
    trial = origin.trials.get(config.normal_class) if origin else None
    if origin and trial:
        judged = (
            "the mean validation AUROC over all classes of the study"
            if origin.protocol == "shared"
            else "the validation AUROC of this class"
        )
        chosen = (
            f"Its values are those of trial {trial} of study {origin.study} (protocol"
            f" `{origin.protocol}`), chosen by {judged}."
        )
    held_out = (
        "to validate the trials of a search with"
        if config.data.calibration == "cross-fit"
        else "normals to calibrate with, all to validate with"
    )
    return (
        f"Every class of {config.data.source} but {config.normal_class} is anomalous."
        f" {100 * config.data.validation_fraction:g} % of each class of the train part were held"
        f" out, with split seed {config.data.split_seed}: {held_out}. {chosen}"
        f" Then it was trained again, once for each seed, {_tested(split)}."
        f"{f' Some {split.lent}.' if split.lent else ''}"
    )


def _tested(split: Split) -> str:
    if not len(split.test):
        return "and tested on nothing, as no image was cut off as a test part"
    return "and shown the test images once"


def _pixels(cell: Cell) -> list[str]:
    if cell.pixels is None:
        return []
    found = cell.pixels
    return [
        f"| by pixel: AUROC, AUPRO to 30 % false positives | {_percent(found.auroc)},"
        f" {_percent(found.aupro)} |",
        f"| by pixel: best F1, at a threshold of | {_percent(found.best_f1)},"
        f" {found.threshold:.4g} |",
    ]


def _white(config: BundleConfig) -> list[str]:
    white = config.data.white_level
    if white is None:
        return []
    return [f"| white in image files | {white}; in arrays 255, round(value * 255 / {white}) |"]


def _threshold(calibration: Calibration) -> str:
    found = calibration.threshold
    return "none, too few held-out normal images" if found is None else f"{found:.6g}"


def _percent(value: float | None) -> str:
    return "no labelled anomalies to test on" if value is None else f"{100 * value:.1f} %"


def _over_seeds(cells: Sequence[Cell]) -> str:
    figures = [cell.test_auroc for cell in cells if cell.test_auroc is not None]
    if len(figures) < 2:
        return "one seed only" if figures else _percent(None)
    over_seeds = OverSeeds.of(figures)
    return f"{mean_and_sd(over_seeds.mean, over_seeds.sd)} %"
