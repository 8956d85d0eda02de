"""ACGAN: the losses by hand, gradients where they belong, what it learns, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.games import Batch, acgan

PLAIN = gt.objectives.non_saturating()
REAL, LABELS, LATENTS = (
    torch.tensor([[1.0], [2.0], [-3.0]]),
    torch.tensor([0, 1, 1]),
    torch.tensor([[0.5], [1.0], [-1.0]]),
)


class Shift(nn.Module):
    """generator(z, label) = weight · z + label."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return self.weight * z + label[:, None]


class Judge(nn.Module):
    """discriminator(x) = slope · x, and the class logits (0, steepness · x)."""

    def __init__(self, slope: float, steepness: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))
        self.steepness = nn.Parameter(torch.tensor(steepness))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return (self.slope * x).squeeze(1), torch.cat([torch.zeros_like(x), self.steepness * x], 1)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def missed(samples: list[float]) -> float:
    """−E log P(class) where the second class has the logit 0.7 · x, and the first 0."""
    return mean(
        [
            softplus(0.7 * x) if label == 0 else softplus(-0.7 * x)
            for x, label in zip(samples, LABELS.tolist(), strict=True)
        ]
    )


def played(index: int, **given: Any) -> dict[str, float]:
    game = acgan(Shift(2.0), Judge(0.5, 0.7), given.pop("objective", PLAIN), latent=1, **given)
    losses = game.turns[index].loss(game, Batch(game, REAL, LABELS, LATENTS))
    return {name: float(value.detach()) for name, value in losses.items()}


real = [1.0, 2.0, -3.0]
fake = [1.0, 3.0, -1.0]  # 2 · z + label


def test_the_discriminator_tells_real_from_generated_and_names_the_class_of_both() -> None:
    adversarial = mean([softplus(-0.5 * x) for x in real]) + mean([softplus(0.5 * x) for x in fake])
    losses = played(0, real_weight=3.0, fake_weight=5.0, generator_weight=100.0)
    assert losses["real_class"] == pytest.approx(missed(real))
    assert losses["fake_class"] == pytest.approx(missed(fake))
    assert losses["total"] == pytest.approx(adversarial + 3 * missed(real) + 5 * missed(fake))
    assert losses["real_logit"] == pytest.approx(0.5 * mean(real))
    assert losses["fake_logit"] == pytest.approx(0.5 * mean(fake))


def test_the_generator_wants_to_be_taken_for_real_and_recognised() -> None:
    losses = played(1, real_weight=100.0, fake_weight=100.0, generator_weight=0.25)
    adversarial = mean([softplus(-0.5 * x) for x in fake])
    assert losses["adversarial"] == pytest.approx(adversarial)
    assert losses["class"] == pytest.approx(missed(fake))
    assert losses["total"] == pytest.approx(adversarial + 0.25 * missed(fake))


def test_a_relativistic_objective_compares_with_real_samples() -> None:
    losses = played(1, objective=gt.objectives.relativistic())
    compared = mean([softplus(0.5 * (x - y)) for x, y in zip(real, fake, strict=True)])
    assert losses["adversarial"] == pytest.approx(compared)


def test_a_penalty_is_on_the_adversarial_logits_alone() -> None:
    objective = gt.objectives.non_saturating(r1=2.0, every=3)
    game = acgan(Shift(2.0), Judge(0.5, 0.7), objective, latent=1)
    (penalty,) = game.turns[0].penalties.values()
    value = penalty.loss(game, Batch(game, REAL, LABELS, LATENTS))
    assert float(value.detach()) == pytest.approx(0.5**2) and penalty.every == 3


def test_without_weights_it_is_the_classical_game() -> None:
    class Adversarial(nn.Module):
        def __init__(self, judge: Judge) -> None:
            super().__init__()
            self.judge = judge

        def forward(self, x: Tensor, label: Tensor) -> Any:
            return self.judge(x)[0]

    zero = {"real_weight": 0.0, "fake_weight": 0.0, "generator_weight": 0.0}
    ours = acgan(Shift(2.0), Judge(0.5, 0.7), PLAIN, latent=1, **zero)
    plain = gt.GAN(Shift(2.0), Adversarial(Judge(0.5, 0.7)), PLAIN, latent=1)
    for turn, other in zip(ours.turns, plain.turns, strict=True):
        one = turn.loss(ours, Batch(ours, REAL, LABELS, LATENTS))["total"]
        assert torch.equal(one, other.loss(plain, Batch(plain, REAL, LABELS, LATENTS))["total"])


def test_the_discriminator_sends_no_gradient_into_the_generator() -> None:
    game = acgan(Shift(2.0), Judge(0.5, 0.7), PLAIN, latent=1)
    game.turns[0].loss(game, Batch(game, REAL, LABELS, LATENTS))["total"].backward()
    assert game.generator.weight.grad is None and game.discriminator.steepness.grad is not None


class Classified(nn.Module):
    """Adversarial logits and class logits from common features of points."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2))
        self.adversarial, self.classes = nn.Linear(32, 1), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return self.adversarial(features), self.classes(features)


class Labelled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 + 3, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, z: Tensor, label: Tensor) -> Any:
        return self.layers(torch.cat([z, nn.functional.one_hot(label, 3)], 1))


def clusters() -> TensorDataset:
    labels = torch.arange(300) % 3
    centres = torch.tensor([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    return TensorDataset(centres[labels] + 0.2 * torch.randn(300, 2), labels)


class AttributeJudge(nn.Module):
    """discriminator(x, a) = x + the sum of a, and logits of two attributes with 2 and 3 options."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, a: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        logits = self.weight * x.squeeze(1) + a.sum(1)
        return logits, (torch.cat([x, -x], 1), torch.cat([x, 2 * x, 0 * x], 1))


class AttributeShift(nn.Module):
    """generator(z, a) = weight · z."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))

    def forward(self, z: Tensor, a: Tensor) -> Tensor:
        return self.weight * z


def test_several_attributes_are_averaged_and_the_discriminator_is_given_them() -> None:
    attributes = torch.tensor([[0, 2], [1, 0], [1, 1]])
    game = acgan(AttributeShift(), AttributeJudge(), PLAIN, latent=1, conditional=True)
    losses = game.turns[0].loss(game, Batch(game, REAL, attributes, LATENTS))
    classes = (torch.cat([REAL, -REAL], 1), torch.cat([REAL, 2 * REAL, 0 * REAL], 1))
    expected = sum(
        nn.functional.cross_entropy(c, a) for c, a in zip(classes, attributes.unbind(1), strict=True)
    )
    assert float(losses["real_class"]) == pytest.approx(float(expected) / 2)
    assert float(losses["real_logit"]) == pytest.approx(float((REAL.squeeze(1) + attributes.sum(1)).mean()))


def test_attributes_of_another_number_are_refused() -> None:
    game = acgan(AttributeShift(), AttributeJudge(), PLAIN, latent=1, conditional=True)
    with pytest.raises(gt.InputError, match="one column of attributes for each of the 2 class logits"):
        game.turns[0].loss(game, Batch(game, REAL, torch.zeros(3, 3, dtype=torch.long), LATENTS))


def test_it_learns_to_make_the_class_it_is_asked_for() -> None:
    game = acgan(Labelled(), Classified(), gt.objectives.non_saturating(r1=0.1), latent=2)
    run = gt.train(game, clusters(), steps=300, batch_size=48, progress=False, snapshots=0)
    labels = torch.arange(300) % 3
    centres = torch.tensor([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    nearest = torch.cdist(run.sample(300, condition=labels), centres).argmin(1)
    assert float((nearest == labels).double().mean()) > 0.95


def test_a_stopped_training_goes_on_exactly(tmp_path: Path) -> None:
    data, given = clusters(), {"batch_size": 16, "progress": False, "snapshots": 0, "gallery": 1}

    class Stop(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 3:
                run.control.stop()

    def make() -> gt.GAN:
        torch.manual_seed(5)
        return acgan(Labelled(), Classified(), latent=2)

    straight = gt.train(make(), data, steps=6, **given)
    gt.train(make(), data, steps=6, checkpoint=tmp_path, callbacks=[Stop()], **given)
    resumed = gt.train(make(), data, steps=6, checkpoint=tmp_path, **given)
    assert all(torch.equal(value, resumed.weights()[name]) for name, value in straight.weights().items())


def test_what_does_not_fit_is_refused() -> None:
    points = clusters()
    plain = acgan(Labelled(), nn.Linear(2, 1), latent=2)
    with pytest.raises(gt.InputError, match=r"must return a pair \(adversarial logits, class logits\), not"):
        gt.train(plain, points, steps=1, progress=False)
    unlabelled = acgan(nn.Linear(2, 2), Classified(), latent=2)
    with pytest.raises(gt.InputError, match="an ACGAN needs a label for each sample"):
        gt.train(unlabelled, points.tensors[0], steps=1, progress=False)
    for name in ("real_weight", "fake_weight", "generator_weight"):
        with pytest.raises(gt.InputError, match=rf"^{name} must be a number of at least 0, not -1"):
            acgan(Labelled(), Classified(), **{name: -1})
