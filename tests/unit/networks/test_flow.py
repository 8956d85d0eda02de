"""Flows follow a velocity; their U-Net sees time and label."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt


class Contraction(nn.Module):
    """The velocity of points that shrink to e⁻¹ of their size from t = 1 to t = 0."""

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return x


@pytest.mark.parametrize("evaluations", [1, 4, 100])
def test_eulers_method_takes_equal_steps(evaluations: int) -> None:
    start = torch.ones(3, 2)
    expected = (1 - 1 / evaluations) ** evaluations
    assert torch.allclose(gt.networks.Flow(Contraction(), evaluations)(start), expected * start)


def test_more_evaluations_come_closer_to_the_exact_path() -> None:
    flow, errors = gt.networks.Flow(Contraction()), []
    for flow.evaluations in (1, 4, 16, 64):
        errors.append(abs(float(flow(torch.ones(1))) - math.exp(-1)))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.01


def test_times_run_from_noise_to_data() -> None:
    seen: list[float] = []

    class Notes(nn.Module):
        def forward(self, x: Tensor, time: Tensor) -> Tensor:
            seen.append(float(time[0]))
            return torch.zeros_like(x)

    gt.networks.Flow(Notes(), 4)(torch.zeros(2, 1))
    assert seen == [1.0, 0.75, 0.5, 0.25]


def test_a_limit_clamps_smoothly() -> None:
    x = torch.linspace(-3, 3, 61, requires_grad=True)
    clamped = gt.networks.soft_clamp(x)
    assert (clamped - x.clamp(-1, 1)).abs().max() <= math.log(2) / 10 + 1e-6
    assert torch.autograd.grad(clamped.sum(), x)[0].min() > -1e-6
    limited = gt.networks.Flow(Contraction(), 1, limit=0.5)(torch.full((1, 1), -9.0))
    assert limited.abs().max() <= 0.5 + math.log(2) / 10


def test_times_far_and_near_have_different_features() -> None:
    features = gt.networks.time_features(torch.tensor([0.0, 0.001, 0.5, 1.0]), 32)
    assert torch.cdist(features, features).fill_diagonal_(9).min() > 0.5


@pytest.fixture
def unet() -> gt.networks.FlowUNet:
    torch.manual_seed(0)
    network = gt.networks.FlowUNet(classes=10, widths=(16, 32))
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)  # some start at zero
    return network


def test_the_velocity_depends_on_image_time_and_label(unet: gt.networks.FlowUNet) -> None:
    images, time, label = torch.randn(2, 1, 28, 28), torch.tensor([0.2, 0.7]), torch.tensor([3, 4])
    velocity = unet(images, time, label)
    assert velocity.shape == images.shape
    for other in (unet(-images, time, label), unet(images, 1 - time, label), unet(images, time, label + 1)):
        assert not torch.allclose(velocity, other)


def test_each_sample_has_its_own_velocity(unet: gt.networks.FlowUNet) -> None:
    images, time, label = torch.randn(3, 1, 28, 28), torch.rand(3), torch.tensor([1, 2, 3])
    alone = torch.cat([unet(images[i : i + 1], time[i : i + 1], label[i : i + 1]) for i in range(3)])
    assert torch.allclose(unet(images, time, label), alone, atol=1e-5)


def test_it_has_the_size_that_is_said() -> None:
    count = sum(p.numel() for p in gt.networks.FlowUNet(classes=10).parameters())
    assert 500_000 < count < 700_000


def test_wrong_networks_and_numbers_are_refused() -> None:
    for arguments in [
        (torch.zeros(2),),
        (Contraction(), 0),
        (Contraction(), 2, 0.0),
        (Contraction(), 2, True),
    ]:
        with pytest.raises(gt.InputError):
            gt.networks.Flow(*arguments)  # type: ignore[arg-type]
    for widths in [(7, 8), (8,), (8, 16.0)]:
        with pytest.raises(gt.InputError, match="widths"):
            gt.networks.FlowUNet(widths=widths)  # type: ignore[arg-type]


def test_images_that_cannot_be_halved_twice_are_refused(unet: gt.networks.FlowUNet) -> None:
    with pytest.raises(gt.InputError, match="multiples of 4"):
        unet(torch.zeros(1, 1, 30, 30), torch.zeros(1), torch.zeros(1, dtype=torch.long))
