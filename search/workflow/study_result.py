"""How a study stands when its search returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search.report import FrontRow, Report
from search.results import StudyFolder
from search.study import Study
from tracking import Remainder, redact


@dataclass(frozen=True)
class StudyResult:
    """How a study stands when `run` or `resume` returns."""

    study: Study
    folder: StudyFolder
    report: Report | None
    """None where the study did not come to its finals."""
    fronts: dict[str, list[FrontRow]]
    """Of several objectives the Pareto front by group; empty for one."""
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
