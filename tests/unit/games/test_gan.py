"""Games: what data and logits they take, what they leave alone, and what is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.games.turn import Batch, Penalty, Turn

Make = Callable[..., gt.GAN]


def line_turn(name: str = "line") -> Turn:
    return Turn(
        name, lambda gan, batch: {"total": (gan.networks[name](batch.real) - batch.condition).square().mean()}
    )


def test_a_plain_regression_is_a_single_turn() -> None:
    x = torch.linspace(-1, 1, 128)[:, None]
    data = torch.utils.data.TensorDataset(x, 3 * x - 1)
    gan = gt.GAN.of({"line": nn.Linear(1, 1)}, [line_turn()])
    run = gt.train(gan, data, steps=300, optimizer=gt.optim.adam(0.05, (0.9, 0.99)), progress=False)
    line = gan.networks["line"]
    assert line.weight.item() == pytest.approx(3, abs=0.02) and line.bias.item() == pytest.approx(
        -1, abs=0.02
    )
    assert run.snapshots == [] and list(run.averaged) == ["line"]
    with pytest.raises(gt.InputError, match="no network that makes samples"):
        run.generator  # noqa: B018


class TwoParts(nn.Module):
    """A generator of pairs (points, lengths)."""

    def __init__(self) -> None:
        super().__init__()
        self.points, self.lengths = nn.Linear(2, 2), nn.Linear(2, 1)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.points(z), self.lengths(z)


class TwoHeads(nn.Module):
    """A discriminator with two heads; of points, or of pairs of which only the first part is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = nn.Linear(2, 1), nn.Linear(2, 3)

    def forward(self, x: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        x = x[0] if isinstance(x, tuple) else x
        return self.near(x), self.far(x)


def test_data_may_be_tuples() -> None:
    gan = gt.GAN(TwoParts(), TwoHeads(), gt.objectives.hinge(), latent=2)
    batches = [((torch.randn(8, 2), torch.rand(8, 1)),) for _ in range(3)]
    before = gan.networks["discriminator"].far.weight.detach().clone()  # type: ignore[union-attr]
    run = gt.train(gan, batches, steps=4, snapshots=0, progress=False)
    assert run.step == 4 and run.images == 32
    assert not torch.equal(before, gan.networks["discriminator"].far.weight)  # type: ignore[arg-type, union-attr]


def test_logits_may_be_tuples_and_their_losses_are_added(points: Tensor) -> None:
    gan = gt.GAN(nn.Linear(2, 2), TwoHeads(), gt.objectives.least_squares(), latent=2)
    batch = Batch(gan, points[:8], latent=torch.randn(8, 2))
    losses = gan.turns[0].loss(gan, batch)
    real, fake = gan.networks["discriminator"](points[:8]), gan.networks["discriminator"](batch.fake)
    by_hand = sum(
        0.5 * (r - 1).square().mean() + 0.5 * f.square().mean() for r, f in zip(real, fake, strict=True)
    )
    assert losses["total"].item() == pytest.approx(by_hand.item(), rel=1e-6)
    assert losses["real_logit"].item() == pytest.approx(
        (real[0].mean() + real[1].mean()).item() / 2, rel=1e-5
    )


@pytest.mark.parametrize("objective", [gt.objectives.non_saturating(r1=1.0), gt.objectives.wasserstein()])
def test_penalties_work_on_tuples_of_logits(objective: gt.objectives.Objective, points: Tensor) -> None:
    run = gt.train(gt.GAN(nn.Linear(2, 2), TwoHeads(), objective, latent=2), points, steps=2, progress=False)
    assert run.step == 2


def test_plain_sequentials_work_unchanged(points: Tensor) -> None:
    generator = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    gan = gt.GAN(generator, discriminator, latent=3)
    run = gt.train(gan, points, steps=2, progress=False)
    assert gan.networks["generator"] is generator and gan.networks["discriminator"] is discriminator
    assert run.sample(5).shape == (5, 2)


def test_a_latent_may_be_a_function(points: Tensor) -> None:
    def uniform(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
        return torch.rand(count, 2, generator=generator, device=device)

    gan = gt.GAN(nn.Identity(), nn.Linear(2, 1), latent=uniform)
    sample = gan.sample(100, seed=4)
    assert float(sample.min()) >= 0 and float(sample.max()) <= 1
    assert torch.equal(sample, gan.sample(100, seed=4)) and not torch.equal(sample, gan.sample(100, seed=5))


def test_the_generator_of_a_turn_never_moves_the_other_networks(point_game: Make, points: Tensor) -> None:
    gan = point_game()
    gan.turns = gan.turns[1:]  # the generator plays alone
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    gt.train(gan, points, steps=3, progress=False)
    after = gan.state_dict()
    assert all(torch.equal(before[n], after[n]) for n in before if n.startswith("discriminator"))
    assert not any(torch.equal(before[n], after[n]) for n in before if n.startswith("generator"))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), "hinge"), "objective .*non_saturating"),
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), latent=0), "latent must be .* a shape"),
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), latent=True), "latent must be .* a shape"),
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), latent="64"), "latent must be .* a shape"),
        (lambda: gt.GAN(lambda z: z, nn.Identity()), "generator must be a torch.nn.Module, not function"),
        (lambda: gt.GAN(nn.Identity(), None), "discriminator must be a torch.nn.Module"),
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), discriminator_turns=0), "times .*at least 1"),
        (lambda: gt.GAN.of({"line": nn.Identity()}, []), "at least one turn"),
        (
            lambda: gt.GAN.of({"line": nn.Identity()}, [line_turn("curve")]),
            "no network is called 'curve'.*line",
        ),
        (lambda: gt.GAN.of({"a b": nn.Identity()}, [line_turn("a b")]), "'a b' cannot be the name"),
        (lambda: gt.GAN.of({"train": nn.Identity()}, [line_turn("train")]), "'train' cannot be the name"),
        (
            lambda: gt.GAN.of({"line": nn.Identity()}, [line_turn()], averaged=["x"]),
            "no network is called 'x'",
        ),
        (lambda: gt.GAN.of({"line": nn.Identity()}, ["line"]), "turns must be"),
        (lambda: Turn("line", None), "loss .*function"),
        (lambda: Turn("", lambda gan, batch: {}), "name must be a text in quotes"),
        (lambda: Turn(["line"], lambda gan, batch: {}), "name must be a text in quotes"),
        (
            lambda: Turn("line", lambda gan, batch: {}, updates=3),
            "updates must be a network's name or a list",
        ),
        (lambda: Turn("line", lambda gan, batch: {}, penalties=[]), "penalties must be a dict"),
        (lambda: Turn("line", lambda gan, batch: {}, times=0), "times .*at least 1"),
        (lambda: Turn("line", lambda gan, batch: {}, times=True), "times .*at least 1"),
        (lambda: Turn("line", lambda gan, batch: {}, every=1.5), "every .*whole"),
        (lambda: Penalty(lambda gan, batch: torch.zeros(()), every=0), "every .*at least 1"),
    ],
)
def test_bad_games(make: Callable[[], object], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)
