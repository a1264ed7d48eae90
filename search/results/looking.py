"""Studies at an address, looked at and never written: from any machine, also beside a driver."""

from __future__ import annotations

from pathlib import Path

from search.results.mirror import Mirror, unreachable
from search.results.storage import Storage
from search.results.study_folder import StudyFolder, studies
from search.study import is_study_name
from tracking.address import as_address, is_address, local_folder


def to_look_at(folder: StudyFolder) -> StudyFolder:
    """The study as it stands, to be read and never written: where results lie at an address and
    another machine has driven it last, a copy without finals and export, which is removed when
    this process ends. StudyError where the address does not answer."""
    if folder.address is None:
        return folder
    try:
        return Mirror(folder).copy_to_look_at()
    except OSError as error:
        raise unreachable(folder.address, error) from None


def mirror_holder(folder: StudyFolder) -> str | None:
    """Who drives a study at an address now, in words, or None."""
    try:
        # While Ray starts, a driver of this machine holds its part and has no session yet.
        here = StudyFolder.at(folder.address, folder.name) if folder.address else folder
        return Mirror(folder).held_by() or here.held_by()
    except OSError as error:
        raise unreachable(str(folder.address), error) from None


def studies_at(results: Path | str) -> list[StudyFolder]:
    """The studies in a results folder or at an address, by name, ready to be looked at."""
    if not is_address(results):
        return studies(local_folder(results))
    address = as_address(results)
    try:
        names = (Storage.at(address) / "studies").names()
    except OSError as error:
        raise unreachable(address, error) from None
    known = [StudyFolder.at(results, name) for name in names if is_study_name(name)]
    found = [to_look_at(folder) for folder in known]
    return [folder for folder in found if folder.exists]
