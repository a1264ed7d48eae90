"""Commands write over what they wrote, and over nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from memgan.bundle.bundle_place import check_bundle_place
from memgan.bundle.score_tables import table_file
from memgan.bundle.scoring import Scored
from memgan.errors import BadInput
from memgan.figures import image_grid, save_figure
from memgan.files.own_output import check_output, is_our_picture


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_takes_the_place_of_a_table_and_of_no_other_file(
    tmp_path: Path, suffix: str
) -> None:
    mine, theirs = tmp_path / f"mine{suffix}", tmp_path / f"theirs{suffix}"
    theirs.write_text("label,count\n")
    beside = tmp_path / f"mine{suffix}.part"
    beside.write_text("theirs")
    for _ in range(2):
        with table_file(mine) as table:
            table.write([Scored("a.png", 1.0, 0.5, False)])
    with pytest.raises(BadInput, match="exists, and memgan did not write it"), table_file(theirs):
        pass
    assert theirs.read_text() == "label,count\n"
    assert beside.read_text() == "theirs"


def test_a_link_to_a_table_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with table_file(tmp_path / "link.csv"):
        pass
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").is_file()


def test_a_picture_takes_the_place_of_one_of_ours_alone(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    mine, theirs = tmp_path / "mine.png", tmp_path / "theirs.png"
    noise = np.random.default_rng(0).integers(0, 255, (200, 1, 28, 28), dtype=np.uint8)
    for images in (noise[:4], noise):  # Light, and so heavy that it is written with fewer colours.
        save_figure(image_grid(images, ""), mine)
        assert check_output(mine, is_our_picture) == mine.resolve()
    Image.new("RGB", (4, 4)).save(theirs)
    with pytest.raises(BadInput, match="did not write it"):
        check_output(theirs, is_our_picture)


def test_a_folder_with_a_file_called_as_a_bundles_takes_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("theirs")
    check_bundle_place(tmp_path)
    (tmp_path / "card.md").write_text("theirs")
    with pytest.raises(BadInput, match=r"card\.md exists, and is of no bundle"):
        check_bundle_place(tmp_path)
