"""Turns and games: who moves, how often, on what."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.gan import Batch, Lazy, Turn

Make = Callable[..., gt.GAN]


def line_turn(name: str = "line") -> Turn:
    return Turn(
        name, lambda gan, batch: {"total": (gan.networks[name](batch.real) - batch.condition).square().mean()}
    )


def test_classical_turns(point_game: Make) -> None:
    gan = point_game(gt.objectives.wasserstein(), turns=5)
    critic, generator = gan.turns
    assert (critic.name, critic.times, list(critic.lazy)) == ("discriminator", 5, ["gradient_penalty"])
    assert (generator.name, generator.times, dict(generator.lazy)) == ("generator", 1, {})
    assert gan.averaged == ("generator",) and list(gan.networks) == ["generator", "discriminator"]


def test_fake_is_made_once_kept_and_forgotten(point_game: Make) -> None:
    gan = point_game()
    calls: list[int] = []
    gan.networks["generator"].register_forward_hook(lambda *_: calls.append(1))
    batch = Batch(gan, torch.zeros(4, 2), latent=torch.randn(4, 2))
    assert batch.fake is batch.fake and batch.fake.requires_grad and len(calls) == 1
    batch.forget_fake()
    assert batch.fake.shape == (4, 2) and len(calls) == 2


def test_a_step_of_the_classical_game_makes_one_fake_batch(point_game: Make, points: Tensor) -> None:
    gan = point_game()
    calls: list[bool] = []
    gan.networks["generator"].register_forward_hook(lambda module, *_: calls.append(module.training))
    counts = []
    for steps in (2, 7):
        calls.clear()
        gt.train(gan, points, steps=steps, snapshots=0, progress=False)
        counts.append(len(calls))
    assert counts[1] - counts[0] == 5


class Counting(torch.optim.SGD):
    """Plain gradient descent that counts its steps."""

    def __init__(self, parameters: object) -> None:
        super().__init__(parameters, lr=1e-3)  # type: ignore[arg-type]
        self.count = 0

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        self.count += 1
        super().step()


def test_five_critic_steps_to_one_each_on_a_new_batch(point_game: Make, points: Tensor) -> None:
    gan = point_game(gt.objectives.wasserstein(), turns=5)
    made: dict[str, Counting] = {}
    seen: list[Tensor] = []
    loss = gan.turns[0].loss

    def watched(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
        seen.append(batch.real)
        return loss(gan, batch)

    gan.turns[0] = Turn("discriminator", watched, times=5, lazy=gan.turns[0].lazy)

    def maker(name: str) -> Callable[..., Counting]:
        return lambda parameters: made.setdefault(name, Counting(parameters))

    optimizers = {name: maker(name) for name in ("generator", "discriminator")}
    run = gt.train(gan, points, steps=6, batch_size=8, optimizer=optimizers, snapshots=0, progress=False)
    assert (made["discriminator"].count, made["generator"].count) == (30, 6)
    trained = seen[-30:]  # the rehearsal before the training looks too
    assert all(not torch.equal(a, b) for a, b in pairwise(trained))
    assert run.history.column("discriminator")[0] == [0, 1, 2, 3, 4, 5]  # of the five, the last is recorded


def test_a_turn_sits_out_all_but_every_nth_step(points: Tensor) -> None:
    calls: list[str] = []

    def turn(name: str, every: int) -> Turn:
        def loss(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
            calls.append(name)
            return {"total": gan.networks[name](batch.real).square().mean()}

        return Turn(name, loss, every=every)

    gan = gt.GAN.of(
        {"often": nn.Linear(2, 1), "seldom": nn.Linear(2, 1)}, [turn("often", 1), turn("seldom", 3)]
    )
    run = gt.train(gan, points, steps=7, progress=False)
    assert run.history.column("often")[0] == [0, 1, 2, 3, 4, 5, 6]
    assert run.history.column("seldom")[0] == [0, 3, 6]
    assert calls.count("often") == 7 + 1 and calls.count("seldom") == 3 + 1  # and once each in the rehearsal


def test_history_may_be_read_in_a_step_in_which_no_turn_was_due(points: Tensor) -> None:
    class Reader(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            run.history.column("line")

    turn = Turn(
        "line", lambda gan, batch: {"total": gan.networks["line"](batch.real).square().mean()}, every=2
    )
    run = gt.train(
        gt.GAN.of({"line": nn.Linear(2, 1)}, [turn]), points, steps=4, callbacks=[Reader()], progress=False
    )
    assert run.history.column("line")[0] == [0, 2]


def test_lazy_losses_come_seldom_and_strong(points: Tensor) -> None:
    weight = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(weight.weight)
    lazy = Lazy(lambda gan, batch: gan.networks["line"].weight.sum(), every=4)
    turn = Turn(
        "line", lambda gan, batch: {"total": 0 * gan.networks["line"](batch.real).sum()}, lazy={"pull": lazy}
    )
    run = gt.train(
        gt.GAN.of({"line": weight}, [turn]),
        points,
        steps=8,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.125),
        progress=False,
    )
    assert run.history.column("line.pull")[0] == [0, 4]
    assert torch.equal(
        weight.weight.detach(), torch.full((1, 2), -2 * 4 * 0.125)
    )  # two pulls, four times as strong


def test_a_plain_regression_is_a_single_turn() -> None:
    x = torch.linspace(-1, 1, 128)[:, None]
    data = torch.utils.data.TensorDataset(x, 3 * x - 1)
    gan = gt.GAN.of({"line": nn.Linear(1, 1)}, [line_turn()])
    run = gt.train(gan, data, steps=300, optimizer=gt.optimization.adam(0.05, (0.9, 0.99)), progress=False)
    line = gan.networks["line"]
    assert line.weight.item() == pytest.approx(3, abs=0.02) and line.bias.item() == pytest.approx(
        -1, abs=0.02
    )
    assert run.snapshots == [] and list(run.averaged) == ["line"]
    with pytest.raises(gt.InputError, match="no network called generator"):
        run.generator  # noqa: B018


def test_a_cycle_of_two_generators_learns_to_translate_both_ways() -> None:
    """Unpaired x ~ N(0, 1) and y ~ N(2, 0.5²): one turn moves both generators at once."""
    draw = torch.Generator().manual_seed(1)
    x, y = torch.randn(1024, 1, generator=draw), 2 + 0.5 * torch.randn(1024, 1, generator=draw)
    objective = gt.objectives.non_saturating()

    def critics(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
        (x, y), n = batch.real, gan.networks
        at_y = objective.discriminator(n["judge_y"](y), n["judge_y"](n["to_y"](x).detach()))
        at_x = objective.discriminator(n["judge_x"](x), n["judge_x"](n["to_x"](y).detach()))
        slope = gt.objectives.r1_penalty(0.1)
        return {"total": at_x + at_y + slope(n["judge_y"], y, y) + slope(n["judge_x"], x, x), "at_y": at_y}

    def translators(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
        (x, y), n = batch.real, gan.networks
        made_y, made_x = n["to_y"](x), n["to_x"](y)
        fooled = objective.generator(y, n["judge_y"](made_y)) + objective.generator(x, n["judge_x"](made_x))
        cycle = (n["to_x"](made_y) - x).square().mean() + (n["to_y"](made_x) - y).square().mean()
        return {"total": fooled + cycle, "cycle": cycle}

    torch.manual_seed(6)
    networks = {
        "to_y": nn.Linear(1, 1),
        "to_x": nn.Linear(1, 1),
        "judge_x": gt.networks.MLPDiscriminator((1,), width=16),
        "judge_y": gt.networks.MLPDiscriminator((1,), width=16),
    }
    turns = [Turn(("judge_x", "judge_y"), critics), Turn(("to_x", "to_y"), translators)]
    gan = gt.GAN.of(networks, turns, averaged=("to_x", "to_y"))
    batches = [((x[i : i + 64], y[i : i + 64]),) for i in range(0, 1024, 64)]
    before = networks["to_y"](x)
    run = gt.train(gan, batches, steps=500, optimizer=gt.optimization.adam(2e-2), progress=False)
    made = run.averaged["to_y"](x)
    assert abs(before.mean().item() - 2) > 1
    assert float(made.mean()) == pytest.approx(2, abs=0.3) and float(made.std()) == pytest.approx(
        0.5, abs=0.3
    )
    assert float((run.averaged["to_x"](made) - x).abs().mean()) < 0.3
    assert {"judge_x+judge_y", "to_x+to_y", "to_x+to_y.cycle", "judge_x+judge_y.at_y"} == set(
        run.history.names
    )


def test_two_discriminators_each_see_their_part() -> None:
    """Points on a line whose two coordinates are judged apart: both must come right."""
    draw = torch.Generator().manual_seed(1)
    data = torch.tensor([3.0, -2.0]) + torch.tensor([0.5, 1.0]) * torch.randn(1024, 2, generator=draw)
    objective = gt.objectives.non_saturating()

    def judge(name: str, column: int) -> Turn:
        def loss(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
            net, part = gan.networks[name], slice(column, column + 1)
            fake = batch.fake.detach()[:, part]
            real = batch.real[:, part].clone().requires_grad_(True)
            r1 = gt.objectives.r1_penalty(0.1)(net, real, fake)
            return {"total": objective.discriminator(net(real), net(fake)) + r1}

        return Turn(name, loss)

    def fool(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
        logits = [gan.networks[n](batch.fake[:, i : i + 1]) for i, n in enumerate(("first", "second"))]
        return {"total": sum((objective.generator(each, each) for each in logits), torch.zeros(()))}

    torch.manual_seed(7)
    networks = {
        "generator": gt.networks.MLPGenerator(2, (2,), width=24),
        "first": gt.networks.MLPDiscriminator((1,), width=24),
        "second": gt.networks.MLPDiscriminator((1,), width=24),
    }
    gan = gt.GAN.of(networks, [judge("first", 0), judge("second", 1), Turn("generator", fool)], latent=2)
    run = gt.train(gan, data, steps=700, optimizer=gt.optimization.adam(3e-3), snapshots=0, progress=False)
    made = run.sample(1000)
    assert torch.allclose(made.mean(0), torch.tensor([3.0, -2.0]), atol=0.3)
    assert torch.allclose(made.std(0), torch.tensor([0.5, 1.0]), rtol=0.4)


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
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), latent=0), "latent .*≥ 1 or a function"),
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), latent=True), "latent .*≥ 1 or a function"),
        (lambda: gt.GAN(nn.Identity(), nn.Identity(), latent="64"), "latent .*≥ 1 or a function"),
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
        (lambda: Turn([], lambda gan, batch: {}), "at least one network"),
        (lambda: Turn("line", lambda gan, batch: {}, times=0), "times .*at least 1"),
        (lambda: Turn("line", lambda gan, batch: {}, times=True), "times .*at least 1"),
        (lambda: Turn("line", lambda gan, batch: {}, every=1.5), "every .*whole"),
        (lambda: Lazy(lambda gan, batch: torch.zeros(()), every=0), "every .*at least 1"),
    ],
)
def test_bad_games(make: Callable[[], object], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)
