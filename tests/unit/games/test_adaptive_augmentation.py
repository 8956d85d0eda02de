"""Adaptive augmentation: the published rule step by step, its bounds, recorded steps, and trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.games import Batch, adaptive_augmentation, adaptive_discriminator_loss, discriminator_loss
from gantutor.networks import AdaptiveAugment, AugmentedDiscriminator, DiffAugment

PLAIN = gt.objectives.non_saturating()


class Signs(nn.Module):
    """Logits whose signs are fixed: the first ``positive`` images of a batch get +1, the others −1."""

    def __init__(self, positive: int) -> None:
        super().__init__()
        self.positive, self.scale = positive, nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        signs = torch.where(torch.arange(len(images)) < self.positive, 1.0, -1.0)
        return self.scale * signs + 0 * images.flatten(1).sum(1)


class Paint(nn.Module):
    """Latents (N, 2) → images (N, 1, 4, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 16)

    def forward(self, z: Tensor) -> Tensor:
        return self.layer(z).tanh().view(-1, 1, 4, 4)


def game_of(positive: int, **given: Any) -> gt.GAN:
    return adaptive_augmentation(Paint(), Signs(positive), PLAIN, latent=2, **given)


def probabilities(game: gt.GAN, minibatches: int, count: int = 10) -> list[float]:
    """The probability after each minibatch of ``count`` images."""
    batch = Batch(game, torch.zeros(count, 1, 4, 4), latent=torch.zeros(count, 2))
    return [float(game.turns[0].loss(game, batch)["augmentation"]) for _ in range(minibatches)]


def test_the_probability_rises_by_the_published_rule() -> None:
    """Every 4th minibatch by 4 · N / images, where all logits of real images are positive."""
    game = game_of(10, images=1000)
    steps = [0.04 * (index // 4) for index in range(1, 13)]
    assert probabilities(game, 12) == pytest.approx(steps, abs=1e-6)
    assert float(game.discriminator.augment.probability) == pytest.approx(0.12)


def test_it_takes_the_published_number_of_images_from_0_to_1() -> None:
    game = game_of(1000)
    found = probabilities(game, 500, count=1000)
    assert found[495] == pytest.approx(0.992, abs=1e-4) and found[499] == pytest.approx(1.0, abs=1e-4)


def test_it_ends_at_1_and_at_0() -> None:
    game = game_of(10, images=40, every=1)
    assert probabilities(game, 6) == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    game.discriminator.discriminator.positive = 0
    assert probabilities(game, 6) == pytest.approx([0.75, 0.5, 0.25, 0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("positive", "direction"),
    [(10, 1), (9, 1), (8, 0), (7, -1), (5, -1), (0, -1)],  # r = 1, 0.8, 0.6, 0.4, 0, −1
)
def test_it_rises_above_the_target_and_falls_below_it(positive: int, direction: int) -> None:
    game = game_of(positive, images=100, every=1)
    game.discriminator.augment.probability.fill_(0.5)
    if direction == 0:  # exactly at a target that has no rounding error
        game = game_of(positive, images=100, every=1, target=0.5)
        game.discriminator.augment.probability.fill_(0.5)
        game.discriminator.discriminator.positive = 3
        assert probabilities(game, 1, count=4) == [0.5]
    else:
        assert probabilities(game, 1) == pytest.approx([0.5 + 0.1 * direction])


def test_r_is_the_mean_over_all_minibatches_of_an_interval() -> None:
    game = game_of(10, images=100, every=2)
    augment = game.discriminator.augment
    augment.probability.fill_(0.5)
    assert probabilities(game, 1) == [0.5]  # r = 1 so far
    game.discriminator.discriminator.positive = 5
    assert probabilities(game, 1) == pytest.approx([0.3])  # (1 + 0) / 2 < 0.6
    game.discriminator.discriminator.positive = 9
    assert probabilities(game, 2) == pytest.approx([0.3, 0.5])  # the former minibatches are forgotten


def test_minibatches_count_by_their_images() -> None:
    augment = AdaptiveAugment()
    augment.adapt(torch.tensor(1.0), 9, 0.6, 100, 2)
    augment.adapt(torch.tensor(-1.0), 1, 0.6, 100, 2)  # r = (9 − 1) / 10
    assert float(augment.probability) == pytest.approx(0.1)


def test_the_loss_is_the_classical_one() -> None:
    game = game_of(6)
    batch = Batch(game, torch.randn(10, 1, 4, 4), latent=torch.randn(10, 2))
    ours, plain = game.turns[0].loss(game, batch), discriminator_loss(PLAIN, game, batch)
    for name, value in plain.items():
        torch.testing.assert_close(ours[name], value)
    assert float(ours["real_sign"]) == pytest.approx(0.2)


def test_generated_images_and_evaluation_do_not_count() -> None:
    """r looks at real images only: here those are negative, and the generated ones positive."""

    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, images: Tensor) -> Tensor:
            return self.scale * (images.flatten(1).mean(1) - 5)

    game = adaptive_augmentation(Paint(), Wrong(), PLAIN, latent=2, every=1, images=100)
    game.discriminator.augment.probability.fill_(0.5)
    batch = Batch(game, torch.zeros(10, 1, 4, 4), latent=torch.zeros(10, 2)).replace(
        real=torch.zeros(10, 1, 4, 4), fake=torch.full((10, 1, 4, 4), 1e6)
    )
    assert float(game.turns[0].loss(game, batch)["augmentation"]) == pytest.approx(0.4)


def test_several_heads_count_alike() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            plus = self.scale * torch.ones(len(images), 5)
            return plus, -plus[:, :1]

    game = adaptive_augmentation(Paint(), Heads(), PLAIN, latent=2)
    batch = Batch(game, torch.zeros(4, 1, 4, 4), latent=torch.zeros(4, 2))
    assert float(game.turns[0].loss(game, batch)["real_sign"]) == 0.0


# --- the augmentation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_a_share_of_the_images_is_changed(probability: float) -> None:
    augment = AdaptiveAugment(colour=1.0, translation=0.0, cutout=0.0)
    augment.probability.fill_(probability)
    images = torch.rand(2000, 1, 8, 8) + 0.1
    share = float((augment(images) != images).flatten(1).any(1).double().mean())
    assert share == pytest.approx(probability, abs=0.05)


def test_probability_1_is_the_augmentation_with_fixed_probabilities() -> None:
    adaptive, fixed = AdaptiveAugment(0.5, 1.0, 0.7), DiffAugment(0.5, 1.0, 0.7)
    adaptive.probability.fill_(1.0)
    images = torch.randn(16, 3, 8, 8)
    torch.manual_seed(2)
    expected = fixed(images)
    torch.manual_seed(2)
    assert torch.equal(adaptive(images), expected)
    assert torch.equal(adaptive.eval()(images), images)


# --- trainings ----------------------------------------------------------------------------------------------


def trained(images: Tensor, steps: int = 12, **options: Any) -> gt.Run:
    torch.manual_seed(6)
    networks = gt.networks.ConvGenerator(4, size=8), gt.networks.ConvDiscriminator(size=8, features=16)
    objective = gt.objectives.non_saturating(r1=1.0, every=2)
    game = adaptive_augmentation(*networks, objective, latent=4, images=1000, target=-1.0, every=2)
    options = {"batch_size": 16, "progress": False, "snapshots": 0, "gallery": 1} | options
    return gt.train(game, images, steps=steps, **options)


def test_a_stopped_training_goes_on_exactly_with_its_probability(images: Tensor, tmp_path: Path) -> None:
    class Stop(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 5:
                run.control.stop()

    straight = trained(images)
    trained(images, checkpoint=tmp_path, callbacks=[Stop()])
    resumed = trained(images, checkpoint=tmp_path)
    assert all(torch.equal(value, resumed.weights()[name]) for name, value in straight.weights().items())
    assert straight.history.column("discriminator.augmentation") == resumed.history.column(
        "discriminator.augmentation"
    )
    steps, found = straight.history.column("discriminator.augmentation")
    assert steps == list(range(12)) and found == sorted(found) and 0.1 < found[-1] <= 0.2


def test_each_step_has_the_probability_of_its_own_in_the_history(images: Tensor) -> None:
    found = trained(images).history.column("discriminator.augmentation")[1]
    assert len(set(found)) >= 6


def test_a_step_reads_no_number_from_the_device() -> None:
    """On the device ``meta`` a tensor has no value: whoever asks for one fails."""
    augment = AdaptiveAugment().to("meta")
    augment.adapt(torch.zeros((), device="meta"), 4, 0.6, 100, 4)
    with torch.device("meta"):
        assert augment(torch.zeros(4, 3, 8, 8)).shape == (4, 3, 8, 8)


def test_classes_and_other_hinges_play_too(images: Tensor) -> None:
    data = torch.utils.data.TensorDataset(images, torch.arange(64) % 3)
    networks = gt.networks.ConvGenerator(4, 3, size=8), gt.networks.ConvDiscriminator(3, size=8, features=16)
    game = adaptive_augmentation(*networks, gt.objectives.hinge(), latent=4, discriminator_turns=2)
    assert [turn.times for turn in game.turns] == [2, 1] and game.pair == ("generator", "discriminator")
    assert gt.train(game, data, steps=3, batch_size=16, progress=False).step == 3


@pytest.mark.parametrize("name", ["relativistic", "wasserstein", "least_squares"])
def test_an_objective_whose_boundary_is_not_0_is_refused(name: str) -> None:
    objective = getattr(gt.objectives, name)()
    with pytest.raises(gt.InputError, match=rf"^the losses of {name} do not put the boundary"):
        adaptive_augmentation(Paint(), Signs(1), objective)


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "hinge"])
def test_the_other_objectives_are_taken(name: str) -> None:
    adaptive_augmentation(Paint(), Signs(1), getattr(gt.objectives, name)())


def test_what_does_not_fit_is_refused() -> None:
    for name, value in {"target": 1.5, "images": 0, "every": 0, "discriminator_turns": 0}.items():
        with pytest.raises(gt.InputError, match=rf"^{name} must be"):
            game_of(1, **{name: value})
    with pytest.raises(gt.InputError, match="augment must be an AdaptiveAugment or None, not DiffAugment"):
        game_of(1, augment=DiffAugment())
    plain = gt.GAN(Paint(), AugmentedDiscriminator(Signs(1)), PLAIN, latent=2)
    batch = Batch(plain, torch.zeros(4, 1, 4, 4), latent=torch.zeros(4, 2))
    with pytest.raises(gt.InputError, match="the discriminator must contain an AdaptiveAugment"):
        adaptive_discriminator_loss(PLAIN, 0.6, 100, 4, plain, batch)
