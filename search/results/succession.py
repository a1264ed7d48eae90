"""A study at an address whose driver's machine was lost: when that is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from search.results.mirror import Mirror, unreachable
from search.results.mirrored_files import SESSION
from search.results.storage import Storage
from search.results.study_folder import StudyFolder

_LOOK_EVERY = 1.0


def wait_for_a_lost_driver(folder: StudyFolder, note: Callable[[str], None]) -> None:
    """Where the results lie at an address, wait until a session that nobody renews is over.

    Returns at once where nobody else drives the study, and as soon as somebody renews the session:
    that driver lives, and refuses who comes next. StudyError where the address does not answer.
    """
    if folder.address is None:
        return
    mirror = Mirror(folder)
    try:
        if mirror.driven_here() or not (holder := mirror.held_by()):
            return
        note(
            f"study {folder.name} at {folder.address} was held by {holder} a moment ago; this waits"
            " until that goes on, or is over"
        )
        session = Storage.at(f"{folder.address}/studies/{folder.name}")
        renewed = session.written_at(SESSION)
        while session.written_at(SESSION) == renewed and mirror.held_by():
            time.sleep(_LOOK_EVERY)
    except OSError as error:
        raise unreachable(folder.address, error) from None
