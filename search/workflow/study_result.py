"""How a study stands when its search returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memgan.text import one_or_two_lines
from search.report import FrontRow, Report, study_for_optuna, study_frame
from search.results import StudyFolder
from search.study import Study
from tracking import Remainder, redact

if TYPE_CHECKING:
    import optuna
    import pandas
    from optuna.storages import BaseStorage


@dataclass(frozen=True, repr=False)
class StudyResult:
    """How a study stands when `run` or `resume` returns."""

    study: Study
    folder: StudyFolder
    report: Report | None
    """None where the study did not come to its finals."""
    fronts: dict[str, list[FrontRow]]
    """The Pareto front by group, if there are several objectives; empty for one."""
    trials: dict[str, int]
    """Trials by state, all groups together."""
    interrupted: bool
    remainder: Remainder
    """What the tracking store has not taken yet, or never will."""
    faults: tuple[str, ...]
    tracking_uri: str
    experiment_id: str | None
    parent_run_id: str | None
    seconds: float

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.trials.items() if count)
        found = self.report or f"{self.study.detector} on {self.study.data.source}, no result yet"
        return one_or_two_lines(
            f"StudyResult({self.study.name}: {found!s}; trials {counts or 'none'};"
            f" in {self.folder.path})"
        )

    def trials_dataframe(self) -> pandas.DataFrame:
        """All trials, a row each; see `search.report.frame_of_trials` for the columns."""
        return study_frame(self.folder)

    def optuna(
        self, normal_class: str | None = None, storage: str | BaseStorage | None = None
    ) -> optuna.Study:
        """The trials as a study of Optuna, a copy with the study's own name and values.

        normal_class: whose trials, where each class was searched by itself. storage: where the
        copy is written, as `optuna.create_study` takes it; by default it is in memory.
        """
        return study_for_optuna(self.folder, normal_class, storage)

    def document(self) -> dict[str, Any]:
        """What `memgan search --json` prints."""
        return {
            **(self.report.document() if self.report else {"study": self.study.name}),
            "name": self.study.name,
            "results": self.folder.where,
            "export": str(self.folder.export) if self.report else None,
            "tracking_uri": redact(self.tracking_uri),
            "experiment_id": self.experiment_id,
            "parent_run_id": self.parent_run_id,
            **({"pareto": self._fronts()} if self.fronts else {}),
            "trials": self.trials,
            "interrupted": self.interrupted,
            "waiting_events": self.remainder.waiting,
            "refused_events": list(self.remainder.refused),
            "lost_events": self.remainder.lost,
            "seconds": round(self.seconds, 1),
        }

    def _fronts(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [row.document() for row in front] for name, front in self.fronts.items()}
