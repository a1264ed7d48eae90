"""Studies read back from a real record and held beside each other, whoever made them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from memgan.errors import BadInput, StudyError, TrackingUnavailable, UnknownName
from memgan.stats.image_scores import ImageScores, pack
from memgan.stats.metrics import auroc
from search.cli.app import run
from tracking import names
from tracking.address import Location
from tracking.comparison.comparison import compare
from tracking.comparison.comparison_text import comparison_markdown, remarks
from tracking.comparison.reader import (
    StudyFigures,
    open_store,
    read_studies,
    read_study,
    read_validation,
)
from tracking.facts import StudyFacts
from tracking.outbox.delivery import deliver
from tracking.outbox.outbox import EXPERIMENT, Outbox
from tracking.outbox.record import Record
from tracking.stores.opening import open_tracker
from tracking.stores.tracker import RecordReader

Finals = Mapping[int, Mapping[str, float]]
"""Test AUROC by seed and class."""
Tell = Callable[..., None]


def scores_of(auroc: float) -> ImageScores:
    """Of a hundred normals and a hundred anomalies, that have this AUROC."""
    wrong = round(100 * (1 - auroc))
    scores = [1.0] * 100 + [2.0] * (100 - wrong) + [0.0] * wrong
    return ImageScores(np.array(scores), np.arange(200) >= 100)


@pytest.fixture
def store(local_record: Location) -> RecordReader:
    return open_store(local_record)


@pytest.fixture
def tell(local_record: Location, tmp_path: Path) -> Tell:
    """Records a study of the given finals in the store, as its driver and its writer do."""
    tracker = open_tracker(local_record.uri, local_record.artifact_root)

    def told(
        name: str,
        finals: Finals,
        *,
        study_id: str = "",
        dataset: str = "digits",
        split_hash: str = "abc",
        lost: Finals | None = None,
        by_class: bool = False,
        scored: bool = False,
        pixels: float | None = None,
        experiment: str = "",
    ) -> None:
        study_id = study_id or f"id-of-{name}"
        outbox = Outbox(tmp_path / f"{study_id}.db")
        outbox.check()
        outbox.set_fact(EXPERIMENT, experiment or name)
        protocol = "per-class" if by_class else "shared"
        facts = StudyFacts(
            study_id=study_id,
            name=name,
            dataset=dataset,
            detector="memgan",
            protocol=protocol,
            split_hash=split_hash,
            git_commit=None,
        )
        record = Record(outbox, facts)
        record.study_started({})
        for seed, figures in finals.items():
            groups = {c: {c: v} for c, v in figures.items()} if by_class else {"all": figures}
            for group, of_group in groups.items():
                trial = f"{group}-0001" if by_class else "0001"
                record.final_started(trial, seed, {}, group)
                if scored:
                    path = tmp_path / study_id / str(seed) / group / names.SCORES_FILE
                    path.parent.mkdir(parents=True)
                    of_class = {c: scores_of(v) for c, v in of_group.items()}
                    path.write_bytes(pack({"test": of_class, "validation": of_class}))
                    record.artifact(record.final_key(trial, seed), path, names.SCORES)
                by_pixel = {} if pixels is None else {names.PIXEL_AUROC: pixels, names.AUPRO: 0.5}
                extra = {names.of_class(k, c): v for k, v in by_pixel.items() for c in of_group}
                record.final_ended(trial, seed, of_group, extra)
        for seed, figures in (lost or {}).items():
            record.final_started("0000", seed, {}, "all")
            record.final_ended("0000", seed, figures)
            record.final_superseded("0000", seed)
        record.study_ended("FINISHED")
        assert deliver(outbox, tracker).waiting == 0

    return told


def test_finals_are_read_from_the_record_alone_in_both_protocols(
    tell: Tell, store: RecordReader
) -> None:
    finals = {0: {"9": 0.9, "10": 0.8}, 1: {"9": 0.92, "10": 0.7}}
    tell("together", finals, lost={0: {"9": 0.1, "10": 0.1}, 7: {"9": 0.1, "10": 0.1}})
    tell("apart", finals, by_class=True)

    together, apart = read_studies(store, ["together", "apart"])

    assert together.auroc == apart.auroc == {"9": {0: 0.9, 1: 0.92}, "10": {0: 0.8, 1: 0.7}}
    assert together.classes == ("9", "10")
    assert (together.protocol, apart.protocol) == ("shared", "per-class")
    assert together.seeds == (0, 1)


def test_figures_by_pixel_stand_below_those_by_image(tell: Tell, store: RecordReader) -> None:
    tell("masked", {0: {"9": 0.9}, 1: {"9": 0.92}}, pixels=0.987)
    tell("other", {0: {"9": 0.8}}, pixels=0.912)
    tell("without", {0: {"9": 0.7}})

    compared = compare(read_studies(store, ["masked", "other", "without"]))

    shown = comparison_markdown(compared)
    assert "| pixel AUROC, mean | **98.7 ± 0.0** | 91.2 | – |" in shown
    assert "| AUPRO, mean |" in shown
    assert "F1" not in shown
    assert "- by pixel: over the test images with masks" in shown
    found = compared.document()["by_pixel"]["test_pixel_auroc"]
    assert found["other"]["mean"] == 0.912
    assert found["without"] is None
    tell("plain", {0: {"9": 0.9}})
    plain = compare(read_studies(store, ["plain", "without"]))
    assert plain.document()["by_pixel"] == {}
    assert "pixel" not in comparison_markdown(plain)


@pytest.mark.parametrize("by_class", [False, True])
def test_scores_of_images_are_read_from_the_record_alone(
    tell: Tell, store: RecordReader, by_class: bool
) -> None:
    finals = {0: {"猫": 0.9, "10": 0.8}, 1: {"猫": 0.92, "10": 0.7}}
    tell("scored", finals, by_class=by_class, scored=True)
    tell("older", finals)

    scored, older = read_studies(store, ["scored", "older"])

    assert older.scores == {}
    assert {name: set(of) for name, of in scored.scores.items()} == {
        name: {0, 1} for name in scored.auroc
    }
    validation = read_validation(store, "scored", "id-of-scored")
    for name, by_seed in scored.auroc.items():
        for seed, value in by_seed.items():
            for found in (scored.scores[name][seed], validation[name][seed]):
                assert auroc(found.scores, found.anomalous) == pytest.approx(value)
    assert read_validation(store, "nowhere", "1") == {}
    assert read_validation(store, "older", "id-of-older") == {}


def test_one_class_and_one_seed_get_an_interval_from_their_images_or_no_verdict(
    tell: Tell, store: RecordReader
) -> None:
    for name, value in (("good", 0.98), ("near", 0.97), ("bad", 0.66)):
        tell(name, {0: {"1": value}}, scored=True)
    tell("older", {0: {"1": 0.66}})

    def told(*names_: str) -> str:
        return "\n".join(remarks(compare(read_studies(store, names_))))

    assert "no difference shown" in told("good", "near")
    apart = told("good", "bad")
    assert "good − bad: +32.00 points, 95 % interval +2" in apart
    assert ": a difference" in apart
    assert "over classes, seeds and test images" in apart
    blind = told("good", "older")
    assert "+32.00 to +32.00: too little data to say" in blind
    assert "older was recorded without scores by image" in blind
    assert "memgan search --resume older" in blind


def test_a_study_without_labelled_test_images_is_not_told_to_finish(
    tell: Tell, store: RecordReader
) -> None:
    tell("free", {0: {}})
    with pytest.raises(StudyError, match="no labelled anomalies") as caught:
        read_study(store, "free")
    assert "--resume" not in str(caught.value)


def test_a_name_that_two_machines_used_asks_for_the_id(tell: Tell, store: RecordReader) -> None:
    tell("digits", {0: {"1": 0.9}}, study_id="aaaa1111")
    tell("digits", {0: {"1": 0.8}}, study_id="bbbb2222")
    with pytest.raises(StudyError, match="digits@aaaa1111, digits@bbbb2222"):
        read_study(store, "digits")
    assert read_study(store, "digits@bbbb").auroc == {"1": {0: 0.8}}
    with pytest.raises(StudyError, match="study digits@c has no tested finals"):
        read_study(store, "digits@c")
    both = compare(read_studies(store, ["digits@a", "digits@b"]))
    assert both.titles == ("digits@aaaa1111", "digits@bbbb2222")


def test_an_experiment_of_its_name_with_another_studys_runs_gives_no_figures(
    tell: Tell, store: RecordReader
) -> None:
    tell("other", {0: {"1": 0.8}}, experiment="digits")
    with pytest.raises(UnknownName, match="unknown study 'digits'; known: other"):
        read_study(store, "digits")
    tell("digits", {0: {"1": 0.9}}, scored=True, experiment="team")
    assert read_study(store, "digits").auroc == {"1": {0: 0.9}}
    assert read_study(store, "other").auroc == {"1": {0: 0.8}}
    assert set(read_validation(store, "digits", "id-of-digits")) == {"1"}


def test_what_is_not_there_is_said_with_what_is(tell: Tell, store: RecordReader) -> None:
    tell("digits", {0: {"1": 0.9}})
    tell("unfinished", {})
    with pytest.raises(UnknownName, match="did you mean 'digits'"):
        read_study(store, "digit")
    with pytest.raises(StudyError, match=r"no tested finals.*--resume unfinished"):
        read_study(store, "unfinished")


def test_no_store_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no record at"):
        open_store(Location(uri=f"sqlite:///{tmp_path}/none.db"))
    with pytest.raises(TrackingUnavailable, match="nobody answers"):
        open_store(Location(uri="http://127.0.0.1:9"))


def figures(name: str, auroc: Mapping[str, Mapping[int, float]], **facts: str) -> StudyFigures:
    known = {"dataset": "mnist", "detector": "pca", "protocol": "shared", "split_hash": "abc"}
    return StudyFigures(name=name, study_id=name, auroc=auroc, **{**known, **facts})


def test_the_mean_is_over_classes_that_all_have_and_its_sd_over_seeds() -> None:
    first = figures("a", {"0": {0: 0.9, 1: 0.7}, "1": {0: 0.5, 1: 0.5}, "2": {0: 0.1, 1: 0.1}})
    second = figures("b", {"0": {0: 0.6, 1: 0.6}, "1": {0: 0.6, 1: 0.6}})
    both = compare([first, second])
    mean = both.mean(first)
    assert mean is not None
    assert mean.mean == pytest.approx(0.65)
    assert mean.sd == pytest.approx(0.1 / 2**0.5)
    assert both.common == ("0", "1")
    assert both.best("0") == both.best("2") == both.best(None) == (0,)
    assert both.best("1") == (1,)
    assert "means and intervals are over the classes that all studies have" in both.warnings
    ((best, other, difference),) = both.differences()
    assert (best, other) == (0, 1)
    assert difference.mean == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("studies", "published", "message"),
    [
        ([figures("a", {"0": {0: 0.9}}), figures("b", {"0": {0: 0.9}}, dataset="digits")], None,
         "a on mnist, b on digits"),
        ([figures("a", {"0": {0: 0.9}})] * 2, None, "named twice"),
        ([figures("a", {"0": {0: 0.9}})], "cifar10", "leave --published out"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    studies: list[StudyFigures], published: str | None, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        compare(studies, published)


def test_one_seed_and_other_splits_are_pointed_out() -> None:
    one = figures("a", {"0": {0: 0.9}})
    other = figures("b", {"0": {0: 0.9, 1: 0.8}}, split_hash="xyz")
    warnings = " ".join(compare([one, other]).warnings)
    assert "a has one seed" in warnings
    assert "different splits" in warnings


def test_markdown_has_the_best_in_bold_and_published_columns_on_request() -> None:
    auroc = {str(digit): {0: 0.99, 1: 0.97} for digit in range(10)}
    lower = {name: {s: v - 0.02 for s, v in of.items()} for name, of in auroc.items()}
    text = comparison_markdown(compare([figures("a|b", auroc), figures("c", lower)], "mnist"))
    lines = text.splitlines()
    heading = next(line for line in lines if line.startswith("| normal class"))
    row = next(line for line in lines if line.startswith("| 8 "))
    assert heading.startswith(r"| normal class | a\|b, 2 seeds | c, 2 seeds | published OCSVM |")
    assert row.startswith("| 8 | **98.0 ± 1.4** | 96.0 ± 1.4 |")
    assert row.endswith("| 93.5 ± 0.1 |")
    assert lines.index(heading) < lines.index(row)
    assert "| mean | **98.0 ± 1.4** | 96.0 ± 1.4 |" in text
    assert "| 96.3 |" in text
    assert r"- a|b − c: +2.00 points, 95 % interval +2.00 to +2.00: too little data to say" in text


def test_the_command_gives_every_format_clean(
    tell: Tell, local_record: Location, capsys: pytest.CaptureFixture[str]
) -> None:
    tell("first", {0: {"1": 0.9, "2": 0.8}, 1: {"1": 0.92, "2": 0.82}}, scored=True)
    tell("second", {0: {"1": 0.8, "2": 0.7}, 1: {"1": 0.82, "2": 0.72}}, scored=True)
    base = ["compare", "first", "second", "--tracking-uri", local_record.uri]

    written = {}
    for form in ("table", "csv", "markdown", "json"):
        assert run([*base, "--format", form]) == 0
        written[form], err = capsys.readouterr()
        assert err == ""

    document = json.loads(written["json"])
    assert document["classes"]["1"]["first"]["mean"] == pytest.approx(0.91)
    assert document["classes"]["1"]["first"]["seeds"] == 2
    assert document["differences"][0]["significant"]
    assert document["differences"][0]["verdict"] == "a difference"
    assert document["differences"][0]["images_resampled"]
    rows = list(csv.DictReader(io.StringIO(written["csv"])))
    assert len(rows) == 2 * 2 + 2
    assert float(rows[0]["auroc_mean"]) == pytest.approx(0.91)
    assert "91.0 ± 1.4" in written["table"]
    assert "**91.0 ± 1.4**" in written["markdown"]


@pytest.mark.parametrize("width", [20, 30, 40])
def test_a_narrow_terminal_has_whole_names_and_figures(
    tell: Tell,
    local_record: Location,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    tell("first", {0: {"1": 0.9}, 1: {"1": 0.92}})
    tell("second-of-all", {0: {"1": 0.8}, 1: {"1": 0.82}})
    monkeypatch.setenv("COLUMNS", str(width))

    assert run(["compare", "first", "second-of-all", "--tracking-uri", local_record.uri]) == 0
    text = capsys.readouterr().out
    assert "91.0 ± 1.4" in text
    assert "…" not in text
    table, _, left_out = text.partition("no room for:")
    assert ("81.0 ± 1.4" in table) != ("second-of-all" in left_out.split("first −")[0])
    assert "second-of-all" in text


def test_compare_answers_without_importing_mlflow(
    tell: Tell, local_record: Location, tmp_path: Path
) -> None:
    tell("one", {0: {"9": 0.9, "10": 0.8}}, scored=True)
    tell("two", {0: {"9": 0.8, "10": 0.7}}, scored=True)
    heavy = ("mlflow", "torch", "sklearn", "matplotlib", "scipy", "pandas", "ray", "optuna")
    code = (
        "import sys; from search.cli.app import run;"
        "code = run(['compare', 'one', 'two', '--format', 'csv']);"
        f"print(code, [name for name in {heavy} if name in sys.modules])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert ended.stdout.splitlines()[-1] == "0 []"
    assert "9,one,0.9,,1" in ended.stdout
