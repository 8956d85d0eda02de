"""Flow matching: a network learns the velocity from noise to data by regression, without a discriminator."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from gantutor._calling import as_float32
from gantutor._checks import checked, number
from gantutor._errors import InputError, type_name
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Latent, Losses, Turn
from gantutor.networks.flow import Flow


@checked(spread=number(above=0))
def flow_matching_loss(gan: GAN, batch: Batch, spread: float = 1.0) -> Losses:
    """Return the squared error of the velocity on straight lines from data to noise.

    E |v(x_t, t) − (z − x)|² with x_t = (1 − t) x + t z (Liu, Gong & Liu 2022, arXiv:2209.03003, equation 1).
    Times are logit-normal: sigmoid(spread · ε), ε ~ N(0, 1), which prefers the middle (Esser et al. 2024,
    arXiv:2403.03206, section 3.1).

    Args:
        gan: the game, whose network ``generator`` is a ``Flow``.
        batch: data x in ``real``, noise z of the same shape in ``latent``, and conditions.
        spread: standard deviation of the logit of t, above 0.

    Returns:
        ``total``, the loss.
    """
    data, noise = batch.real, batch.latent
    if data.shape != noise.shape:
        shapes = f"data of shape {tuple(data.shape)} and noise of shape {tuple(noise.shape)}"
        raise InputError(f"a flow needs noise of the shape of its data, not {shapes}")
    device = data.device
    time = torch.sigmoid(spread * torch.randn(len(data), generator=batch.rng, device=device))
    place = time.view(-1, *[1] * (data.dim() - 1))
    points = (1 - place) * data + place * noise
    condition = () if batch.condition is None else (batch.condition,)
    flow = gan.networks["generator"]
    assert isinstance(flow, Flow)
    velocity: Tensor = as_float32(flow.velocity(points, time, *condition))
    return {"total": (velocity - (noise - data)).square().mean()}


@checked(spread=number(above=0))
def flow_matching(flow: Flow, latent: Latent, spread: float = 1.0) -> GAN:
    """Return the game of one player, a flow that learns by flow matching.

    Args:
        flow: the generator.
        latent: the shape of the data, for instance (1, 28, 28), or 2 for points in the plane.
        spread: standard deviation of the logit of the times, above 0.

    Raises:
        InputError: if the flow is none, the latent is out of range, or the spread is not above 0.

    >>> from gantutor import networks
    >>> game = flow_matching(networks.Flow(networks.FlowUNet()), latent=(1, 28, 28))
    >>> game.outputs, [turn.name for turn in game.turns]
    (('generator',), ['generator'])
    """
    if not isinstance(flow, Flow):
        raise InputError(f"flow must be a gantutor.networks.Flow, not {type_name(flow)}")
    return GAN.of(
        {"generator": flow}, [Turn("generator", partial(flow_matching_loss, spread=spread))], latent
    )
