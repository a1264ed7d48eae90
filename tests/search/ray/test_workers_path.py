"""Ray's workers import our packages, whatever lies in the working folder; test_connection has it
with a Ray."""

from __future__ import annotations

import sys
from pathlib import Path

from search.ray.workers_path import HOME, workers_path


def test_a_folder_that_hides_ours_comes_behind_ours(tmp_path: Path) -> None:
    theirs, harmless = tmp_path / "theirs", tmp_path / "harmless"
    (theirs / "tracking").mkdir(parents=True)
    harmless.mkdir()
    path = [str(theirs), str(harmless), HOME, "/usr/lib/other"]

    assert workers_path(path, local=True) == [str(harmless), HOME, "/usr/lib/other", str(theirs)]
    assert str(theirs) not in workers_path(path, local=False)
    assert str(harmless) in workers_path(path, local=False)


def test_workers_of_a_cluster_keep_their_own_installation() -> None:
    installed = [folder for folder in sys.path if "site-packages" in folder]
    assert not set(installed) & set(workers_path(sys.path, local=False, home=installed[0]))
