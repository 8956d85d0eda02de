"""The game of clips: one generator, which goes on from a first frame, against two discriminators, or one of
them.

>>> from gantutor import networks
>>> discriminators = networks.FrameDiscriminator(), networks.ClipDiscriminator()
>>> game = video_gan(networks.AffineVideoGenerator(), *discriminators)
>>> [turn.name for turn in game.turns]
['frame_discriminator', 'clip_discriminator', 'generator']
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from gantutor import objectives
from gantutor._calling import apply, detach, mean_logit
from gantutor._checks import integer, number, validate
from gantutor._errors import InputError
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Losses, Penalty, Turn

DISCRIMINATORS = ("frame_discriminator", "clip_discriminator")


def video_gan(
    generator: nn.Module,
    frame_discriminator: nn.Module | None,
    clip_discriminator: nn.Module | None,
    latent: int = 16,
    frame_r1: float = 1.0,
    clip_r1: float = 1.0,
    every: int = 8,
) -> GAN:
    """A game on batches of clips (N, T, C, H, W), each with its first frame (N, C, H, W) as condition.

    The frame discriminator sees one frame of every clip, drawn anew each time from all but the first, the
    clip discriminator all of it, and each the first frame; both losses are non-saturating, with R1 lazily,
    and the generator minimises the sum of its two. With None in the place of a discriminator the other plays
    alone. Raises InputError for what is no network, two None, or a number out of range.
    """
    strengths = {"frame_r1": frame_r1, "clip_r1": clip_r1, "every": every}
    validate(strengths, frame_r1=number(0), clip_r1=number(0), every=integer(1))
    judges = dict(zip(DISCRIMINATORS, (frame_discriminator, clip_discriminator), strict=True))
    playing = {name: judge for name, judge in judges.items() if judge is not None}
    if not playing:
        raise InputError("a game of clips needs a discriminator: of frames, of clips, or both")
    r1 = dict(zip(DISCRIMINATORS, (frame_r1, clip_r1), strict=True))
    turns = [
        Turn(
            name,
            partial(discriminator_loss, name),
            penalties={"r1": Penalty(partial(discriminator_r1, name, r1[name]), every)},
        )
        for name in playing
    ]
    return GAN.of({"generator": generator, **playing}, [*turns, Turn("generator", generator_loss)], latent)


def discriminator_loss(judge: str, gan: GAN, batch: Batch) -> Losses:
    """One discriminator learns to tell what is real in what it sees."""
    real, fake = (discriminator_input(judge, clips) for clips in (batch.real, detach(batch.fake)))
    real_logits = apply(gan.networks[judge], real, batch.condition)
    fake_logits = apply(gan.networks[judge], fake, batch.condition)
    total = objectives.discriminator_cross_entropy(real_logits, fake_logits)
    return {"total": total, "real_logit": mean_logit(real_logits), "fake_logit": mean_logit(fake_logits)}


def generator_loss(gan: GAN, batch: Batch) -> Losses:
    """The generator learns to be taken for real by each; ``frame`` and ``clip`` are the two losses."""
    losses = {}
    for judge in [name for name in DISCRIMINATORS if name in gan.networks]:
        logits = apply(gan.networks[judge], discriminator_input(judge, batch.fake), batch.condition)
        losses[judge.removesuffix("_discriminator")] = objectives.generator_non_saturating(logits, logits)
    return {"total": torch.stack([*losses.values()]).sum()} | {k: v.detach() for k, v in losses.items()}


def discriminator_r1(judge: str, gamma: float, gan: GAN, batch: Batch) -> Tensor:
    """R1 of one discriminator on what it sees of real clips (Mescheder et al. 2018)."""
    seen = discriminator_input(judge, batch.real)
    critic = partial(_with, gan.networks[judge], batch.condition)
    return objectives.r1_penalty(gamma)(critic, seen, seen)


def discriminator_input(judge: str, clips: Tensor) -> Tensor:
    """What a discriminator sees of clips (N, T, C, H, W): all, or one frame of each (N, C, H, W), not the
    first.

    >>> discriminator_input("frame_discriminator", torch.zeros(2, 16, 1, 32, 32)).shape
    torch.Size([2, 1, 32, 32])
    """
    if judge == "clip_discriminator":
        return clips
    chosen = torch.randint(1, clips.shape[1], (len(clips),), device=clips.device)
    return clips[torch.arange(len(clips), device=clips.device), chosen]


def _with(judge: nn.Module, condition: Tensor, seen: Tensor) -> Tensor:
    logits: Tensor = apply(judge, seen, condition)
    return logits
