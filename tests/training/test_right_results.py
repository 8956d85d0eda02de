"""What a stranger's data and networks give is right: kinds of faults that were silent once."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import gantutor as gt
from gantutor.training.batches import DatasetBatches, ResidentBatches, make_batches

CPU = torch.device("cpu")
POINTS = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))


def play(gan: gt.GAN, data: Any = POINTS, steps: int = 4, **options: Any) -> gt.Run:
    settings = {"batch_size": 16, "progress": False, "snapshots": 0, "gallery": 4} | options
    return gt.train(gan, data, steps=steps, **settings)


def seeded(make: Callable[[], Any], seed: int = 0) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def lines(objective: Any = None) -> gt.GAN:
    made = seeded(lambda: (nn.Linear(2, 2), nn.Linear(2, 1)))
    return gt.GAN(*made, objective or gt.objectives.non_saturating(), latent=2)


# --- 1: random augmentation is never frozen -----------------------------------------------------------------


class Items(Dataset[Tensor]):
    def __init__(self, change: Callable[[Tensor, int], Tensor]) -> None:
        self.change = change

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> Tensor:
        return self.change(torch.full((2,), float(index)), index)


RNG = np.random.default_rng(0)
CHANGES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "a flip that leaves the first item as it is": lambda x, i: x * (1 if torch.rand(()) < 0.5 else -1),
    "one item alone": lambda x, i: x + torch.rand(2) if i == 23 else x,
    "a low probability": lambda x, i: x + 1 if random.random() < 1e-3 else x,
    "numpy's global generator": lambda x, i: x + float(np.random.rand() < 1e-3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_items_that_may_change_are_read_at_every_visit(name: str) -> None:
    assert isinstance(make_batches(Items(CHANGES[name]), 8, 0, CPU), DatasetBatches)


@pytest.mark.parametrize("make", [np.random.default_rng, random.Random, np.random.RandomState])
def test_a_generator_that_the_data_set_holds_is_noticed(make: Callable[[int], Any]) -> None:
    class Own(Items):
        def __init__(self) -> None:
            self.transforms = [{"generator": make(0)}]

        def __getitem__(self, index: int) -> Tensor:
            return torch.full((2,), float(self.transforms[0]["generator"].random() < 1e-6))

    assert isinstance(make_batches(Own(), 8, 0, CPU), DatasetBatches)


def test_fixed_items_are_held_in_memory_and_reading_them_moves_no_generator() -> None:
    class Counted(Items):
        reads = 0

        def __getitem__(self, index: int) -> Tensor:
            Counted.reads += 1
            return super().__getitem__(index)

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert isinstance(make_batches(Counted(lambda x, i: x), 8, 0, CPU), ResidentBatches)
    assert torch.equal(torch.rand(1), expected) and Counted.reads <= 40 + 9


# --- 2: conditions of streams -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tensors", "loader", "data set"])
@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_run_knows_all_classes_of_its_data_before_the_first_step(kind: str, accumulate: int) -> None:
    labels = torch.arange(400) // 40  # sorted by class
    data: Any = TensorDataset(torch.randn(400, 2), labels)
    if kind == "loader":
        order = torch.randperm(400, generator=torch.Generator().manual_seed(0)).tolist()
        data = DataLoader(data, 8, sampler=order)
    elif kind == "data set":

        class Noisy(Dataset[Any]):
            def __len__(self) -> int:
                return 400

            def __getitem__(self, index: int) -> tuple[Tensor, int]:
                return torch.randn(2), int(labels[index])

        data = Noisy()

    class WithLabel(nn.Module):
        def __init__(self, outputs: int) -> None:
            super().__init__()
            self.line, self.classes = nn.Linear(2, outputs), nn.Embedding(10, outputs)

        def forward(self, x: Tensor, label: Tensor) -> Tensor:
            return self.line(x) + self.classes(label)

    gan = gt.GAN(WithLabel(2), WithLabel(1), latent=2)
    trainer = gt.Trainer(gan, data, batch_size=8, accumulate=accumulate, progress=False, gallery=64)
    assert set(trainer.result.conditions.tolist()) == set(range(10))


def test_the_conditions_of_a_long_stream_are_a_fair_sample() -> None:
    class Long(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter([(torch.zeros(2), torch.tensor(index)) for index in range(20_000)])

    batches = make_batches(Long(), 100, 0, CPU)
    batches.conditions()
    for _ in range(200):
        batches.next()
    kept = batches.conditions()
    assert len(kept) == 1000 == len(set(kept.tolist()))
    assert abs(float(kept.double().mean()) - 9999.5) < 4 * 20_000 / math.sqrt(12 * 1000)


# --- 3: shared layers ---------------------------------------------------------------------------------------


class Body(nn.Module):
    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.body(x)))


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1)


def test_the_generators_gradient_is_right_where_the_discriminator_has_moved_a_shared_layer() -> None:
    body, g_head, d_head = seeded(lambda: (nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)))
    gan = gt.GAN(Body(body, g_head), Body(body, d_head), gt.objectives.non_saturating(), latent=2)
    other = copy.deepcopy(gan)
    latents: list[Tensor] = []
    gan.latent = lambda count, rng, device: (
        latents.append(torch.randn(count, 2, generator=rng)) or latents[-1]  # type: ignore[func-returns-value]
    )
    play(gan, POINTS[:16], steps=1, optimizer=sgd)
    z = latents[-1]
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    real = POINTS[:16][order]
    generator, discriminator = other.generator, other.discriminator
    loss = gt.objectives.discriminator_cross_entropy(
        discriminator(real), discriminator(generator(z).detach())
    )
    step(loss, list(discriminator.parameters()))
    logits = discriminator(generator(z))
    step(gt.objectives.generator_non_saturating(logits, logits), list(generator.parameters()))
    for mine, theirs in zip(gan.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def step(loss: Tensor, parameters: list[nn.Parameter], rate: float = 0.1) -> None:
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.data -= rate * gradient


def test_a_layer_that_two_networks_of_a_turn_share_moves_once() -> None:
    body = seeded(lambda: nn.Linear(2, 2))
    networks = {"a": nn.Sequential(body), "b": nn.Sequential(body)}
    before = body.weight.detach().clone()

    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": (gan.networks["a"](batch.real) + gan.networks["b"](batch.real)).mean()}

    gan = gt.GAN.of(networks, [gt.Turn("both", loss, ["a", "b"])], latent=1)
    play(gan, POINTS[:16], steps=1, optimizer=sgd)
    gradient = 2 * POINTS[:16].mean(0).expand(2, 2) / 2
    torch.testing.assert_close(body.weight.detach(), before - 0.1 * gradient)


# --- 4, 18: layers and buffers of the user ------------------------------------------------------------------


def test_a_norm_that_the_networks_train_keeps_in_evaluation_mode_keeps_its_statistics() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line, self.norm = nn.Linear(2, 2), nn.BatchNorm1d(2)
            self.norm.running_mean.fill_(5.0)
            self.norm.running_var.fill_(9.0)

        def train(self, mode: bool = True) -> Frozen:
            super().train(mode)
            self.norm.eval()
            return self

        def forward(self, z: Tensor) -> Tensor:
            return self.norm(self.line(z))

    run = play(gt.GAN(Frozen(), nn.Linear(2, 1), latent=2), steps=20)
    run.sample(4)
    assert run.generator.norm.running_mean.tolist() == [5.0, 5.0]
    assert run.generator.norm.running_var.tolist() == [9.0, 9.0]


# --- 5: parameter groups ------------------------------------------------------------------------------------


def two_groups(parameters: Any) -> torch.optim.Optimizer:
    weight, bias = parameters
    return torch.optim.SGD([{"params": [weight], "lr": 0.0}, {"params": [bias], "lr": 0.1}])


def test_each_group_keeps_its_rate_also_under_a_schedule_and_a_rate_by_hand() -> None:
    gan = lines()
    weight, bias = (p.detach().clone() for p in gan.generator.parameters())
    trainer = gt.Trainer(
        gan, POINTS, steps=10, optimizer=two_groups, schedule=gt.optim.linear_decay(0.5), progress=False
    )
    run = trainer.run()
    assert torch.equal(gan.generator.weight, weight) and not torch.equal(gan.generator.bias, bias)
    groups = trainer.optimizers["generator"].param_groups
    assert [group["lr"] for group in groups] == pytest.approx([0.0, 0.1 * gt.optim.linear_decay(0.5)(0.9)])

    def tripled(parameters: Any) -> torch.optim.Optimizer:
        weight, bias = parameters
        return torch.optim.SGD([{"params": [weight], "lr": 0.1}, {"params": [bias], "lr": 0.3}])

    trainer = gt.Trainer(lines(), POINTS, optimizer=tripled, progress=False)
    trainer.control.set_learning_rate("generator", 0.6)
    trainer.step()
    rates = [group["lr"] for group in trainer.optimizers["generator"].param_groups]
    assert rates == pytest.approx([0.2, 0.6]) and run.ended == "complete"


def test_a_checkpoint_belongs_to_all_groups(tmp_path: Path) -> None:
    def groups(rate: float) -> Callable[[Any], torch.optim.Optimizer]:
        return lambda ps: torch.optim.SGD([{"params": [ps[0]], "lr": 0.1}, {"params": [ps[1]], "lr": rate}])

    play(lines(), optimizer=groups(0.2), checkpoint=tmp_path)
    with pytest.raises(gt.InputError, match="another training"):
        play(lines(), optimizer=groups(0.3), checkpoint=tmp_path)


# --- 7: uneven parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[7], [1], [8, 3]])
def test_uneven_parts_give_the_gradient_of_the_whole_batch(sizes: list[int]) -> None:
    batches = [POINTS[:size] for size in sizes]
    whole, parts = lines(), lines()
    for gan, accumulate in ((whole, 1), (parts, 2)):
        play(gan, batches, steps=len(sizes), accumulate=accumulate, optimizer=sgd, batch_size=16)
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other)


# --- 8: numpy's and Python's random numbers -----------------------------------------------------------------


class NumpyNoise(nn.Module):
    """Draws from numpy and ``random`` at every call."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.line(x + 0.1 * float(np.random.randn()) + 0.1 * random.gauss(0, 1))


class NumpyData(Dataset[Tensor]):
    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> Tensor:
        return POINTS[index] + torch.from_numpy(np.random.randn(2)).float() + random.random()


def noisy() -> gt.GAN:
    return seeded(lambda: gt.GAN(nn.Linear(2, 2), NumpyNoise(), latent=2))


class StopAt(gt.Callback):
    def __init__(self, at: int) -> None:
        self.at = at

    def on_step(self, run: gt.Run) -> None:
        np.random.rand(3), random.random()  # what a callback draws changes nothing
        if run.step == self.at:
            run.control.stop()


def test_numpy_and_random_in_data_and_networks_repeat_and_resume_bit_for_bit(tmp_path: Path) -> None:
    np.random.seed(1), random.seed(1)
    outside = np.random.get_state()[1].tolist(), random.getstate()
    whole = play(noisy(), NumpyData(), steps=12)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == outside
    np.random.seed(2), random.seed(2)
    again = play(noisy(), NumpyData(), steps=12)
    play(noisy(), NumpyData(), steps=12, checkpoint=tmp_path, callbacks=[StopAt(5)])
    resumed = play(noisy(), NumpyData(), steps=12, checkpoint=tmp_path)
    for other in (again, resumed):
        assert all(torch.equal(value, other.weights()[name]) for name, value in whole.weights().items())


# --- 9: NaN in the last step --------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["budget", "stop", "checkpoint"])
def test_a_gradient_that_is_not_finite_in_the_last_step_ends_in_divergence(stop: str, tmp_path: Path) -> None:
    class Root(nn.Linear):
        """Its gradient is infinite times zero where the argument is 0; its value is finite."""

        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + (0 * self.weight.sum()).sqrt()

    gan = gt.GAN(nn.Linear(2, 2), Root(2, 1), gt.objectives.non_saturating(), latent=2)
    before = gan.discriminator.weight.detach().clone()
    options: dict[str, Any] = {"steps": 1} if stop == "budget" else {"steps": 50, "callbacks": [StopAt(1)]}
    if stop == "checkpoint":
        options = {"steps": 50, "checkpoint": tmp_path, "checkpoint_every": 0}
    with pytest.raises(gt.TrainingDiverged) as caught:
        play(gan, **options)
    assert torch.equal(gan.discriminator.weight, before) and caught.value.run.ended == "diverged at step 1"
    assert not list(tmp_path.glob("step-*"))


# --- 10: 16 bits --------------------------------------------------------------------------------------------


def test_averages_of_bfloat16_networks_are_kept_in_float32_and_move() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(2, 2).bfloat16()

        def forward(self, z: Tensor) -> Tensor:
            return self.line(z.to(self.line.weight.dtype)).float()

    class Mean(gt.Callback):
        def __init__(self, gan: gt.GAN) -> None:
            self.gan, self.images = gan, 0
            self.value = gan.generator.line.weight.detach().double()

        def on_step(self, run: gt.Run) -> None:
            self.images += 16
            weight = 1 - 0.5 ** (16 / min(10_000, 0.1 * self.images))
            self.value = self.value + weight * (self.gan.generator.line.weight.detach().double() - self.value)

    gan = gt.GAN(Half(), nn.Linear(2, 1), latent=2)
    mean = Mean(gan)
    run = play(gan, steps=300, callbacks=[mean])
    assert run.generator.line.weight.dtype == torch.float32
    torch.testing.assert_close(run.generator.line.weight.double(), mean.value, rtol=1e-5, atol=1e-6)


# --- 15: optimisers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["of the generator", "of both", "of a part"])
def test_an_optimizer_that_holds_other_parameters_is_refused(which: str) -> None:
    gan = lines()
    held = {
        "of the generator": list(gan.generator.parameters()),
        "of both": list(gan.parameters()),
        "of a part": [gan.generator.weight],
    }[which]
    optimizer = torch.optim.Adam(held)
    with pytest.raises(gt.InputError, match="holds"):
        play(gan, optimizer=optimizer if which != "of a part" else lambda parameters: optimizer)


# --- 16: noise ----------------------------------------------------------------------------------------------


class Noise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 2)

    def forward(self, z: Tensor) -> Tensor:
        return self.line(z) + torch.randn(len(z), 2) + float(np.random.randn())


class Sampling(gt.Callback):
    def on_step(self, run: gt.Run) -> None:
        run.sample(4), run.gan.sample(4), torch.rand(1), np.random.rand(1)


def test_samples_of_a_network_that_draws_noise_repeat_and_watching_it_changes_nothing() -> None:
    def game() -> gt.GAN:
        return seeded(lambda: gt.GAN(Noise(), nn.Linear(2, 1), latent=2))

    plain = play(game(), snapshots=0)
    watched = play(game(), snapshots=4, callbacks=[Sampling()])
    assert all(torch.equal(value, watched.weights()[name]) for name, value in plain.weights().items())
    state = torch.get_rng_state()
    for sample in (plain.sample, plain.gan.sample):
        assert torch.equal(sample(4, seed=7), sample(4, seed=7))
        assert not torch.equal(sample(4, seed=7), sample(4, seed=8))
    assert torch.equal(torch.get_rng_state(), state)


# --- 17: penalties of turns that sit out --------------------------------------------------------------------


@pytest.mark.parametrize(("every", "due", "weight"), [(1, 8, 8), (4, 8, 2), (4, 6, 3), (3, 3, 1), (6, 4, 2)])
def test_a_penalty_weighs_as_much_on_average_as_if_it_were_always_added(
    every: int, due: int, weight: int
) -> None:
    played: list[tuple[int, float]] = []

    def nothing(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": 0 * gan.networks["line"](batch.real).sum()}

    def one(gan: gt.GAN, batch: gt.Batch) -> Tensor:
        return 1.0 + 0 * gan.networks["line"](batch.real).sum()

    class Total(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if "line" in run.history.last and (run.step - 1) % every == 0:
                played.append((run.step - 1, float(run.history.last["line"])))

    turn = gt.Turn("line", nothing, every=every, penalties={"p": gt.Penalty(one, every=due)})
    play(gt.GAN.of({"line": nn.Linear(2, 1)}, [turn], latent=1), steps=24, callbacks=[Total()])
    assert sum(value for _, value in played) / len(played) == pytest.approx(1.0)
    assert {value for _, value in played} <= {0.0, float(weight)}


# --- 19: outputs that are no logits -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [nn.Sigmoid(), nn.Sequential(nn.Sigmoid(), nn.Flatten(0)), nn.Softmax(1), nn.Tanh(), nn.LogSoftmax(1)],
)
def test_a_squashed_output_is_noticed(end: nn.Module) -> None:
    gan = gt.GAN(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1), end), latent=2)
    with pytest.warns(UserWarning, match="logits") as caught:
        play(gan)
    assert Path(caught[0].filename).name == Path(__file__).name


def test_an_auxiliary_output_is_noticed_and_plain_logits_are_not(recwarn: pytest.WarningsRecorder) -> None:
    class Two(nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.adversarial, self.classes = nn.Linear(2, 1), nn.Linear(2, classes)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.adversarial(x), self.classes(x)

    play(lines())
    play(gt.GAN(nn.Linear(2, 2), Two(1), latent=2))
    adapted = gt.networks.AdaptedNetwork(Two(10), lambda net, x, condition: net(x)[0])
    adapted.network.classes.requires_grad_(False)
    play(gt.GAN(nn.Linear(2, 2), adapted, latent=2))
    assert not [warning for warning in recwarn if warning.category is UserWarning]
    with pytest.warns(UserWarning, match="AdaptedNetwork"):
        play(gt.GAN(nn.Linear(2, 2), Two(10), latent=2))


# --- 20, 13: saving -----------------------------------------------------------------------------------------


def test_a_loaded_convolutional_network_makes_bit_equal_samples_in_a_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def game() -> gt.GAN:
        return gt.GAN(gt.networks.ConvGenerator(8), gt.networks.ConvDiscriminator(), latent=8)

    images = torch.rand(32, 1, 28, 28) * 2 - 1
    run = play(game(), images, steps=2, checkpoint="~/checkpoints")
    run.save("~/run.zip")
    loaded = gt.Run.load("~/run.zip", game())
    assert torch.equal(loaded.sample(16, seed=3), run.sample(16, seed=3))
    assert (tmp_path / "run.zip").is_file() and list((tmp_path / "checkpoints").glob("step-*.zip"))
    assert not Path("~").exists()


# --- turns with an optimiser to themselves ------------------------------------------------------------------


def test_a_turn_has_its_own_optimizer_schedule_and_clipping() -> None:
    norms: list[float] = []

    class Watch(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            gradients = [p.grad for p in run.gan.generator.parameters() if p.grad is not None]
            norms.append(float(torch.stack([g.norm() for g in gradients]).norm()))

    turns = gt.games.classical.classical_turns(gt.objectives.non_saturating())
    own = gt.Turn(
        "generator",
        turns[1].loss,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
        schedule=gt.optim.linear_decay(0.0),
        max_grad_norm=1e-3,
    )
    made = seeded(lambda: {"generator": nn.Linear(2, 2), "discriminator": nn.Linear(2, 1)})
    gan = gt.GAN.of(made, [turns[0], own], latent=2)
    trainer = gt.Trainer(gan, POINTS, steps=4, callbacks=[Watch()], progress=False)
    trainer.run()
    assert type(trainer.optimizers["discriminator"]) is torch.optim.Adam
    optimizer = trainer.optimizers["generator"]
    assert type(optimizer) is torch.optim.SGD and optimizer.param_groups[0]["lr"] == pytest.approx(0.25)
    assert all(norm == pytest.approx(1e-3, rel=1e-3) for norm in norms)


def test_the_training_clips_every_turn_and_a_turn_draws_from_the_seeded_generator() -> None:
    drawn: list[Tensor] = []

    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        drawn.append(torch.randn(2, generator=batch.rng))
        return {"total": 1e3 * gan.networks["line"](batch.real).mean()}

    def run() -> gt.GAN:
        gan = gt.GAN.of({"line": seeded(lambda: nn.Linear(2, 1))}, [gt.Turn("line", loss)], latent=1)
        play(gan, POINTS[:16], steps=1, optimizer=sgd, max_grad_norm=0.5)
        return gan

    before = seeded(lambda: nn.Linear(2, 1))
    gan = run()
    moved = [b - a for a, b in zip(before.parameters(), gan.networks["line"].parameters(), strict=True)]
    assert float(torch.cat([m.reshape(-1) for m in moved]).norm()) == pytest.approx(0.1 * 0.5, rel=1e-4)
    first = len(drawn)
    run()
    assert all(torch.equal(a, b) for a, b in zip(drawn[:first], drawn[first:], strict=True))
