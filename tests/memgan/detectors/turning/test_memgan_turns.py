"""A network that names turns, and what scores its features: two stages of one detector."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch

from memgan.config import MemganTurnsParameters
from memgan.data import Pixels
from memgan.detectors.turning.memgan_turns import MemganTurns
from memgan.detectors.turning.turn_features import rate_share
from memgan.detectors.turning.turns import turned
from memgan.errors import BundleError, ConfigError
from memgan.features import default_cache
from memgan.testing.detector_suite import DetectorSuite, Maker

SMALL: dict[str, Any] = {
    "learning_rate": 3e-3,
    "batch_size": 16,
    "width": 4,
    "memory_units": 12,
    "memory_dim": 8,
    "epochs": 4,
    "pretraining": 0.5,
    "net_width": 4,
    "net_batch_size": 16,
    "net_passes": 3,
}


class TestAnchors(DetectorSuite):
    @pytest.fixture(params=["gaussian", "neighbours"])
    def maker(self, request: pytest.FixtureRequest) -> Maker:
        return Maker("memgan-turns", {**SMALL, "second_stage": request.param})

    def test_values_that_may_change_in_training_do(self) -> None:
        """Anchors are fitted at once: nothing of theirs may change."""


def make(**values: Any) -> MemganTurns:
    detector = Maker("memgan-turns", {**SMALL, **values}).make()
    assert isinstance(detector, MemganTurns)
    return detector


@pytest.mark.parametrize(("epochs", "share", "first"), [(40, 0.5, 20), (2, 0.9, 1), (10, 0.01, 1)])
def test_either_stage_has_an_epoch_at_least(epochs: int, share: float, first: int) -> None:
    assert MemganTurnsParameters(epochs=epochs, pretraining=share).net_epochs == first


def test_keys_of_pixels_are_none_of_its() -> None:
    for key, value in {"score": "top-share", "contrast_normalised": True, "features": {}}.items():
        with pytest.raises(ConfigError, match="unknown key"):
            Maker("memgan-turns", {key: value}).parameters()


def test_the_network_is_trained_first_then_memgan_on_what_it_made(normals: Pixels) -> None:
    detector = make()
    stages = [set(detector.fit_epoch(normals)) for _ in range(2)]
    learned = {name: value.clone() for name, value in detector.features.net.state_dict().items()}
    assert stages == [{"turns"}, {"turns"}]
    assert detector.look(normals) is None

    later = [set(detector.fit_epoch(normals)) for _ in range(2)]
    assert later == [LOSSES, LOSSES]
    assert detector.look(normals) is not None
    for name, value in detector.features.net.state_dict().items():
        assert torch.equal(value, learned[name]), name


LOSSES = {
    "discriminator",
    "cycle",
    "projection",
    "mutual_information",
    "encoder_game",
    "generator_game",
}


@pytest.mark.parametrize("done", [1, 2, 3])
@pytest.mark.parametrize("stage", ["memgan", "gaussian"])
def test_it_goes_on_to_the_bit_from_the_middle_of_either_stage(
    normals: Pixels, anomalies: Pixels, stage: str, done: int
) -> None:
    torch.set_num_threads(1)
    whole, begun, resumed = (make(second_stage=stage) for _ in range(3))
    for epoch in range(4):
        whole.fit_epoch(normals)
        whole.prepare_to_score(normals)
        if epoch < done:
            begun.fit_epoch(normals)
    file = io.BytesIO()
    torch.save(begun.state_dict(), file)
    file.seek(0)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for _ in range(done, 4):
        resumed.fit_epoch(normals)
    resumed.prepare_to_score(normals)
    np.testing.assert_array_equal(resumed.score(anomalies), whole.score(anomalies))


def test_a_turned_image_has_the_same_features_in_another_order(normals: Pixels) -> None:
    detector = make()
    detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    images = torch.tensor(normals)
    as_it_is = detector.features.of(normals).reshape(len(normals), 4, -1)
    after = detector.features.of(turned(images, 1).numpy()).reshape(len(normals), 4, -1)
    np.testing.assert_allclose(after, np.roll(as_it_is, -1, axis=1), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(as_it_is, axis=2), 1, rtol=1e-5)


def test_features_are_remembered_in_training_and_no_longer_than_the_network(
    normals: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = make()
    asked = []
    computed = detector.features._computed
    monkeypatch.setattr(
        detector.features, "_computed", lambda images: asked.append(1) or computed(images)
    )
    detector.keep_features(default_cache())
    first = detector.features.of(normals)
    assert detector.features.of(normals.copy()) is first
    detector.fit_epoch(normals)
    assert not np.array_equal(detector.features.of(normals), first)
    assert len(asked) == 2


def test_weights_that_lack_the_second_stage_are_refused(normals: Pixels) -> None:
    maker = Maker("memgan-turns", {**SMALL, "second_stage": "gaussian"})
    weights = maker.fitted(normals).weights()
    own = {name: value for name, value in weights.items() if not name.startswith("second.")}
    with pytest.raises(BundleError, match="lack the second stage"):
        maker.make().load_weights(own)


@pytest.mark.parametrize("stage", ["memgan", "gaussian", "neighbours"])
def test_what_a_bundle_needs_is_known_without_making_it(normals: Pixels, stage: str) -> None:
    maker = Maker("memgan-turns", {**SMALL, "second_stage": stage})
    detector = maker.fitted(normals)
    held = sum(value.numel() for value in detector.weights().values())
    needed = MemganTurns.weight_count(maker.parameters(), (1, 8, 8))
    assert 0 < needed <= held


def test_the_rate_rises_over_a_fifth_then_falls_to_nothing() -> None:
    rates = [rate_share(done / 100) for done in range(101)]
    assert max(rates) == rates[20] == pytest.approx(1)
    assert rates[:20] == sorted(rates[:20])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[100] == rate_share(2.0) == 1e-3
