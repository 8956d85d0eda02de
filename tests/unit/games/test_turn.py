"""Turns: who moves, how often, on what batch, and games of many turns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.games.turn import Batch, Penalty, Turn

Make = Callable[..., gt.GAN]


def test_classical_turns(point_game: Make) -> None:
    gan = point_game(gt.objectives.wasserstein(), turns=5)
    critic, generator = gan.turns
    assert (critic.name, critic.times, list(critic.penalties)) == ("discriminator", 5, ["gradient_penalty"])
    assert (generator.name, generator.times, dict(generator.penalties)) == ("generator", 1, {})
    assert gan.averaged == ("generator",) and list(gan.networks) == ["generator", "discriminator"]


def test_fake_is_made_once_kept_and_forgotten(point_game: Make) -> None:
    gan = point_game()
    calls: list[int] = []
    gan.networks["generator"].register_forward_hook(lambda *_: calls.append(1))
    batch = Batch(gan, torch.zeros(4, 2), latent=torch.randn(4, 2))
    assert batch.fake is batch.fake and batch.fake.requires_grad and len(calls) == 1
    batch.forget(["discriminator"])
    assert batch.fake is batch.output("generator") and len(calls) == 1  # another network was updated
    batch.forget(["generator"])
    assert batch.fake.shape == (4, 2) and len(calls) == 2
    batch.forget()
    assert batch.fake.shape == (4, 2) and len(calls) == 3


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

    gan.turns[0] = Turn("discriminator", watched, times=5, penalties=gan.turns[0].penalties)

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
    lazy = Penalty(lambda gan, batch: gan.networks["line"].weight.sum(), every=4)
    turn = Turn(
        "line",
        lambda gan, batch: {"total": 0 * gan.networks["line"](batch.real).sum()},
        penalties={"pull": lazy},
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
    turns = [Turn("judges", critics, ("judge_x", "judge_y")), Turn("pair", translators, ("to_x", "to_y"))]
    gan = gt.GAN.of(networks, turns, averaged=("to_x", "to_y"))
    batches = [((x[i : i + 64], y[i : i + 64]),) for i in range(0, 1024, 64)]
    before = networks["to_y"](x)
    run = gt.train(gan, batches, steps=500, optimizer=gt.optim.adam(2e-2), progress=False)
    made = run.averaged["to_y"](x)
    assert abs(before.mean().item() - 2) > 1
    assert float(made.mean()) == pytest.approx(2, abs=0.3) and float(made.std()) == pytest.approx(
        0.5, abs=0.3
    )
    assert float((run.averaged["to_x"](made) - x).abs().mean()) < 0.3
    assert {"judges", "pair", "pair.cycle", "judges.at_y"} == set(run.history.names)


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
    run = gt.train(gan, data, steps=700, optimizer=gt.optim.adam(3e-3), snapshots=0, progress=False)
    made = run.sample(1000)
    assert torch.allclose(made.mean(0), torch.tensor([3.0, -2.0]), atol=0.3)
    assert torch.allclose(made.std(0), torch.tensor([0.5, 1.0]), rtol=0.4)
