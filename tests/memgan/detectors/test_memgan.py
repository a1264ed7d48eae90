"""Algorithm 1: who takes which gradient, from which point, and what scoring stands on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from memgan.config.parameters import LearningRate, MemganParameters
from memgan.data import Pixels
from memgan.detectors import Memgan
from memgan.detectors.parts import losses
from memgan.detectors.parts.memory import address_logits, project

_WEIGHTS = {
    "adversarial_weight": 0.7,
    "cycle_weight": 1.3,
    "projection_weight": 0.9,
    "mutual_information_weight": 1.1,
}


def make(**values: Any) -> Memgan:
    base = {"batch_size": 8, "width": 2, "memory_units": 5, "memory_dim": 4, **values}
    return Memgan(
        MemganParameters(**base), image_shape=(1, 8, 8), seed=0, device=torch.device("cpu")
    )


@pytest.fixture
def x() -> Tensor:
    return 2 * torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(4)) - 1


def awake(detector: Memgan) -> Memgan:
    """With weights of a trained net's size: at N(0, 0.02) the game is too faint to be told."""
    with torch.no_grad():
        for parameter in detector.parts.parameters():
            if parameter.dim() > 1:
                parameter.mul_(1 if parameter is detector.memory else 10)
    return detector


class _Recorded:
    """Gradients that each part's optimiser was handed, and D as it then was."""

    def __init__(self, detector: Memgan) -> None:
        self.gradients: dict[str, list[Tensor]] = {}
        self.order: list[str] = []
        self.before: dict[str, dict[str, Tensor]] = {}
        for name, optimiser in detector.optimisers.items():
            optimiser.step = self._step(detector, name)  # type: ignore[method-assign]

    def _step(self, detector: Memgan, name: str) -> Any:
        def step() -> None:
            parameters = list(detector.parts[name].parameters())
            self.gradients[name] = [p.grad.clone() for p in parameters if p.grad is not None]
            self.order.append(name)
            if name == "discriminator":
                with torch.no_grad():
                    for parameter in parameters:
                        parameter.add_(0.05)  # a visible step, so that the point can be told

        return step


def _objectives(detector: Memgan, x: Tensor, a: Tensor, *, game_in: bool) -> Tensor:
    """What E, G and M minimise, written anew from the paper's formulas."""
    p = detector.parameters
    E, G, D, M = detector.encoder, detector.generator, detector.discriminator, detector.memory
    z = a @ M
    code, generated = E(x), G(z)
    total = (
        p.cycle_weight * losses.cycle_loss(x, G(project(code, M)))
        + p.projection_weight * losses.projection_loss(code, project(code, M))
        + p.mutual_information_weight
        * losses.mutual_information_loss(a, address_logits(E(generated), M))
    )
    if game_in:
        of_e = torch.log(torch.sigmoid(D(x, code))).mean()
        of_g = -torch.log(torch.sigmoid(D(generated, z))).mean()
        total = total + p.adversarial_weight * (of_e + of_g)
    return total


def test_d_steps_first_then_e_g_and_m_from_one_common_point(x: Tensor) -> None:
    detector = make()
    recorded = _Recorded(detector)
    detector.step(x)
    assert recorded.order == ["discriminator", "encoder", "generator", "memory"]


def test_gradients_agree_with_finite_differences_and_m_feels_no_game(x: Tensor) -> None:
    detector = awake(make(**_WEIGHTS))
    detector.parts.double()
    x = x.double()
    drawn = torch.Generator().manual_seed(7)
    detector.sampling.set_state(drawn.get_state())
    a = torch.softmax(torch.randn(8, 5, generator=drawn), dim=1).double()
    recorded = _Recorded(detector)

    real_sample = torch.randn

    def in_double(*size: int, **options: Any) -> Tensor:
        return real_sample(*size, **options).double()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memgan.detectors.parts.memory.torch.randn", in_double)
        detector.step(x)  # D moved visibly; E, G and M stayed where they were

    picker = np.random.default_rng(0)
    for name in ("encoder", "generator", "memory"):
        for parameter, gradient in zip(
            detector.parts[name].parameters(), recorded.gradients[name], strict=True
        ):
            index = tuple(int(picker.integers(n)) for n in parameter.shape)
            expected = _finite_difference(
                detector, x, a, parameter, index, game_in=name != "memory"
            )
            assert gradient[index].item() == pytest.approx(expected, rel=2e-4, abs=1e-7), name


def _finite_difference(
    detector: Memgan,
    x: Tensor,
    a: Tensor,
    parameter: Tensor,
    index: tuple[int, ...],
    *,
    game_in: bool,
    h: float = 1e-6,
) -> float:
    values = []
    with torch.no_grad():
        kept = parameter[index].item()
        for moved in (kept + h, kept - h):
            parameter[index] = moved
            values.append(_objectives(detector, x, a, game_in=game_in).item())
        parameter[index] = kept
    return (values[0] - values[1]) / (2 * h)


def test_the_game_would_reach_the_memory_if_it_were_let(x: Tensor) -> None:
    """Guards the test above: with the game, M's gradient is measurably another one."""
    detector = awake(make(**_WEIGHTS))
    a = torch.softmax(torch.randn(8, 5, generator=torch.Generator().manual_seed(7)), dim=1)
    without = torch.autograd.grad(_objectives(detector, x, a, game_in=False), detector.memory)[0]
    with_game = torch.autograd.grad(_objectives(detector, x, a, game_in=True), detector.memory)[0]
    assert not torch.allclose(without, with_game, rtol=1e-3)


def test_d_sees_codes_and_images_detached(x: Tensor) -> None:
    detector = make(adversarial_weight=0.0, cycle_weight=0.0)
    detector.parameters = detector.parameters.model_copy(
        update={"projection_weight": 0.0, "mutual_information_weight": 0.0}
    )
    recorded = _Recorded(detector)
    detector.step(x)
    for name in ("encoder", "generator", "memory"):
        assert all(not gradient.any() for gradient in recorded.gradients[name]), name
    assert any(gradient.any() for gradient in recorded.gradients["discriminator"])


def test_each_network_has_its_own_learning_rate() -> None:
    detector = make(learning_rate={"encoder": 1e-4, "generator": 2e-4, "memory": 0.5})
    rates = {name: o.param_groups[0]["lr"] for name, o in detector.optimisers.items()}
    assert rates == {"encoder": 1e-4, "generator": 2e-4, "discriminator": 1e-3, "memory": 0.5}


def test_the_learning_rate_cools_down_in_the_last_epochs_whatever_it_is(normals: Pixels) -> None:
    def rates(resumed_after: int | None = None) -> list[float]:
        detector, found = make(epochs=5, cooldown=0.4), []
        for epoch in range(5):
            detector.fit_epoch(normals)
            found.append(detector.optimisers["encoder"].param_groups[0]["lr"])
            if epoch == resumed_after:
                state = detector.state_dict()
                detector = make(epochs=5, cooldown=0.4)
                detector.load_state_dict(state)
        return found

    assert rates() == pytest.approx([1e-3, 1e-3, 1e-3, 1e-3 * 0.05**0.5, 5e-5])
    assert rates(resumed_after=3) == rates()
    changed = make(epochs=1, cooldown=1.0)
    changed.change(changed.parameters.model_copy(update={"learning_rate": LearningRate.same(0.1)}))
    changed.fit_epoch(normals)
    assert changed.optimisers["memory"].param_groups[0]["lr"] == pytest.approx(5e-3)


def test_the_score_is_the_distance_to_the_reconstruction(normals: Pixels) -> None:
    detector = make()
    detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    x = torch.tensor(normals).float() / 127.5 - 1
    with torch.no_grad():
        rebuilt = detector.generator(project(detector.encoder(x), detector.memory))
    expected = ((x - rebuilt) ** 2).sum(dim=(1, 2, 3)).sqrt()
    np.testing.assert_allclose(detector.score(normals), expected, rtol=1e-5)


def test_batch_norm_statistics_come_from_training_images_on_the_scoring_path(
    normals: Pixels, anomalies: Pixels
) -> None:
    detector = make()
    detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    first = next(m for m in detector.encoder.modules() if isinstance(m, torch.nn.BatchNorm2d))
    before_norm = detector.encoder.layers[0]
    with torch.no_grad():
        seen = before_norm(torch.tensor(normals).float() / 127.5 - 1)
    assert first.running_mean is not None
    torch.testing.assert_close(first.running_mean, seen.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-6)
    kept = first.running_mean.clone()
    detector.score(anomalies)
    assert torch.equal(first.running_mean, kept)


def test_decoded_memory_is_one_image_a_unit(normals: Pixels) -> None:
    detector = make()
    detector.fit_epoch(normals)
    assert detector.decoded_memory().shape == (5, 1, 8, 8)


def test_training_lowers_the_cycle_loss(normals: Pixels) -> None:
    detector = make(width=4, memory_units=12, learning_rate=3e-3)
    first = detector.fit_epoch(normals)["cycle"]
    for _ in range(15):
        last = detector.fit_epoch(normals)["cycle"]
    assert last < 0.7 * first
