"""Flow matching learns the velocity whose flow gives the data."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt


class Velocity(nn.Module):
    """The velocity of points in the plane, by a small perceptron of place and time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2)
        )

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        velocities: Tensor = self.layers(torch.cat([x, time[:, None]], 1))
        return velocities


class Exact(nn.Module):
    """The velocity from N(0, I) to one point m, v = (x_t − m) / t."""

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return (x - 3.0) / time[:, None]


def batch(game: gt.GAN, points: Tensor) -> gt.Batch:
    noise = torch.randn(points.shape, generator=torch.Generator().manual_seed(1))
    return gt.Batch(game, points, latent=noise, rng=torch.Generator().manual_seed(2))


def test_the_exact_velocity_of_one_point_has_no_loss() -> None:
    game = gt.games.flow_matching(gt.networks.Flow(Exact()), latent=2)
    loss = gt.games.flow_matching_loss(game, batch(game, torch.full((500, 2), 3.0)))
    assert float(loss["total"]) < 1e-8


def test_the_loss_repeats_with_the_generator_of_the_batch() -> None:
    game = gt.games.flow_matching(gt.networks.Flow(Velocity()), latent=2)
    losses = [gt.games.flow_matching_loss(game, batch(game, torch.ones(9, 2)))["total"] for _ in range(2)]
    assert losses[0] == losses[1]


def test_a_trained_flow_gives_the_mean_and_the_spread_of_its_data() -> None:
    torch.manual_seed(0)
    target = torch.tensor([2.0, -1.0]) + 0.3 * torch.randn(2000, 2)
    game = gt.games.flow_matching(gt.networks.Flow(Velocity(), evaluations=16), latent=2)
    options = {"batch_size": 256, "optimizer": gt.optim.adam(5e-3), "schedule": gt.optim.linear_decay(0.5)}
    run = gt.train(game, target, steps=600, snapshots=0, progress=False, **options)
    samples = run.sample(2000)
    assert torch.allclose(samples.mean(0), target.mean(0), atol=0.1)
    assert torch.allclose(samples.std(0), target.std(0), atol=0.1)


def test_noise_of_another_shape_is_refused() -> None:
    game = gt.games.flow_matching(gt.networks.Flow(Velocity()), latent=3)
    with pytest.raises(gt.InputError, match="noise of the shape"):
        gt.train(game, torch.zeros(64, 2), steps=1, progress=False)


def test_another_network_is_refused() -> None:
    with pytest.raises(gt.InputError, match="must be a"):
        gt.games.flow_matching(Velocity(), latent=2)  # type: ignore[arg-type]
