"""A path that leads nowhere is told with what lies there under a like name."""

from __future__ import annotations

from pathlib import Path

from memgan.files import does_not_exist


def test_a_like_name_beside_it_is_proposed(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()

    assert does_not_exist(tmp_path / "fotos", "give a folder") == (
        f"{tmp_path}/fotos does not exist; did you mean {tmp_path}/photos? give a folder"
    )
    assert does_not_exist(tmp_path / "xyz", "give a folder") == (
        f"{tmp_path}/xyz does not exist; give a folder"
    )


def test_the_first_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()

    assert does_not_exist(tmp_path / "fotos" / "good", "…") == (
        f"{tmp_path}/fotos/good does not exist, nor does {tmp_path}/fotos; did you mean"
        f" {tmp_path}/photos/good? …"
    )


def test_a_name_that_only_happens_to_share_letters_is_not_proposed(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    assert "did you mean" not in does_not_exist(tmp_path / "photos", "give a folder")
    (tmp_path / "photo").mkdir()
    assert f"did you mean {tmp_path / 'photo'}?" in does_not_exist(tmp_path / "photos", "give one")
