"""The trainer: stepped by hand or run, it plays the same training; what it reads, tells and leaves alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset
from training_cases import At, interrupt

import gantutor as gt
from gantutor.training import batches
from gantutor.training.trainer import Trainer

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]
PACKAGE = Path(gt.__file__).parent


def trainer(gan: gt.GAN, data: Any, **options: Any) -> Trainer:
    options = {"batch_size": 16, "progress": False, "snapshots": 3, "gallery": 4} | options
    return Trainer(gan, data, **options)


def stepped(made: Trainer, steps: int) -> gt.Run:
    for _ in range(steps):
        made.step()
    return made.result


class Restless(Dataset[Tensor]):
    """Points that tremble: every visit of an item draws from torch's global random state."""

    def __init__(self, points: Tensor) -> None:
        self.points, self.visits = points, list[int]()

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> Tensor:
        self.visits.append(index)
        return self.points[index] + 0.01 * torch.rand(2)


def with_dropout() -> gt.GAN:
    torch.manual_seed(3)
    judge = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))
    return gt.GAN(gt.networks.MLPGenerator(2, (2,), width=8), judge, latent=2)


# --- by hand and as a whole ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["penalty that draws", "dropout", "data that draw", "parts and batch norm"])
def test_a_run_equals_as_many_steps_by_hand_to_the_bit(
    case: str, point_game: Make, image_game: Make, points: Tensor, images: Tensor, same_weights: Same
) -> None:
    games: dict[str, Callable[[], tuple[gt.GAN, Any, dict[str, Any]]]] = {
        "penalty that draws": lambda: (point_game(gt.objectives.wasserstein(), turns=2), points, {}),
        "dropout": lambda: (with_dropout(), points, {}),
        "data that draw": lambda: (point_game(), Restless(points), {}),
        "parts and batch norm": lambda: (
            image_game(4),
            TensorDataset(images, torch.arange(64) % 4),
            {"accumulate": 2},
        ),
    }
    found = []
    for by_hand in (False, True):
        gan, data, options = games[case]()
        schedule = gt.optim.linear_decay(0.2)
        made = trainer(gan, data, steps=12, schedule=schedule, ema_half_life=50, **options)
        found.append(stepped(made, 12) if by_hand else made.run())
        if by_hand:  # the budget is spent: nothing is left to do but to end
            assert made.result.ended == "training" and made.run().ended == "complete"
    whole, hand = found
    assert whole.step == hand.step == 12 and whole.images == hand.images
    assert same_weights(whole, hand) and whole.history.to_json() == hand.history.to_json()
    assert [each.step for each in whole.snapshots] == [each.step for each in hand.snapshots] == [0, 6, 12]
    for one, other in zip(whole.snapshots, hand.snapshots, strict=True):
        assert torch.equal(one.samples, other.samples)


def test_some_steps_by_hand_and_the_rest_as_a_run(
    point_game: Make, points: Tensor, same_weights: Same
) -> None:
    made = trainer(point_game(gt.objectives.wasserstein()), points, steps=10)
    stepped(made, 4)
    plain = trainer(point_game(gt.objectives.wasserstein()), points, steps=10).run()
    assert same_weights(made.run(), plain) and made.result.ended == "complete"


def test_train_is_a_trainer_that_runs(point_game: Make, points: Tensor, same_weights: Same) -> None:
    options = {"batch_size": 16, "progress": False}
    run = gt.train(point_game(), points, steps=5, **options)
    assert same_weights(run, Trainer(point_game(), points, steps=5, **options).run())


def test_an_interrupted_run_goes_on_where_it_was(
    point_game: Make, points: Tensor, same_weights: Same
) -> None:
    callback = At(3, interrupt)
    made = trainer(point_game(gt.objectives.wasserstein()), points, steps=8, callbacks=[callback])
    assert made.run().ended == "interrupted" and made.result.step == 3
    made.step()
    assert made.result.ended == "training"
    assert made.run() is made.result and (made.result.step, made.result.ended) == (8, "complete")
    assert callback.told == ["start", "end interrupted", "start", "end complete"]
    plain = trainer(point_game(gt.objectives.wasserstein()), points, steps=8).run()
    assert same_weights(made.result, plain)


# --- steps by hand ------------------------------------------------------------------------------------------


class Told(gt.Callback):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_start(self, run: gt.Run) -> None:
        self.calls.append(f"start {run.step}")

    def on_step(self, run: gt.Run) -> None:
        self.calls.append(f"step {run.step}")

    def on_end(self, run: gt.Run) -> None:
        self.calls.append(f"end {run.step}")


def test_steps_by_hand_call_the_callbacks(point_game: Make, points: Tensor) -> None:
    told = Told()
    made = trainer(point_game(), points, steps=4, callbacks=[told])
    assert not told.calls and made.result.ended == "not trained"
    stepped(made, 2)
    assert told.calls == ["start 0", "step 1", "step 2"] and made.result.ended == "training"
    made.run()
    assert told.calls[3:] == ["step 3", "step 4", "end 4"]


def test_a_step_gives_its_scalars_as_the_history_keeps_them(point_game: Make, points: Tensor) -> None:
    made = trainer(point_game(), points)
    scalars = [made.step() for _ in range(3)]
    assert scalars[0].keys() == {
        "discriminator",
        "discriminator.real_logit",
        "discriminator.fake_logit",
        "discriminator.r1",
        "generator",
    }
    for name in ("generator", "discriminator"):
        expected = [each[name].item() for each in scalars]
        assert made.result.history.column(name)[1] == pytest.approx(expected)


def poisoned(step: int) -> gt.objectives.Objective:
    calls = {"count": -1}  # the check before the training calls once

    def generator(real: Tensor, fake: Tensor) -> Tensor:
        calls["count"] += 1
        return gt.objectives.generator_non_saturating(real, fake) * (
            1 if calls["count"] < step else torch.nan
        )

    return gt.objectives.Objective("poisoned", gt.objectives.discriminator_cross_entropy, generator)


def test_steps_by_hand_have_the_nan_guard(point_game: Make, points: Tensor) -> None:
    made = trainer(point_game(poisoned(103)), points)
    stepped(made, 102)
    with pytest.raises(
        gt.TrainingDiverged, match=r"the generator .*at step 103\b.*restored to step 100\b"
    ) as error:
        stepped(made, 5)
    run = error.value.run
    assert run is made.result and run.ended == "diverged at step 103"
    good = stepped(trainer(point_game(poisoned(10**9)), points), 100)
    assert torch.equal(run.sample(50), good.sample(50))


def test_a_lack_of_memory_is_explained_in_a_step_by_hand(points: Tensor) -> None:
    class Hungry(nn.Linear):
        hungry = False

        def forward(self, x: Tensor) -> Tensor:
            if self.hungry:
                torch.empty(2**60, dtype=torch.uint8)
            return super().forward(x)

    judge = Hungry(2, 1)
    made = trainer(gt.GAN(nn.Linear(2, 2), judge, latent=2), points)
    made.step()
    judge.hungry = True
    with pytest.raises(gt.OutOfMemory, match="use a smaller batch_size than 16") as error:
        made.step()
    assert error.value.run is made.result and made.result.step == 1


def test_steps_by_hand_write_checkpoints(
    point_game: Make, points: Tensor, tmp_path: Path, same_weights: Same
) -> None:
    options: dict[str, Any] = {"steps": 6, "checkpoint": tmp_path, "checkpoint_every": 0}
    first = trainer(point_game(), points, **options)
    stepped(first, 2)
    again = trainer(point_game(), points, **options)
    assert again.result.step == 2 and same_weights(first.result, again.result)
    stepped(first, 4)
    assert same_weights(first.result, again.run())


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_a_step_of_one_network_plays_its_turn_alone(name: str, point_game: Make, points: Tensor) -> None:
    made = trainer(point_game(turns=2), points)
    before = {key: value.clone() for key, value in made.gan.state_dict().items()}
    scalars = made.step(name)
    after = made.gan.state_dict()
    moved = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert moved == {name} and {key.split(".")[0] for key in scalars} == {name}
    assert made.result.step == 1 and made.result.images == 16
    assert made.result.history.names == list(scalars)


def test_the_discriminator_is_at_most_five_frames_of_the_package_below_the_run(points: Tensor) -> None:
    """Whoever reads from ``run`` down to the forward pass of a network has little to read."""
    depths = []

    class Deep(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            names = [
                frame.function for frame in inspect.stack(0) if Path(frame.filename).is_relative_to(PACKAGE)
            ]
            if "run" in names:  # innermost first
                depths.append(names.index("run"))
            return super().forward(x)

    trainer(gt.GAN(nn.Linear(2, 2), Deep(2, 1), gt.objectives.hinge(), latent=2), points, steps=2).run()
    assert depths and max(depths) <= 5


# --- what it reads ------------------------------------------------------------------------------------------


def reader() -> tuple[gt.GAN, list[Tensor]]:
    """A game of one turn, and the batches that its loss has seen."""
    seen: list[Tensor] = []

    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        seen.append(batch.real.clone())
        return {"total": gan.networks["line"](batch.real).square().mean()}

    return gt.GAN.of({"line": nn.Linear(2, 1)}, [gt.Turn("line", loss)]), seen


def test_a_data_set_that_is_not_cached_is_read_for_one_batch_before_the_first_step(
    points: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_RESIDENT_BYTES", 0)
    (gan, seen), data = reader(), Restless(points)
    made = trainer(gan, data)
    assert isinstance(made.batches, batches.DatasetBatches)
    assert data.visits[0] == 0 and len(data.visits) == 1 + 16  # the size of an item, and one batch
    assert len(seen) == 1  # the check before the training
    made.step()
    assert len(data.visits) == 1 + 16 and torch.equal(seen[0], seen[1])
    made.step()
    assert len(data.visits) == 1 + 2 * 16 and not torch.equal(seen[1], seen[2])
    assert len(set(data.visits[1:])) == 2 * 16


def test_an_iterable_is_begun_once_and_no_batch_of_it_is_lost(points: Tensor) -> None:
    class Endless:
        begun = 0

        def __iter__(self) -> Iterator[Tensor]:
            self.begun += 1
            return iter(points.split(16))

    (gan, seen), data = reader(), Endless()
    made = trainer(gan, data)
    assert data.begun == 1
    stepped(made, 16)
    assert data.begun == 1 and torch.equal(torch.cat(seen[1:]), points)
    made.step()
    assert data.begun == 2 and torch.equal(seen[-1], points[:16])


# --- what it leaves alone -----------------------------------------------------------------------------------


class Nosy(gt.Callback):
    """Draws and seeds as it pleases."""

    def on_start(self, run: gt.Run) -> None:
        torch.manual_seed(run.step)
        torch.rand(5)
        run.sample(3)

    on_step = on_end = on_pause = on_start


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_callback_that_draws_random_numbers_changes_nothing(
    by_hand: bool, point_game: Make, points: Tensor, same_weights: Same
) -> None:
    found = []
    for callbacks in ([], [Nosy()]):
        made = trainer(with_dropout(), points, steps=8, callbacks=callbacks)
        found.append(stepped(made, 8) if by_hand else made.run())
    assert same_weights(*found)


def test_what_others_draw_between_the_steps_changes_nothing(points: Tensor, same_weights: Same) -> None:
    plain, watched = (trainer(with_dropout(), points) for _ in range(2))
    stepped(plain, 6)
    for seed in range(6):
        torch.manual_seed(seed)
        watched.step()
    assert same_weights(plain.result, watched.result)


@pytest.mark.parametrize("evaluated", [False, True])
@pytest.mark.parametrize("drawing", ["dropout", "penalty", "data", "nothing"])
def test_the_global_random_state_is_left_alone(
    drawing: str, evaluated: bool, point_game: Make, points: Tensor
) -> None:
    gan = {"dropout": with_dropout, "penalty": lambda: point_game(gt.objectives.wasserstein())}.get(
        drawing, point_game
    )()
    if evaluated:
        gan.eval()  # the training puts its networks in training mode, in which they draw
    before = torch.get_rng_state()
    made = trainer(gan, Restless(points) if drawing == "data" else points, steps=6, callbacks=[Nosy()])
    assert torch.equal(before, torch.get_rng_state())
    stepped(made, 2)
    assert torch.equal(before, torch.get_rng_state())
    made.step("generator")
    assert torch.equal(before, torch.get_rng_state())
    made.run()
    assert torch.equal(before, torch.get_rng_state())


def test_a_step_that_fails_leaves_the_global_random_state_alone_too(points: Tensor) -> None:
    def fail(run: gt.Run) -> None:
        torch.rand(3)
        raise LookupError("mine")

    made = trainer(with_dropout(), points, callbacks=[At(2, fail)])
    before = torch.get_rng_state()
    with pytest.raises(LookupError, match="mine"):
        stepped(made, 3)
    assert torch.equal(before, torch.get_rng_state())


# --- budgets ------------------------------------------------------------------------------------------------


def test_progress_is_the_fraction_of_the_steps(point_game: Make, points: Tensor) -> None:
    made, seen = trainer(point_game(), points, steps=4), []
    assert made.result.progress == 0
    for _ in range(6):
        made.step()
        seen.append(made.result.progress)
    assert seen == [0.25, 0.5, 0.75, 1, 1, 1]


def test_progress_is_the_fraction_of_the_seconds_of_training(point_game: Make, points: Tensor) -> None:
    made = trainer(point_game(), points, seconds=1000.0)
    stepped(made, 3)
    assert 0 < made.result.progress == made.result.seconds / 1000
    made.result.seconds = 2000.0
    assert made.result.progress == 1


def test_progress_without_a_budget_is_1(point_game: Make, points: Tensor) -> None:
    assert stepped(trainer(point_game(), points), 1).progress == 1
    assert gt.Run(point_game()).progress == 1


def test_without_a_budget_it_steps_and_refuses_to_run(point_game: Make, points: Tensor) -> None:
    made = trainer(point_game(), points, snapshots=5)
    stepped(made, 3)
    assert made.result.step == 3 and [each.step for each in made.result.snapshots] == [0]
    with pytest.raises(gt.InputError, match=r"^a training needs a budget: pass either steps= or seconds=$"):
        made.run()
    made.step()
    assert made.result.step == 4 and made.result.ended == "training"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 3, "seconds": 3.0}, "a training needs a budget: pass either steps= or seconds="),
        ({"schedule": gt.optim.linear_decay()}, "a schedule needs a budget: pass steps= or seconds="),
    ],
)
def test_budgets_that_do_not_fit_are_refused(
    options: dict[str, Any], said: str, point_game: Make, points: Tensor
) -> None:
    with pytest.raises(gt.InputError, match=f"^{said}$"):
        trainer(point_game(), points, **options)


# --- other turns --------------------------------------------------------------------------------------------


def test_other_turns_of_the_same_networks_take_over(points: Tensor, point_game: Make) -> None:
    made = trainer(point_game(gt.objectives.non_saturating()), points)
    before = made.step()
    state = torch.get_rng_state()
    made.replace_turns(gt.games.classical_turns(gt.objectives.wasserstein(), discriminator_turns=2))
    after = made.step()
    assert after.keys() - before.keys() == {"discriminator.gradient_penalty"}
    assert torch.equal(state, torch.get_rng_state())  # the new penalty draws; outside nothing is seen of it


def test_turns_of_other_networks_are_refused(points: Tensor, point_game: Make) -> None:
    made = trainer(point_game(), points)
    with pytest.raises(gt.InputError, match="the turns must update the networks discriminator, generator"):
        made.replace_turns(made.gan.turns[:1])
    assert made.step().keys() >= {"generator", "discriminator"}
