"""What a new study makes before its first trial, and takes away again if it never begins."""

from __future__ import annotations

from memgan.errors import StudyError
from memgan.files import Made
from search.results.beginning import Beginning
from search.results.study_files import remove_study
from search.results.study_folder import StudyFolder
from search.study import Study
from tracking.stores import FreshStore


class NewStudy:
    """A context in which a new study is made and begins.

    Left with a fault before `begun` is set, it takes away the study's files, and the results
    folder and the SQLite store if this process made them and nobody has used them since.
    Everything else stays as it is.
    """

    def __init__(
        self,
        study: Study,
        folder: StudyFolder,
        tracking_uri: str,
        beginning: Beginning | None = None,
    ) -> None:
        self.begun = False
        """Whether the study has come to its first trial."""
        self._study, self._folder, self._uri = study, folder, tracking_uri
        self._beginning = beginning
        self._made = Made()
        self._is_made = False
        self._store: FreshStore | None = None

    def __enter__(self) -> NewStudy:
        """StudyError as of `StudyFolder.create`."""
        try:
            self._folder.create(self._study, self._beginning, self._made)
            self._is_made = True
            self._store = FreshStore(self._uri)
        except BaseException:
            self._take_away()
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and not self.begun:
            self._take_away()

    def _take_away(self) -> None:
        if self._is_made:
            try:
                with self._folder.lock():
                    remove_study(self._folder.path)
            except (OSError, StudyError):
                return  # Somebody holds it already, or the disk refuses; the first fault is told.
        if self._store is not None:
            self._store.take_away()
        self._made.take_away()
