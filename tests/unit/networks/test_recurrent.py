"""Networks for sequences: shapes, gradients of gradients, repeatable letters, Gumbel noise against scipy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

import gantutor as gt
from gantutor.networks.name_generator import gumbel_noise, straight_through

nets = gt.networks
DISCRIMINATORS: dict[str, Callable[[], nn.Module]] = {
    "GRU": lambda: nets.GRUDiscriminator(3, hidden=8),
    "convolutional": lambda: nets.SequenceConvDiscriminator(3, length=10, channels=8),
}


@pytest.mark.parametrize(("features", "length"), [(1, 2), (5, 24), (27, 11)])
def test_shapes(features: int, length: int) -> None:
    series = nets.GRUGenerator(4, features, length, hidden=8)(torch.randn(6, 4))
    assert series.shape == (6, length, features)
    assert nets.GRUDiscriminator(features, hidden=8)(series).shape == (6,)
    assert nets.SequenceConvDiscriminator(features, length, channels=8)(series).shape == (6,)
    names = nets.NameGenerator(4, features + 1, length, hidden=8)
    assert names(torch.randn(6, names.inputs)).shape == (6, length, features + 1)


def test_fresh_noise_moves_its_own_step_and_those_after_it_alone() -> None:
    generator = nets.FreshNoiseGRUGenerator(2, 3, 10, hidden=8)
    latent = torch.randn(4, generator.inputs)
    changed = latent.clone()
    changed[:, 2 * 6 : 2 * 7] += 1  # the noise of step 6
    moved = (generator(changed) - generator(latent)).abs().sum((0, 2))
    assert bool((moved[:6] == 0).all()) and bool((moved[6:] > 0).all())


def test_the_output_activation_bounds_the_series() -> None:
    generator = nets.GRUGenerator(4, 2, 10, output=nn.Sigmoid)
    nn.init.normal_(generator.head.weight, std=10)
    series = generator(torch.randn(6, 4)).detach()
    assert 0 <= float(series.min()) < 0.2 and 0.8 < float(series.max()) <= 1


def test_the_generator_knows_where_it_is() -> None:
    generator = nets.GRUGenerator(4, 2, 10).double()
    latent = torch.randn(3, 4, dtype=torch.float64)
    state, inputs = generator.start(latent).tanh(), []
    for position in torch.linspace(-1, 1, 10, dtype=torch.float64):
        step = torch.cat([latent, position.expand(3, 1)], 1)[:, None]
        output, next_state = generator.cell(step, state[None])
        state = next_state[0]
        inputs.append(generator.head(output[:, 0]))
    torch.testing.assert_close(generator(latent), torch.stack(inputs, 1), atol=1e-7, rtol=0)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_r1_reaches_every_weight_that_shapes_the_slope(name: str) -> None:
    discriminator, real = DISCRIMINATORS[name](), torch.randn(6, 10, 3)
    penalty = gt.objectives.r1_penalty(1.0)(discriminator, real, real)
    penalty.backward()
    assert float(penalty.detach()) > 0
    for name_of, weight in discriminator.named_parameters():
        if name_of.startswith("cell") or (name_of.endswith("weight") and "body.0" not in name_of):
            assert weight.grad is not None and bool(weight.grad.abs().sum() > 0), name_of


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_gradients_of_gradients_are_right(name: str) -> None:
    discriminator = DISCRIMINATORS[name]().double()
    series = torch.randn(2, 10, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(discriminator, (series,), atol=1e-6)


def test_the_penalty_is_that_of_the_slope_found_by_steps() -> None:
    discriminator = nets.GRUDiscriminator(1, hidden=4).double()
    series, step = torch.randn(1, 5, 1, dtype=torch.float64), 1e-6
    moves = torch.eye(5, dtype=torch.float64).view(5, 5, 1) * step
    slope = (discriminator(series + moves) - discriminator(series - moves)) / (2 * step)
    found = gt.objectives.r1_penalty(2.0)(discriminator, series, series)
    assert float(found.detach()) == pytest.approx(float(slope.square().sum().detach()), rel=1e-6)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_few_steps_of_training(name: str) -> None:
    generator = nets.GRUGenerator(4, 3, 10, hidden=8)
    gan = gt.GAN(generator, DISCRIMINATORS[name](), gt.objectives.non_saturating(r1=0.1, every=2), latent=4)
    run = gt.train(gan, torch.randn(32, 10, 3), steps=4, batch_size=16, seed=0, progress=False)
    assert run.sample(5).shape == (5, 10, 3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_r1_on_a_gpu_is_that_of_the_cpu(name: str) -> None:
    discriminator, real = DISCRIMINATORS[name](), torch.randn(6, 10, 3)
    penalty = gt.objectives.r1_penalty(1.0)
    here = float(penalty(discriminator, real, real).detach())
    there = penalty(discriminator.cuda(), real.cuda(), real.cuda())
    there.backward()
    assert float(there.detach()) == pytest.approx(here, rel=1e-3)
    assert torch.allclose(
        discriminator(real.cuda()), discriminator(real.cuda().requires_grad_(True)), atol=1e-4
    )


# --- names --------------------------------------------------------------------------------------------------


def test_a_latent_always_spells_the_same_name_and_leaves_the_random_state_alone() -> None:
    generator = nets.NameGenerator(4, 27, 9, hidden=16)
    latent, before = torch.randn(8, generator.inputs), torch.get_rng_state()
    one, other = generator(latent), generator.eval()(latent)
    assert torch.equal(one, other) and torch.equal(before, torch.get_rng_state())
    assert not torch.equal(one, generator(torch.randn(8, generator.inputs)))


def test_letters_are_one_hot_and_spread_as_the_softmax_says() -> None:
    generator = nets.NameGenerator(2, 4, 1, hidden=4)
    with torch.no_grad():
        generator.head.weight.zero_()
        generator.head.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).log())
        letters = generator(torch.randn(40_000, generator.inputs))[:, 0]
    assert torch.allclose(letters.amax(1), torch.ones(()), atol=1e-6)
    assert bool(((letters != 0).sum(1) == 1).all())
    assert letters.mean(0).tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.01)


def test_the_noise_is_gumbels() -> None:
    normal = torch.linspace(-6, 6, 101, dtype=torch.float64)
    expected = stats.gumbel_r.ppf(stats.norm.cdf(normal.numpy()))
    assert gumbel_noise(normal).tolist() == pytest.approx(expected.tolist(), rel=1e-7, abs=1e-7)
    assert bool(gumbel_noise(torch.tensor([-100.0, 5.6, 100.0])).isfinite().all())
    drawn = gumbel_noise(torch.randn(5000)).numpy()
    assert stats.kstest(drawn, "gumbel_r").pvalue > 0.01


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_gradient_is_that_of_the_softmax(temperature: float) -> None:
    logits = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 5, dtype=torch.float64)
    (found,) = torch.autograd.grad((straight_through(logits, temperature) * weights).sum(), logits)
    (soft,) = torch.autograd.grad(((logits / temperature).softmax(1) * weights).sum(), logits)
    assert torch.allclose(found, soft)
    assert torch.equal(straight_through(logits, temperature).argmax(1), logits.argmax(1))


@pytest.mark.parametrize("which", ["names", "series"])
def test_gradients_reach_every_weight(which: str) -> None:
    generator: Any = nets.NameGenerator(4, 6, 5) if which == "names" else nets.GRUGenerator(4, 6, 5)
    latent = torch.randn(8, generator.inputs if which == "names" else 4, requires_grad=True)
    (generator(latent) * torch.randn(8, 5, 6)).sum().backward()
    assert latent.grad is not None and bool((latent.grad.abs().sum(1) > 0).all())
    for name, weight in generator.named_parameters():
        assert weight.grad is not None and bool(weight.grad.abs().sum() > 0), name


def test_names_train_against_a_convolutional_discriminator() -> None:
    generator = nets.NameGenerator(4, 6, 5, hidden=8)
    discriminator = nets.SequenceConvDiscriminator(6, 5, channels=8)
    real = torch.eye(6)[torch.randint(6, (32, 5))]
    gan = gt.GAN(generator, discriminator, gt.objectives.non_saturating(r1=0.2), latent=generator.inputs)
    run = gt.train(gan, real, steps=3, batch_size=16, seed=0, progress=False)
    assert torch.equal(run.sample(4, seed=1), run.sample(4, seed=1))


def test_teacher_forcing_asks_for_the_letters_that_sampling_draws() -> None:
    """Fed its own names, the network gives the logits by which it chose them, whatever comes later."""
    generator = nets.NameGenerator(4, 6, 5, hidden=8)
    latent = torch.randn(50, generator.inputs)
    names = generator(latent)
    logits = generator.next_letter_logits(latent, names)
    chosen = (logits + gumbel_noise(latent[:, 4:]).view(-1, 5, 6)).argmax(2)
    assert torch.equal(chosen, names.argmax(2))
    changed = names.clone()
    changed[:, 3] = changed[:, 3].roll(1, 1)
    moved = (generator.next_letter_logits(latent, changed) - logits).abs().sum((0, 2))
    assert bool((moved[:4] == 0).all()) and float(moved[4].detach()) > 0
    with pytest.raises(gt.InputError, match=r"names must have shape \(50, 5, 6\), not \(50, 4, 6\)"):
        generator.next_letter_logits(latent, names[:, :4])


# --- bad input ----------------------------------------------------------------------------------------------

MAKE: list[tuple[Callable[[], Any], str]] = [
    (lambda: nets.GRUGenerator(0, 5, 24), "latent must be a whole number of at least 1, not 0"),
    (lambda: nets.GRUGenerator(4, 5.0, 24), "features must be a whole number of at least 1, not 5.0"),  # type: ignore[arg-type]
    (lambda: nets.GRUGenerator(4, 5, 1), "length must be a whole number of at least 2, not 1"),
    (lambda: nets.GRUGenerator(4, 5, 24, hidden=-1), "hidden must be a whole number of at least 1"),
    (lambda: nets.GRUDiscriminator(0), "features must be a whole number of at least 1"),
    (lambda: nets.GRUDiscriminator(3, hidden=0), "hidden must be a whole number of at least 1"),
    (lambda: nets.SequenceConvDiscriminator(3, 0), "length must be a whole number of at least 2"),
    (lambda: nets.SequenceConvDiscriminator(3, 9, channels=0), "channels must be a whole number"),
    (lambda: nets.NameGenerator(letters=1), "letters must be a whole number of at least 2, not 1"),
    (lambda: nets.NameGenerator(length=0), "length must be a whole number of at least 1"),
    (lambda: nets.NameGenerator(temperature=0), "temperature must be a number greater than 0"),
    (lambda: nets.GRUDiscriminator(3)(torch.zeros(2, 9)), r"shape \(count, length, 3\), not \(2, 9\)"),
    (lambda: nets.GRUDiscriminator(3)(torch.zeros(2, 9, 2)), r"shape \(count, length, 3\), not \(2, 9, 2\)"),
    (lambda: nets.SequenceConvDiscriminator(3, 9)(torch.zeros(2, 8, 3)), r"\(count, 9, 3\), not \(2, 8, 3\)"),
    (lambda: nets.NameGenerator()(torch.zeros(2, 32)), r"shape \(count, 356\), .* noise, not \(2, 32\)"),
]


@pytest.mark.parametrize(("make", "says"), MAKE)
def test_bad_input(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_name_generator_takes_any_tensor_of_its_width() -> None:
    generator = nets.NameGenerator(2, 3, 4, hidden=4)
    spelt: Tensor = generator(torch.full((2, generator.inputs), 1e6))
    assert bool(spelt.isfinite().all())
