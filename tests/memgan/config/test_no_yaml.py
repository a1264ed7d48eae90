"""A path that is given for a YAML file and is something else leads to what was wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from memgan.config import read_yaml
from memgan.errors import ConfigError


def test_a_folder_of_images_is_given_with_data(tmp_path: Path) -> None:
    (tmp_path / "my photos").mkdir()
    with pytest.raises(ConfigError, match=r"is a folder.* given with --data '.*/my photos'"):
        read_yaml(tmp_path / "my photos")


@pytest.mark.parametrize(
    ("written", "proposed"),
    [
        ("best.yaml", "best.yaml"),
        ("export/best.yaml", "export/best.yaml"),
        ("study.yaml", "study.yaml"),
        ("other.yaml", "one of those in it: other.yaml"),
    ],
)
def test_a_folder_with_a_yaml_file_names_it(written: str, proposed: str, tmp_path: Path) -> None:
    (tmp_path / written).parent.mkdir(exist_ok=True)
    (tmp_path / written).write_text("a: 1")
    with pytest.raises(ConfigError, match=f"is a folder.*: give .*{proposed}$"):
        read_yaml(tmp_path)


def test_a_file_of_images_is_given_with_data(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"a.npz is no YAML file; .*--data"):
        read_yaml(tmp_path / "a.npz")


def test_a_name_that_was_mistyped_is_found(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").write_text("a: 1")
    with pytest.raises(ConfigError, match=r"digit.yaml does not exist; did you mean .*digits.yaml"):
        read_yaml(tmp_path / "digit.yaml")


def test_a_single_image_is_told_how_images_are_given(tmp_path: Path) -> None:
    (tmp_path / "a.PNG").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"given with --data, as a folder of folders, one a"):
        read_yaml(tmp_path / "a.PNG")
