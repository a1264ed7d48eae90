"""What every detector promises: a pytest suite, for ours and for those of plug-ins."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from memgan.config import (
    DetectorParameters,
    ResidualParameters,
    make_parameters,
    parameters_type,
)
from memgan.data import Pixels
from memgan.detectors import Detector, Stepwise, build_detector, detector_type
from memgan.errors import BundleError
from memgan.machine import computed_in
from memgan.training import fit_epoch_as_one, fit_epochs, packable


@dataclass(frozen=True)
class Maker:
    """Makes the detector that is tested."""

    name: str
    values: Mapping[str, Any]

    @property
    def keys(self) -> Collection[str]:
        """What can be set of it."""
        return parameters_type(self.name).model_fields

    def parameters(self, **changes: Any) -> DetectorParameters:
        """Its small parameters, with some of them changed."""
        return make_parameters(self.name, {**self.values, **changes}, "test")

    def make(
        self, seed: int = 3, shape: tuple[int, int, int] = (1, 8, 8), **changes: Any
    ) -> Detector:
        """A new one, on the CPU."""
        return build_detector(
            self.name,
            self.parameters(**changes),
            image_shape=shape,
            seed=seed,
            device=torch.device("cpu"),
        )

    def fitted(self, images: Pixels, epochs: int = 3) -> Detector:
        """One that was fitted on these images."""
        channels, height, width = images.shape[1:]
        detector = self.make(shape=(channels, height, width))
        for _ in range(epochs):
            detector.fit_epoch(images)
        detector.prepare_to_score(images)
        return detector


_TRAINED: dict[tuple[str, str, bytes], Detector] = {}


class DetectorSuite:
    """Subclass it as `class TestMine(DetectorSuite)` and say `name`, and `small` where the
    defaults are too large for tests of seconds."""

    name: ClassVar[str]
    """The name that the detector is registered under."""
    small: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Parameters with which fifteen epochs on forty images of 8×8 take well below a second, and
    after which normals score lower than noise."""

    @pytest.fixture
    def maker(self) -> Maker:
        return Maker(self.name, self.small)

    @pytest.fixture
    def normals(self) -> Pixels:
        """Forty blurred blobs, uint8 (40, 1, 8, 8)."""
        rng = np.random.default_rng(0)
        rows, columns = np.mgrid[0:8, 0:8]
        middle = rng.normal(0, 0.6, (40, 1, 2, 1, 1))
        squared = (rows - 4 - middle[:, :, 0]) ** 2 + (columns - 4 - middle[:, :, 1]) ** 2
        images: Pixels = (255 * np.exp(-squared / 8)).astype(np.uint8)
        return images

    @pytest.fixture
    def trained(self, maker: Maker, normals: Pixels) -> Detector:
        """One fitted on them for fifteen epochs. Tests share it, and only score with it."""
        values = sorted((key, repr(value)) for key, value in maker.values.items())
        key = (maker.name, repr(values), normals.tobytes())
        if key not in _TRAINED:
            _TRAINED[key] = maker.fitted(normals, epochs=15)
        return _TRAINED[key]

    @pytest.fixture
    def anomalies(self) -> Pixels:
        """Forty images of plain noise, uint8 (40, 1, 8, 8)."""
        return np.random.default_rng(9).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)

    def test_its_class_bears_its_name(self, maker: Maker) -> None:
        assert detector_type(maker.name).name == maker.name

    def test_it_has_epochs_and_defaults_for_all_else(self, maker: Maker) -> None:
        assert "epochs" in maker.keys
        assert make_parameters(maker.name, {}, "test").epochs >= 1

    def test_scores_are_finite_one_an_image_and_higher_for_anomalies(
        self, trained: Detector, normals: Pixels, anomalies: Pixels
    ) -> None:
        usual, unusual = trained.score(normals), trained.score(anomalies)
        assert usual.shape == (len(normals),)
        assert usual.dtype == np.float64
        assert np.isfinite(usual).all()
        assert unusual.mean() > usual.mean()

    def test_what_is_rebuilt_is_an_image_of_the_same_shape_in_grey_levels_nearer_for_normals(
        self, trained: Detector, normals: Pixels, anomalies: Pixels
    ) -> None:
        rebuilt, strange = trained.rebuild(normals), trained.rebuild(anomalies)
        if rebuilt is None or strange is None:
            assert rebuilt is strange is None
            return
        assert rebuilt.shape == normals.shape
        assert rebuilt.dtype == np.float32
        assert np.abs(normals - rebuilt).mean() < np.abs(anomalies - strange).mean()
        assert np.abs(normals - rebuilt).mean() < 64

    def test_an_odd_number_of_images_in_batches_of_two_can_be_learned(
        self, maker: Maker, normals: Pixels
    ) -> None:
        twos = {key: 2 for key in maker.keys if key.endswith("batch_size")}
        detector = maker.make(shape=(3, 9, 9), **twos)
        images = np.resize(normals, (5, 3, 9, 9))
        detector.fit_epoch(images)
        detector.prepare_to_score(images)

        assert np.isfinite(detector.score(images)).all()

    def test_a_score_does_not_depend_on_what_is_scored_beside_it(
        self, trained: Detector, normals: Pixels, anomalies: Pixels
    ) -> None:
        images = np.concatenate([anomalies, normals] * 4)  # more than one batch of 256
        together = trained.score(images)
        alone = np.concatenate([trained.score(images[i : i + 1]) for i in range(0, len(images), 7)])
        # A score that is a distance from the usual one is all rounding where it is near 0.
        nothing = 1e-5 * together.std()
        np.testing.assert_allclose(alone, together[::7], rtol=1e-5, atol=nothing)

    def test_what_is_traced_scores_and_rebuilds_the_same(
        self, trained: Detector, normals: Pixels, anomalies: Pixels
    ) -> None:
        detector = trained
        images = np.concatenate([normals, anomalies])
        scores, *rebuilt = detector.scorer()(torch.tensor(images))
        assert scores.dtype == torch.float64
        np.testing.assert_allclose(scores.detach().numpy(), detector.score(images), rtol=1e-6)
        expected = detector.rebuild(images)
        if expected is None:
            expected = detector.maps(images)
            assert expected is None or expected.shape == (len(images), *images.shape[2:])
        assert len(rebuilt) == (expected is not None)
        if expected is not None:
            np.testing.assert_allclose(rebuilt[0].detach().numpy(), expected, rtol=1e-4, atol=1e-3)

    def test_scoring_changes_nothing(
        self, maker: Maker, normals: Pixels, anomalies: Pixels
    ) -> None:
        # One of its own: another test's scoring of the shared one might hide a first change.
        detector = maker.fitted(normals, epochs=1)
        before = {key: value.clone() for key, value in detector.weights().items()}
        detector.score(anomalies)
        for key, value in detector.weights().items():
            assert torch.equal(value, before[key])

    def test_the_same_seed_gives_the_same_detector_whatever_others_draw(
        self, maker: Maker, normals: Pixels
    ) -> None:
        torch.manual_seed(1)
        first = maker.fitted(normals)
        torch.manual_seed(2)
        torch.rand(5)
        second = maker.fitted(normals)
        np.testing.assert_array_equal(first.score(normals), second.score(normals))

    def test_making_and_fitting_leave_the_global_generator_alone(
        self, maker: Maker, normals: Pixels
    ) -> None:
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        maker.fitted(normals, epochs=1)
        assert torch.equal(torch.rand(3), expected)

    def test_interrupted_and_resumed_equals_uninterrupted_to_the_bit(
        self, maker: Maker, normals: Pixels, anomalies: Pixels
    ) -> None:
        torch.set_num_threads(1)
        whole = maker.fitted(normals, epochs=3)

        begun = maker.make()
        begun.fit_epoch(normals)
        begun.prepare_to_score(normals)  # looking on the way must change nothing
        begun.score(anomalies)
        file = io.BytesIO()
        torch.save(begun.state_dict(), file)
        file.seek(0)
        resumed = maker.make()
        resumed.load_state_dict(torch.load(file, weights_only=True))
        for _ in range(2):
            resumed.fit_epoch(normals)
        resumed.prepare_to_score(normals)

        np.testing.assert_array_equal(resumed.score(anomalies), whole.score(anomalies))
        for key, value in whole.weights().items():
            assert torch.equal(value, resumed.weights()[key]), key

    def test_values_that_may_change_in_training_do(self, maker: Maker, normals: Pixels) -> None:
        if "learning_rate" not in parameters_type(maker.name).CHANGEABLE:
            return  # Of other values nobody knows whether a change of them must show.
        steady, changed = maker.make(), maker.make()
        for detector in (steady, changed):
            detector.fit_epoch(normals)
        changed.change(maker.parameters(learning_rate=1e-6))
        for detector in (steady, changed):
            detector.fit_epoch(normals)
            detector.prepare_to_score(normals)
        assert (steady.score(normals) != changed.score(normals)).all()

    def test_trained_as_one_with_others_it_is_as_if_alone(
        self, maker: Maker, normals: Pixels
    ) -> None:
        images = [normals, normals[:31], normals[5:]]
        alone = [maker.make(seed=seed) for seed in range(3)]
        packed = [maker.make(seed=seed) for seed in range(3)]
        stepwise = [detector for detector in packed if isinstance(detector, Stepwise)]
        assert bool(stepwise) == maker.parameters().STEPWISE
        assert packable(packed) == ([[0, 1, 2]] if stepwise else [])
        if not stepwise:
            return  # It is trained by itself wherever others are trained as one.
        for _ in range(2):
            expected = [one.fit_epoch(own) for one, own in zip(alone, images, strict=True)]
            found = fit_epoch_as_one(stepwise, images)
            for wanted, losses in zip(expected, found, strict=True):
                assert losses == pytest.approx(wanted, rel=1e-3)
        for one, other, own in zip(alone, packed, images, strict=True):
            one.prepare_to_score(own)
            other.prepare_to_score(own)
            np.testing.assert_allclose(other.score(normals), one.score(normals), rtol=0.02)

    def test_in_bf16_it_trains_as_one_with_others_where_it_can_and_scores_in_fp32(
        self, maker: Maker, normals: Pixels
    ) -> None:
        detectors, images = [maker.make(seed=seed) for seed in (3, 4)], [normals[:16], normals[:14]]
        with computed_in("bf16", torch.device("cpu")):
            for _ in range(2):
                found = fit_epochs(detectors, images, "on")
        assert np.isfinite([value for losses in found for value in losses.values()]).all()
        for detector, own in zip(detectors, images, strict=True):
            detector.prepare_to_score(own)
            scores = detector.score(normals)
            assert scores.dtype == np.float64
            assert np.isfinite(scores).all()
            with computed_in("bf16", torch.device("cpu")):
                detector.prepare_to_score(own)
                np.testing.assert_array_equal(detector.score(normals), scores)

    @pytest.mark.parametrize("score", ["top-share", "smoothed-max"])
    def test_a_score_of_few_pixels_is_the_same_alone_traced_packed_and_loaded(
        self, maker: Maker, normals: Pixels, anomalies: Pixels, score: str
    ) -> None:
        if not issubclass(parameters_type(maker.name), ResidualParameters):
            return
        local: dict[str, Any] = {"score": score, "score_share": 0.1, "score_window": 2}
        detector, other = (maker.make(seed=seed, **local) for seed in (3, 4))
        fit_epochs([detector, other], [normals, normals[:31]], "on")
        detector.prepare_to_score(normals)
        images = np.concatenate([normals, anomalies])
        scores = detector.score(images)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(detector.score(images[7:8]), scores[7:8], rtol=1e-5)
        traced = detector.scorer()(torch.tensor(images))[0]
        np.testing.assert_allclose(traced.detach().numpy(), scores, rtol=1e-6)
        loaded = maker.make(seed=99, **local)
        loaded.load_weights(detector.weights())
        np.testing.assert_array_equal(loaded.score(images), scores)
        whole = maker.make()
        whole.load_weights(detector.weights())
        assert np.corrcoef(whole.score(images), scores)[0, 1] < 0.9999

    def test_weights_alone_score_the_same(
        self, maker: Maker, trained: Detector, anomalies: Pixels
    ) -> None:
        other = maker.make(seed=99)
        other.load_weights(trained.weights())
        np.testing.assert_array_equal(other.score(anomalies), trained.score(anomalies))

    def test_weights_that_do_not_fit_are_refused_and_change_nothing(
        self, maker: Maker, normals: Pixels, anomalies: Pixels
    ) -> None:
        detector = maker.fitted(normals)
        expected = detector.score(anomalies)
        good = detector.weights()
        key = sorted(good)[0]
        missing = {k: v for k, v in good.items() if k != key}
        left_over = {**good, "intruder": torch.zeros(1)}
        wrong_shape = {**good, key: torch.zeros(3, 2, 1, 1, 1, dtype=good[key].dtype)}
        wrong_kind = {**good, key: good[key].to(torch.float16)}
        for weights in (missing, left_over, wrong_shape, wrong_kind):
            with pytest.raises(BundleError):
                detector.load_weights(weights)
        np.testing.assert_array_equal(detector.score(anomalies), expected)

    @pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (4, 16, 8), (1, 28, 28), (3, 40, 33)])
    def test_any_image_size_and_channel_count_is_taken(
        self, maker: Maker, shape: tuple[int, int, int]
    ) -> None:
        images = np.random.default_rng(0).integers(0, 256, (6, *shape), dtype=np.uint8)
        detector = maker.fitted(images, epochs=1)
        assert detector.score(images).shape == (6,)

    def test_images_that_cannot_be_written_to_are_taken_without_a_word(
        self, maker: Maker, normals: Pixels, recwarn: pytest.WarningsRecorder
    ) -> None:
        normals.setflags(write=False)
        maker.fitted(normals, epochs=1).score(normals)
        assert not recwarn.list
