"""Networks as other people write them: they train, are sampled, saved, loaded and resumed unchanged."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from checkpoint_cases import KillAt, Killed, Same
from foreign_networks import (
    CASES,
    CodeGenerator,
    DropoutDiscriminator,
    Foreign,
    SqueezingDiscriminator,
    infogan_latents,
    labels,
    make,
    translator,
    transposed_generator,
    uniform,
)
from torch import Tensor, nn
from torch.nn import Parameter
from torch.nn.functional import softplus
from torch.utils.checkpoint import checkpoint
from torch.utils.data import TensorDataset
from training_cases import At

import gantutor as gt
from gantutor.training.device import has_bfloat16

STEPS, BATCH = 4, 8
POINTS = torch.randn(16, 2, generator=torch.Generator().manual_seed(5))

each_shape = pytest.mark.parametrize("name", CASES)
needs_bfloat16 = pytest.mark.skipif(not has_bfloat16(torch.device("cpu")), reason="this CPU has no bfloat16")


def play(gan: gt.GAN, data: Any, steps: int = STEPS, **options: Any) -> gt.Run:
    usual = {"batch_size": BATCH, "snapshots": 2, "gallery": 4, "progress": False, "checkpoint_every": 0}
    return gt.train(gan, data, steps=steps, **usual | options)


def play_foreign(foreign: Foreign, **options: Any) -> gt.Run:
    return play(foreign.gan, foreign.data, **dict(foreign.options) | options)


@cache
def trained(name: str) -> gt.Run:
    """An uninterrupted training of a foreign shape."""
    return play_foreign(make(name))


def points_game(generator: nn.Module, discriminator: nn.Module | None = None, **options: Any) -> gt.GAN:
    """A game on points of a plane."""
    if discriminator is None:  # a compiled network has no truth value
        discriminator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    return gt.GAN(generator, discriminator, gt.objectives.non_saturating(), **{"latent": 2} | options)


def seeded(make_networks: Callable[[], Any], seed: int = 0) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_networks()


def finite(run: gt.Run) -> bool:
    return all(torch.tensor(run.history.column(name)[1]).isfinite().all() for name in run.history.names)


# --- the shapes of public repositories ----------------------------------------------------------------------


@each_shape
def test_it_trains_and_makes_samples(name: str) -> None:
    run, fresh = trained(name), make(name)
    assert (run.ended, run.step) == ("complete", STEPS) and finite(run)
    samples = run.sample(5, seed=7)
    assert len(samples) == 5 and samples.dtype == torch.float32 and samples.isfinite().all()
    before = {k: v for k, v in fresh.gan.named_parameters() if not nn.parameter.is_lazy(v)}
    after = dict(run.gan.named_parameters())
    for network in {network for turn in run.gan.turns for network in turn.updates}:
        moved = [not torch.equal(before[k], after[k]) for k in before if k.startswith(f"{network}.")]
        assert not moved or any(moved), network


@each_shape
def test_a_saved_run_makes_the_same_samples_in_fresh_networks(name: str, tmp_path: Path) -> None:
    run = trained(name)
    loaded = gt.Run.load(run.save(tmp_path / "run.zip"), make(name, seed=1).gan)
    for output in run.outputs:
        assert torch.equal(loaded.sample(5, seed=7, output=output), run.sample(5, seed=7, output=output))


@each_shape
def test_a_resumed_training_equals_an_uninterrupted_one(
    name: str, tmp_path: Path, same_weights: Same
) -> None:
    with pytest.raises(Killed):
        play_foreign(make(name), callbacks=[KillAt(2)], checkpoint=tmp_path)
    resumed = play_foreign(make(name, seed=1), checkpoint=tmp_path)
    assert same_weights(resumed, trained(name))
    assert resumed.history.to_json() == trained(name).history.to_json()


# --- averages -----------------------------------------------------------------------------------------------


class Mean(gt.Callback):
    """The moving average of the parameters in 64 bits, as ``ema_half_life`` documents it."""

    def __init__(self, gan: gt.GAN, half_life: float = 10_000) -> None:
        self.gan, self.half_life, self.images = gan, half_life, 0

    def on_start(self, run: gt.Run) -> None:
        self.values = {name: value.detach().double() for name, value in self.gan.named_parameters()}

    def on_step(self, run: gt.Run) -> None:
        images, self.images = run.images - self.images, run.images
        weight = 1 - 0.5 ** (images / min(self.half_life, 0.1 * run.images))
        for name, value in self.gan.named_parameters():
            self.values[name] += weight * (value.detach().double() - self.values[name])


class Rebound(nn.Module):
    """Follows the mean of its inputs in a buffer that every call replaces."""

    m: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 2)
        self.register_buffer("m", torch.zeros(2))

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.line(z)
        if self.training:
            self.m = 0.5 * self.m + 0.5 * out.detach().mean(0)
        return out - self.m


class Lists(nn.Module):
    """Parameters in lists and dicts."""

    def __init__(self) -> None:
        super().__init__()
        self.matrices = nn.ParameterList(torch.randn(2, 2) for _ in range(2))
        self.shifts = nn.ParameterDict({"first": torch.randn(2), "second": torch.randn(2)})

    def forward(self, z: Tensor) -> Tensor:
        for matrix, shift in zip(self.matrices, self.shifts.values(), strict=True):
            z = torch.tanh(z @ matrix + shift)
        return z


def old_weight_norm() -> nn.Module:
    return nn.Sequential(nn.utils.weight_norm(nn.Linear(2, 8)), nn.ReLU(), nn.Linear(8, 2))


def old_spectral_norm() -> nn.Module:
    return nn.Sequential(nn.utils.spectral_norm(nn.Linear(2, 8)), nn.ReLU(), nn.Linear(8, 2))


@pytest.mark.parametrize("make_generator", [Rebound, Lists, old_weight_norm, old_spectral_norm])
def test_an_average_that_forgets_at_once_is_the_network(make_generator: Callable[[], nn.Module]) -> None:
    run = play(points_game(make_generator()), POINTS, ema_half_life=0)
    run.gan.eval()
    assert torch.equal(run.sample(5, seed=7), run.gan.sample(5, seed=7))
    pairs = zip(run.generator.buffers(), run.gan.networks["generator"].buffers(), strict=True)
    assert all(torch.equal(average, value) for average, value in pairs)


@pytest.mark.parametrize("make_generator", [Rebound, Lists, old_weight_norm, old_spectral_norm])
def test_averages_follow_their_formula(make_generator: Callable[[], nn.Module]) -> None:
    gan = points_game(make_generator())
    mean = Mean(gan)
    run = play(gan, POINTS, steps=20, callbacks=[mean])
    for name, average in run.generator.named_parameters():
        torch.testing.assert_close(average.double(), mean.values[f"generator.{name}"], rtol=1e-5, atol=1e-6)


def test_averages_of_16_bit_weights_do_not_stand_still() -> None:
    """The weight grows by one unit in its last place every 20 steps. An average in 16 bits would round away
    each of its own moves."""

    class Rising(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.height = nn.Parameter(torch.ones(1, dtype=torch.bfloat16))

        def forward(self, z: Tensor) -> Tensor:
            return z + self.height

    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": -gan.rising.height.sum()}

    unit = 2**-7  # between neighbours of 16 bits from 1 to 2
    gan = gt.GAN.of({"rising": Rising()}, [gt.Turn("rising", loss)], latent=2, outputs=["rising"])
    mean = Mean(gan)
    optimizer = partial(torch.optim.SGD, lr=unit)

    def schedule(spent: float) -> float:
        return float(round(400 * spent) % 20 == 0)

    run = play(gan, POINTS, steps=400, optimizer=optimizer, schedule=schedule, callbacks=[mean])
    assert gan.rising.height.item() == 1 + 20 * unit
    expected = mean.values["rising.height"]
    latents = torch.zeros(1, 2)
    assert (run.generate(latents)[0, :1].double() - expected).abs() < unit
    assert (run.averaged["rising"].height.double() - expected).abs() < unit


def test_weights_of_16_bits_train_save_and_resume(tmp_path: Path, same_weights: Same) -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2)).bfloat16()

        def forward(self, z: Tensor) -> Tensor:
            out: Tensor = self.layers(z.to(self.layers[0].weight.dtype))
            return out

    def game(seed: int = 0) -> gt.GAN:
        return seeded(lambda: points_game(Half()), seed)  # type: ignore[no-any-return]

    options = {"optimizer": gt.optim.adam(0.02)}
    whole = play(game(), POINTS, **options)
    assert whole.gan.generator.layers[0].weight.dtype == torch.bfloat16
    assert not torch.equal(whole.gan.generator.layers[0].weight, game().generator.layers[0].weight)
    loaded = gt.Run.load(whole.save(tmp_path / "run.zip"), game(1))
    assert torch.equal(loaded.sample(5, seed=7), whole.sample(5, seed=7))
    with pytest.raises(Killed):
        play(game(), POINTS, callbacks=[KillAt(2)], checkpoint=tmp_path / "kept", **options)
    assert same_weights(play(game(1), POINTS, checkpoint=tmp_path / "kept", **options), whole)


def test_batch_norm_that_the_network_keeps_in_evaluation_mode_is_left_alone() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line, self.norm = nn.Linear(2, 2), nn.BatchNorm1d(2)
            self.norm.running_mean.fill_(3.0)  # type: ignore[union-attr]
            self.norm.running_var.fill_(0.25)  # type: ignore[union-attr]
            self.train()

        def train(self, mode: bool = True) -> Frozen:
            super().train(mode)
            self.norm.eval()
            return self

        def forward(self, z: Tensor) -> Tensor:
            out: Tensor = self.norm(self.line(z))
            return out

    run = play(points_game(Frozen()), POINTS, ema_half_life=0)
    for network in (run.gan.generator, run.generator):
        assert network.norm.running_mean.tolist() == [3.0, 3.0]  # type: ignore[union-attr, operator]
        assert network.norm.running_var.tolist() == [0.25, 0.25]  # type: ignore[union-attr, operator]
    assert torch.equal(run.sample(5, seed=7), run.gan.sample(5, seed=7))


def test_activations_that_a_forward_keeps_are_no_obstacle(tmp_path: Path) -> None:
    class Keeping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line, self.last, self.past = nn.Linear(2, 2), None, list[Tensor]()

        def forward(self, x: Tensor) -> Tensor:
            self.last = hidden = self.line(x)
            self.past = [*self.past[-1:], hidden * 2]
            return hidden.tanh()

    discriminator = nn.Sequential(Keeping(), nn.Linear(2, 1))
    run = play(points_game(Keeping(), discriminator), POINTS)
    assert run.sample(3).shape == (3, 2) and run.save(tmp_path / "run.zip").exists()


# --- layers in common ---------------------------------------------------------------------------------------

LATENTS = torch.randn(16, 2, generator=torch.Generator().manual_seed(6))


def same_latents(count: int, rng: torch.Generator, device: torch.device) -> Tensor:
    return LATENTS[:count]


def play_by_sgd(gan: gt.GAN, steps: int = 3, **options: Any) -> gt.Run:
    """Each batch is all of the data, in some order: a loop by hand gives the same weights up to rounding."""
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return play(gan, POINTS, steps=steps, batch_size=16, optimizer=optimizer, **options)


def agree(network: nn.Module, expected: nn.Module) -> None:
    for (name, value), other in zip(network.named_parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(
            value, other, rtol=1e-4, atol=1e-6, msg=lambda text, n=name: f"{n}: {text}"
        )


class Through(nn.Module):
    """Two layers, the first of which may belong to another network too."""

    def __init__(self, first: nn.Module, outputs: int) -> None:
        super().__init__()
        self.first, self.last = first, nn.Linear(4, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(torch.tanh(self.first(x)))
        return out


def tied_pair() -> tuple[Through, Through]:
    trunk = nn.Linear(2, 4)
    return Through(trunk, 2), Through(trunk, 1)


def test_a_layer_of_both_generator_and_discriminator_is_trained_as_by_hand() -> None:
    generator, discriminator = seeded(tied_pair)
    play_by_sgd(points_game(generator, discriminator, latent=same_latents))

    g, d = seeded(tied_pair)
    of_g, of_d = (torch.optim.SGD(network.parameters(), lr=0.1) for network in (g, d))
    for _ in range(3):
        loss = softplus(-d(POINTS)).mean() + softplus(d(g(LATENTS).detach())).mean()
        of_d.zero_grad()
        loss.backward()
        of_d.step()
        loss = softplus(-d(g(LATENTS))).mean()  # the discriminator's step has changed the generator too
        of_g.zero_grad()
        loss.backward()
        of_g.step()
    agree(generator, g)
    agree(discriminator, d)


def two_generators() -> tuple[Through, Through]:
    trunk = nn.Linear(2, 4)
    return Through(trunk, 2), Through(trunk, 2)


def meet(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
    """Both generators learn the data by regression."""
    first, second = batch.output("first"), batch.output("second")
    real = batch.real.mean(0)
    return {"total": (first - real).square().mean() + (second + real).square().mean()}


def joint_game() -> gt.GAN:
    first, second = seeded(two_generators)
    networks, turn = {"first": first, "second": second}, gt.Turn("both", meet, ("first", "second"))
    return gt.GAN.of(networks, [turn], same_latents, outputs=["first", "second"])


def test_a_layer_of_two_networks_of_one_turn_is_stepped_once() -> None:
    gan = joint_game()
    play_by_sgd(gan)
    first, second = seeded(two_generators)
    optimizer = torch.optim.SGD([*first.parameters(), *second.last.parameters()], lr=0.1)
    for _ in range(3):
        real = POINTS.mean(0)
        loss = (first(LATENTS) - real).square().mean() + (second(LATENTS) + real).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    agree(gan.first, first)
    agree(gan.second, second)


def test_a_layer_of_two_averaged_networks_is_averaged_once(tmp_path: Path) -> None:
    gan = joint_game()
    mean = Mean(gan)
    run = play_by_sgd(gan, steps=10, callbacks=[mean])
    for output in ("first", "second"):
        for name, average in run.averaged[output].named_parameters():
            expected = mean.values.get(f"{output}.{name}", mean.values[f"first.{name}"])
            torch.testing.assert_close(average.double(), expected, rtol=1e-5, atol=1e-6)
    loaded = gt.Run.load(run.save(tmp_path / "run.zip"), joint_game())
    for output in ("first", "second"):
        assert torch.equal(loaded.sample(5, output=output), run.sample(5, output=output))


def test_a_weight_of_both_networks_under_two_names_is_one_weight(tmp_path: Path) -> None:
    """The embedding of the classes in the generator is the projection in the discriminator."""

    class Labelled(nn.Module):
        def __init__(self, embedding: Parameter, outputs: int) -> None:
            super().__init__()
            self.table, self.line = embedding, nn.Linear(2, outputs)

        def forward(self, x: Tensor, classes: Tensor) -> Tensor:
            row = self.table[classes]
            return self.line(x) + row if self.line.out_features == 2 else self.line(x + row)

    def game(seed: int) -> gt.GAN:
        table = nn.Parameter(torch.randn(3, 2, generator=torch.Generator().manual_seed(seed)))
        return points_game(Labelled(table, 2), Labelled(table, 1))

    gan = game(0)
    run = play(gan, TensorDataset(POINTS, labels(3)))
    assert gan.generator.table is gan.discriminator.table
    loaded = gt.Run.load(run.save(tmp_path / "run.zip"), game(1))
    assert loaded.gan.generator.table is loaded.gan.discriminator.table
    assert torch.equal(loaded.sample(5, seed=7), run.sample(5, seed=7))


# --- networks that draw noise -------------------------------------------------------------------------------


class Noisy(nn.Module):
    """Draws noise at every call, in evaluation mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 2)

    def forward(self, z: Tensor) -> Tensor:
        noise = torch.randn_like(z) + torch.rand(1).to(z)
        out: Tensor = self.line(z + 0.3 * noise)
        return out


def noisy_game() -> gt.GAN:
    def dropping() -> nn.Module:
        return nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))

    return seeded(lambda: points_game(Noisy(), dropping()))  # type: ignore[no-any-return]


def test_samples_of_one_seed_are_the_same_and_leave_the_random_state_alone() -> None:
    run = play(noisy_game(), POINTS)
    torch.manual_seed(5)
    first = run.sample(4, seed=7)
    drawn = torch.rand(3)
    torch.manual_seed(6)
    assert torch.equal(run.sample(4, seed=7), first) and not torch.equal(run.sample(4, seed=8), first)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn)


def test_looking_at_a_training_does_not_change_it(same_weights: Same) -> None:
    class Looking(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            run.sample(3, seed=run.step)
            run.generate(torch.zeros(2, 2))
            torch.rand(run.step)

    alone = play(noisy_game(), POINTS, steps=6, snapshots=0)
    watched = play(noisy_game(), POINTS, steps=6, snapshots=6, callbacks=[Looking()])
    assert len(watched.snapshots) == 6 and same_weights(alone, watched)


def test_snapshots_show_the_same_noise() -> None:
    """What differs from picture to picture is what was learnt."""
    run = play(noisy_game(), POINTS, snapshots=4, optimizer=partial(torch.optim.SGD, lr=0.0))
    first, *others = run.snapshots
    assert all(torch.equal(first.samples, snapshot.samples) for snapshot in others)


# --- what networks return and are given ---------------------------------------------------------------------


def test_one_hot_labels_are_conditions() -> None:
    class Concatenating(nn.Module):
        def __init__(self, outputs: int) -> None:
            super().__init__()
            self.line = nn.Linear(5, outputs)

        def forward(self, x: Tensor, one_hot: Tensor) -> Tensor:
            out: Tensor = self.line(torch.cat([x, one_hot], 1))
            return out

    one_hot = F.one_hot(labels(3), 3).float()
    run = play(points_game(Concatenating(2), Concatenating(1)), TensorDataset(POINTS, one_hot))
    asked = torch.eye(3)
    latents = run.gan.draw_latent(3, torch.Generator().manual_seed(7))
    with torch.no_grad():
        expected = run.generator(latents, asked)
    assert torch.equal(run.sample(3, condition=asked, seed=7), expected)
    assert run.sample(5).shape == (5, 2)


def test_the_losses_of_several_heads_add_up() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = nn.Linear(2, 1), nn.Linear(2, 3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.near(x), self.far(x)

    generator, heads = seeded(lambda: (nn.Linear(2, 2), Heads()))
    with torch.no_grad():
        fake = generator(LATENTS)
        expected = sum(
            softplus(-r).mean() + softplus(f).mean() for r, f in zip(heads(POINTS), heads(fake), strict=True)
        )
    run = play_by_sgd(points_game(generator, heads, latent=same_latents))
    assert run.history.column("discriminator")[1][0] == pytest.approx(float(expected), rel=1e-5)


class Pair(nn.Module):
    """Returns its samples and the styles that it made them of."""

    def __init__(self) -> None:
        super().__init__()
        self.style, self.paint = nn.Linear(2, 4), nn.Linear(4, 2)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        style = torch.tanh(self.style(z))
        return self.paint(style), style


def paired_losses() -> list[gt.Turn]:
    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        fake, _ = batch.fake
        real_logits, fake_logits = gan.discriminator(batch.real), gan.discriminator(fake.detach())
        return {"total": softplus(-real_logits).mean() + softplus(fake_logits).mean()}

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        fake, style = batch.fake
        return {"total": softplus(-gan.discriminator(fake)).mean() + style.square().mean()}

    return [gt.Turn("discriminator", discriminator_loss), gt.Turn("generator", generator_loss)]


def test_a_generator_may_return_more_than_its_samples() -> None:
    networks = {"generator": Pair(), "discriminator": nn.Linear(2, 1)}
    run = play(gt.GAN.of(networks, paired_losses(), latent=2), POINTS)
    samples = run.sample(3, seed=7)
    parts = samples if isinstance(samples, tuple) else (samples,)
    assert run.step == STEPS and parts[0].shape == (3, 2)


# --- compiled and wrapped networks --------------------------------------------------------------------------


def has_compiler() -> bool:
    return shutil.which(os.environ.get("CXX", "g++")) is not None and bool(importlib.util.find_spec("torch"))


@pytest.fixture
def compiling() -> Iterator[None]:
    """Afterwards nothing is compiled any more, and the next test compiles anew."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def pixels() -> nn.Module:
    return nn.Sequential(
        *(nn.Linear(2, 8 * 16), nn.Unflatten(1, (8, 4, 4)), nn.Upsample(scale_factor=2)),
        *(nn.Conv2d(8, 3, 3, padding=1), nn.Tanh()),
    )


class Viewing(nn.Module):
    """Views the result of a convolution, which takes no other layout than torch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.say = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Linear(8 * 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.say(torch.relu(self.read(x)).view(x.size(0), -1))
        return logits


def picture_game(penalty: bool = True) -> gt.GAN:
    pair = seeded(lambda: (pixels(), Viewing()))
    return gt.GAN(*pair, gt.objectives.non_saturating(r1=float(penalty), every=2), latent=2)


PICTURES = uniform(3, 8, 8)

each_backend = pytest.mark.parametrize(
    ("backend", "penalty"), [("eager", True), ("aot_eager", False)]
)  # torch: "aot_autograd does not currently support double backward"


@each_backend
def test_compiled_networks_train_as_they_do_uncompiled(
    backend: str, penalty: bool, compiling: None, tmp_path: Path
) -> None:
    compiled = picture_game(penalty)
    for network in compiled.networks.values():
        network.compile(backend=backend)
    expected, run = play(picture_game(penalty), PICTURES), play(compiled, PICTURES)
    mine, theirs = run.weights(), expected.weights()
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-4, atol=1e-5)
    loaded = gt.Run.load(run.save(tmp_path / "run.zip"), picture_game())
    torch.testing.assert_close(loaded.sample(3), run.sample(3), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not has_compiler(), reason="there is no C++ compiler")
def test_the_default_compiler_trains_as_they_do_uncompiled(compiling: None) -> None:
    """Its backward pass frees what it has used: nobody may ask for the gradient twice."""

    def game() -> gt.GAN:
        pair = seeded(lambda: (nn.Linear(2, 2), nn.Linear(2, 1)))
        return gt.GAN(*pair, gt.objectives.non_saturating(), latent=2)

    compiled = game()
    for network in compiled.networks.values():
        network.compile()
    expected, run = play(game(), POINTS), play(compiled, POINTS)
    for name, value in expected.weights().items():
        torch.testing.assert_close(run.weights()[name], value, rtol=1e-4, atol=1e-5)


@needs_bfloat16
def test_a_view_after_a_convolution_in_mixed_precision() -> None:
    run = play(picture_game(), PICTURES, precision="bfloat16")
    assert run.step == STEPS and finite(run) and run.sample(3).dtype == torch.float32


@needs_bfloat16
@each_backend
def test_a_view_after_a_convolution_in_mixed_precision_and_compiled(
    backend: str, penalty: bool, compiling: None
) -> None:
    gan = picture_game(penalty)
    gan.discriminator.compile(backend=backend)
    run = play(gan, PICTURES, precision="bfloat16")
    assert run.step == STEPS and finite(run) and run.sample(3).dtype == torch.float32


def plain(network: nn.Module) -> nn.Module:
    return network


def compiled(network: nn.Module) -> Any:
    return torch.compile(network, backend="eager")


WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "plain": plain,
    "compiled": compiled,
    "parallel": nn.DataParallel,
    "both": lambda network: compiled(nn.DataParallel(network)),
}


@pytest.mark.parametrize("loads", ["plain", "compiled", "parallel"])
@pytest.mark.parametrize("saves", WRAPPERS)
def test_a_wrapped_network_loads_into_a_plain_one_and_the_other_way_round(
    saves: str, loads: str, compiling: None, tmp_path: Path
) -> None:
    def game(how: str, seed: int) -> gt.GAN:
        generator, discriminator = seeded(lambda: (Lists(), nn.Linear(2, 1)), seed)
        return points_game(WRAPPERS[how](generator), WRAPPERS[how](discriminator))

    run = play(game(saves, 0), POINTS)
    loaded = gt.Run.load(run.save(tmp_path / "run.zip"), game(loads, 1))
    assert torch.equal(loaded.sample(5, seed=7), run.sample(5, seed=7))
    assert torch.equal(loaded.gan.sample(5, seed=7), run.gan.sample(5, seed=7))


@pytest.mark.parametrize("goes_on", ["plain", "compiled", "parallel"])
def test_a_checkpoint_of_wrapped_networks_is_resumed(goes_on: str, compiling: None, tmp_path: Path) -> None:
    def game(how: str, seed: int = 0) -> gt.GAN:
        generator, discriminator = seeded(lambda: (Lists(), nn.Linear(2, 1)), seed)
        return points_game(WRAPPERS[how](generator), WRAPPERS[how](discriminator))

    with pytest.raises(Killed):
        play(game("compiled"), POINTS, callbacks=[KillAt(2)], checkpoint=tmp_path)
    resumed = play(game(goes_on, 1), POINTS, checkpoint=tmp_path)
    assert torch.equal(resumed.sample(5, seed=7), play(game("plain"), POINTS).sample(5, seed=7))


# --- state that is no tensor --------------------------------------------------------------------------------


class Counting(nn.Module):
    """Counts its calls in training, and keeps the count in its extra state, a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.calls = nn.Linear(2, 2), 0

    def forward(self, z: Tensor) -> Tensor:
        self.calls += self.training
        out: Tensor = self.line(z)
        return out

    def get_extra_state(self) -> dict[str, Any]:
        return {"calls": self.calls, "scale": (1.0, [2])}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.calls = state["calls"]
        assert state["scale"] == (1.0, [2])


def test_extra_state_is_saved_loaded_and_resumed(tmp_path: Path) -> None:
    def game() -> gt.GAN:
        return seeded(lambda: points_game(Counting()))  # type: ignore[no-any-return]

    whole = play(game(), POINTS)
    assert whole.gan.generator.calls > 0
    loaded = gt.Run.load(whole.save(tmp_path / "run.zip"), game())
    assert loaded.gan.generator.calls == whole.gan.generator.calls
    assert torch.equal(loaded.sample(3), whole.sample(3))
    with pytest.raises(Killed):
        play(game(), POINTS, callbacks=[KillAt(2)], checkpoint=tmp_path / "kept")
    resumed = play(game(), POINTS, checkpoint=tmp_path / "kept")
    assert resumed.gan.generator.calls == whole.gan.generator.calls


# --- what torch computes in another way ---------------------------------------------------------------------


class Checkpointed(nn.Module):
    """Recomputes its hidden layer in the backward pass."""

    def __init__(self, reentrant: bool | None) -> None:
        super().__init__()
        self.hidden, self.out, self.reentrant = nn.Linear(2, 8), nn.Linear(8, 2), reentrant

    def forward(self, z: Tensor) -> Tensor:
        if self.reentrant is None:
            hidden = torch.tanh(self.hidden(z))
        else:
            z = z.requires_grad_() if self.reentrant else z
            hidden = checkpoint(lambda x: torch.tanh(self.hidden(x)), z, use_reentrant=self.reentrant)
        out: Tensor = self.out(hidden)
        return out


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputed_activations_give_the_same_training_or_a_sentence(reentrant: bool) -> None:
    def game(how: bool | None) -> gt.GAN:
        return seeded(lambda: points_game(Checkpointed(how)))  # type: ignore[no-any-return]

    expected = play(game(None), POINTS)
    if reentrant:  # the loop asks for the gradients of some networks only, and torch drops those inside
        with pytest.raises(gt.InputError, match="use_reentrant"):
            play(game(reentrant), POINTS)
    else:
        run = play(game(reentrant), POINTS)
        for name, value in expected.weights().items():
            torch.testing.assert_close(run.weights()[name], value, rtol=1e-5, atol=1e-6)


def test_an_optimizer_that_asks_for_a_closure_is_refused_before_training() -> None:
    gan = points_game(nn.Linear(2, 2))
    before = gan.generator.weight.clone()
    with pytest.raises(gt.InputError, match="LBFGS"):
        play(gan, POINTS, optimizer=torch.optim.LBFGS)
    assert torch.equal(gan.generator.weight, before)


def test_an_assertion_in_a_network_is_the_users_own() -> None:
    class Sure(nn.Linear):
        def forward(self, z: Tensor) -> Tensor:
            assert z.shape[1] == 3
            return super().forward(z)

    with pytest.raises(AssertionError) as caught:
        play(points_game(Sure(2, 2)), POINTS)
    assert caught.traceback[-1].statement.__str__().strip() == "assert z.shape[1] == 3"


# --- other ways to call a network ---------------------------------------------------------------------------


class Listed(nn.Module):
    """Takes a list of latents and returns a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 2)

    def forward(self, latents: list[Tensor], *, truncation: float) -> dict[str, Tensor]:
        return {"image": truncation * self.line(latents[0]), "latent": latents[0]}


def test_a_call_of_its_own_adapts_any_network(tmp_path: Path) -> None:
    def game(seed: int = 0) -> gt.GAN:
        def call(network: nn.Module, inputs: Tensor, condition: Any) -> Tensor:
            image: Tensor = network([inputs], truncation=0.5)["image"]
            return image

        network = seeded(Listed, seed)
        return points_game(gt.networks.AdaptedNetwork(network, call), seeded(lambda: nn.Linear(2, 1)))

    run = play(game(), POINTS)
    latents = run.gan.draw_latent(3, torch.Generator().manual_seed(7))
    with torch.no_grad():
        expected = run.generator.network([latents], truncation=0.5)["image"]  # type: ignore[operator]
    assert torch.equal(run.sample(3, seed=7), expected)
    loaded = gt.Run.load(run.save(tmp_path / "run.zip"), game(1))
    assert torch.equal(loaded.sample(3, seed=7), run.sample(3, seed=7))


def test_a_translator_that_takes_its_condition_alone_is_adapted() -> None:
    def call(network: nn.Module, inputs: Tensor, condition: Tensor) -> Tensor:
        images: Tensor = network(condition)
        return images

    adapted = gt.networks.AdaptedNetwork(translator(), call)
    paired = gt.networks.AdaptedNetwork(nn.Conv2d(6, 1, 4), lambda net, x, y: net(torch.cat([x, y], 1)))
    gan = gt.GAN(adapted, paired, gt.objectives.least_squares(), latent=1)
    run = play(gan, TensorDataset(uniform(3, 8, 8), uniform(3, 8, 8).flip(0)))
    assert run.step == STEPS and run.sample(3).shape == (3, 3, 8, 8)


def test_a_network_of_three_arguments_is_adapted() -> None:
    parts = (6, 3, 2)

    def call(network: nn.Module, inputs: Tensor, condition: Any) -> Tensor:
        noise, category, code = inputs.split(parts, 1)
        images: Tensor = network(noise, category, code)
        return images

    generator = gt.networks.AdaptedNetwork(CodeGenerator(parts), call)
    first_head = gt.networks.AdaptedNetwork(DropoutDiscriminator(heads=(1, 3)), lambda net, x, y: net(x)[0])
    gan = gt.GAN(generator, first_head, latent=partial(infogan_latents, parts))
    assert play(gan, uniform(1, 16, 16)).sample(3).shape == (3, 1, 16, 16)


def test_a_latent_may_have_a_shape(tmp_path: Path) -> None:
    def game(seed: int = 0) -> gt.GAN:
        pair = seeded(lambda: (transposed_generator(100), SqueezingDiscriminator()), seed)
        return gt.GAN(*pair, gt.objectives.non_saturating(), latent=(100, 1, 1))

    assert game().draw_latent(3, torch.Generator()).shape == (3, 100, 1, 1)
    run = play(game(), uniform(3, 16, 16))
    loaded = gt.Run.load(run.save(tmp_path / "run.zip"), game(1))
    assert torch.equal(loaded.sample(3, seed=7), run.sample(3, seed=7))


# --- turns with options of their own ------------------------------------------------------------------------


def regression(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
    return {"total": gan.line(batch.real).square().mean()}


def offset(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
    return {"total": (gan.line(batch.real) - 5).square().mean()}


def line_game(*turns: gt.Turn) -> gt.GAN:
    return gt.GAN.of({"line": seeded(lambda: nn.Linear(2, 1))}, turns, latent=2)


def by_hand(steps: int, update: Callable[[nn.Module, int], None]) -> nn.Module:
    line: nn.Module = seeded(lambda: nn.Linear(2, 1))
    for step in range(steps):
        update(line, step)
    return line


def test_a_turn_may_have_an_optimizer_of_its_own() -> None:
    """Two turns of one network: their moments are apart, as those of two optimisers are."""
    make_adam = partial(torch.optim.Adam, lr=0.02, betas=(0.5, 0.9))
    gan = line_game(gt.Turn("near", regression, "line"), gt.Turn("far", offset, "line", optimizer=make_adam))
    play_by_sgd(gan)

    optimizers: list[Any] = []

    def update(line: Any, step: int) -> None:
        if not optimizers:
            optimizers.extend([torch.optim.SGD(line.parameters(), lr=0.1), make_adam(line.parameters())])
        for optimizer, target in zip(optimizers, (0, 5), strict=True):
            optimizer.zero_grad()
            (line(POINTS) - target).square().mean().backward()
            optimizer.step()

    agree(gan.line, by_hand(3, update))


def test_a_turn_may_have_a_schedule_of_its_own() -> None:
    gan = line_game(
        gt.Turn("near", regression, "line"),
        gt.Turn("far", offset, "line", schedule=lambda spent: 1.0 if spent < 0.5 else 0.0),
    )
    play_by_sgd(gan, steps=4)

    def update(line: Any, step: int) -> None:
        for target in (0, 5) if step < 2 else (0,):
            line.zero_grad()
            (line(POINTS) - target).square().mean().backward()
            with torch.no_grad():
                for parameter in line.parameters():
                    parameter -= 0.1 * parameter.grad

    agree(gan.line, by_hand(4, update))


def test_a_turn_may_clip_its_gradient() -> None:
    gan = line_game(gt.Turn("line", offset, max_grad_norm=0.5))
    play_by_sgd(gan)

    def update(line: Any, step: int) -> None:
        line.zero_grad()
        (line(POINTS) - 5).square().mean().backward()
        norm = torch.stack([parameter.grad.norm() for parameter in line.parameters()]).norm()
        assert norm > 0.5
        with torch.no_grad():
            for parameter in line.parameters():
                parameter -= 0.1 * parameter.grad * 0.5 / norm

    agree(gan.line, by_hand(3, update))


def test_options_of_a_turn_are_resumed(tmp_path: Path, same_weights: Same) -> None:
    def game() -> gt.GAN:
        own = {"optimizer": gt.optim.adam(0.02, (0.9, 0.99)), "schedule": gt.optim.linear_decay(0)}
        return line_game(gt.Turn("near", regression, "line"), gt.Turn("far", offset, "line", **own))

    whole = play(game(), POINTS)
    with pytest.raises(Killed):
        play(game(), POINTS, callbacks=[KillAt(2)], checkpoint=tmp_path)
    assert same_weights(play(game(), POINTS, checkpoint=tmp_path), whole)


def test_noise_of_a_loss_repeats_with_the_seed_and_is_resumed(tmp_path: Path, same_weights: Same) -> None:
    def noisy(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        noise = torch.randn(batch.real.shape, generator=batch.rng)
        return {"total": gan.line(batch.real + noise).square().mean()}

    def game() -> gt.GAN:
        return line_game(gt.Turn("line", noisy))

    whole = play(game(), POINTS)
    torch.manual_seed(99)
    assert same_weights(play(game(), POINTS), whole) and not same_weights(play(game(), POINTS, seed=1), whole)
    with pytest.raises(Killed):
        play(game(), POINTS, callbacks=[KillAt(2)], checkpoint=tmp_path)
    assert same_weights(play(game(), POINTS, checkpoint=tmp_path), whole)


def test_a_discriminator_may_be_shown_samples_made_before_the_generators_step() -> None:
    """As in PyTorch-GAN: the generator's turn first, and one generator pass a step."""
    calls = 0

    class Counted(nn.Linear):
        def forward(self, z: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            return super().forward(z)

    def generator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": softplus(-gan.discriminator(batch.fake)).mean()}

    def discriminator_loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        fake = batch.detached()
        assert not fake.requires_grad
        return {
            "total": softplus(-gan.discriminator(batch.real)).mean()
            + softplus(gan.discriminator(fake)).mean()
        }

    def pair() -> tuple[nn.Module, nn.Module]:
        return nn.Linear(2, 2), nn.Linear(2, 1)

    g, d = seeded(pair)
    of_g, of_d = (torch.optim.SGD(network.parameters(), lr=0.1) for network in (g, d))
    for _ in range(3):
        fake = g(LATENTS)
        of_g.zero_grad()
        softplus(-d(fake)).mean().backward()
        of_g.step()
        of_d.zero_grad()
        (softplus(-d(POINTS)).mean() + softplus(d(fake.detach())).mean()).backward()
        of_d.step()

    generator, discriminator = seeded(lambda: (Counted(2, 2), nn.Linear(2, 1)))
    networks = {"generator": generator, "discriminator": discriminator}
    turns = [gt.Turn("generator", generator_loss), gt.Turn("discriminator", discriminator_loss)]
    gan = gt.GAN.of(networks, turns, same_latents)
    counts: list[int] = []
    play_by_sgd(
        gan, snapshots=0, callbacks=[At(step, lambda run: counts.append(calls)) for step in (1, 2, 3)]
    )
    agree(gan.generator, g)
    agree(gan.discriminator, d)
    assert counts[2] - counts[1] == 1
