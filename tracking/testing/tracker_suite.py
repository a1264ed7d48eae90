"""What every tracking store must do: a pytest suite, for ours and for those of plug-ins."""

from __future__ import annotations

import functools
import math
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tracking import names
from tracking.events import DataFacts
from tracking.stores import Gone, Point, Refused, Tracker

START = 1_700_000_000_000
"""Milliseconds since 1970."""


class TrackerSuite:
    """Subclass it as `class TestMine(TrackerSuite)` and override the fixture `tracker`."""

    @pytest.fixture
    def tracker(self) -> Tracker:
        """The store under test, open; it may hold what other tests wrote."""
        raise NotImplementedError("override the fixture `tracker`")

    @pytest.fixture
    def study_name(self) -> str:
        """The name of an experiment that no other test has used."""
        return f"study {uuid.uuid4().hex[:8]}"

    @pytest.fixture
    def run(self, tracker: Tracker, study_name: str) -> str:
        """A run of that experiment."""
        experiment = tracker.create_experiment(study_name)
        return tracker.create_run(experiment, "trial a", START, {names.RUN_KEY: "s/trial/a"})

    @pytest.fixture
    def bundles(self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
        """Two small bundles, of digits 3 and 1, by class; copies that a test may damage."""
        folder = shutil.copytree(
            _made_bundles(tmp_path_factory.getbasetemp()), tmp_path / "bundles"
        )
        return {name: folder / name for name in ("3", "1")}

    def test_an_experiment_that_nobody_deleted_is_not_deleted(
        self, tracker: Tracker, study_name: str
    ) -> None:
        assert not tracker.is_deleted(study_name)
        tracker.create_experiment(study_name)
        assert not tracker.is_deleted(study_name)

    def test_an_experiment_is_made_once(self, tracker: Tracker, study_name: str) -> None:
        assert tracker.find_experiment(study_name) is None
        made = tracker.create_experiment(study_name)
        assert tracker.create_experiment(study_name) == made
        assert tracker.find_experiment(study_name) == made

    def test_runs_are_found_by_their_key_and_by_no_other(
        self, tracker: Tracker, study_name: str
    ) -> None:
        experiment = tracker.create_experiment(study_name)
        other = tracker.create_experiment(f"{study_name} and others")
        first = tracker.create_run(experiment, "a", START, {names.RUN_KEY: "s/trial/a"})
        second = tracker.create_run(experiment, "a", START + 5, {names.RUN_KEY: "s/trial/a"})
        tracker.create_run(experiment, "b", START, {names.RUN_KEY: "s/trial/b"})
        assert tracker.find_runs(experiment, "s/trial/a") == [first, second]
        assert tracker.find_runs(other, "s/trial/a") == []
        tracker.delete_run(second)
        assert tracker.find_runs(experiment, "s/trial/a") == [first]

    def test_runs_are_listed_by_tags_oldest_first_with_all_they_hold(
        self, tracker: Tracker
    ) -> None:
        experiment, other = tracker.create_experiment("digits"), tracker.create_experiment("others")
        kind, seed = names.KIND, names.SEED
        late = tracker.create_run(experiment, "b", START + 9, {kind: "final", seed: "1"})
        early = tracker.create_run(experiment, "a", START, {kind: "final", seed: "0"})
        tracker.create_run(experiment, "t", START, {kind: "trial"})
        tracker.create_run(other, "o", START, {kind: "final", seed: "0"})
        tracker.log_batch(late, [Point("test_auroc/1", 0.9, START, 0)], {}, {})

        found = tracker.runs(experiment, {kind: "final"})

        assert [run.run_id for run in found] == [early, late]
        assert found[1] == tracker.get_run(late)
        assert found[1].metrics == {"test_auroc/1": 0.9}
        assert [r.run_id for r in tracker.runs(experiment, {kind: "final", seed: "0"})] == [early]
        assert {"digits", "others"} <= set(tracker.experiments())

    def test_a_new_run_is_running_since_its_start(self, tracker: Tracker, run: str) -> None:
        view = tracker.get_run(run)
        assert (view.name, view.status, view.start, view.end) == ("trial a", "RUNNING", START, None)

    def test_writing_the_same_again_changes_nothing(self, tracker: Tracker, run: str) -> None:
        points = [Point("val_auroc/mean", 0.5 + step / 10, START + step, step) for step in range(3)]
        for _ in range(2):
            tracker.log_batch(run, points, {"lr": "0.1"}, {"memgan.kind": "trial"})
        assert tracker.history(run, "val_auroc/mean") == points
        view = tracker.get_run(run)
        assert view.metrics["val_auroc/mean"] == pytest.approx(0.7)
        assert view.params == {"lr": "0.1"}
        assert view.tags["memgan.kind"] == "trial"

    def test_nan_is_kept_as_nan(self, tracker: Tracker, run: str) -> None:
        for _ in range(2):
            tracker.log_batch(run, [Point("loss/cycle", math.nan, START, 1)], {}, {})
        values = [point.value for point in tracker.history(run, "loss/cycle")]
        assert len(values) == 1
        assert math.isnan(values[0])

    def test_a_tag_takes_its_last_value(self, tracker: Tracker, run: str) -> None:
        tracker.log_batch(run, [], {}, {"memgan.stopped_by": "asha"})
        tracker.log_batch(run, [], {}, {"memgan.stopped_by": "median"})
        assert tracker.get_run(run).tags["memgan.stopped_by"] == "median"

    def test_an_experiment_has_tags_of_its_own(self, tracker: Tracker, study_name: str) -> None:
        experiment = tracker.create_experiment(study_name)
        long = "**table** | " * 300  # A description may be as long as a tag of a run.
        tracker.tag_experiment(experiment, {"memgan.kind": "study", names.NOTE: "first"})
        tracker.tag_experiment(experiment, {names.NOTE: long})
        tags = tracker.experiment_tags(experiment)
        assert (tags["memgan.kind"], tags[names.NOTE]) == ("study", long)
        for attempt in (
            tracker.experiment_tags,
            lambda gone: tracker.tag_experiment(gone, {"a": "b"}),
        ):
            with pytest.raises(Gone):
                attempt("987654321")

    def test_a_run_names_its_images_once_however_often_it_is_told(
        self, tracker: Tracker, run: str
    ) -> None:
        sizes = {"train": 900, "validation": 100, "test": 797}
        data = DataFacts(
            name="größe/parts",
            digest="0123456789abcdef" * 2,
            sizes=sizes,
            image_shape=(1, 8, 8),
            parts=("train", "validation"),
        )
        for _ in range(2):
            tracker.log_data(run, data)
        assert tracker.data(run) == [data]
        with pytest.raises(Gone):
            tracker.log_data("0" * 32, data)

    def test_another_value_of_a_parameter_is_refused(self, tracker: Tracker, run: str) -> None:
        tracker.log_batch(run, [], {"lr": "0.1"}, {})
        with pytest.raises(Refused):
            tracker.log_batch(run, [], {"lr": "0.2"}, {})
        assert tracker.get_run(run).params == {"lr": "0.1"}

    @pytest.mark.parametrize("key", ["auroc[3]", "a//b", "../a", "/a", "a@b", "x" * 300])
    def test_a_bad_name_is_refused(self, tracker: Tracker, run: str, key: str) -> None:
        with pytest.raises(Refused):
            tracker.log_batch(run, [Point(key, 1.0, START, 0)], {}, {})

    def test_names_of_ours_are_taken(self, tracker: Tracker, run: str) -> None:
        keys = [names.val_auroc(name) for name in ("3", "T-shirt/top", "größe 2", "..", "a@b", "")]
        tracker.log_batch(run, [Point(key, 1.0, START, 0) for key in keys], {}, {})
        assert sorted(tracker.get_run(run).metrics) == sorted(keys)

    def test_an_unknown_run_is_gone(self, tracker: Tracker, run: str) -> None:
        attempts: tuple[Callable[[], object], ...] = (
            lambda: tracker.log_batch("0" * 32, [Point("a", 1.0, START, 0)], {}, {}),
            lambda: tracker.end("0" * 32, "FINISHED", START),
            lambda: tracker.get_run("0" * 32),
            lambda: tracker.log_model("0" * 32, "m", {}, {names.MODEL_KEY: "k"}),
        )
        for attempt in attempts:
            with pytest.raises(Gone):
                attempt()

    def test_nothing_is_written_to_a_deleted_run(self, tracker: Tracker, run: str) -> None:
        tracker.delete_run(run)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: tracker.log_batch(run, [Point("a", 1.0, START, 0)], {}, {}),
            lambda: tracker.end(run, "FINISHED", START),
            lambda: tracker.reopen(run),
        )
        for attempt in attempts:
            with pytest.raises(Gone):
                attempt()

    def test_no_run_is_made_in_an_experiment_that_is_not_there(self, tracker: Tracker) -> None:
        with pytest.raises(Gone):
            tracker.create_run("987654321", "trial a", START, {})

    def test_a_reopened_run_ends_when_it_ends_at_last(self, tracker: Tracker, run: str) -> None:
        tracker.end(run, "KILLED", START + 10)
        view = tracker.get_run(run)
        assert (view.status, view.end) == ("KILLED", START + 10)
        tracker.reopen(run)
        view = tracker.get_run(run)
        assert (view.status, view.end) == ("RUNNING", None)
        tracker.end(run, "FINISHED", START + 99)
        view = tracker.get_run(run)
        assert (view.status, view.end) == ("FINISHED", START + 99)

    def test_a_run_has_one_model_of_a_key_however_often_it_is_told(
        self, tracker: Tracker, run: str, bundles: dict[str, Path]
    ) -> None:
        tags = {names.MODEL_KEY: "s/final/a/0", names.KIND: "model"}
        first = tracker.log_model(run, "digits", bundles, tags)
        assert tracker.log_model(run, "digits", bundles, tags) == first
        other = tracker.log_model(run, "digits", {"1": bundles["1"]}, {names.MODEL_KEY: "other"})
        found = tracker.models(run)
        assert [(model.model_id, model.name) for model in found] == [
            (first, "digits"),
            (other, "digits"),
        ]
        assert found[0].tags.items() >= tags.items()

    def test_bundles_that_are_gone_are_refused_and_leave_no_model(
        self, tracker: Tracker, run: str, bundles: dict[str, Path]
    ) -> None:
        (bundles["1"] / "model.onnx").unlink()
        with pytest.raises(Refused, match=r"lacks model\.onnx"):
            tracker.log_model(run, "digits", bundles, {names.MODEL_KEY: "k"})
        assert tracker.models(run) == []

    def test_artifacts_replace_their_like(self, tracker: Tracker, run: str, tmp_path: Path) -> None:
        folder = tmp_path / "figures"
        (folder / "inner").mkdir(parents=True)
        (folder / "roc.svg").write_text("<svg/>")
        (folder / "inner" / "units.png").write_bytes(b"png")
        for _ in range(2):
            tracker.log_artifact(run, folder, None)
            tracker.log_artifact(run, folder / "roc.svg", "checkpoints/best")
        assert tracker.artifacts(run) == [
            "checkpoints/best/roc.svg",
            "figures/inner/units.png",
            "figures/roc.svg",
        ]
        assert tracker.read_artifact(run, "figures/inner/units.png") == b"png"
        assert tracker.read_artifact(run, "figures/other.png") is None
        assert tracker.read_artifact(run, "nowhere/roc.svg") is None


@functools.cache
def _made_bundles(scratch: Path) -> Path:
    from memgan.bundle import write_bundle
    from memgan.config import Configuration, DataConfig
    from memgan.data import load_split
    from memgan.training import train_cell

    folder = scratch / "bundles-of-the-suite"
    split = load_split(DataConfig(source="digits"))
    content = {"detector": "pca", "parameters": {"components": 4}, "runtime": {"device": "cpu"}}
    configuration = Configuration.model_validate(content)
    for name in ("3", "1"):
        cell = train_cell(configuration, split.development, split.test, name, seed=0)
        write_bundle(folder / name, configuration, split, [cell], 0.1)
    return folder
