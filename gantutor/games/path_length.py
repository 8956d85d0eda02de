"""Path-length regularisation of a generator (StyleGAN2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import apply
from gantutor._checks import checked, integer, number, validate
from gantutor._conditions import rows
from gantutor._errors import InputError, type_name
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Penalty

Trace = Callable[[Any, Tensor, Any], tuple[Tensor, Tensor]]
"""``trace(generator, z, condition)`` gives samples (N, …) and the latents w that they were computed from."""


def trace_mapping(generator: Any, latent: Tensor, condition: Any = None) -> tuple[Tensor, Tensor]:
    """Return the samples of a generator that consists of a mapping and a synthesis, and its latents w.

    w = mapping(z) or mapping(z, condition), and samples = synthesis(w), as in StyleGAN.

    Args:
        generator: a network with the networks ``mapping`` and ``synthesis``.
        latent: latents z, (N, …).
        condition: labels or other conditions for the mapping, or None.

    Returns:
        The samples, (N, …), and the latents w, (N, D) or (N, layers, D).

    Raises:
        InputError: if the generator has no networks of these names.

    >>> generator = nn.Module()
    >>> generator.mapping, generator.synthesis = nn.Linear(4, 2), nn.Linear(2, 3)
    >>> [part.shape for part in trace_mapping(generator, torch.zeros(5, 4))]
    [torch.Size([5, 3]), torch.Size([5, 2])]
    """
    if not (hasattr(generator, "mapping") and hasattr(generator, "synthesis")):
        raise InputError(
            f"the generator, a {type_name(generator)}, has no networks 'mapping' and 'synthesis': give "
            "trace=, a function of (generator, z, condition) that returns samples and w"
        )
    w = apply(generator.mapping, latent, condition)
    w = w if w.requires_grad else w.requires_grad_()  # a mapping without weights, such as nn.Identity
    return apply(generator.synthesis, w), w


def path_lengths(samples: Tensor, w: Tensor) -> Tensor:
    """Return ‖J_wᵀ y‖₂ of each sample, with one random y ~ N(0, I) each, differentiable.

    J_w = ∂G(w)/∂w; J_wᵀ y = ∇_w (G(w) · y): Karras et al. 2020, arXiv:1912.04958, equation 4. As in the
    paper's code, y is divided by the square root of the number of pixels, and where w has one row for each
    layer, the square is a mean over the layers.

    It takes the gradient of a sum over the batch. That is the gradient of each sample as long as the
    generator does not couple the samples of a batch.

    Args:
        samples: what the generator made of w, (N, …): (N, C, H, W) for images.
        w: the latents, (N, D) or (N, layers, D), with the graph that leads to the samples.

    Returns:
        One length per sample, (N,).

    >>> w = torch.randn(4, 2, requires_grad=True)
    >>> path_lengths(w * 0, w).shape
    torch.Size([4])
    """
    pixels = math.prod(samples.shape[2:])
    noise = torch.randn_like(samples) / math.sqrt(pixels)
    (gradient,) = torch.autograd.grad((samples * noise).sum(), w, create_graph=True)
    squares = gradient.square().sum(-1).reshape(len(w), -1).mean(1)  # (N,)
    return (squares + 1e-12).sqrt()  # the square root has no gradient at 0


class PathLength(nn.Module):
    """The penalty E (‖J_wᵀ y‖₂ − a)² on a generator, where a is a running mean of the lengths ‖J_wᵀ y‖₂.

    Karras et al. 2020, arXiv:1912.04958, equation 4. A step in w then changes the image by a similar amount
    everywhere and in all directions. The mean is a buffer: it is saved and resumed with the game that this
    module belongs to.

    Args:
        decay: weight of a new mean length in the running mean, above 0 and at most 1.

    Attributes:
        mean_length: the running mean a; it begins at 0.

    Raises:
        InputError: if the decay is out of range.

    >>> penalty, w = PathLength(decay=0.5), torch.randn(4, 2, requires_grad=True)
    >>> float(penalty(w * 0, w)) < 1e-6
    True
    """

    mean_length: Tensor

    def __init__(self, decay: float = 0.01) -> None:
        super().__init__()
        validate({"decay": decay}, decay=number(above=0, high=1))
        self.decay = decay
        self.register_buffer("mean_length", torch.zeros(()))

    def forward(self, samples: Tensor, w: Tensor) -> Tensor:
        """Update the running mean, and return the penalty, a scalar: see ``path_lengths``."""
        lengths = path_lengths(samples, w)
        mean_length = self.mean_length.lerp(lengths.mean().to(self.mean_length), self.decay)
        self.mean_length.copy_(mean_length.detach())
        return (lengths - mean_length).square().mean()


def path_length_loss(
    weight: float, batch_shrink: int, trace: Trace, generator: str, gan: GAN, batch: Batch
) -> Tensor:
    """Return the path-length penalty on a generator, γ · E (‖J_wᵀ y‖₂ − a)², and update the running mean a.

    Args:
        weight: the weight γ, at least 0.
        batch_shrink: the penalty is computed on one in ``batch_shrink`` of the latents, at least 1.
        trace: gives samples and w: see ``trace_mapping``.
        generator: the name of the generator.
        gan: a game with a network ``path_length``, a ``PathLength``.
        batch: latents and conditions.

    Returns:
        A scalar.

    Raises:
        InputError: if ``trace`` does not return samples and a w that requires a gradient.
    """
    some = slice(max(1, len(batch.latent) // batch_shrink))
    traced = trace(gan.networks[generator], batch.latent[some], rows(batch.condition, some))
    if not isinstance(traced, tuple) or len(traced) != 2 or not all(isinstance(t, Tensor) for t in traced):
        raise InputError(f"trace must return a pair of tensors, samples and w, not {type_name(traced)}")
    if not traced[1].requires_grad:
        raise InputError("the w that trace returns must require a gradient: do not detach it")
    penalty: Tensor = weight * gan.networks["path_length"](*traced)
    return penalty


@checked(weight=number(0, 1e30), every=integer(1), decay=number(above=0, high=1), batch_shrink=integer(1))
def with_path_length(
    gan: GAN,
    weight: float = 2.0,
    every: int = 4,
    decay: float = 0.01,
    batch_shrink: int = 2,
    trace: Trace = trace_mapping,
    generator: str | None = None,
) -> GAN:
    """Return a game with path-length regularisation of its generator added; the networks are shared.

    γ · E (‖J_wᵀ y‖₂ − a)²: Karras et al. 2020, arXiv:1912.04958, equation 4 and appendix B. The defaults are
    those of the paper's code. The running mean a is kept in a further network of the game, ``path_length``.

    Args:
        gan: the game.
        weight: the weight γ, at least 0.
        every: the penalty is computed every ``every`` steps and multiplied by ``every``; at least 1.
        decay: weight of a new mean length in the running mean a, above 0 and at most 1.
        batch_shrink: the penalty is computed on one in ``batch_shrink`` of the latents, to save time and
            memory; at least 1.
        trace: a function ``trace(generator, z, condition)`` that returns samples and the latents w that they
            were computed from. By default the generator has networks ``mapping`` and ``synthesis``.
        generator: the name of the generator; None means the game's first output.

    Raises:
        InputError: if a number is out of range, ``gan`` is no GAN, ``trace`` cannot be called, no turn
            updates the generator, or the game has a network ``path_length`` already.

    >>> from gantutor.networks import MLPDiscriminator
    >>> generator = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> def trace(generator, z, condition): w = generator[:2](z); return generator[2](w), w
    >>> game = with_path_length(GAN(generator, MLPDiscriminator((2,)), latent=8), trace=trace)
    >>> game.turns[1].penalties.keys(), float(game.path_length.mean_length)
    (dict_keys(['path_length']), 0.0)
    """
    if not isinstance(gan, GAN):
        raise InputError(f"the game must be a gantutor.GAN, not {type_name(gan)}")
    if not callable(trace):
        raise InputError(
            f"trace must be a function of (generator, z, condition) that returns samples and w, not {trace!r}"
        )
    name = gan.check_output(generator)
    if "path_length" in gan.networks:
        raise InputError("the game has a network called 'path_length' already: give that one another name")
    if not (trained := [turn for turn in gan.turns if name in turn.updates]):
        raise InputError(f"no turn of the game updates the {name}: name another generator")
    loss = partial(path_length_loss, weight, batch_shrink, trace, name)
    penalties = {**trained[0].penalties, "path_length": Penalty(loss, every)}
    turns = [replace(t, penalties=penalties) if t is trained[0] else t for t in gan.turns]
    networks = {**gan.networks, "path_length": PathLength(decay)}
    extended = GAN.of(networks, turns, gan.latent, gan.averaged, gan.outputs)
    extended.pair = gan.pair
    return extended
