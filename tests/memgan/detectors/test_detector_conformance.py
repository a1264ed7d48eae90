"""What every detector promises; each one that is registered runs through all of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from memgan.config.parameters import PARAMETERS, make_parameters
from memgan.data import Pixels
from memgan.detectors import DETECTORS, Detector, build_detector
from memgan.errors import BundleError, UnknownName

_SMALL = {
    "memgan": {
        "learning_rate": 3e-3,
        "batch_size": 16,
        "width": 4,
        "memory_units": 12,
        "memory_dim": 8,
    },
    "memgan-plus": {
        "learning_rate": 3e-3,
        "batch_size": 16,
        "width": 4,
        "memory_units": 12,
        "memory_dim": 8,
        "warp_count": 4,
        "warp_width": 2,
        "warp_passes": 1,
        "warp_batch_size": 16,
    },
    "pca": {"components": 4},
    "neighbours": {"neighbours": 2},
    "autoencoder": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8},
    "alice": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8},
    "memae": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "memory_units": 12},
    "dcae": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8},
    "dsvdd": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8, "epochs": 4},
    "ocsvm": {},
    "kde": {},
    "iforest": {"trees": 10},
}


def make(name: str, seed: int = 3, shape: tuple[int, int, int] = (1, 8, 8)) -> Detector:
    return build_detector(
        name,
        make_parameters(name, _SMALL[name], "test"),
        image_shape=shape,
        seed=seed,
        device=torch.device("cpu"),
    )


def fitted(name: str, images: Pixels, epochs: int = 3) -> Detector:
    detector = make(name, shape=images.shape[1:])
    for _ in range(epochs):
        detector.fit_epoch(images)
    detector.prepare_to_score(images)
    return detector


@pytest.fixture(params=sorted(DETECTORS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_detector_has_parameters_and_is_tested_here() -> None:
    assert set(DETECTORS) == set(PARAMETERS) == set(_SMALL)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'memgan'"):
        build_detector(
            "memgna",
            make_parameters("memgan", {}, "test"),
            image_shape=(1, 8, 8),
            seed=0,
            device=torch.device("cpu"),
        )


def test_scores_are_finite_one_an_image_and_higher_for_anomalies(
    name: str, normals: Pixels, anomalies: Pixels
) -> None:
    detector = fitted(name, normals, epochs=15)
    usual, unusual = detector.score(normals), detector.score(anomalies)
    assert usual.shape == (len(normals),)
    assert usual.dtype == np.float64
    assert np.isfinite(usual).all()
    assert unusual.mean() > usual.mean()


def test_what_is_rebuilt_is_an_image_of_the_same_shape_in_grey_levels_nearer_for_normals(
    name: str, normals: Pixels, anomalies: Pixels
) -> None:
    detector = fitted(name, normals, epochs=15)
    rebuilt, strange = detector.rebuild(normals), detector.rebuild(anomalies)
    if rebuilt is None or strange is None:
        assert rebuilt is strange is None
        return
    assert rebuilt.shape == normals.shape
    assert rebuilt.dtype == np.float32
    assert np.abs(normals - rebuilt).mean() < np.abs(anomalies - strange).mean()
    assert np.abs(normals - rebuilt).mean() < 64


def test_an_odd_number_of_images_in_batches_of_two_can_be_learned(
    name: str, normals: Pixels
) -> None:
    twos = {key: 2 for key in _SMALL[name] if key.endswith("batch_size")}
    values = {**_SMALL[name], **twos}
    detector = build_detector(
        name,
        make_parameters(name, values, "test"),
        image_shape=(3, 9, 9),
        seed=3,
        device=torch.device("cpu"),
    )
    images = np.resize(normals, (5, 3, 9, 9))
    detector.fit_epoch(images)
    detector.prepare_to_score(images)

    assert np.isfinite(detector.score(images)).all()


def test_a_score_does_not_depend_on_what_is_scored_beside_it(
    name: str, normals: Pixels, anomalies: Pixels
) -> None:
    detector = fitted(name, normals)
    images = np.concatenate([anomalies, normals] * 4)  # more than one batch of 256
    together = detector.score(images)
    alone = np.concatenate([detector.score(images[i : i + 1]) for i in range(0, len(images), 7)])
    np.testing.assert_allclose(alone, together[::7], rtol=1e-5, atol=1e-9)


def test_what_is_traced_scores_and_rebuilds_the_same(
    name: str, normals: Pixels, anomalies: Pixels
) -> None:
    detector = fitted(name, normals)
    images = np.concatenate([normals, anomalies])
    scores, *rebuilt = detector.scorer()(torch.tensor(images))
    assert scores.dtype == torch.float64
    np.testing.assert_allclose(scores.detach().numpy(), detector.score(images), rtol=1e-6)
    expected = detector.rebuild(images)
    assert len(rebuilt) == (expected is not None)
    if expected is not None:
        np.testing.assert_allclose(rebuilt[0].detach().numpy(), expected, rtol=1e-4, atol=1e-3)


def test_scoring_changes_nothing(name: str, normals: Pixels, anomalies: Pixels) -> None:
    detector = fitted(name, normals)
    before = {key: value.clone() for key, value in detector.weights().items()}
    detector.score(anomalies)
    for key, value in detector.weights().items():
        assert torch.equal(value, before[key])


def test_the_same_seed_gives_the_same_detector_whatever_others_draw(
    name: str, normals: Pixels
) -> None:
    torch.manual_seed(1)
    first = fitted(name, normals)
    torch.manual_seed(2)
    torch.rand(5)
    second = fitted(name, normals)
    np.testing.assert_array_equal(first.score(normals), second.score(normals))


def test_making_and_fitting_leave_the_global_generator_alone(name: str, normals: Pixels) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitted(name, normals, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_interrupted_and_resumed_equals_uninterrupted_to_the_bit(
    name: str, normals: Pixels, anomalies: Pixels
) -> None:
    torch.set_num_threads(1)
    whole = fitted(name, normals, epochs=3)

    begun = make(name)
    begun.fit_epoch(normals)
    begun.prepare_to_score(normals)  # looking on the way must change nothing
    begun.score(anomalies)
    file = io.BytesIO()
    torch.save(begun.state_dict(), file)
    file.seek(0)
    resumed = make(name)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for _ in range(2):
        resumed.fit_epoch(normals)
    resumed.prepare_to_score(normals)

    np.testing.assert_array_equal(resumed.score(anomalies), whole.score(anomalies))
    for key, value in whole.weights().items():
        assert torch.equal(value, resumed.weights()[key]), key


def test_values_that_may_change_in_training_do(name: str, normals: Pixels) -> None:
    changeable = PARAMETERS[name].CHANGEABLE
    if "learning_rate" not in changeable:
        assert not changeable
        return
    steady, changed = make(name), make(name)
    for detector in (steady, changed):
        detector.fit_epoch(normals)
    changed.change(make_parameters(name, {**_SMALL[name], "learning_rate": 1e-6}, "test"))
    for detector in (steady, changed):
        detector.fit_epoch(normals)
        detector.prepare_to_score(normals)
    assert (steady.score(normals) != changed.score(normals)).all()


def test_weights_alone_score_the_same(name: str, normals: Pixels, anomalies: Pixels) -> None:
    detector = fitted(name, normals)
    other = make(name, seed=99)
    other.load_weights(detector.weights())
    np.testing.assert_array_equal(other.score(anomalies), detector.score(anomalies))


def test_weights_that_do_not_fit_are_refused_and_change_nothing(
    name: str, normals: Pixels, anomalies: Pixels
) -> None:
    detector = fitted(name, normals)
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
def test_any_image_size_and_channel_count_is_taken(name: str, shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, *shape), dtype=np.uint8)
    detector = fitted(name, images, epochs=1)
    assert detector.score(images).shape == (6,)


def test_images_that_cannot_be_written_to_are_taken_without_a_word(
    name: str, normals: Pixels, recwarn: pytest.WarningsRecorder
) -> None:
    normals.setflags(write=False)
    fitted(name, normals, epochs=1).score(normals)
    assert not recwarn.list
