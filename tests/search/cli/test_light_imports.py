"""What takes seconds to be imported is imported where it computes, and not before."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from search.results.study_folder import StudyFolder
from search.study.study import Study

HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "ray", "mlflow")
SCRIPT = f"""
import json, sys
from search.cli.app import run
for arguments in json.loads(sys.argv[1]):
    code = run(arguments)
    found = [name for name in {HEAVY} if name in sys.modules]
    print(json.dumps([arguments, code, found]), file=sys.__stderr__, flush=True)
"""
COMMANDS: list[tuple[list[str], int]] = [
    (["--help"], 0),
    (["studies", "list"], 0),
    (["studies", "status", "shown"], 0),
    (["studies", "status", "shown", "--json"], 0),
    (["studies", "status", "nope"], 2),
    (["studies", "delete", "nope", "--yes"], 2),
    (["compare", "nope"], 2),
    (["sync", "nope"], 2),
    (["ui"], 2),
    (["export", "nope"], 2),
    (["export", "shown", "--force"], 2),
    (["data", "list"], 0),
    (["data", "check", "nope"], 2),
    (["reproduce", "nope"], 2),
    (["reproduce", "table1"], 0),
    (["score", "nope", "nope"], 2),
    (["train", "nope.yaml"], 2),
    (["doctor", "--nope"], 2),
    (["search", "--sampler", "nope"], 2),
    (["search", "--set", "nope=1"], 2),
    (["search", "--detector", "nope"], 2),
    (["search", "nope.yaml"], 2),
    (["search", "--resume", "nope"], 2),
    (["search", "--resume", "shown", "--epochs", "9"], 2),
    (["search", "--data", "nope"], 2),
]


def test_no_command_imports_torch_or_plots_before_it_must(
    make_study: Callable[..., Study],
    fill: Callable[[Path, Study, Sequence[str]], None],
    tmp_path: Path,
) -> None:
    study = make_study()
    folder = StudyFolder(tmp_path / "results", "shown")
    folder.create(study)
    fill(folder.journal, study, ["0", "1"])

    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([arguments for arguments, _ in COMMANDS])],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    told = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("[[")]
    assert told == [[arguments, code, []] for arguments, code in COMMANDS]


def test_the_rooms_that_drive_a_search_are_opened_without_torch() -> None:
    code = (
        "import sys, search.workflow, memgan.bundle, tracking.comparison;"
        "rooms = [search.workflow, memgan.bundle, tracking.comparison];"
        "[getattr(room, name) for room in rooms for name in room.__all__];"
        "print([n for n in ('torch', 'sklearn', 'matplotlib') if n in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
