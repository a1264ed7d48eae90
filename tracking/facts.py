"""What is true of a whole study, and of every run and model of it."""

from __future__ import annotations

from memgan.config import Frozen
from tracking import names
from tracking.values import user


class StudyFacts(Frozen):
    """What is true of a whole study; becomes tags of every run."""

    study_id: str
    """Unique for ever; the name alone may be used again after a study was deleted."""
    name: str
    dataset: str
    detector: str
    protocol: str
    split_hash: str
    git_commit: str | None = None

    def tags(self) -> dict[str, str]:
        """The same as tags in MLflow, with who says so."""
        tags = {
            names.STUDY: self.name,
            names.STUDY_ID: self.study_id,
            names.DATASET: self.dataset,
            names.DETECTOR: self.detector,
            names.PROTOCOL: self.protocol,
            names.SPLIT_HASH: self.split_hash,
            names.USER: user(),
        }
        if self.git_commit:
            tags |= {names.GIT_COMMIT: self.git_commit, names.SOURCE_COMMIT: self.git_commit}
        return tags
