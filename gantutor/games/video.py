"""The game of video clips: a generator that continues a first frame, against one or two discriminators."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor._checks import checked, integer, number
from gantutor._errors import InputError
from gantutor.games import classical
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Losses, Penalty, Turn

DISCRIMINATORS = ("frame_discriminator", "clip_discriminator")
"""The names of the two discriminators in the game."""

OBJECTIVE = objectives.non_saturating()


@checked(frame_r1=number(0), clip_r1=number(0), every=integer(1))
def video_gan(
    generator: nn.Module,
    frame_discriminator: nn.Module | None,
    clip_discriminator: nn.Module | None,
    latent: int = 16,
    frame_r1: float = 1.0,
    clip_r1: float = 1.0,
    every: int = 8,
) -> GAN:
    """Return the video game: a generator of clips against a discriminator of frames and one of whole clips.

    Train it on clips (N, T, C, H, W), each with its first frame (N, C, H, W) as the condition. Both
    discriminators see the first frame too. All losses are non-saturating, and the generator minimises the sum
    of its two.

    Args:
        generator: called ``generator(z, first_frame)``; gives clips (N, T, C, H, W).
        frame_discriminator: called with one frame of each clip (N, C, H, W), drawn at random from all but the
            first, and the first frame; or None.
        clip_discriminator: called with clips (N, T, C, H, W) and the first frame; or None.
        latent: dimension of the latent z, at least 1.
        frame_r1: strength γ of R1 on the frame discriminator, at least 0.
        clip_r1: strength γ of R1 on the clip discriminator, at least 0.
        every: R1 is computed every ``every`` steps and multiplied by ``every``; at least 1.

    Raises:
        InputError: if a network is not an ``nn.Module``, both discriminators are None, or a number is out of
            range.

    >>> from gantutor import networks
    >>> discriminators = networks.FrameDiscriminator(), networks.ClipDiscriminator()
    >>> game = video_gan(networks.AffineVideoGenerator(), *discriminators)
    >>> [turn.name for turn in game.turns]
    ['frame_discriminator', 'clip_discriminator', 'generator']
    """
    pair = dict(zip(DISCRIMINATORS, (frame_discriminator, clip_discriminator), strict=True))
    discriminators = {name: network for name, network in pair.items() if network is not None}
    if not discriminators:
        raise InputError("a game of clips needs a discriminator: of frames, of clips, or both")
    gammas = dict(zip(DISCRIMINATORS, (frame_r1, clip_r1), strict=True))
    turns = [
        Turn(
            name,
            partial(discriminator_loss, name),
            penalties={"r1": Penalty(partial(discriminator_r1, name, gammas[name]), every)},
        )
        for name in discriminators
    ]
    networks = {"generator": generator, **discriminators}
    return GAN.of(networks, [*turns, Turn("generator", generator_loss)], latent, outputs=("generator",))


def discriminator_loss(name: str, gan: GAN, batch: Batch) -> Losses:
    """Return the cross-entropy of one of the two discriminators.

    Args:
        name: ``"frame_discriminator"`` or ``"clip_discriminator"``.
        gan: a game made by ``video_gan``.
        batch: real clips (N, T, C, H, W) and their first frames (N, C, H, W) as the condition.

    Returns:
        ``total``, the loss, and the mean logits ``real_logit`` and ``fake_logit`` for the history.
    """
    clips = batch.real, batch.fake
    real, fake = (discriminator_input(name, part) for part in clips)
    seen = batch.replace(real=real, fake=fake, condition=batch.condition)
    return classical.discriminator_loss(OBJECTIVE, gan, seen, name)


def generator_loss(gan: GAN, batch: Batch) -> Losses:
    """Return the generator's loss: the sum of its non-saturating losses against all discriminators.

    Args:
        gan: a game made by ``video_gan``.
        batch: latents, and first frames (N, C, H, W) as the condition.

    Returns:
        ``total``; and the terms ``frame`` and ``clip``, as far as there are such discriminators.
    """
    losses = {}
    for name in [name for name in DISCRIMINATORS if name in gan.networks]:
        fake = discriminator_input(name, batch.fake)
        seen = batch.replace(real=None, fake=fake, condition=batch.condition)
        term = classical.generator_loss(OBJECTIVE, gan, seen, name)["total"]
        losses[name.removesuffix("_discriminator")] = term
    return {"total": torch.stack([*losses.values()]).sum()} | {k: v.detach() for k, v in losses.items()}


def discriminator_r1(name: str, gamma: float, gan: GAN, batch: Batch) -> Tensor:
    """Return the R1 penalty of one discriminator on real clips or frames (Mescheder et al. 2018).

    Args:
        name: ``"frame_discriminator"`` or ``"clip_discriminator"``.
        gamma: the strength γ, at least 0.
        gan: a game made by ``video_gan``.
        batch: real clips (N, T, C, H, W) and their first frames (N, C, H, W) as the condition.

    Returns:
        A scalar.

    Raises:
        InputError: if gamma is negative or not a finite number.
    """
    real = discriminator_input(name, batch.real)
    seen = batch.replace(real=real, fake=real, condition=batch.condition)
    return classical.penalty_loss(objectives.r1_penalty(gamma), gan, seen, name)


def discriminator_input(name: str, clips: Tensor) -> Tensor:
    """Return the part of clips that a discriminator sees: the whole clips, or one random frame of each.

    Args:
        name: ``"frame_discriminator"`` or ``"clip_discriminator"``.
        clips: (N, T, C, H, W).

    Returns:
        For the clip discriminator the clips; for the frame discriminator one frame of each, (N, C, H, W),
        drawn from all but the first by torch's global generator.

    >>> discriminator_input("frame_discriminator", torch.zeros(2, 16, 1, 32, 32)).shape
    torch.Size([2, 1, 32, 32])
    """
    if name == "clip_discriminator":
        return clips
    indices = torch.randint(1, clips.shape[1], (len(clips),), device=clips.device)
    return clips[torch.arange(len(clips), device=clips.device), indices]
