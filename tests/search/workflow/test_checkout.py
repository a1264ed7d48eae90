"""The record names a commit of this program, never of a repository that it happens to lie in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from search.workflow.checkout import own_commit


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _repository(folder: Path) -> str:
    """A repository of everything in the folder, .venv apart; its commit."""
    (folder / "README").write_text(folder.name)
    (folder / ".gitignore").write_text(".venv\n")
    _git(folder, "init", "-q")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "begun")
    return _git(folder, "rev-parse", "HEAD")


def _package(root: Path) -> Path:
    module = root / "search" / "checkout.py"
    module.parent.mkdir(parents=True)
    module.touch()
    return module


def test_a_checkout_of_this_program_has_its_commit(tmp_path: Path) -> None:
    module = _package(tmp_path)

    assert own_commit(module) is None
    assert _repository(tmp_path) == own_commit(module)


def test_an_environment_inside_another_checkout_has_none(tmp_path: Path) -> None:
    module = _package(tmp_path / ".venv" / "lib" / "site-packages")
    _repository(tmp_path)

    assert own_commit(module) is None


def test_a_copy_among_the_files_of_another_checkout_has_none(tmp_path: Path) -> None:
    module = _package(tmp_path / "vendor")
    _repository(tmp_path)

    assert own_commit(module) is None


def test_packages_that_somebody_keeps_under_git_untracked_have_none(tmp_path: Path) -> None:
    _repository(tmp_path)

    assert own_commit(_package(tmp_path)) is None


def test_a_hook_of_another_repository_does_not_mislead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, ours = tmp_path / "other", tmp_path / "ours"
    other.mkdir()
    _repository(other)
    module = _package(ours)
    commit = _repository(ours)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))

    assert own_commit(module) == commit


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _package(tmp_path)
    _repository(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert own_commit(module) is None
