"""Tells listeners what happens to trials. A listener's fault is logged and does not stop the
search: only the journal must not fail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec

from memgan.config import flatten
from search.journal import Journal, TrialOutcome
from search.study import ClassGroup, Study
from search.trials.listener import TrialListener
from tracking import TrialEpoch, names

P = ParamSpec("P")

_LOG = logging.getLogger(__name__)


class _Told:
    """What one group of classes has been told of so far."""

    def __init__(self, journal: Journal) -> None:
        outcomes = journal.outcomes()
        self.ended = sum(o.state != "unfinished" for o in outcomes)
        self.best: float | None = max(
            (o.mean for o in outcomes if o.may_win and o.mean is not None), default=None
        )


class Announcer:
    """A study's trials, announced to all listeners in the order in which things happen.

    journals: what earlier processes did, so that counts and the best trial go on from there.
    """

    def __init__(
        self,
        study: Study,
        journals: Mapping[ClassGroup, Journal],
        listeners: Sequence[TrialListener],
    ) -> None:
        self._study = study
        self._listeners = tuple(listeners)
        self._begun: set[str] = set()
        self._groups = {group.name: _Told(journal) for group, journal in journals.items()}

    def begun(self, group: str, trial_id: str, values: Mapping[str, Any]) -> None:
        """A trial begins with these values of the space. Told once, however often it is called."""
        if trial_id in self._begun:
            return
        self._begun.add(trial_id)
        params = {
            **flatten(self._study.parameters(values)),
            names.DETECTOR_PARAM: self._study.detector,
            names.SEED_PARAM: self._study.seed,
        }
        if self._study.scheduler.name == "pbt":
            params[names.WEIGHTS_FROM_PARAM] = trial_id
        self._tell(TrialListener.trial_started, trial_id, params, group)

    def changed(
        self,
        trial_id: str,
        values: Mapping[str, Any],
        schedule: Mapping[int, Mapping[str, Any]],
        weights_from: str,
    ) -> None:
        """A member of a population goes on with other values and another's weights.

        schedule: the values that change, by the epoch they hold from; it has at least one.
        """
        params = flatten(self._study.parameters(values))
        for epoch in sorted(schedule):
            params |= schedule[epoch]
        params[names.WEIGHTS_FROM_PARAM] = weights_from
        self._tell(TrialListener.trial_changed, trial_id, max(schedule), params)

    def epoch(self, event: TrialEpoch, made_auroc: Mapping[str, Mapping[str, float]]) -> None:
        """An epoch is done. made_auroc: by kind of made anomaly and class, with "mean"."""
        self._tell(TrialListener.trial_epoch, event)
        if made_auroc:
            means = {kind: figures["mean"] for kind, figures in made_auroc.items()}
            self._tell(TrialListener.trial_made, event.trial_id, event.epoch, means)

    def measured(self, trial_id: str, epoch: int, values: Mapping[str, float]) -> None:
        """Objectives other than AUROC, by name; nothing is told where there are none."""
        if values:
            self._tell(TrialListener.trial_measured, trial_id, epoch, values)

    def finished(
        self, group: str, trial_id: str, val_auroc: Mapping[str, float], *, fulfils: bool = True
    ) -> None:
        """A trial saw its full budget. val_auroc: 0 to 1 by class, with "mean". fulfils: whether it
        keeps to the study's constraints, without which it cannot be the best."""
        self._ended(group, trial_id, "FINISHED")
        told = self._groups[group]
        if fulfils and (told.best is None or val_auroc["mean"] > told.best):
            told.best = val_auroc["mean"]
            # The mean of one class would be taken for the mean of all.
            shared = self._study.protocol == "shared"
            named = {name: v for name, v in val_auroc.items() if name != "mean" or shared}
            self._tell(TrialListener.study_best, named, told.ended)

    def failed(self, group: str, trial_id: str, error: str) -> None:
        """A trial ended by a fault, which `error` tells in one line."""
        self._ended(group, trial_id, "FAILED", error)

    def stopped(self, group: str, trial_id: str, by: str) -> None:
        """A scheduler, named `by`, stopped a trial early."""
        self._ended(group, trial_id, "KILLED", None, by)

    def time_is_up(self, outcomes: Sequence[TrialOutcome]) -> None:
        """The time budget cut these trials off; resumed with more time, they go on."""
        for outcome in outcomes:
            if outcome.state == "unfinished":
                self._tell(
                    TrialListener.trial_ended, outcome.trial_id, "KILLED", None, "time budget"
                )

    def _ended(
        self,
        group: str,
        trial_id: str,
        status: str,
        error: str | None = None,
        stopped_by: str | None = None,
    ) -> None:
        self._groups[group].ended += 1
        self._tell(TrialListener.trial_ended, trial_id, status, error, stopped_by)

    def _tell(
        self,
        event: Callable[Concatenate[TrialListener, P], None],
        *values: P.args,
        **named: P.kwargs,
    ) -> None:
        for listener in self._listeners:
            try:
                getattr(listener, event.__name__)(*values, **named)
            except Exception as fault:
                kind = type(listener).__name__
                _LOG.warning("%s could not note %s: %s", kind, event.__name__, fault)
