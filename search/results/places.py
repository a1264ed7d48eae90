"""Where a study's folder and record may lie, looked at before anything is written there."""

from __future__ import annotations

from memgan.config import DataConfig
from memgan.data import check_outside_images
from memgan.errors import StudyError
from search.results.study_folder import StudyFolder
from search.study import Study
from tracking import Location
from tracking.address import sqlite_file


def check_places(data: DataConfig, folder: StudyFolder, location: Location) -> None:
    """BadInput if results or the record would lie among the images."""
    if folder.address is None:
        check_outside_images(data, folder.results, "--results")
    store = sqlite_file(location.uri)
    if store is not None:
        check_outside_images(data, store.parent / "mlartifacts", "--tracking-uri")


def check_not_a_copy(folder: StudyFolder, study: Study) -> None:
    """StudyError for the folder of a study of another name: its runs are that study's."""
    if study.name != folder.name:
        raise StudyError(
            f"{folder.path} is a copy of study {study.name}, or that study renamed, and would write"
            f" into its runs; rename the folder to {study.name} if there is none of that name, or"
            f" begin a new study with start_from: [{{study: {study.name}}}]"
        )
