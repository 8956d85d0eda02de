"""Games that are ill, each in one way, and games that are well: what the doctor is tested on.

Each is a function of a seed that trains under a doctor and returns the doctor and the truth: whether the
illness occurred in this seed, told by other means than the doctor's own wherever there are any.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.doctor import Doctor, rounds
from gantutor.doctor.measures import energy_coefficient
from gantutor.doctor.rounds import digit_pair, mlp_pair, train_under_doctor


@dataclass(frozen=True)
class Case:
    """A game, the ``illness`` it has, None if it is well; ``play(seed)`` → the doctor, and whether it is
    so."""

    name: str
    illness: str | None
    play: Callable[[int], tuple[Doctor, bool]]


def watched(gan: gt.GAN, data: Any, doctor: Doctor, steps: int = 12, **options: Any) -> gt.Run:
    return gt.train(
        gan, data, steps=steps, batch_size=16, callbacks=[doctor], progress=False, device="cpu", **options
    )


def adam(rate: float, momentum: float = 0.0) -> gt.optim.MakeOptimizer:
    return gt.optim.adam(rate, betas=(momentum, 0.99))


R1_R2 = gt.objectives.non_saturating(r1=0.1, r2=0.1)
MOONS = gt.data.toy.moons()
RING = gt.data.toy.ring(8, sigma=0.02)
GRID = gt.data.toy.grid(side=3, spacing=0.8, sigma=0.05)


def last_samples(run: gt.Run, count: int = 2000) -> Tensor:
    """What the generator makes as it stands at the end, not its average."""
    return run.gan.sample(count, seed=1)


def near(run: gt.Run, shape: gt.data.toy.Distribution) -> float:
    """How far the averaged generator's samples are from fresh real ones (``energy_coefficient``)."""
    return energy_coefficient(run.sample(1000), shape.sample(1000, seed=77))


# --- ill ----------------------------------------------------------------------------------------------------


def collapse(seed: int) -> tuple[Doctor, bool]:
    """Digits with momentum and no penalty: notebook 02 shows it cover one digit. Truth: at most two."""
    digits = gt.data.digits().without_labels()
    gan, optimizer = rounds.without_penalty(seed, momentum=0.9)
    run, doctor = train_under_doctor(gan, digits.train, seed, 500, optimizer=optimizer)
    covered = gt.metrics.digit_scores(last_samples(run, 1000), digits.held_out)["digits_covered"].value
    return doctor, covered <= 2


class Modes(gt.Callback):
    """How unevenly the ring's modes are served in the last third of a training: reverse KL, in nats."""

    def __init__(self, steps: int) -> None:
        self.steps, self.nats = steps, list[float]()

    def on_step(self, run: gt.Run) -> None:
        if run.step > 2 * self.steps // 3 and run.step % (self.steps // 20) == 0:
            self.nats.append(gt.metrics.mode_scores(last_samples(run), RING)["reverse_kl"].value)


def partial_collapse(seed: int) -> tuple[Doctor, bool]:
    """The ring from latents of one number, with momentum and no penalty. Truth: in the last third, it serves
    the modes as unevenly as if it left out more than two of the eight, and not all but one (log 8/6 to log 8
    nats), at most moments."""
    gan = gt.GAN(*mlp_pair(seed, latent=1), gt.objectives.non_saturating(), latent=1)
    data, modes = RING.dataset(20_000).train, Modes(1000)
    _, doctor = train_under_doctor(
        gan, data, seed, 1000, batch_size=128, optimizer=adam(5e-4, 0.5), callbacks=[modes]
    )
    return doctor, math.log(8 / 6) < median(modes.nats) < math.log(8)


def strong(seed: int) -> tuple[Doctor, bool]:
    """Minimax, five turns of the discriminator, data far away. Truth: the generator stays where it is."""
    data = MOONS.sample(5000) + torch.tensor([6.0, 0.0])
    gan, rates = rounds.too_strong(seed)
    run, doctor = train_under_doctor(gan, data, seed, 300, optimizer=rates)
    return doctor, float(last_samples(run)[:, 0].mean()) < 3


def weak(seed: int) -> tuple[Doctor, bool]:
    """A discriminator that learns a thousand times slower. Truth: the samples never come near the data."""
    gan = gt.GAN(*mlp_pair(seed), R1_R2, latent=4)
    rates = {"discriminator": adam(1e-6), "generator": adam(1e-3)}
    run, doctor = train_under_doctor(gan, MOONS.sample(5000), seed, 600, optimizer=rates)
    return doctor, near(run, MOONS) > 0.1


def heavy_penalty(seed: int) -> tuple[Doctor, bool]:
    """A penalty so strong that the discriminator is flat. Truth: the samples never come near the data."""
    gan, optimizer = rounds.too_weak(seed)
    run, doctor = train_under_doctor(gan, MOONS.sample(5000), seed, 600, optimizer=optimizer)
    return doctor, near(run, MOONS) > 0.1


def orbit(seed: int) -> tuple[Doctor, bool]:
    """A movable cloud against a line, without a penalty, with momentum (the Dirac-GAN of Mescheder et al.
    2018). Truth: it is as far from the data in the last third as ever."""
    gan, optimizer = rounds.oscillating(seed)
    places: list[Tensor] = []

    class Watch(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            places.append(run.gan.generator.place.detach().clone())

    data = 0.1 * torch.randn(5000, 2, generator=torch.Generator().manual_seed(0))
    _, doctor = train_under_doctor(gan, data, seed, 1000, callbacks=[Watch()], optimizer=optimizer)
    return doctor, float(torch.stack(places[-300:]).norm(dim=1).max()) > 0.3


def explosion(seed: int) -> tuple[Doctor, bool]:
    """Gradient descent with a learning rate of 10. Truth: train raises TrainingDiverged."""
    gan = gt.GAN(*mlp_pair(seed), gt.objectives.least_squares(), latent=4)
    run, doctor = train_under_doctor(
        gan, MOONS.sample(5000), seed, 400, optimizer=lambda weights: torch.optim.SGD(weights, lr=10.0)
    )
    return doctor, run.ended.startswith("diverged")


def growth(seed: int) -> tuple[Doctor, bool]:
    """A Wasserstein critic that nothing holds, against a generator that learns a hundred times slower. Truth:
    its loss over the last 50 steps is a hundred times that over the first 10."""
    gan = gt.GAN(*mlp_pair(seed), gt.objectives.wasserstein(gradient_penalty=0), latent=4)
    rates = {"discriminator": adam(1e-2), "generator": adam(1e-4)}
    run, doctor = train_under_doctor(gan, MOONS.sample(5000), seed, 400, optimizer=rates)
    losses = [abs(value) for value in run.history.column("discriminator")[1]]
    return doctor, sum(losses[-50:]) / 50 > 100 * sum(losses[:10]) / 10


def overfitting(seed: int) -> tuple[Doctor, bool]:
    """Fifty digits to learn from. Truth: at the end the discriminator takes twice as large a share of the
    held-out digits for generated ones as of its own, and a tenth at least."""
    digits = gt.data.digits().without_labels()
    few = TensorDataset(digits.train.tensors[0][seed::80])
    gan, optimizer = rounds.without_penalty(seed)
    run, doctor = train_under_doctor(
        gan, few, seed, 1000, digits.held_out, batch_size=32, optimizer=optimizer
    )
    with torch.no_grad():
        own, new = (
            float((run.gan.discriminator(x.tensors[0]) < 0).float().mean()) for x in (few, digits.held_out)
        )
    return doctor, new > 0.1 and new > 2 * own


def too_narrow(seed: int) -> tuple[Doctor, bool]:
    """A sigmoid at the end of a generator of images in [−1, 1]. Truth: by construction."""
    digits = gt.data.digits().without_labels()
    gan = gt.GAN(*digit_pair(seed, nn.Sigmoid), gt.objectives.non_saturating(r1=1.0), latent=64)
    return train_under_doctor(gan, digits.train, seed, 400, optimizer=adam(1e-3))[1], True


class Times(nn.Module):
    """x ↦ 127.5 x."""

    def forward(self, x: Tensor) -> Tensor:
        return 127.5 * x


def too_wide(seed: int) -> tuple[Doctor, bool]:
    """A generator of bytes for images in [−1, 1]. Truth: half its pixels are beyond them at the end."""
    digits = gt.data.digits().without_labels()
    output = lambda: nn.Sequential(nn.Tanh(), Times())  # noqa: E731
    gan = gt.GAN(*digit_pair(seed, output), gt.objectives.non_saturating(r1=1.0), latent=64)
    run, doctor = train_under_doctor(gan, digits.train, seed, 240, optimizer=adam(1e-3))
    return doctor, float((last_samples(run, 500).abs() > 1.5).float().mean()) > 0.4


def dead(seed: int) -> tuple[Doctor, bool]:
    """A generator whose hidden biases start at −5. Truth: all its samples are the same."""
    generator, discriminator = mlp_pair(seed)
    with torch.no_grad():
        generator.layers[2].bias.fill_(-5.0)
    gan = gt.GAN(generator, discriminator, R1_R2, latent=4)
    run, doctor = train_under_doctor(gan, MOONS.sample(5000), seed, 400, optimizer=adam(1e-3))
    return doctor, float(last_samples(run).std(0).max()) < 1e-6


def too_fast(seed: int) -> tuple[Doctor, bool]:
    """The learning rate a hundred times too high. Truth: not near the data, where the usual rate gets."""
    gan = gt.GAN(*mlp_pair(seed), R1_R2, latent=4)
    run, doctor = train_under_doctor(gan, MOONS.sample(5000), seed, 600, optimizer=adam(0.2))
    return doctor, near(run, MOONS) > 0.02


def too_slow(seed: int) -> tuple[Doctor, bool]:
    """The learning rate a thousand times too low. Truth: not near the data, where the usual rate gets."""
    gan = gt.GAN(*mlp_pair(seed), R1_R2, latent=4)
    run, doctor = train_under_doctor(gan, MOONS.sample(5000), seed, 600, optimizer=adam(2e-6))
    return doctor, near(run, MOONS) > 0.1


# --- well ---------------------------------------------------------------------------------------------------


def toy(shape: gt.data.toy.Distribution, steps: int = 800) -> Callable[[int], tuple[Doctor, bool]]:
    """The game of points in the plane, cured."""

    def play(seed: int) -> tuple[Doctor, bool]:
        """Points in the plane with R1 and R2. Truth: near the data."""
        gan = gt.GAN(*mlp_pair(seed, latent=4, width=100), R1_R2, latent=4)
        data = shape.dataset(20_000).train
        run, doctor = train_under_doctor(gan, data, seed, steps, batch_size=128, optimizer=adam(2e-3))
        return doctor, near(run, shape) < 0.02

    return play


def wasserstein(seed: int) -> tuple[Doctor, bool]:
    """WGAN-GP on the moons. Truth: near the data."""
    gan = gt.GAN(
        *mlp_pair(seed), gt.objectives.wasserstein(gradient_penalty=1.0), latent=4, discriminator_turns=5
    )
    run, doctor = train_under_doctor(gan, MOONS.sample(5000), seed, 400, batch_size=128, optimizer=adam(1e-3))
    return doctor, near(run, MOONS) < 0.03


def fully_connected(seed: int) -> tuple[Doctor, bool]:
    """Digits without momentum, with R1: notebook 02 shows it cover eight or so. Truth: at least four."""
    digits = gt.data.digits().without_labels()
    gan = gt.GAN(*digit_pair(seed), gt.objectives.non_saturating(r1=1.0), latent=64)
    run, doctor = train_under_doctor(gan, digits.train, seed, 1000, digits.held_out, optimizer=adam(1e-3))
    return doctor, run.scores(digits.held_out, 1000)["digits_covered"].value >= 4


def convolutional(seed: int) -> tuple[Doctor, bool]:
    """Digits with their labels. Truth: near the held-out ones."""
    digits = gt.data.digits()
    torch.manual_seed(seed)
    nets = gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)
    gan = gt.GAN(*nets, gt.objectives.non_saturating(r1=1.0))
    run, doctor = train_under_doctor(
        gan, digits.train, seed, 90, digits.held_out, examinations=6, batch_size=32
    )
    return doctor, energy_coefficient(
        run.sample(500).flatten(1), digits.held_out.tensors[0][:500].flatten(1)
    ) < 0.05


CASES = (
    Case("digits, momentum, no penalty", "mode collapse", collapse),
    Case("ring, momentum, no penalty", "mode collapse, partial", partial_collapse),
    Case("minimax, 5 turns of D, data far off", "discriminator too strong", strong),
    Case("D learns 1,000 times slower", "discriminator too weak", weak),
    Case("R1 with γ = 10,000", "discriminator too weak", heavy_penalty),
    Case("cloud against a line", "oscillation", orbit),
    Case("gradient descent at 10", "divergence", explosion),
    Case("Wasserstein without a penalty", "divergence", growth),
    Case("50 digits", "discriminator overfitting", overfitting),
    Case("sigmoid for [−1, 1]", "wrong range", too_narrow),
    Case("bytes for [−1, 1]", "wrong range", too_wide),
    Case("biases at −5", "dead activations", dead),
    Case("Adam at 0.2", "learning rate too high", too_fast),
    Case("Adam at 2e-6", "learning rate too low", too_slow),
    Case("ring, R1 and R2", None, toy(RING, 1000)),
    Case("moons, R1 and R2", None, toy(MOONS)),
    Case("grid, R1 and R2", None, toy(GRID)),
    Case("moons, WGAN-GP", None, wasserstein),
    Case("digits, fully connected", None, fully_connected),
    Case("digits, convolutional, labels", None, convolutional),
)
