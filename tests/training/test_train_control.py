"""A training repeats, is watched, paused and stopped, and a divergence ends it."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_cases import At, interrupt, quick

import gantutor as gt

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


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
    plain.recompute_batch_norm("generator"), watched.recompute_batch_norm("generator")
    assert same_weights(plain, watched)


def test_the_progress_line_changes_nothing(
    point_game: Make, points: Tensor, same_weights: Same, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = quick(point_game(), points, progress=True)
    assert "100%" in capsys.readouterr().out
    assert same_weights(shown, quick(point_game(), points)) and capsys.readouterr().out == ""


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
        gt.TrainingDiverged, match=r"the generator .*at step 130\b.*restored to step 100\b"
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
    """The loss is still finite and the weights are not; at step 100, where they are copied, that is seen."""
    seen_at = step if step == 100 else step + 1
    with pytest.raises(gt.TrainingDiverged) as e:
        quick(point_game(poisoned(step, gradient_only=True)), points, steps=500)
    message = str(e.value)
    assert f"at step {seen_at}" in message and "weights of the generator" in message
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
