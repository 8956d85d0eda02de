"""Path-length regularisation: lengths of a linear generator in closed form, the running mean, trainings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.games import Batch, PathLength, path_lengths, with_path_length


class Linear(nn.Module):
    """mapping(z) = z · M, synthesis(w) = w · Aᵀ: the Jacobian of the synthesis is A, whatever w is."""

    def __init__(self, matrix: Tensor, mapping: nn.Module | None = None) -> None:
        super().__init__()
        self.mapping = nn.Identity() if mapping is None else mapping
        self.synthesis = nn.Linear(*reversed(matrix.shape), bias=False)
        self.synthesis.weight = nn.Parameter(matrix)

    def forward(self, z: Tensor) -> Any:
        return self.synthesis(self.mapping(z))


def noise_of(seed: int, *shape: int) -> Tensor:
    """What ``torch.randn_like`` gives after this seed."""
    torch.manual_seed(seed)
    return torch.randn(shape)


MATRIX = torch.tensor([[3.0, 0.0], [4.0, 1.0], [0.0, 2.0]])


def test_the_length_of_a_linear_generator_is_that_of_the_transposed_matrix_times_the_noise() -> None:
    w = torch.randn(5, 2, requires_grad=True)
    samples = w @ MATRIX.T
    noise = noise_of(7, 5, 3)
    torch.manual_seed(7)
    expected = (noise @ MATRIX).norm(dim=1)  # ‖Aᵀ y‖
    torch.testing.assert_close(path_lengths(samples, w), expected)


def test_the_mean_square_length_is_the_squared_norm_of_the_matrix() -> None:
    """E ‖Aᵀ y‖² = ‖A‖²_F for y ~ N(0, I)."""
    w = torch.randn(20_000, 2, requires_grad=True)
    lengths = path_lengths(w @ MATRIX.T, w)
    assert float(lengths.square().mean().detach()) == pytest.approx(float(MATRIX.square().sum()), rel=0.03)


def test_the_length_of_an_orthogonal_generator_of_one_column_is_that_of_one_normal_number() -> None:
    w = torch.randn(20_000, 1, requires_grad=True)
    lengths = path_lengths(w * torch.tensor([[0.6, 0.8]]), w)
    assert float(lengths.mean().detach()) == pytest.approx(math.sqrt(2 / math.pi), rel=0.02)  # E |N(0, 1)|


def test_pixels_are_averaged_and_channels_are_not() -> None:
    """A generator that adds w to each of 2 × 4 × 4 values: ∇ = Σ y / √16, of variance 32 / 16."""
    w = torch.randn(20_000, 1, requires_grad=True)
    images = w.view(-1, 1, 1, 1).expand(-1, 2, 4, 4)
    assert float(path_lengths(images, w).square().mean().detach()) == pytest.approx(2.0, rel=0.03)


def test_layers_are_averaged() -> None:
    one = torch.randn(6, 2, requires_grad=True)
    several = one.detach()[:, None].expand(-1, 3, -1).clone().requires_grad_()
    noise_of(1, 6, 3)
    torch.manual_seed(1)
    expected = path_lengths(one @ MATRIX.T, one)
    torch.manual_seed(1)
    torch.testing.assert_close(path_lengths(several.sum(1) @ MATRIX.T, several), expected)


def test_the_running_mean_follows_the_lengths_and_the_penalty_is_their_distance_from_it() -> None:
    penalty, mean = PathLength(decay=0.25), 0.0
    for seed in range(4):
        w = torch.randn(8, 2, requires_grad=True)
        lengths = (noise_of(seed, 8, 3) @ MATRIX).norm(dim=1)
        mean += 0.25 * (float(lengths.mean()) - mean)
        torch.manual_seed(seed)
        value = penalty(w @ MATRIX.T, w)
        assert float(value.detach()) == pytest.approx(float((lengths - mean).square().mean()), rel=1e-5)
        assert float(penalty.mean_length) == pytest.approx(mean, rel=1e-5)
        assert not penalty.mean_length.requires_grad


def test_the_gradient_of_the_penalty_is_that_of_differences() -> None:
    weight = MATRIX.double().requires_grad_()

    def penalty(matrix: Tensor) -> Tensor:
        torch.manual_seed(3)
        w = torch.ones(4, 2, dtype=torch.float64, requires_grad=True)
        fresh = PathLength(decay=0.5).double()
        return fresh(w @ matrix.T, w)

    assert torch.autograd.gradcheck(penalty, weight)


def test_a_constant_generator_has_a_finite_gradient() -> None:
    matrix = torch.zeros(3, 2, requires_grad=True)
    w = torch.randn(4, 2, requires_grad=True)
    PathLength()(w @ matrix.T, w).backward()
    assert matrix.grad is not None and bool(matrix.grad.isfinite().all())


# --- in a game ----------------------------------------------------------------------------------------------


def linear_game(**given: Any) -> gt.GAN:
    torch.manual_seed(4)
    generator = Linear(torch.randn(3, 2), nn.Linear(2, 2))
    game = gt.GAN(generator, nn.Linear(3, 1), gt.objectives.non_saturating(), latent=2)
    return with_path_length(game, **given)


def test_a_game_shares_its_networks_and_keeps_its_turns() -> None:
    plain = gt.GAN(Linear(MATRIX), nn.Linear(3, 1), gt.objectives.hinge(r1=1.0), latent=2)
    game = with_path_length(plain)
    assert game.networks["generator"] is plain.networks["generator"] and game.pair == plain.pair
    assert [turn.name for turn in game.turns] == ["discriminator", "generator"]
    assert [list(turn.penalties) for turn in game.turns] == [["r1"], ["path_length"]]
    assert game.turns[1].penalties["path_length"].every == 4 and not plain.turns[1].penalties
    assert (game.latent, game.averaged, game.outputs) == (plain.latent, plain.averaged, plain.outputs)


def test_the_penalty_of_a_game_is_weighted_and_sees_a_part_of_the_latents() -> None:
    game = linear_game(weight=3.0, batch_shrink=4, decay=1.0)
    batch = Batch(game, torch.zeros(8, 3), latent=torch.randn(8, 2))
    matrix = game.networks["generator"].synthesis.weight.detach()
    lengths = (noise_of(9, 2, 3) @ matrix).norm(dim=1)
    torch.manual_seed(9)
    value = game.turns[1].penalties["path_length"].loss(game, batch)
    assert float(value.detach()) == pytest.approx(
        3 * float((lengths - lengths.mean()).square().mean()), rel=1e-4
    )


def test_a_part_of_a_generator_can_be_traced_and_conditions_are_passed_on() -> None:
    class Conditional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mapping, self.synthesis = nn.Bilinear(2, 1, 2), nn.Linear(2, 3)

        def forward(self, z: Tensor, scale: Tensor) -> Any:
            return self.synthesis(self.mapping(z, scale))

    seen = []

    def trace(generator: Any, z: Tensor, condition: Any) -> tuple[Tensor, Tensor]:
        seen.append((z.shape, condition.shape))
        w = generator.mapping(z, condition)
        return generator.synthesis(w), w

    plain = gt.GAN(Conditional(), nn.Bilinear(3, 1, 1), latent=2)
    data = torch.utils.data.TensorDataset(torch.randn(64, 3), torch.rand(64, 1) + 1)
    for given in ({}, {"trace": trace}):
        run = gt.train(
            with_path_length(plain, every=1, **given), data, steps=3, batch_size=16, progress=False
        )
        assert all(map(math.isfinite, run.history.column("generator.path_length")[1]))
    assert set(seen) == {((8, 2), (8, 1))}


def test_a_stopped_training_goes_on_exactly_with_its_running_mean(tmp_path: Path) -> None:
    data = torch.randn(64, 3)
    given: dict[str, Any] = {"batch_size": 16, "progress": False, "snapshots": 0, "gallery": 1}

    class Stop(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 3:
                run.control.stop()

    straight = gt.train(linear_game(every=2), data, steps=8, **given)
    gt.train(linear_game(every=2), data, steps=8, checkpoint=tmp_path, callbacks=[Stop()], **given)
    resumed = gt.train(linear_game(every=2), data, steps=8, checkpoint=tmp_path, **given)
    assert all(torch.equal(value, resumed.weights()[name]) for name, value in straight.weights().items())
    assert float(straight.gan.networks["path_length"].mean_length) > 0
    assert straight.history.column("generator.path_length")[0] == [0, 2, 4, 6]
    saved = straight.save(tmp_path / "run.zip")
    again = gt.Run.load(saved, linear_game())
    assert torch.equal(again.gan.path_length.mean_length, straight.gan.path_length.mean_length)


def test_it_makes_steps_in_all_directions_of_similar_length() -> None:
    """The singular values of a linear generator come together; without the penalty they stay apart."""

    def singular_values(weight: float) -> Tensor:
        generator = Linear(torch.tensor([[5.0, 0.0], [0.0, 0.5], [0.0, 0.0]]))
        game = gt.GAN(generator, nn.Linear(3, 1), gt.objectives.non_saturating(), latent=2)
        game = with_path_length(game, weight, every=1, batch_shrink=1)
        options = {"optimizer": gt.optim.adam(3e-2), "batch_size": 64, "progress": False, "snapshots": 0}
        gt.train(game, torch.randn(256, 3), steps=300, **options)
        values: Tensor = torch.linalg.svdvals(generator.synthesis.weight.detach())
        return values

    plain, even = (singular_values(weight) for weight in (0.0, 10.0))
    assert float(even[0] / even[1]) < 0.5 * float(plain[0] / plain[1])


def test_cyclegan_s_generators_can_be_chosen() -> None:
    pairs = [nn.Linear(2, 2) for _ in range(2)], [nn.Linear(2, 1) for _ in range(2)]
    game = with_path_length(gt.games.cyclegan(*pairs[0], *pairs[1]), generator="generator_xy")
    assert [list(turn.penalties) for turn in game.turns] == [[], [], ["path_length"]]


Wrong = Callable[[gt.GAN], Any]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda game: with_path_length(game, -1.0), "weight must be a number of at least 0"),
        (lambda game: with_path_length(game, every=0), "every must be a whole number of at least 1"),
        (lambda game: with_path_length(game, decay=0.0), "decay must be a number greater than 0"),
        (lambda game: with_path_length(game, batch_shrink=0), "batch_shrink must be a whole number"),
        (lambda game: with_path_length(game, trace="w"), "trace must be a function of"),
        (lambda game: with_path_length(game, generator="g"), "no output is called 'g'"),
        (lambda game: with_path_length(with_path_length(game)), "has a network called 'path_length' already"),
        (lambda game: with_path_length(game.generator), "the game must be a gantutor.GAN, not Linear"),
        (lambda game: PathLength(2.0), "decay must be a number greater than 0 and at most 1"),
    ],
)
def test_what_does_not_fit_is_refused(make: Wrong, says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        make(gt.GAN(Linear(MATRIX), nn.Linear(3, 1), latent=2))


@pytest.mark.parametrize(
    ("trace", "says"),
    [
        (lambda generator, z, condition: generator(z), "trace must return a pair of tensors"),
        (
            lambda generator, z, condition: (generator(z), z),
            "the w that trace returns must require a gradient",
        ),
    ],
)
def test_a_trace_that_gives_no_w_is_refused_before_the_training(trace: Any, says: str) -> None:
    game = with_path_length(gt.GAN(Linear(MATRIX), nn.Linear(3, 1), latent=2), trace=trace)
    with pytest.raises(gt.InputError, match=says):
        gt.train(game, torch.randn(64, 3), steps=1, progress=False)


def test_a_generator_without_a_mapping_is_refused_before_the_training() -> None:
    game = with_path_length(gt.GAN(nn.Linear(2, 3), nn.Linear(3, 1), latent=2))
    with pytest.raises(gt.InputError, match="has no networks 'mapping' and 'synthesis': give trace="):
        gt.train(game, torch.randn(64, 3), steps=1, progress=False)
