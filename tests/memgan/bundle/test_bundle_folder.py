"""Which bundle is meant by the folder of an export, of a training or of a study."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from memgan.bundle import given_bundle
from memgan.errors import BundleError


def _bundle(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.yaml", "weights.safetensors", "model.onnx"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("given", [".", "export", "export/bundles", "export/bundles/good"])
def test_the_only_bundle_is_taken_wherever_above_it_one_points(tmp_path: Path, given: str) -> None:
    only = _bundle(tmp_path / "export" / "bundles" / "good")
    (tmp_path / "export" / "bundles" / "notes").mkdir()

    assert given_bundle(tmp_path / given) == only


@pytest.mark.parametrize("given", ["export", "export/bundles"])
def test_of_several_all_are_named_with_the_command_for_one(tmp_path: Path, given: str) -> None:
    for name in ("10", "9", "2"):
        _bundle(tmp_path / "export" / "bundles" / name)

    with pytest.raises(BundleError) as refused:
        given_bundle(tmp_path / given, lambda one: f"memgan score {one.name} photos")
    assert "holds 3 bundles, one a normal class: 2, 9, 10; give one of them: memgan score 2" in str(
        refused.value
    )
    with pytest.raises(BundleError, match=f"give one of them: .*{Path('bundles') / '2'}$"):
        given_bundle(tmp_path / given)


def test_a_bundle_that_lost_a_file_is_meant_itself(tmp_path: Path) -> None:
    damaged = _bundle(tmp_path / "good")
    (damaged / "weights.safetensors").unlink()
    (damaged / "model.onnx").unlink()

    assert given_bundle(damaged) == damaged


def test_what_is_no_bundle_says_what_is_wanted(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path / "export" / "bundles" / "good")

    (tmp_path / "photos").mkdir()
    with pytest.raises(BundleError, match="photos is no bundle and holds none; give a folder that"):
        given_bundle(tmp_path / "photos")
    with pytest.raises(BundleError, match=rf"one file of a bundle; give its folder: {bundle}$"):
        given_bundle(bundle / "weights.safetensors")
    with pytest.raises(BundleError, match=r"exprot does not exist; did you mean .*export\?"):
        given_bundle(tmp_path / "exprot")
    shutil.rmtree(bundle)
    with pytest.raises(BundleError, match="export is no bundle and holds none"):
        given_bundle(tmp_path / "export")
