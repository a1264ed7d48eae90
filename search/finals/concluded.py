"""A study whose finals are done: everything that its export and its report are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from memgan.config import Configuration, Origin, Runtime
from memgan.data import Split
from search.finals.baselines import Anchor
from search.finals.best_yaml import best_configuration
from search.finals.certainty import Caution
from search.finals.finals import Winner, stored_finals
from search.results import StudyFolder
from search.study import Study

if TYPE_CHECKING:
    from memgan.training import Cell


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What is known of finals beside their figures."""

    runtime: Runtime
    """What they were trained under."""
    machine: str
    """Where they were trained."""
    versions: Mapping[str, str]
    """With which packages, by name."""
    anchors: Mapping[str, Anchor]
    """The simple detectors that they are compared with, as `anchors_on_ray` gives them."""
    cautions: Sequence[Caution] = ()
    """What is to be said of the choice of winners, as `cautions` gives it."""


@dataclass(frozen=True, kw_only=True)
class Concluded:
    """A study whose finals are done."""

    study: Study
    folder: StudyFolder
    split: Split
    winners: Sequence[Winner]
    """One of every group of classes."""
    cells: Mapping[str, list[Cell]]
    """The finals by normal class, in the order of their seeds; at least one of each class."""
    run_ids: Mapping[str, str | None]
    """The winners' runs in the tracking store, by trial; None for what has not arrived."""
    beside: Beside

    @classmethod
    def load(
        cls,
        study: Study,
        folder: StudyFolder,
        split: Split,
        winners: Sequence[Winner],
        run_ids: Mapping[str, str | None],
        beside: Beside,
    ) -> Concluded:
        """With the finals that lie in the study's folder; a class without any has no cells."""
        return cls(
            study=study,
            folder=folder,
            split=split,
            winners=tuple(winners),
            cells=stored_finals(winners, study.final_seeds, folder.finals).cells,
            run_ids=run_ids,
            beside=beside,
        )

    @property
    def complete(self) -> bool:
        """Whether there is a winner, and every class of each has a final."""
        return bool(self.cells) and all(self.cells.values())

    @cached_property
    def configuration(self) -> Configuration:
        """What the finals were trained from."""
        return best_configuration(self.study, self.winners, self.beside.runtime)

    @property
    def best(self) -> Configuration:
        """The same, with where it comes from and the figures that it gave: `best.yaml`."""
        origin = Origin(
            study=self.study.name,
            study_id=self.folder.study_id,
            protocol=self.study.protocol,
            split_hash=self.split.hash,
            trials={n: w.outcome.trial_id for w in self.winners for n in w.group.classes},
            test_auroc={
                name: {
                    str(cell.seed): cell.test_auroc
                    for cell in of_class
                    if cell.test_auroc is not None
                }
                for name, of_class in self.cells.items()
            },
            versions=dict(self.beside.versions),
            machine=self.beside.machine,
        )
        return self.configuration.model_copy(update={"origin": origin})
