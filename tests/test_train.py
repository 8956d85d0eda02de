"""The loop: data of every kind, budgets, repetition, control, averaging, and what happens when a loss
breaks."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

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


def quick(gan: gt.GAN, data: Any, steps: int = 4, **options: Any) -> gt.Run:
    options = {"batch_size": 16, "progress": False, "snapshots": 2, "gallery": 4} | options
    return gt.train(gan, data, steps=steps, **options)


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
    run = quick(gt.GAN(Sum(), nn.Sequential(), latent=2) if False else gt.GAN(Sum(), Sum(), latent=2), data)
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


# --- repetition ---------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    image_game: Make, images: Tensor, same_weights: Same
) -> None:
    torch.manual_seed(1)
    first = quick(image_game(), images, steps=12, seed=5)
    torch.manual_seed(2)  # what happened before a training does not matter
    torch.rand(100)
    second = quick(image_game(), images, steps=12, seed=5)
    other = quick(image_game(), images, steps=12, seed=6)
    assert same_weights(first, second) and not same_weights(first, other)
    assert first.history.to_json() == second.history.to_json()


def test_training_leaves_the_global_random_state_alone(point_game: Make, points: Tensor) -> None:
    gan = point_game(gt.objectives.wasserstein())
    before = torch.get_rng_state()
    quick(gan, points)
    assert torch.equal(before, torch.get_rng_state())


class Nosy(gt.Callback):
    """Looks at everything and draws random numbers as it pleases."""

    def on_start(self, run: gt.Run) -> None:
        self.on_step(run)

    def on_step(self, run: gt.Run) -> None:
        run.sample(9, seed=run.step)
        run.gan.sample(3)
        torch.rand(5)
        torch.manual_seed(run.step)
        run.history.names  # noqa: B018
        run.repr = repr(run)

    def on_end(self, run: gt.Run) -> None:
        self.on_step(run)


def test_watching_a_run_does_not_change_it(point_game: Make, points: Tensor, same_weights: Same) -> None:
    def go(**options: Any) -> gt.Run:  # the gradient penalty draws from the global random state
        return quick(point_game(gt.objectives.wasserstein(), turns=2), points, steps=10, **options)

    assert same_weights(go(snapshots=0), go(callbacks=[Nosy()], snapshots=7, gallery=3))


def test_watching_a_generator_with_batch_norm_does_not_change_it(
    image_game: Make, images: Tensor, same_weights: Same
) -> None:
    class Look(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            run.sample(9)

    plain = quick(image_game(), images, steps=6, snapshots=0)
    watched = quick(image_game(), images, steps=6, snapshots=4, callbacks=[Look()])
    assert torch.equal(plain.sample(4), watched.sample(4))
    plain.settle(), watched.settle()
    assert same_weights(plain, watched)


def test_the_progress_line_changes_nothing(
    point_game: Make, points: Tensor, same_weights: Same, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = quick(point_game(), points, progress=True)
    assert "100%" in capsys.readouterr().out
    assert same_weights(shown, quick(point_game(), points)) and capsys.readouterr().out == ""


# --- ending early and control -------------------------------------------------------------------------------


class At(gt.Callback):
    """Does something after a step."""

    def __init__(self, step: int, act: Callable[[gt.Run], object]) -> None:
        self.step, self.act, self.told = step, act, [] if False else list[str]()

    def on_start(self, run: gt.Run) -> None:
        self.told.append("start")

    def on_step(self, run: gt.Run) -> None:
        if run.step == self.step:
            self.act(run)

    def on_end(self, run: gt.Run) -> None:
        self.told.append("end " + run.ended)


def interrupt(run: gt.Run) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_gives_the_run_so_far(point_game: Make, points: Tensor) -> None:
    callback = At(3, interrupt)
    run = quick(point_game(), points, steps=50, callbacks=[callback])
    assert (run.step, run.ended) == (3, "interrupted") and callback.told == ["start", "end interrupted"]
    assert run.sample(2).isfinite().all() and "interrupted" in repr(run)


def test_stop_gives_the_run_so_far(point_game: Make, points: Tensor) -> None:
    control = gt.Control()
    callback = At(3, lambda run: control.stop())
    run = quick(point_game(), points, steps=50, callbacks=[callback], control=control)
    assert (run.step, run.ended) == (3, "stopped") and callback.told == ["start", "end stopped"]


def test_an_error_in_a_callback_is_not_swallowed(point_game: Make, points: Tensor) -> None:
    def fail(run: gt.Run) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        quick(point_game(), points, callbacks=[At(2, fail)])


def test_another_thread_pauses_steps_one_network_and_lets_go(point_game: Make, points: Tensor) -> None:
    control, kept, reached = gt.Control(), {}, threading.Event()

    class Told(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            kept[run.step] = {name: v.clone() for name, v in run.gan.state_dict().items()}
            if run.step == 2:
                control.pause()
                reached.set()

    def drive() -> None:
        reached.wait(10)
        time.sleep(0.1)
        kept["paused at"] = max(kept)
        control.step("discriminator")
        control.step("generator")
        while 4 not in kept:
            time.sleep(0.005)
        control.resume()

    thread = threading.Thread(target=drive)
    thread.start()
    run = quick(point_game(), points, steps=8, callbacks=[Told()], control=control)
    thread.join(10)
    moved = [
        {n.split(".")[0] for n in kept[s] if not torch.equal(kept[s][n], kept[s - 1][n])}
        for s in (2, 3, 4, 5)
    ]
    both = {"generator", "discriminator"}
    assert kept["paused at"] == 2 and run.step == 8
    assert moved == [both, {"discriminator"}, {"generator"}, both]
    assert run.history.column("generator")[0] == [0, 1, 3, 4, 5, 6, 7]


def test_a_learning_rate_changes_while_training(point_game: Make, points: Tensor) -> None:
    control, kept = gt.Control(), {}

    class Freeze(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            kept[run.step] = {name: v.clone() for name, v in run.gan.state_dict().items()}
            if run.step == 3:
                control.set_learning_rate("discriminator", 0.0)

    quick(point_game(), points, steps=6, callbacks=[Freeze()], control=control)
    still = [
        all(torch.equal(kept[s][n], kept[s - 1][n]) for n in kept[s] if n.startswith("disc"))
        for s in range(2, 7)
    ]
    assert still == [False, False, True, True, True]
    assert not torch.equal(kept[6]["generator.layers.0.weight"], kept[5]["generator.layers.0.weight"])


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
    with pytest.raises(gt.InputError, match="no 'critic'; it has discriminator"):
        run.history.column("critic")


def test_losses_of_shape_one_are_recorded_like_plain_numbers(points: Tensor) -> None:
    def loss(gan: gt.GAN, batch: Any) -> dict[str, Tensor]:
        return {"total": gan.line(batch.real).mean(0), "other": batch.real.mean().double()}

    run = quick(gt.GAN.of({"line": nn.Linear(2, 1)}, [gt.Turn("line", loss)]), points)
    assert len(run.history.column("line")[1]) == len(run.history.column("line.other")[1]) == 4


@pytest.mark.parametrize("half_life", [0, 40, 10_000])
def test_averaging_has_its_half_life_in_images(half_life: float, point_game: Make, points: Tensor) -> None:
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
    run = quick(gan, points, steps=40, half_life=half_life, callbacks=[Keep()])
    decays = [2.0 ** (-16 / min(half_life, 0.1 * 16 * (t + 1))) if half_life else 0.0 for t in range(40)]
    weights = [(1 - decays[t]) * math.prod(decays[t + 1 :]) for t in range(40)]
    expected = math.prod(decays) * start + sum((w * k for w, k in zip(weights, kept, strict=True)), 0 * start)
    found = torch.nn.utils.parameters_to_vector(run.generator.parameters()).double()
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.equal(found, kept[-1]) == (half_life == 0)


# --- divergence ---------------------------------------------------------------------------------------------


def poisoned(step: int, gradient_only: bool = False) -> gt.objectives.Objective:
    """Non-saturating until a step; from then on the loss, or only its gradient, is not a number."""
    calls = {"count": -1}  # the rehearsal calls once

    def generator(real: Tensor, fake: Tensor) -> Tensor:
        calls["count"] += 1
        loss = gt.objectives.generator_non_saturating(real, fake)
        if calls["count"] < step:
            return loss
        return loss + (0 * fake).mean().sqrt() if gradient_only else loss / 0 * 0

    return gt.objectives.Objective("poisoned", gt.objectives.discriminator_cross_entropy, generator)


def test_a_loss_that_is_not_finite_ends_the_training_with_the_last_good_weights(
    point_game: Make, points: Tensor
) -> None:
    callback = At(0, interrupt)
    with pytest.raises(
        gt.TrainingDiverged, match=r"the generator .*at step 130\b.*back to step 100\b"
    ) as error:
        quick(point_game(poisoned(130)), points, steps=500, callbacks=[callback])
    run = error.value.run
    assert "\n" not in str(error.value) and isinstance(run, gt.Run)
    assert run.ended == "diverged at step 130" and callback.told == ["start", "end diverged at step 130"]
    assert run.sample(50).isfinite().all()
    good = quick(point_game(poisoned(10**9)), points, steps=100)
    assert torch.equal(run.sample(50), good.sample(50))  # exactly the weights of step 100
    assert math.isnan(run.history.column("generator")[1][-1])


@pytest.mark.parametrize("step", [57, 100])
def test_weights_that_break_before_the_loss_does_are_not_taken_for_good(
    step: int, point_game: Make, points: Tensor
) -> None:
    """At step 100, where the weights are copied, the loss is still finite and the weights are not."""
    with pytest.raises(
        gt.TrainingDiverged, match=rf"at step {step + 1}\b.*weights of the generator are not finite"
    ) as e:
        quick(point_game(poisoned(step, gradient_only=True)), points, steps=500)
    assert e.value.run.sample(50).isfinite().all()


def test_a_real_divergence_is_caught(points: Tensor, point_game: Make) -> None:
    with pytest.raises(gt.TrainingDiverged, match="lower learning rate") as error:
        quick(
            point_game(gt.objectives.wasserstein(10.0)),
            points,
            steps=400,
            optimizer=lambda parameters: torch.optim.SGD(parameters, lr=100.0),
        )
    assert error.value.run.sample(5).isfinite().all()


def test_an_interrupt_in_the_middle_of_a_step_lets_it_end(interruptible: None) -> None:
    visits = []

    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, torch.Tensor]:
        visits.append(1)
        if len(visits) == 6:
            signal.raise_signal(signal.SIGINT)
        return {"total": gan.networks["line"](batch.real).square().mean()}

    game = gt.GAN.of({"line": nn.Linear(2, 1)}, [gt.Turn("line", loss, times=2)])
    run = gt.train(game, torch.randn(64, 2), steps=50, progress=False)
    assert run.ended == "interrupted" and len(visits) % 2 == 1 and run.step == (len(visits) - 1) // 2


def test_networks_are_trained_in_training_mode(point_game: Make, points: Tensor) -> None:
    gan = point_game().eval()
    quick(gan, points, steps=1)
    assert gan.training is False and all(net.training for net in gan.networks.values())
