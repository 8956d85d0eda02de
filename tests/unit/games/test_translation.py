"""Games that translate: losses by hand, gradients where they belong, a few steps, going on after a stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor import games
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch
from gantutor.networks.type_translation import PatchDiscriminator, TypeTranslator

PLAIN = gt.objectives.non_saturating()


def pictures(count: int, seed: int) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) * 2 - 1


FACES = torch.arange(16) % 2
PAIRS = TensorDataset(pictures(16, 0), pictures(16, 1), FACES)
STREAMS = TensorDataset(pictures(16, 0), pictures(16, 1))


def translator(typefaces: int = 0, latent: int = 0) -> TypeTranslator:
    return TypeTranslator(typefaces, latent, channels=4, features=8, embedding=4)


def paired(**given: Any) -> GAN:
    torch.manual_seed(0)
    judge = PatchDiscriminator(2, pairs=True, channels=4)
    return games.pix2pix(translator(2, 3), judge, **({"latent": 3} | given))


def cycle(**given: Any) -> GAN:
    torch.manual_seed(0)
    judges = PatchDiscriminator(channels=4), PatchDiscriminator(channels=4)
    return games.cyclegan(translator(), translator(), *judges, **given)


def regression() -> GAN:
    torch.manual_seed(0)
    return games.regression(translator(2, 3), latent=3)


GAMES: dict[str, tuple[Callable[[], GAN], TensorDataset]] = {
    "paired": (paired, PAIRS),
    "relativistic": (lambda: paired(objective=gt.objectives.relativistic(r1=0.1, r2=0.1, every=2)), PAIRS),
    "regression": (regression, PAIRS),
    "cycle": (cycle, STREAMS),
    "cycle with penalties": (
        lambda: cycle(objective=gt.objectives.relativistic(r1=0.1, r2=0.1, every=2), identity=2.0),
        STREAMS,
    ),
}


# --- by hand: numbers in the place of pictures --------------------------------------------------------------


class Times(nn.Module):
    """generator(z, x) = weight · x + z."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, latent: Tensor, x: Tensor) -> Tensor:
        return self.weight * x + latent


class Slope(nn.Module):
    """discriminator(x, condition) = slope · (x + condition)."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, x: Tensor, condition: Tensor | float = 0.0) -> Tensor:
        return (self.slope * (x + condition)).squeeze(1)


TYPE, HAND = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [-1.0]])
STILL = torch.zeros(2, 1)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_the_paired_losses_are_those_of_the_paper() -> None:
    game = games.pix2pix(Times(2.0), Slope(0.5), PLAIN, weight=7.0, latent=1)
    batch = Batch(game, TYPE, HAND, torch.tensor([[1.0], [0.0]]))
    made = [7.0, -2.0]  # 2 · 3 + 1, 2 · −1
    logits = [0.5 * (7 + 3), 0.5 * (-2 - 1)]
    real = [0.5 * (1 + 3), 0.5 * (2 - 1)]
    against = sum(softplus(-x) for x in logits) / 2
    missed = (abs(made[0] - 1) + abs(made[1] - 2)) / 2
    told = sum(softplus(-x) for x in real) / 2 + sum(softplus(x) for x in logits) / 2
    assert float(game.turns[0].loss(game, batch)["total"].detach()) == pytest.approx(told)
    losses = {name: value.detach() for name, value in game.turns[1].loss(game, batch).items()}
    assert float(losses["adversarial"]) == pytest.approx(against)
    assert float(losses["distance"]) == pytest.approx(missed)
    assert float(losses["total"]) == pytest.approx(against + 7 * missed)


def test_regression_is_the_distance_alone() -> None:
    game = games.regression(Times(2.0), latent=1)
    losses = game.turns[0].loss(game, Batch(game, TYPE, HAND, STILL))
    assert list(losses) == ["total"] and float(losses["total"].detach()) == pytest.approx((5 + 4) / 2)


def test_the_cycle_losses_are_those_of_the_paper() -> None:
    objective = gt.objectives.least_squares()
    game = games.cyclegan(Times(2.0), Times(-1.0), Slope(1.5), Slope(0.5), objective, 7.0, 3.0)
    batch = Batch(game, TYPE, HAND, STILL)
    typed, written = [1.0, 2.0], [3.0, -1.0]
    made_type, made_hand = [2 * x for x in written], [-y for y in typed]

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    def told(real: list[float], fake: list[float], slope: float) -> float:
        return 0.5 * mean([(slope * x - 1) ** 2 for x in real]) + 0.5 * mean([(slope * x) ** 2 for x in fake])

    def taken(fake: list[float], slope: float) -> float:
        return 0.5 * mean([(slope * x - 1) ** 2 for x in fake])

    undone = mean([abs(-2 * x - x) for x in written]) + mean([abs(2 * -y - y) for y in typed])
    same = mean([abs(2 * y - y) for y in typed]) + mean([abs(-x - x) for x in written])
    against = taken(made_type, 0.5) + taken(made_hand, 1.5)
    losses = [{name: value.detach() for name, value in turn.loss(game, batch).items()} for turn in game.turns]
    assert float(losses[0]["total"]) == pytest.approx(told(typed, made_type, 0.5))
    assert float(losses[1]["total"]) == pytest.approx(told(written, made_hand, 1.5))
    expected = {"adversarial": against, "cycle": undone, "identity": same}
    expected["total"] = against + 7 * undone + 3 * same
    assert {name: float(value) for name, value in losses[2].items()} == pytest.approx(expected)


def test_penalties_are_of_the_judge_they_are_named_after() -> None:
    objective = gt.objectives.non_saturating(r1=2.0, r2=4.0, every=3)
    game = games.cyclegan(Times(2.0), Times(-1.0), Slope(1.5), Slope(0.5), objective)
    batch = Batch(game, TYPE, HAND, STILL)
    for turn, slope in zip(game.turns[:2], (0.5, 1.5), strict=True):
        found = {
            name: (float(lazy.loss(game, batch).detach()), lazy.every)
            for name, lazy in turn.penalties.items()
        }
        assert found == {"r1": (pytest.approx(slope**2), 3), "r2": (pytest.approx(2 * slope**2), 3)}
    assert not game.turns[2].penalties


# --- gradients ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GAMES)
def test_a_turn_moves_its_own_networks_alone(name: str) -> None:
    make, data = GAMES[name]
    for index in range(len(make().turns)):
        game = make()
        turn = game.turns[index]
        before = {key: value.clone() for key, value in game.named_parameters()}
        gt.train(
            GAN.of(game.networks, [turn], game.latent, averaged=(), outputs=game.outputs),
            data,
            steps=1,
            batch_size=8,
            progress=False,
        )
        moved = {
            key.split(".")[0] for key, value in game.named_parameters() if not torch.equal(value, before[key])
        }
        assert moved == set(turn.updates)


def test_a_judge_sends_no_gradient_into_the_generators() -> None:
    game = cycle()
    real, condition = STREAMS.tensors
    assert [turn.name for turn in game.turns] == ["discriminator_y", "discriminator_x", "generators"]
    for turn in game.turns[:2]:
        batch = Batch(game, real, condition, torch.zeros(16, 1))
        turn.loss(game, batch)["total"].backward()
        assert all(
            weight.grad is None
            for name in ("generator_xy", "generator_yx")
            for weight in game.networks[name].parameters()
        )


def test_nothing_in_a_cycle_compares_the_rows_of_the_streams() -> None:
    """Other partners, the same losses: there are no pairs to learn from."""
    game = cycle(objective=gt.objectives.least_squares(), identity=1.0).eval()
    real, condition = STREAMS.tensors
    for turn in game.turns:
        both = [
            turn.loss(game, Batch(game, each, condition, torch.zeros(16, 1)))
            for each in (real, real[torch.randperm(16, generator=torch.Generator().manual_seed(4))])
        ]
        for name in both[0]:
            torch.testing.assert_close(both[0][name], both[1][name])


# --- training -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GAMES)
def test_a_few_steps(name: str) -> None:
    make, data = GAMES[name]
    run = gt.train(make(), data, steps=3, batch_size=8, seed=0, progress=False, gallery=4)
    assert run.step == 3
    for column in run.history.names:
        assert all(math.isfinite(value) for value in run.history.column(column)[1]), column
    condition = data.tensors[1] if len(data.tensors) == 2 else tuple(data.tensors[1:])
    latents = torch.zeros(16, run.gan.latent) if isinstance(run.gan.latent, int) else torch.zeros(16, 1)
    made = run.generate(latents, condition)
    assert made.shape == (16, 1, 28, 28) and float(made.abs().max()) <= 1


@pytest.mark.parametrize("name", ["paired", "cycle with penalties"])
def test_a_stopped_training_goes_on_exactly(name: str, tmp_path: Path) -> None:
    make, data = GAMES[name]
    given: dict[str, Any] = {"batch_size": 8, "seed": 0, "progress": False, "snapshots": 0, "gallery": 1}
    straight = gt.train(make(), data, steps=4, **given)

    class Stop(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 2:
                run.control.stop()

    first = gt.train(make(), data, steps=4, checkpoint=tmp_path / "c", callbacks=[Stop()], **given)
    assert first.step == 2
    resumed = gt.train(make(), data, steps=4, checkpoint=tmp_path / "c", **given)
    for key, value in straight.weights().items():
        assert torch.equal(value, resumed.weights()[key]), key


def test_it_learns_a_shift_by_regression_within_a_few_dozen_steps() -> None:
    """Pictures of one bright row become pictures of one bright column."""
    rows = torch.full((28, 1, 28, 28), -1.0)
    rows[torch.arange(28), 0, torch.arange(28)] = 1
    torch.manual_seed(0)
    game = games.regression(translator(), latent=1)
    run = gt.train(
        game, TensorDataset(rows.transpose(2, 3), rows), steps=60, batch_size=28, seed=0, progress=False
    )
    _, losses = run.history.column("generator")
    assert losses[-1] < 0.35 * losses[0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: paired(weight=-1), "weight must be a number of at least 0, not -1"),
        (lambda: cycle(weight=None), "weight must be a number of at least 0"),
        (lambda: cycle(identity=-0.5), "identity must be a number of at least 0"),
        (lambda: games.regression(len), "the generator must be a torch.nn.Module"),  # type: ignore[arg-type]
    ],
)
def test_bad_input(make: Any, says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        make()
