"""Ray's workers import our packages, whatever lies in the working folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from search.ray.workers_path import HOME, workers_path

PROGRAM = """
import sys
sys.path.append({theirs!r})
from search.ray.connection import connect
import ray

def look():
    import helper, memgan, search, tracking
    return [module.__file__ for module in (memgan, search, tracking)]

with connect("local", cpus=1):
    print(*ray.get(ray.remote(look).remote()), sep="\\n")
"""


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


def test_workers_import_ours_and_still_find_the_users_own_modules(tmp_path: Path) -> None:
    for name in ("search.py", "memgan.py", "helper.py"):
        (tmp_path / name).write_text("print('my own')\n")
    (tmp_path / "tracking").mkdir()
    (tmp_path / "tracking" / "__init__.py").touch()
    program = PROGRAM.format(theirs=str(tmp_path))
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    places = ended.stdout.split()
    assert [Path(place).parents[1] for place in places] == [Path(HOME)] * 3, ended.stderr
