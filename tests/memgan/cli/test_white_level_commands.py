"""A camera of 12 bits in files of 16, as a user meets it: check, train and score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.config.typed import read_yaml
from search.cli.app import run

LEVELS = "become 17 grey levels; set data.white_level"


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures twice: `twelve`, of 12 bits in files of 16, and `eight`, of 8 bits."""
    root = tmp_path_factory.mktemp("cameras")
    rng = np.random.default_rng(0)
    for name in ("bad", "good"):
        for number in range(12):
            values = rng.integers(0, 4096, (8, 8)).astype(np.uint16)
            values[0, 0] = 4095
            values[4:] //= 1 + 3 * (name == "good")
            scaled = np.rint(values * (255 / 4095)).astype(np.uint8)
            for kind, pixels in (("twelve", values), ("eight", scaled)):
                (root / kind / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(root / kind / name / f"{number:02}.png")
    return root


def train(source: Path, out: Path, *settings: str) -> Path:
    config = out.with_suffix(".yaml")
    config.write_text("detector: pca\nruntime: {device: cpu}\n", encoding="utf-8")
    changes = [part for setting in settings for part in ("--set", setting)]
    asked = ["--data", str(source), "--normal-class", "good", "--out", str(out), "--jobs", "1"]
    assert run(["train", str(config), *asked, *changes]) == 0
    return out / "bundles" / "good"


@pytest.fixture(scope="module")
def bundles(cameras: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("trained")
    return {
        "told": train(cameras / "twelve", out / "told", "data.white_level=4095"),
        "untold": train(cameras / "twelve", out / "untold"),
        "eight": train(cameras / "eight", out / "eight"),
    }


def scores(
    capsys: pytest.CaptureFixture[str], bundle: Path, *arguments: object
) -> tuple[int, list[float], str]:
    capsys.readouterr()
    code = run(["score", str(bundle), *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    return code, [row["score"] for row in json.loads(out)["images"]], err


def test_check_warns_and_the_key_ends_it(cameras: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", str(cameras / "twelve")]) == 0
    assert "warning: 24 images of 16 bits reach 4095" in capsys.readouterr().out

    white = ["--set", "white_level=4095", "--json"]
    found = []
    for kind, settings in (("twelve", white), ("eight", ["--json"])):
        assert run(["data", "check", str(cameras / kind), *settings]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert not any("grey levels" in line for line in found[0]["warnings"])
    assert found[0]["split_hash"] == found[1]["split_hash"]


def test_train_warns(cameras: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(cameras / "twelve", tmp_path / "untold")
    assert LEVELS in capsys.readouterr().err

    train(cameras / "twelve", tmp_path / "told", "data.white_level=4095")
    assert LEVELS not in capsys.readouterr().err


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_score_reads_files_by_the_white_level_of_the_bundle(
    cameras: Path, bundles: dict[str, Path], capsys: pytest.CaptureFixture[str], backend: str
) -> None:
    asked = ("--backend", backend)

    code, found, err = scores(capsys, bundles["told"], cameras / "twelve", *asked)
    _, expected, _ = scores(capsys, bundles["eight"], cameras / "eight", *asked)

    assert code == 0
    assert found == expected
    assert "grey levels" not in err
    assert read_yaml(bundles["told"] / "config.yaml")["data"]["white_level"] == 4095
    assert "white in image files | 4095" in (bundles["told"] / "card.md").read_text()


def test_score_warns_where_the_bundle_has_no_white_level(
    cameras: Path, bundles: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = scores(capsys, bundles["untold"], cameras / "twelve")

    assert code == 0
    assert f"24 images of 16 bits reach 4095 of 65535 and {LEVELS}" in err


def test_score_names_files_that_cannot_have_such_a_white(
    cameras: Path, bundles: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, err = scores(
        capsys, bundles["told"], cameras / "twelve", cameras / "eight" / "good" / "00.png"
    )

    assert (code, len(found)) == (1, 24)
    assert "00.png (its values end at 255, so data.white_level=4095 cannot hold)" in err


def test_an_array_is_scored_as_the_files_are(
    cameras: Path, bundles: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted((cameras / "twelve").rglob("*.png"))
    np.savez(tmp_path / "a.npz", x=np.stack([np.asarray(Image.open(path)) for path in files]))

    assert (
        scores(capsys, bundles["told"], tmp_path / "a.npz")[1]
        == scores(capsys, bundles["told"], *files)[1]
    )
