"""The package of examples/plugin, built and unpacked as an installer does, tested and searched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memgan import load_bundle
from memgan.errors import BundleError

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import setuptools.build_meta as backend; print(backend.build_wheel('wheels'))"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the example is installed into."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(ROOT / "examples" / "plugin", folder / "source")
    built = run("-c", BUILD, cwd=source)
    wheel = source / "wheels" / built.stdout.splitlines()[-1]
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(*arguments: str, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [site and str(site)]))}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def searched(
    site: Path, fresh_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What a search by the command line says, in a folder where nothing of ours lies but an empty
    record; one worker of Ray's imports torch."""
    folder = tmp_path_factory.mktemp("results")
    shutil.copy(fresh_store, folder / "mlflow.db")
    options = ["--detector", "mean-image", "--name", "m", "--trials", "2", "--normal-class", "1"]
    options += ["--max-concurrent", "1"]
    words = ["search", *options, "--final-seeds", "1", "--results", str(folder), "--json"]
    done = run("-c", "import memgan_cli; memgan_cli.main()", *words, cwd=folder, site=site)
    return {**json.loads(done.stdout), "export": folder / "studies" / "m" / "export"}


def test_its_own_tests_pass(site: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "plugin", tmp_path / "plugin")
    shutil.rmtree(tmp_path / "plugin" / "memgan_mean_image")  # So that the installed one is tested.

    done = run("-m", "pytest", "-q", cwd=tmp_path / "plugin", site=site)

    assert " passed" in done.stdout


def test_it_is_searched_by_rays_workers_in_its_own_space(searched: dict[str, Any]) -> None:
    (found,) = searched["values"].values()

    assert found["power"] in (0.5, 1.0, 2.0, 4.0)
    assert searched["mean"]["test_auroc_mean"] > 0.8
    assert searched["versions"]["memgan-mean-image"] == "0.1.0"


def test_its_bundle_scores_where_the_package_is_installed(
    searched: dict[str, Any], site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(site)
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)

    bundle = load_bundle(searched["export"] / "bundles" / "1")

    assert np.isfinite(bundle.score(images)).all()
    assert bundle.config.versions["memgan-mean-image"] == "0.1.0"


def test_what_is_plugged_in_and_not_installed_is_said_to_be_missing(
    searched: dict[str, Any],
) -> None:
    with pytest.raises(BundleError, match=r"'mean-image'.*install its package"):
        load_bundle(searched["export"] / "bundles" / "1")
