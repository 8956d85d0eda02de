"""The loop: data of every kind, budgets, and what is recorded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from training_cases import quick

import gantutor as gt

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


class Squares(Dataset[Any]):
    """A map-style data set; with ``restless`` its items change at every visit."""

    def __init__(self, tensor: Tensor, labels: Tensor | None = None, restless: bool = False) -> None:
        self.tensor, self.labels, self.restless = tensor, labels, restless

    def __len__(self) -> int:
        return len(self.tensor)

    def __getitem__(self, index: int) -> Any:
        item = self.tensor[index] + (0.01 * torch.rand(()) if self.restless else 0)
        return item if self.labels is None else (item, self.labels[index])


class Endless:
    """An iterable without a length."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


class Stream(IterableDataset[Any]):
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.tensor)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: x,
        lambda x: TensorDataset(x),
        lambda x: Squares(x),
        lambda x: Squares(x, restless=True),
        lambda x: DataLoader(TensorDataset(x), batch_size=16, shuffle=True),
        lambda x: DataLoader(Squares(x), batch_size=16, drop_last=True),
        lambda x: list(x.split(16)),
        lambda x: Endless(list(x.split(16))),
        lambda x: Stream(x),
        lambda x: x.numpy(),
    ],
    ids=["tensor", "set", "map", "restless", "loader", "maploader", "list", "iterable", "stream", "numpy"],
)
def test_all_kinds_of_data(wrap: Callable[[Tensor], Any], point_game: Make, points: Tensor) -> None:
    run = quick(point_game(), wrap(points), steps=20)
    assert (run.step, run.images, run.ended) == (20, 320, "complete")
    assert run.sample(7).shape == (7, 2) and run.conditions is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x, y: TensorDataset(x, y),
        lambda x, y: Squares(x, y),
        lambda x, y: DataLoader(TensorDataset(x, y), batch_size=16),
        lambda x, y: list(zip(x.split(16), y.split(16), strict=True)),
        lambda x, y: Endless(list(zip(x.split(16), y.split(16), strict=True))),
    ],
    ids=["set", "map", "loader", "list", "iterable"],
)
def test_all_kinds_of_data_with_conditions(
    wrap: Callable[[Tensor, Tensor], Any], image_game: Make, images: Tensor
) -> None:
    labels = torch.arange(64) % 4
    run = quick(image_game(classes=4), wrap(images, labels), steps=5)
    assert run.step == 5 and set(run.conditions.tolist()) == {0, 1, 2, 3}
    assert run.sample(6, condition=3).shape == (6, 1, 8, 8)


def test_several_conditions_come_as_a_tuple() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(2, 2)

        def forward(self, x: Tensor, condition: tuple[Tensor, Tensor]) -> Tensor:
            return self.line(x) + condition[0] * condition[1][:, None]

    data = TensorDataset(torch.randn(64, 2), torch.randn(64, 2), torch.rand(64))
    run = quick(gt.GAN(Sum(), Sum(), latent=2), data)
    assert [part.shape for part in run.conditions] == [(64, 2), (64,)]
    assert run.sample(5).shape == (5, 2) and run.snapshots[-1].samples.shape == (4, 2)


def test_resident_data_are_all_visited_before_any_comes_again(point_game: Make) -> None:
    seen: list[Tensor] = []
    data = torch.arange(24.0)[:, None].expand(24, 2)
    turn = gt.Turn(
        "line", lambda gan, batch: (seen.append(batch.real), {"total": gan.line(batch.real).sum()})[1]
    )
    gt.train(gt.GAN.of({"line": nn.Linear(2, 1)}, [turn]), data, steps=6, batch_size=8, progress=False)
    trained = torch.cat([batch[:, 0] for batch in seen[-6:]])
    assert sorted(trained[:24].tolist()) == sorted(trained[24:].tolist()) == list(range(24))
    assert trained[:24].tolist() != trained[24:].tolist() != list(range(24))


# --- budgets ------------------------------------------------------------------------------------------------


def test_a_budget_of_seconds_is_of_training_alone(point_game: Make, points: Tensor) -> None:
    class Slow(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 1:
                time.sleep(0.5)

    started = time.perf_counter()
    run = gt.train(point_game(), points, seconds=0.4, callbacks=[Slow()], progress=False)
    assert run.ended == "complete" and 0.4 <= run.seconds < 0.8
    assert time.perf_counter() - started >= 0.9
    assert len(run.snapshots) >= 2 and run.snapshots[-1].step == run.step


def test_snapshots_show_the_same_latents_from_the_first_moment_to_the_last(
    point_game: Make, points: Tensor
) -> None:
    run = quick(point_game(), points, steps=20, snapshots=5, gallery=6)
    assert [snapshot.step for snapshot in run.snapshots] == [0, 5, 10, 15, 20]
    assert all(snapshot.samples.shape == (6, 2) for snapshot in run.snapshots)
    assert torch.equal(
        run.snapshots[-1].samples, run.sample(6)
    )  # the gallery is drawn like a sample with seed 0
    assert len(quick(point_game(), points, steps=3, snapshots=24).snapshots) == 4


def test_a_gallery_may_be_given(image_game: Make, images: Tensor) -> None:
    labels = torch.arange(64) % 4
    latents = torch.zeros(2, 4)
    run = quick(image_game(4), TensorDataset(images, labels), gallery=(latents, torch.tensor([0, 3])))
    assert torch.equal(run.snapshots[-1].samples, run.generate(latents, torch.tensor([0, 3])))


def test_the_schedule_is_told_the_fraction_spent_and_scales_the_rates(points: Tensor) -> None:
    asked: list[float] = []
    rates: list[float] = []

    class Watched(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            rates.append(self.param_groups[0]["lr"])

    def schedule(fraction: float) -> float:
        asked.append(fraction)
        return 1 - fraction

    turn = gt.Turn("line", lambda gan, batch: {"total": gan.line(batch.real).sum()})
    gan = gt.GAN.of({"line": nn.Linear(2, 1)}, [turn])
    gt.train(gan, points, steps=4, optimizer=lambda p: Watched(p, lr=0.5), schedule=schedule, progress=False)
    assert rates == [0.5, 0.375, 0.25, 0.125]
    assert asked[-4:] == [0, 0.25, 0.5, 0.75]


# --- what is recorded ---------------------------------------------------------------------------------------


def test_the_history_has_totals_under_the_name_of_the_turn(point_game: Make, points: Tensor) -> None:
    run = quick(point_game(gt.objectives.non_saturating(r1=0.1, every=3)), points, steps=7)
    assert set(run.history.names) == {
        "discriminator",
        "discriminator.real_logit",
        "discriminator.fake_logit",
        "discriminator.r1",
        "generator",
    }
    assert run.history.column("generator")[0] == list(range(7))
    assert run.history.column("discriminator.r1")[0] == [0, 3, 6]
    with pytest.raises(gt.InputError, match="no 'critic': it has discriminator"):
        run.history.column("critic")


def test_losses_of_shape_one_are_recorded_like_plain_numbers(points: Tensor) -> None:
    def loss(gan: gt.GAN, batch: Any) -> dict[str, Tensor]:
        return {"total": gan.line(batch.real).mean(0), "other": batch.real.mean().double()}

    run = quick(gt.GAN.of({"line": nn.Linear(2, 1)}, [gt.Turn("line", loss)]), points)
    assert len(run.history.column("line")[1]) == len(run.history.column("line.other")[1]) == 4


@pytest.mark.parametrize("ema_half_life", [0, 40, 10_000])
def test_averaging_has_its_half_life_in_images(
    ema_half_life: float, point_game: Make, points: Tensor
) -> None:
    """Independently: a_t = Σ_s w_s θ_s, where each step of n images takes the factor 2^(−n / min(h, seen /
    10))."""
    kept: list[Tensor] = []

    class Keep(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            kept.append(
                torch.nn.utils.parameters_to_vector(run.gan.networks["generator"].parameters())
                .detach()
                .double()
            )

    gan = point_game()
    start = torch.nn.utils.parameters_to_vector(gan.networks["generator"].parameters()).detach().double()
    run = quick(gan, points, steps=40, ema_half_life=ema_half_life, callbacks=[Keep()])
    decays = [
        2.0 ** (-16 / min(ema_half_life, 0.1 * 16 * (t + 1))) if ema_half_life else 0.0 for t in range(40)
    ]
    weights = [(1 - decays[t]) * math.prod(decays[t + 1 :]) for t in range(40)]
    expected = math.prod(decays) * start + sum((w * k for w, k in zip(weights, kept, strict=True)), 0 * start)
    found = torch.nn.utils.parameters_to_vector(run.generator.parameters()).double()
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.equal(found, kept[-1]) == (ema_half_life == 0)


def test_networks_are_trained_in_training_mode(point_game: Make, points: Tensor) -> None:
    gan = point_game().eval()
    quick(gan, points, steps=1)
    assert gan.training is False and all(net.training for net in gan.networks.values())
