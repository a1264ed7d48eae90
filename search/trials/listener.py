"""Who is told what happens to trials: the record, the progress display, a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tracking import TrialEpoch


class TrialListener(Protocol):
    """`tracking.Record` is one. A fault raised here is logged and does not stop the search."""

    def trial_started(self, trial_id: str, params: Mapping[str, Any], normal_class: str) -> None:
        """A trial begins, or goes on in a new process: the same id may come again."""

    def trial_epoch(self, event: TrialEpoch) -> None:
        """An epoch is done, each one told once; its `val_auroc` has "mean"."""

    def trial_made(self, trial_id: str, epoch: int, made_auroc: Mapping[str, float]) -> None:
        """After an epoch of a trial that made anomalies judge: AUROC by their kind, 0 to 1, the
        mean over the trial's classes."""

    def trial_changed(self, trial_id: str, epoch: int, params: Mapping[str, Any]) -> None:
        """From this epoch on a trial of a population has other values, and the weights of the
        trial `params["weights_from"]`; may be told again when it goes on in a new process."""

    def trial_measured(self, trial_id: str, epoch: int, values: Mapping[str, float]) -> None:
        """Objectives other than AUROC of a trial that saw its full budget, by name."""

    def trial_ended(
        self,
        trial_id: str,
        status: str,
        error: str | None = None,
        stopped_by: str | None = None,
    ) -> None:
        """FINISHED with the full budget, FAILED with its reason, KILLED when stopped early."""

    def study_best(self, val_auroc: Mapping[str, float], step: int) -> None:
        """A finished trial is better than all before it; `step` counts ended trials.

        "mean" is present where the trial trains all classes, absent in a per-class search.
        """
