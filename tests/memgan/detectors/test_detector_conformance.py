"""Every built-in detector runs through the suite that is offered to those of plug-ins."""

from __future__ import annotations

import pytest
import torch

from memgan.config.parameters import PARAMETERS, make_parameters
from memgan.detectors import DETECTORS, build_detector
from memgan.errors import UnknownName
from memgan.testing.detector_suite import DetectorSuite, Maker

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
    "memgan-turns": {
        "learning_rate": 3e-3,
        "batch_size": 16,
        "width": 4,
        "memory_units": 12,
        "memory_dim": 8,
        "epochs": 15,
        "pretraining": 0.05,
        "net_width": 4,
        "net_batch_size": 16,
        "net_passes": 3,
    },
    "pca": {"components": 4},
    "neighbours": {"neighbours": 2},
    "hog-neighbours": {"neighbours": 2, "mean_image_share": 0.5},
    "autoencoder": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8},
    "alice": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8},
    "memae": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "memory_units": 12},
    "dcae": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8},
    "dsvdd": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8, "epochs": 4},
    "ama": {
        "learning_rate": 5e-3,
        "batch_size": 20,
        "width": 2,
        "critic_width": 4,
        "critic_steps": 1,
        "code_dim": 8,
        "atypical_from": 1,
    },
    "dagmm": {"learning_rate": 1e-2, "batch_size": 20, "width": 2, "code_dim": 3, "components": 2},
    "dsebm": {"learning_rate": 5e-3, "batch_size": 20, "width": 2, "energy_terms": 4},
    "alad": {
        "learning_rate": 1e-2,
        "batch_size": 20,
        "width": 4,
        "code_dim": 8,
        "spectral_norm": False,
        "average": 0.5,
    },
    "anogan": {
        "learning_rate": 1e-2,
        "batch_size": 20,
        "width": 4,
        "code_dim": 8,
        "average": 0.5,
    },
    "ocsvm": {},
    "kde": {},
    "iforest": {"trees": 10},
    "patch-memory": {
        "features.backbone": "filters",
        "features.size": 32,
        "features.layers": "stride4,stride8",
        "memory_share": 0.1,
        "whitening": 0.1,
        "largest": 3,
    },
}


class TestBuiltIn(DetectorSuite):
    @pytest.fixture(params=sorted(DETECTORS))
    def maker(self, request: pytest.FixtureRequest) -> Maker:
        return Maker(request.param, _SMALL[request.param])


def test_every_detector_has_parameters_and_is_tested_here() -> None:
    assert set(DETECTORS) == set(PARAMETERS) == set(_SMALL)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_what_may_change_in_training_includes_the_learning_rate(name: str) -> None:
    changeable = PARAMETERS[name].CHANGEABLE
    assert not changeable or "learning_rate" in changeable  # It is what the suite changes.


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'memgan'"):
        build_detector(
            "memgna",
            make_parameters("memgan", {}, "test"),
            image_shape=(1, 8, 8),
            seed=0,
            device=torch.device("cpu"),
        )
