"""A configuration over classes and seeds: figures, bundles, comparison with what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memgan.bundle.bundle import load_bundle
from memgan.bundle.trained_configuration import train_configuration
from memgan.config.configuration import Configuration
from memgan.errors import BadInput, ConfigError, UnknownName

Tiny = Callable[..., Configuration]


def test_every_class_gets_a_bundle_of_its_first_seed(tiny: Tiny, tmp_path: Path) -> None:
    notes: list[str] = []
    configuration = tiny({"epochs": 1}, normal_class="1,0", seeds=(3, 2))

    trained = train_configuration(configuration, out=tmp_path / "out", jobs=1, note=notes.append)

    assert list(trained.cells) == ["1", "0"]
    for name, cells in trained.cells.items():
        assert [c.seed for c in cells] == [3, 2]
        loaded = load_bundle(tmp_path / "out" / "bundles" / name, device="cpu")
        assert loaded.config.seed == 3
        np.testing.assert_allclose(
            loaded.score(trained.split.test.images), cells[0].test_scores, rtol=1e-6
        )
    assert [note.split()[0] for note in notes[:8:2]] == ["1/4", "2/4", "3/4", "4/4"]
    assert ["too few for a false-alarm rate" in note for note in notes[8:]] == [True]
    document = trained.document()
    assert document["classes"]["1"]["seeds"] == [3, 2]
    assert document["split_hash"] == trained.split.hash


def test_normals_alone_train_and_say_what_is_missing(tiny: Tiny, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "good.npz", x=images, y=np.array(["good"] * 30))
    notes: list[str] = []
    configuration = tiny({"epochs": 1}, data={"source": str(tmp_path / "good.npz")})

    trained = train_configuration(configuration, out=tmp_path / "out", jobs=1, note=notes.append)

    assert trained.document()["mean"] == dict.fromkeys(
        ["val_auroc", "test_auroc_mean", "test_auroc_sd"]
    )
    assert "no labelled anomalies to validate on" in notes[0]
    assert "no labelled test" in notes[1]
    assert load_bundle(tmp_path / "out" / "bundles" / "good", device="cpu")


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"normal_class": "11"}, UnknownName, "class '11'"),
        ({"by_class": {"ten": {"epochs": 2}}}, ConfigError, "by_class.ten"),
        ({"data": {"source": "digit"}}, UnknownName, "did you mean 'digits'"),
        ({"data": {"source": "nowhere.npz"}}, UnknownName, "existing folder"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    tiny: Tiny, tmp_path: Path, values: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train_configuration(tiny(**values), out=tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_training(
    tiny: Tiny, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BadInput, match="choose another with --out"):
        train_configuration(tiny(), out=tmp_path / "file" / "out", jobs=1)
