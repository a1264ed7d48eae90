"""`memgan train` and `memgan score`, from the command line's arguments to what is printed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from joblib.externals.loky import get_reusable_executor
from PIL import Image

from memgan.bundle.bundle import load_bundle
from memgan.config.configuration import Configuration, Origin
from memgan.config.typed import to_yaml
from memgan.data import Split
from memgan.machine.runtime import machine, own_version, versions
from search.cli.app import run

Tiny = Callable[..., Configuration]


SCORED_WITH = "scored with the ONNX model, on the CPU; --backend chooses"


WAITS = " …"
"""The end of a line that tells what is waited for, which a slow machine prints."""


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code, standard output, lines of standard error."""

    code: int
    out: str
    errors: list[str]

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


@pytest.fixture
def memgan(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """(arguments) -> how the command ended, in this process."""

    def call(*arguments: object) -> Ended:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, [line for line in err.splitlines() if not line.endswith(WAITS)])

    return call


@pytest.fixture
def config(tiny: Tiny, tmp_path: Path) -> Path:
    """A training file: two classes of digits, one seed, one epoch."""
    path = tmp_path / "tiny.yaml"
    path.write_text(to_yaml(tiny({"epochs": 1}, normal_class="0,1")))
    return path


@pytest.fixture
def _no_processes_left() -> Iterator[None]:
    yield
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_no_processes_left")
def test_train_json_is_one_document_and_processes_change_no_figure(
    config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def memgan(out: str, jobs: int) -> Ended:
        """What the command and the processes that it started print."""
        arguments = ["train", config, "--seeds", 2, "--json", "--out", tmp_path / out]
        code = run([*map(str, arguments), "--jobs", str(jobs)])
        told, err = capfd.readouterr()
        return Ended(code, told, [line for line in err.splitlines() if not line.endswith(WAITS)])

    apart, here = memgan("apart", 2), memgan("here", 1)

    assert apart.code == here.code == 0, apart.errors
    document = apart.document
    assert document["classes"].keys() == {"0", "1"}
    assert document["classes"]["0"]["seeds"] == [0, 1]
    for name, row in document["classes"].items():
        assert row["test_auroc"] == here.document["classes"][name]["test_auroc"]
        assert (tmp_path / "apart" / "bundles" / name / "card.md").is_file()
    assert document["mean"] == here.document["mean"]
    assert [line.split()[0] for line in here.errors[:8:2]] == ["1/4", "2/4", "3/4", "4/4"]
    assert all(line.lstrip().startswith("D is right about") for line in here.errors[1:8:2])
    assert here.errors[8:] == document["shortages"]  # Few normals of a digit, for a rate of 5 %
    assert "held-out normal images are too few" in here.errors[8]
    named = {verdict["name"] for verdict in document["classes"]["0"]["verdicts"]}
    assert "the memory is asleep" in named


def test_train_prints_a_table_and_where_the_bundles_are(
    memgan: Callable[..., Ended], config: Path, tmp_path: Path
) -> None:
    ended = memgan("train", config, "--normal-class", 1, "--results", tmp_path / "r", "--jobs", 1)

    assert ended.code == 0
    assert "memgan on digits, AUROC %" in ended.out
    assert "normal class" in ended.out
    assert "doctor: the memory is asleep in class 1: " in ended.out
    out = Path(ended.out.rpartition("bundles: ")[2].replace("\n", ""))
    assert out.parent == tmp_path / "r" / "trained"
    assert load_bundle(out / "bundles" / "1", device="cpu").config.normal_class == "1"


def test_train_options_reach_the_bundle(
    memgan: Callable[..., Ended], config: Path, tmp_path: Path
) -> None:
    options = ["--set", "memory_units=5", "--set", "data.split_seed=3", "--seed", 7, "--jobs", 1]

    ended = memgan("train", config, "--normal-class", 1, *options, "--out", tmp_path / "out")

    assert ended.code == 0
    written = yaml.safe_load((tmp_path / "out" / "bundles" / "1" / "config.yaml").read_text())
    assert written["parameters"]["memory_units"] == 5
    assert written["data"]["split_seed"] == 3
    assert written["seed"] == 7


def test_verify_compares_with_what_the_file_records(
    memgan: Callable[..., Ended], config: Path, digits: Split, tmp_path: Path
) -> None:
    one = ["--normal-class", "1", "--jobs", "1", "--json", "--out", tmp_path / "out"]
    figure = memgan("train", config, *one).document["classes"]["1"]["test_auroc"]["0"]

    def recorded(value: float) -> Path:
        origin = Origin(
            study="s",
            study_id="1",
            protocol="shared",
            split_hash=digits.hash,
            trials={"1": "0000"},
            test_auroc={"1": {"0": value}},
            versions=versions(),
            machine=machine(),
        )
        content = {**yaml.safe_load(config.read_text()), "origin": origin.model_dump()}
        path = tmp_path / "best.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    same = memgan("train", recorded(figure), *one, "--verify")
    other = memgan("train", recorded(figure + 1e-9), *one, "--verify")

    assert same.code == 0
    assert same.document["verify"]["equal"]
    assert same.document["verify"]["differing"] == []
    assert other.code == 1
    assert not other.document["verify"]["equal"]
    assert memgan("train", config, *one, "--verify").code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "digit"], "did you mean 'digits'"),
        (["--normal-class", "11"], "unknown class '11'"),
        (["--set", "memory_unit=3"], "did you mean 'memory_units'"),
        (["--set", "memory_units"], "write it as key=value"),
        (["--device", "tpu"], "'tpu'"),
        (["--seeds", "0"], "--seeds"),
        (["--out", "tiny.yaml/out"], "cannot be written"),
    ],
)
def test_train_refuses_bad_input_in_one_line(
    memgan: Callable[..., Ended],
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: Sequence[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    ended = memgan("train", config, *arguments, "--jobs", 1)

    assert (ended.code, ended.out, len(ended.errors)) == (2, "", 1)
    assert message in ended.errors[0]
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


@pytest.mark.parametrize("text", ["- 1", "a: !!python/object/apply:os.getcwd []", "epoch: 1"])
def test_train_refuses_a_file_that_is_no_configuration(
    memgan: Callable[..., Ended], tmp_path: Path, text: str
) -> None:
    (tmp_path / "c.yaml").write_text(text)

    for path in (tmp_path / "c.yaml", tmp_path / "nowhere.yaml"):
        ended = memgan("train", path)
        assert (ended.code, ended.out, len(ended.errors)) == (2, "", 1)
        assert str(path) in ended.errors[0]


def test_train_that_diverges_fails_with_a_verdict(
    memgan: Callable[..., Ended], config: Path, tmp_path: Path
) -> None:
    wild = ["--set", "cycle_weight=1.0e+300", "--set", "batch_size=16"]

    ended = memgan("train", config, *wild, "--jobs", 1, "--out", tmp_path / "out")

    assert (ended.code, ended.out) == (1, "")
    assert "loss of class 0 is" in ended.errors[-1]


@pytest.fixture
def photos(digits: Split, tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, image in enumerate(digits.test.images[:4]):
        Image.fromarray(image[0]).save(folder / f"{number}.png")
    return folder


def test_score_gives_a_row_an_image(
    memgan: Callable[..., Ended], bundle: Path, photos: Path, digits: Split, tmp_path: Path
) -> None:
    np.savez(tmp_path / "more.npz", x=digits.test.images[4:6])
    expected = load_bundle(bundle, device="cpu").score(digits.test.images[:6])

    ended = memgan("score", bundle, photos, tmp_path / "more.npz")

    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert (ended.code, ended.errors) == (0, [SCORED_WITH])
    assert [Path(row["image"]).name for row in rows[:4]] == [f"{n}.png" for n in range(4)]
    assert rows[5]["image"].endswith("more.npz[1]")
    np.testing.assert_allclose([float(row["score"]) for row in rows], expected, rtol=1e-4)
    assert {row["anomalous"] for row in rows} <= {"True", "False"}


def test_score_writes_a_file_or_json(
    memgan: Callable[..., Ended], bundle: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores.csv"

    written = memgan("score", bundle, photos, "--out", out)
    strict = memgan("score", bundle, photos / "0.png", "--json", "--false-alarm-rate", 0.5)

    assert written.out == f"4 images scored with the ONNX model, on the CPU: {out}\n"
    assert len(list(csv.DictReader(out.open(newline="")))) == 4
    calibration = load_bundle(bundle, device="cpu").calibration
    assert strict.document["threshold"] == calibration.at(0.5).threshold
    (row,) = strict.document["images"]
    assert row["anomalous"] == (row["score"] > strict.document["threshold"])
    assert row["anomalous"] == (row["p_value"] <= 0.5)
    assert (strict.document["shortage"], strict.errors) == (None, [])
    few = memgan("score", bundle, photos, "--json", "--false-alarm-rate", 0.01)
    assert few.code == 0
    assert [few.document["shortage"]] == few.errors
    assert "hold out at least 99" in few.errors[0]
    assert not any(row["anomalous"] for row in few.document["images"])
    assert strict.document["unreadable"] == []
    assert strict.document["backend"] == "onnx"
    assert strict.document["memgan_version"] == own_version()


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_unreadable_file_is_named_and_the_rest_scored(
    memgan: Callable[..., Ended], bundle: Path, photos: Path, options: list[str]
) -> None:
    (photos / "2.png").write_bytes(b"no picture")

    ended = memgan("score", bundle, photos, *options)

    assert ended.code == 1
    assert len(ended.errors) == (2 if options else 3)
    assert str(photos / "2.png") in ended.errors[0]
    assert ended.errors[-1] == "1 image could not be read, 3 scored"
    rows = ended.document["images"] if options else list(csv.DictReader(io.StringIO(ended.out)))
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        (["nowhere.png"], [], "nowhere.png does not exist"),
        (["."], [], "holds no image"),
        (["0.png"], ["--false-alarm-rate", "1.5"], "between 0 and 1"),
        (["0.png"], ["--out", "0.png/scores.csv"], "cannot be written"),
        (["0.png"], ["--device", "tpu"], "tpu"),
        (["0.png", "nowhere.png"], ["--out", "scores.csv"], "nowhere.png does not exist"),
    ],
)
def test_score_refuses_bad_input_in_one_line_and_writes_nothing(
    memgan: Callable[..., Ended],
    bundle: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    paths: list[str],
    options: list[str],
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty" if paths == ["."] else photos)

    ended = memgan("score", bundle, *paths, *options)

    assert (ended.code, ended.out, len(ended.errors)) == (2, "", 1)
    assert message in ended.errors[0]
    assert not Path("scores.csv").exists()


def test_score_refuses_what_is_no_bundle(memgan: Callable[..., Ended], photos: Path) -> None:
    ended = memgan("score", photos, photos)

    assert (ended.code, ended.out, len(ended.errors)) == (2, "", 1)
    assert "is no bundle and holds none" in ended.errors[0]
