"""The conclusion of a study as its folder keeps it: `conclusion.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from memgan.config import Runtime
from memgan.errors import StudyError
from search.finals import Anchor, Beside
from search.report.report import Report
from search.results import StudyFolder

_CONCLUSION = "conclusion.json"


@dataclass(frozen=True)
class Conclusion:
    """What is known at the end of a study beside the finals themselves."""

    beside: Beside
    report: Report


def read_conclusion(folder: StudyFolder) -> Conclusion | None:
    """The conclusion of a study that came to its end, or None. StudyError for a damaged one."""
    path = folder.path / _CONCLUSION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        report = Report.model_validate(content["report"])
        beside = Beside(
            runtime=Runtime.model_validate(content["runtime"]),
            machine=report.machine,
            versions=report.versions,
            anchors={name: Anchor.model_validate(one) for name, one in content["anchors"].items()},
            cautions=report.cautions,
        )
        return Conclusion(beside, report)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "damaged"
        raise StudyError(
            f"{path} cannot be read ({reason}); move it away, and {folder.go_on_command()} writes"
            " it again"
        ) from None


def write_conclusion(folder: Path, conclusion: Conclusion) -> None:
    """Replace the conclusion in one step. OSError if the disk refuses."""
    content = {
        "runtime": conclusion.beside.runtime.model_dump(),
        "anchors": {
            name: anchor.model_dump(mode="json", exclude_unset=True)
            for name, anchor in conclusion.beside.anchors.items()
        },
        "report": conclusion.report.document(),
    }
    partial = folder / f"{_CONCLUSION}.part"
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(folder / _CONCLUSION)
