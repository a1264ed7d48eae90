"""A study's result, as `report.json` holds it: one frozen value that all others read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field

from memgan.config import DetectorParameters, Frozen
from memgan.data import VERSION
from memgan.health import Verdict, verdicts
from memgan.stats import mean_of_known
from memgan.text import mean_and_sd, one_or_two_lines, percent
from memgan.training import Figures, class_figures, mean_figures, pixel_means
from search.finals import Anchor, Caution, Concluded


class ReportRow(Figures):
    """One normal class. val_auroc is the winning trial's, on what it was chosen by; test comes
    from finals."""

    trial: str
    """The winner's id."""
    run_id: str | None = None
    """The winner's run in the tracking store; None where it has not arrived."""
    made_auroc: dict[str, float] = Field(default_factory=dict)
    """The winner's AUROC, 0 to 1, by kind of made anomaly; empty where labelled ones judged."""
    val_auroc_sd: float | None = None
    """The standard deviation over the seeds of the winning trial; None where trials have one."""
    seeds: tuple[int, ...]
    """Those of the finals."""
    health: dict[str, float] = Field(default_factory=dict)
    """Measures of memory and game after the finals' last epoch, means over seeds, by the names in
    `memgan.health.MEASURES`; empty of detectors that have neither."""
    verdicts: tuple[Verdict, ...] = ()
    """What the doctor says of them."""


class Report(Frozen):
    """A study's result. AUROC 0 to 1."""

    # A report of another version may hold more, which stays in it.
    model_config = ConfigDict(frozen=True, extra="allow")

    study: str
    dataset: str
    detector: str
    protocol: str
    objective: str
    """What trials were judged by: val-auroc or label-free."""
    classes: dict[str, ReportRow]
    """By normal class."""
    mean: Figures
    """Over the classes."""
    lent: str | None = None
    """Which test images were lent to validation; absent where none were."""
    shortages: tuple[str, ...] = ()
    """A line for what the bundles' calibration lacks, and for why they have no ONNX model."""
    anchors: dict[str, Anchor]
    """The simple detectors beside the result, by name."""
    values: dict[str, dict[str, Any]]
    """The winners' searched parameters, by trial."""
    made_anomalies: int | None = None
    """The version of the made anomalies, where they judged."""
    cautions: tuple[Caution, ...] = ()
    """What is to be said of the choice."""
    split_hash: str
    machine: str = "unknown"
    """Where the finals were trained."""
    versions: dict[str, str] = Field(default_factory=dict)
    """With which packages, by name."""

    def __repr__(self) -> str:
        return one_or_two_lines(f"Report({self.study}: {self!s})")

    def __str__(self) -> str:
        mean, count = self.mean, len(self.classes)
        over = f", mean of {count} normal classes" if count > 1 else ""
        return (
            f"{self.detector} on {self.dataset}{over}: AUROC"
            f" {mean_and_sd(mean.test_auroc_mean, mean.test_auroc_sd)} % on test,"
            f" {percent(mean.val_auroc)} % on validation"
        )

    def document(self) -> dict[str, Any]:
        """The content of report.json; what is read from one is given back unchanged."""
        return self.model_dump(mode="json", exclude_unset=True)

    @property
    def judged_by(self) -> str:
        """The objective; a label-free one with the version of its made anomalies, as figures on
        those of two versions are not alike."""
        made = self.made_anomalies
        return self.objective + ("" if made is None else f", made anomalies {made}")


def make_report(concluded: Concluded, false_alarm_rate: float | None = None) -> Report:
    """The report of a study whose finals are done.

    false_alarm_rate: what bundles stand by, in (0, 1); None is `Calibration`'s own.
    """
    from memgan.bundle import calibration_shortages, without_model

    study, split, beside = concluded.study, concluded.split, concluded.beside
    classes = _rows(concluded)
    over_classes = mean_figures(concluded.cells)
    made = {"made_anomalies": VERSION} if study.judge == "label-free" else {}
    return Report(
        study=study.name,
        dataset=split.source,
        detector=study.detector,
        protocol=study.protocol,
        objective=study.judge,
        classes=classes,
        mean=over_classes.model_copy(
            update={"val_auroc": mean_of_known(row.val_auroc for row in classes.values())}
        ),
        shortages=(
            *calibration_shortages(concluded.cells, false_alarm_rate),
            *without_model(concluded.best, concluded.cells),
        ),
        anchors=dict(beside.anchors),
        values={w.outcome.trial_id: w.outcome.values for w in concluded.winners},
        cautions=tuple(beside.cautions),
        split_hash=split.hash,
        machine=beside.machine,
        versions=dict(beside.versions),
        **made,
        **({"lent": split.lent} if split.lent else {}),
    )


def _rows(concluded: Concluded) -> dict[str, ReportRow]:
    found = {}
    for winner in concluded.winners:
        trial = winner.outcome
        for name in winner.group.classes:
            final = class_figures(concluded.cells[name])
            made = _made(trial.made_auroc, name)
            found[name] = ReportRow(
                trial=trial.trial_id,
                run_id=concluded.run_ids.get(trial.trial_id),
                val_auroc=trial.val_auroc.get(name),
                test_auroc_mean=final.test_auroc_mean,
                test_auroc_sd=final.test_auroc_sd,
                seeds=final.seeds,
                **({"made_auroc": made} if made else {}),
                **({"val_auroc_sd": sd} if (sd := trial.val_auroc_sd.get(name)) else {}),
                **_health(final.health, concluded.configuration.parameters_for(name)),
                **pixel_means(concluded.cells[name]),
            )
    return found


def _health(health: dict[str, float], parameters: DetectorParameters) -> dict[str, Any]:
    if not health:
        return {}
    return {"health": health, "verdicts": verdicts(health, parameters)}


def _made(by_kind: Mapping[str, Mapping[str, float]], name: str) -> dict[str, float]:
    return {kind: figures[name] for kind, figures in by_kind.items() if name in figures}
