"""The mounted command line: help, exit codes, one line for bad input, nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import yaml

import search.cli.app
from search.cli.app import run
from search.study.study import Study

COMMANDS = [
    ["search"],
    ["studies", "list"],
    ["studies", "status"],
    ["studies", "delete"],
    ["train"],
    ["export"],
    ["score"],
    ["data", "list"],
    ["data", "check"],
    ["sync"],
    ["ui"],
    ["doctor"],
]
STUDY = {
    "name": "tiny",
    "normal_class": "0,1",
    "space": {"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}},
    "fixed": {"epochs": 1, "width": 2, "memory_units": 4, "memory_dim": 4},
    "budget": {"trials": 1},
}


MAIN = "from search.cli import main; main()"


WAITS = " …"
"""The end of a line that tells what is waited for, which a slow machine prints."""


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code, standard output, lines of standard error."""

    code: int
    out: str
    errors: list[str]


@pytest.fixture
def memgan(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    """(arguments) -> how the command ended, in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Ended:
        # `search` turns file descriptor 1 over to standard error for the life of a process.
        stream, descriptor = sys.stdout, os.dup(1)
        try:
            code = run([str(argument) for argument in arguments])
            sys.stdout.flush()
        finally:
            os.dup2(descriptor, 1)
            os.close(descriptor)
            sys.stdout = stream
        out, err = capfd.readouterr()
        return Ended(code, out, [line for line in err.splitlines() if not line.endswith(WAITS)])

    return call


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(STUDY))
    return path


def assert_refused(ended: Ended, message: str) -> None:
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.errors) == 1, ended.errors
    assert ended.errors[0].startswith("memgan: ")
    assert message in ended.errors[0]
    assert not Path("results").exists()


def test_help_is_instant_for_it_imports_nothing_heavy() -> None:
    script = f"""
import sys
from search.cli.app import run
for command in {COMMANDS!r}:
    assert run([*command, "--help"]) == 0
assert run(["--help"]) == 0
heavy = {{"torch", "torchvision", "ray", "mlflow", "optuna", "sklearn", "matplotlib", "pandas"}}
sys.stderr.write(",".join(sorted(heavy & set(sys.modules))))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_an_example(memgan: Callable[..., Ended], command: list[str]) -> None:
    ended = memgan(*command, "--help")

    assert ended.code == 0
    assert f"Example: memgan {' '.join(command)}" in ended.out


def test_the_version_is_the_packages(memgan: Callable[..., Ended]) -> None:
    ended = memgan("--version")

    assert (ended.code, ended.out) == (0, f"memgan {version('memgan')}\n")


@pytest.mark.parametrize("arguments", [["search", "--help"], ["data", "check", "digits"]])
def test_letters_that_a_terminal_cannot_show_are_no_fault(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from search.cli import main; main()", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_command_shows_what_there_is(memgan: Callable[..., Ended]) -> None:
    ended = memgan()

    assert ended.code == 2
    text = ended.out + "\n".join(ended.errors)
    assert all(command[0] in text for command in COMMANDS)


def test_a_process_exits_with_the_code_and_one_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from search.cli import main; main()", "search", "--trials", "0"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "trials = 0" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serch"], "search"),
        (["search", "--trails", "3"], "--trails"),
        (["search", "--trials", "many"], "valid integer"),
        (["search", "--data", "digit"], "did you mean 'digits'"),
        (["search", "--normal-class", "11"], "unknown class '11'"),
        (["search", "--detector", "memgam"], "did you mean 'memgan'"),
        (["search", "--sampler", "tpa"], "did you mean 'tpe'"),
        (["search", "--scheduler", "asga"], "did you mean 'asha'"),
        (["search", "--protocol", "alone"], "'shared' or 'per-class'"),
        (["search", "--objective", "test-auroc"], "test-auroc"),
        (["search", "--epochs", "0"], "epochs"),
        (["search", "--final-seeds", "0"], "final.seeds"),
        (["search", "--time-budget", "soon"], "30m"),
        (["search", "--device", "tpu"], "tpu"),
        (["search", "--name", "../up"], "letters, digits"),
        (["search", "--set", "memory_unit=3"], "did you mean 'memory_units'"),
        (["search", "--set", "scheduler.grace=3"], "grace_epochs"),
        (["search", "--set", "learning_rate={low: 0.1, high: 0.01}"], "low"),
        (["search", "--set", "learning_rate={low: 0.1, hihg: 0.2}"], "high"),
        (["search", "--tracking-uri", "ftp://there"], "ftp://there"),
        (["search", "nowhere.yaml"], "nowhere.yaml"),
        (["search", "--results", "s3://bucket"], "--tracking-uri"),
        (["search", "--resume", "nothing"], "no study 'nothing'"),
        (["search", "study.yaml", "--resume", "nothing"], "--resume"),
        (["export", "nothing"], "no study 'nothing'"),
        (["export", "nothing", "--force"], "go only with --register NAME"),
        (["export", "nothing", "--register", "a/b"], "a name is of letters"),
        (["export", "nothing", "--false-alarm-rate", "1"], "must lie between 0 and 1"),
        (["studies", "status", "nothing"], "no study 'nothing'"),
        (["studies", "delete", "nothing", "--yes"], "no study 'nothing'"),
        (["sync", "nothing"], "no results folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused_in_one_line(
    memgan: Callable[..., Ended], arguments: list[str], message: str
) -> None:
    assert_refused(memgan(*arguments), message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"space": {"learning_rate": {"low": 0.1, "high": 0.1}}}, "learning_rate"),
        ({"space": {"learning_rte": [0.1, 0.2]}}, "did you mean 'learning_rate'"),
        ({"space": {}}, "nothing to search"),
        ({"budgt": {}}, "did you mean 'budget'"),
        ({"sampler": {"name": "tpe", "sed": 1}}, "did you mean 'seed'"),
        ({"data": {"source": "digits", "validation_fraction": 2}}, "validation_fraction"),
    ],
)
def test_a_faulty_study_file_is_refused_in_one_line(
    memgan: Callable[..., Ended], study_file: Path, content: dict[str, object], message: str
) -> None:
    study_file.write_text(yaml.safe_dump({**STUDY, **content}))

    ended = memgan("search", study_file)

    assert_refused(ended, message)


def test_a_results_folder_that_cannot_be_written_is_refused(
    memgan: Callable[..., Ended], study_file: Path
) -> None:
    ended = memgan("search", study_file, "--results", study_file / "results")

    assert_refused(ended, "cannot be written")


def test_a_name_in_use_is_refused_and_the_study_left_as_it_was(
    memgan: Callable[..., Ended], study_file: Path
) -> None:
    from search.results.study_folder import StudyFolder

    taken = StudyFolder(Path("there"), "tiny")
    taken.create(Study.from_yaml(study_file))
    before = {path.name: path.read_bytes() for path in taken.path.iterdir()}

    ended = memgan("search", study_file, "--results", "there")

    assert_refused(ended, "--resume tiny")
    assert {path.name: path.read_bytes() for path in taken.path.iterdir()} == before


def test_normals_alone_are_told_what_can_be_done(
    memgan: Callable[..., Ended], study_file: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez("good.npz", x=images, y=np.array(["good"] * 30))

    options = ("--data", "good.npz", "--normal-class", "all", "--objective", "val-auroc")
    ended = memgan("search", study_file, *options)

    assert_refused(ended, "no labelled anomalies to validate on")
    assert "--objective label-free" in ended.errors[0]


def test_too_few_images_are_counted(memgan: Callable[..., Ended], study_file: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    np.savez("few.npz", x=images, y=np.array([0] * 10 + [1] * 2))

    ended = memgan("search", study_file, "--data", "few.npz")

    assert_refused(ended, "class '1'")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("option", ["--tracking-uri", "--address"])
def test_an_address_where_nobody_answers_leaves_nothing_behind(
    memgan: Callable[..., Ended], study_file: Path, option: str
) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))  # taken, and never listening
        address = f"127.0.0.1:{door.getsockname()[1]}"
        given = f"http://{address}" if option == "--tracking-uri" else address

        ended = memgan("search", study_file, option, given)

    assert_refused(ended, address)


def test_an_empty_results_folder_has_no_studies(memgan: Callable[..., Ended]) -> None:
    ended = memgan("studies", "list", "--json")

    assert (ended.code, json.loads(ended.out)["studies"]) == (0, [])
    assert "no studies" in memgan("studies").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "check", "~/images"],
        ["data", "check", "mnist", "--data-dir", "~/data"],
        ["search", "--results", "~/results"],
    ],
)
def test_a_home_that_cannot_be_read_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0)
    without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("nothing is unreadable for this user")
    ended = subprocess.run(
        [*(without if os.geteuid() == 0 else []), sys.executable, "-c", MAIN, *arguments],
        env={**os.environ, "HOME": str(home), "MPLCONFIGDIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    home.chmod(0o700)
    assert ended.returncode == 2, ended.stderr
    line = ended.stderr.splitlines()[-1]
    assert line.startswith(f"memgan: {home}/")
    assert line.endswith("ermission denied; set HOME to a folder of your own")
    assert "Traceback" not in ended.stderr


def test_a_user_without_a_home_is_told(
    memgan: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a container's, whose number no list of users holds."""

    def homeless(arguments: list[str], standalone_mode: bool) -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(search.cli.app, "app", homeless)
    ended = memgan("data", "list")
    assert (ended.code, ended.out) == (2, "")
    assert ended.errors == ["memgan: this user has no home folder; set HOME to one"]
