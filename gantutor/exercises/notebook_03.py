"""Exercises of notebook 03 on images and latents: stamps, walks on the sphere, a game built from turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, normalize, softplus

import gantutor as gt
from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_numbers, as_tensor, call, describe, same

# --- 03.1 ---------------------------------------------------------------------------------------------------


def stamps() -> tuple[int, int]:
    """Each input stamps a kernel of ones; the sum at a position is the number of stamps that cover it."""
    covered = nn.functional.conv_transpose1d(torch.ones(1, 1, 10), torch.ones(1, 1, 5), stride=2)[0, 0]
    return int(covered[10]), int(covered[11])


def check_stamps(answer: Any) -> None:
    even, odd = as_numbers(answer, ("stamps at an even position", "stamps at an odd position"))
    if (even, odd) == (2, 3):
        raise Wrong("These are the two numbers in the other order: which stamps begin at an even position?")
    if even == odd == 2.5:
        raise Wrong(
            "That is the mean over both kinds of positions: they differ, and so a checkerboard appears."
        )
    if even == odd == 5:
        raise Wrong("5 is the size of one stamp: how many inputs reach the same output with theirs?")
    if even == odd:
        raise Wrong(
            "Even and odd positions would be covered alike only if the stride divided the kernel size."
        )
    if (even, odd) != stamps():
        raise Wrong(f"Not {even:g} and {odd:g}: each input pixel covers five positions, and the next one "
                    "begins two further on.")  # fmt: skip


STAMPS = Exercise(
    number="03.1",
    title="Count the stamps",
    question="A transposed convolution in one dimension has kernel 5, stride 2, no padding: input i stamps "
    "positions 2i to 2i + 4. In the middle of the output, how many stamps cover an even position, and how "
    "many an odd one? Give two numbers in brackets.",
    hints=("Draw the stamps of four neighbouring inputs below each other.", "Which i have 2i ≤ 10 ≤ 2i + 4?"),
    solution=stamps(),
    why="Position 10 is reached by inputs 3, 4 and 5; position 11 by 4 and 5 only: the checkerboard's two "
    "values.",
    check=check_stamps,
    wrong=(((2, 3), "other order"), ((2.5, 2.5), "mean"), ((5, 5), "one stamp"), ((3, 3), "divided"),
           ((4, 3), "Not 4 and 3")),
    working=stamps,
)  # fmt: skip

# --- 03.2 ---------------------------------------------------------------------------------------------------


def slerp(one: Tensor, other: Tensor, part: float) -> Tensor:
    cosine = nn.functional.cosine_similarity(one, other, dim=1).clamp(-1, 1)
    angle = torch.acos(cosine)[:, None]
    on_the_arc = (torch.sin((1 - part) * angle) * one + torch.sin(part * angle) * other) / torch.sin(angle)
    return torch.where(angle < 1e-3, torch.lerp(one, other, part), on_the_arc)


def naive_slerp(one: Tensor, other: Tensor, part: float, dim: int = 1) -> Tensor:
    angle = torch.acos(cosine_similarity(one, other, dim=dim))
    angle = angle[:, None] if dim == 1 else angle
    return (torch.sin((1 - part) * angle) * one + torch.sin(part * angle) * other) / torch.sin(angle)


def check_slerp(answer: Any) -> None:
    usage = "slerp(one, other, part)"
    one, other = torch.randn(4, 64), torch.randn(4, 64)

    def walk(one: Tensor, other: Tensor, part: float, name: str) -> Tensor:
        return as_tensor(call(answer, one.clone(), other.clone(), part, usage=usage), tuple(one.shape), name)

    begin = walk(one, other, 0.0, "With part = 0, what your function returns")
    if same(begin, other):
        raise Wrong("With part = 0 the walk stands at `other`: it should begin at `one`.")
    middle = walk(one, other, 0.5, "With part = 0.5, what your function returns")
    if same(middle, torch.lerp(one, other, 0.5)):
        short, full = middle.norm(dim=1).mean(), one.norm(dim=1).mean()
        raise Wrong(f"This is the straight line: its middle has length {short:.1f}, its ends {full:.1f}.")
    if same(middle.norm(dim=1), torch.ones(4)):
        raise Wrong("The direction may be right, but all latents come out with length 1 and not about 8.")
    for part, result in (
        (0.0, begin),
        (0.5, middle),
        (0.2, walk(one, other, 0.2, "With part = 0.2, the result")),
    ):
        if not same(result, slerp(one, other, part), 1e-3):
            raise Wrong(f"With part = {part} the result is off the arc: each pair, a row of `one` and of "
                        "`other`, has an angle of its own.")  # fmt: skip
    twins = torch.cat([torch.ones(1, 64), 8 * torch.eye(64)[:3]])
    result = call(answer, twins.clone(), twins.clone(), 0.3, usage=usage)
    if isinstance(result, Tensor) and not bool(result.isfinite().all()):
        raise Wrong(
            "Where both latents are the same the result is not finite: the angle is 0, and so is its sine."
        )
    if not same(as_tensor(result, (4, 64)), twins, 1e-2):
        raise Wrong("Where both latents are the same, the walk between them should stay there.")


SLERP = Exercise(
    number="03.2",
    title="A walk on the sphere, for many at once",
    question="Write `slerp(one, other, part)` for latents (N, 64) and one number `part` from 0 to 1: row "
    "by row, the point on the arc from `one` to `other`. Where the two are equal, it must return them.",
    hints=(
        "`gt.latent.spherical` does it for one pair: an angle for each row has shape (N, 1).",
        "`torch.where(angle < small, straight, arc)` chooses row by row; also keep the cosine within [−1, "
        "1].",
    ),
    solution=slerp,
    why="On a very short arc the straight line is the same, and it divides by nothing.",
    check=check_slerp,
    wrong=(
        (torch.lerp, "straight line"),
        (naive_slerp, "not finite"),
        (lambda one, other, part: slerp(other, one, part), "begin at `one`"),
        (partial(naive_slerp, dim=0), "angle of its own"),
        (lambda one, other, part: normalize(slerp(one, other, part)), "length 1"),
        (lambda one, other, part: slerp(one, other, part)[0], "shape (4, 64)"),
    ),
)

# --- 03.3 ---------------------------------------------------------------------------------------------------


def build(generator: nn.Module, discriminator: nn.Module) -> gt.GAN:
    def loss_d(gan: Any, batch: gt.Batch) -> dict[str, Tensor]:
        real_logits, fake_logits = gan.discriminator(batch.real), gan.discriminator(batch.fake.detach())
        return {"total": gt.objectives.discriminator_cross_entropy(real_logits, fake_logits)}

    def loss_g(gan: Any, batch: gt.Batch) -> dict[str, Tensor]:
        fake_logits = gan.discriminator(batch.fake)
        return {"total": gt.objectives.generator_non_saturating(fake_logits, fake_logits)}

    turns = [gt.Turn("discriminator", loss_d), gt.Turn("generator", loss_g, times=2)]
    return gt.GAN.of({"generator": generator, "discriminator": discriminator}, turns)


def other_game(
    of_d: Callable[[Any, Any], Any] | None = None, of_g: Callable[[Any, Any], Any] | None = None,
    times: tuple[int, int] = (1, 2),
) -> Callable[[nn.Module, nn.Module], gt.GAN]:  # fmt: skip
    """The right game with another loss, or another number of turns."""

    def build_other(generator: nn.Module, discriminator: nn.Module) -> gt.GAN:
        first, second = (turn.loss for turn in build(generator, discriminator).turns)
        turns = [
            gt.Turn("discriminator", of_d or first, times=times[0]),
            gt.Turn("generator", of_g or second, times=times[1]),
        ]
        return gt.GAN.of({"generator": generator, "discriminator": discriminator}, turns)

    return build_other


def check_build(answer: Any) -> None:
    generator, discriminator = nn.Linear(64, 2), nn.Linear(2, 1)
    game = call(answer, generator, discriminator, usage="build(generator, discriminator)")
    if not isinstance(game, gt.GAN):
        raise Wrong(f"The function should return a game, as gt.GAN.of makes, not {describe(game)}.")
    if set(game.networks) != {"generator", "discriminator"} or game.networks["generator"] is not generator:
        raise Wrong("The game should have the two networks given, called generator and discriminator.")
    counts: dict[str, int] = {}
    for turn in game.turns:
        counts[turn.name] = counts.get(turn.name, 0) + turn.times
    if list(counts) != ["discriminator", "generator"]:
        raise Wrong(f"The turns update {', then '.join(counts)}: it should be discriminator, then generator.")
    if counts != {"discriminator": 1, "generator": 2}:
        raise Wrong(f"In a step the discriminator takes {counts['discriminator']} and the generator "
                    f"{counts['generator']} turns: it should be 1 and 2.")  # fmt: skip
    latent, real = torch.randn(8, 64), torch.randn(8, 2) + 1
    right = build(generator, discriminator)
    for turn, model in zip(game.turns, (right.turns[0], right.turns[1], right.turns[1]), strict=False):
        check_loss(turn, model, generator, (game, real, None, latent))


def check_loss(turn: gt.Turn, model: gt.Turn, generator: nn.Module, parts: tuple[Any, ...]) -> None:
    """The loss of one turn beside the right one: its value, and what it asks of the generator."""
    losses = call(turn.loss, parts[0], gt.Batch(*parts), usage="loss(gan, batch)")
    if not isinstance(losses, Mapping) or "total" not in losses:
        raise Wrong(f'The {turn.name}\'s loss should return a dict with a "total", not {describe(losses)}.')
    total = as_tensor(losses["total"], (), f"The {turn.name}'s total")
    if not same(total, model.loss(parts[0], gt.Batch(*parts))["total"].detach()):
        wanted = "−E log D(x) − E log(1 − D(G(z)))" if turn.name == "discriminator" else "−E log D(G(z))"
        raise Wrong(f"The {turn.name}'s total is {total:.4f} in our trial, which is not {wanted}.")
    reached = losses["total"].requires_grad and torch.autograd.grad(
        losses["total"], list(generator.parameters()), allow_unused=True)[0] is not None  # fmt: skip
    if turn.name == "discriminator" and reached:
        raise Wrong("The discriminator's loss sends a gradient into the generator: what is to be detached?")
    if turn.name == "generator" and not reached:
        raise Wrong("No gradient of the generator's loss reaches the generator: something cuts it off.")


BUILD = Exercise(
    number="03.3",
    title="Build a game from turns",
    question="Write `build(generator, discriminator)`, which returns a game made by `gt.GAN.of`: a "
    "discriminator's turn, then two of the generator's, with the cross-entropy and the non-saturating "
    "loss, no penalty. The networks take no label.",
    hints=(
        "A loss is a function of (gan, batch) that returns {\"total\": …}; read batch.real and batch.fake.",
        "`gt.Turn(\"generator\", loss_g, times=2)`; and gt.GAN.of takes the networks by name, then the "
        "turns.",
    ),
    solution=build,
    why="A game is a list of turns; each names the network it updates, its loss, and how often it is taken.",
    check=check_build,
    wrong=(
        (other_game(times=(2, 1)), "takes 2 and the generator 1"),
        (other_game(times=(1, 1)), "takes 1 and the generator 1"),
        (other_game(of_d=lambda gan, batch: {"total": softplus(-gan.discriminator(batch.real)).mean()
                                             + softplus(gan.discriminator(batch.fake)).mean()}), "detached"),
        (other_game(of_g=lambda gan, batch: {"total": softplus(-gan.discriminator(batch.fake.data)).mean()}),
         "cuts it off"),
        (other_game(of_g=lambda gan, batch: {"total": -softplus(gan.discriminator(batch.fake)).mean()}),
         "which is not −E log D(G(z))"),
        (other_game(of_g=lambda gan, batch: softplus(-gan.discriminator(batch.fake)).mean()), "a dict"),
        (lambda generator, discriminator: [generator, discriminator], "as gt.GAN.of makes"),
    ),
)  # fmt: skip

EXERCISES = (STAMPS, SLERP, BUILD)
