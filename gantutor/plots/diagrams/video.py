"""Diagrams of a generator that continues a first frame: its motion, its warp, its drawing, its two judges."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from gantutor._checks import check_floats, checked, integer, number
from gantutor._errors import InputError
from gantutor.data.affine import affine_transform, ink_moments
from gantutor.plots.diagrams.canvas import LINE, Box, Canvas
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, GRADIENT, NEUTRAL, REAL, Figure


def video_game(clip: Tensor) -> Figure:
    """Draw a generator that continues a first frame, and its two discriminators.

    Args:
        clip: the clip to show (T, 1 or 3, H, H) in [−1, 1], T ≥ 3.

    Returns:
        The figure.

    Raises:
        InputError: if the clip has another shape.

    >>> "two discriminators" in video_game(torch.zeros(16, 1, 32, 32)).alternative_text
    True
    """
    _check_clip(clip)
    canvas = Canvas(
        3.25,
        "From a first frame to a clip, and two discriminators",
        "An encoder turns the first frame into a code of the content. Noise z and this code drive a GRU, "
        "which gives the motion. With the motion, the first frame is warped, or new frames are drawn. The "
        "frames go to two discriminators, one of single frames and one of the whole clip. Both gradients "
        "flow back through the frames to the GRU and the encoder.",
    )
    first = canvas.picture(0.72, 2.1, clip[0], REAL)
    canvas.text(first.x, first.top()[1] + 0.12, "first frame x₁", REAL)
    encoder = canvas.box(1.95, 1.12, "encoder", GENERATOR, width=0.9)
    motion = canvas.box(3.3, 1.12, "GRU", GENERATOR, width=0.8)
    maker = canvas.box(3.3, 2.1, "warp\nor draw", GENERATOR, width=0.8, height=0.6)
    noise = canvas.box(1.95, 0.6, "noise z", width=0.9, height=0.3)
    shown = [clip[1], clip[len(clip) // 2], clip[-1]]
    for y, image in zip((2.55, 2.1, 1.65), shown, strict=True):
        canvas.picture(4.5, y, image, GENERATED, side=0.4)
    frames = Box(4.5, 2.1, 0.4, 1.3)
    canvas.text(frames.x, 1.3, "frames", GENERATED)
    canvas.arrow(first.right(), maker.left())
    canvas.text(1.95, 2.1 + 0.14, "content: the picture itself")
    canvas.arrow(first.bottom(), (first.x, encoder.y), encoder.left())
    canvas.both_ways(encoder, motion)
    canvas.arrow(noise.right(), (motion.x, noise.y), motion.bottom())
    canvas.up_and_down(motion, maker)
    canvas.text(motion.x + 0.2, 1.58, "motion", ha="left")
    canvas.both_ways(maker, frames)
    for y, words in ((2.55, "frame D"), (1.65, "clip D")):
        judge = canvas.box(5.7, y, words, DISCRIMINATOR, width=0.8)
        canvas.below(judge, "one frame and x₁" if y > 2 else "all frames and x₁")
        canvas.both_ways(Box(frames.x, y, frames.width, 0.4), judge)
    canvas.legend()
    return canvas.figure


@checked(frames=integer(4))
def motion_path(frames: int = 16) -> Figure:
    """Draw the recurrent network of the motion, unrolled in time: each state adds a step to the path.

    Args:
        frames: number T of frames, at least 4.

    Returns:
        The figure.

    Raises:
        InputError: if the number is out of range.

    >>> "16 frames" in motion_path().alternative_text
    True
    """
    canvas = Canvas(
        2.75,
        "Motion: each state of the GRU adds one step to the path",
        f"A recurrent network, unrolled over {frames} frames. At each step a GRU reads the noise z, the code "
        "of the first frame, the steady pace v of the noise, its state before and the position before. "
        "Its new state gives a step, which is added to the position: p₁ is 0, and each next position is "
        "the one before plus a step.",
    )
    row, y = 2.02, 1.25
    source = canvas.box(3.55, 0.52, "noise z, code e(x₁), pace v(z), at every step", width=4.3, height=0.36)
    position = canvas.box(0.75, row, "p₁ = 0", GENERATED, width=0.6, height=0.36)
    state = canvas.box(0.75, y, "h₁", GENERATOR, width=0.6)
    for x, step in ((1.95, 2), (3.15, 3), (4.2, None), (5.25, frames)):
        if step is None:  # the frames that are left out
            canvas.text(x, (row + y) / 2, "…", size=14)
            place, cell = Box(x, row, 0.3, 0.36), Box(x, y, 0.3, 0.46)
        else:
            place = canvas.box(x, row, f"p{_subscript(step)}", GENERATED, width=0.6, height=0.36)
            cell = canvas.box(x, y, "GRU", GENERATOR, width=0.6)
            canvas.arrow(cell.top(), place.bottom())
            canvas.arrow((x, source.top()[1]), cell.bottom())
        canvas.arrow(position.right(), place.left())
        canvas.arrow(state.right(), cell.left())
        if step is not None:
            canvas.text((position.right()[0] + place.left()[0]) / 2, row + 0.12, "+ step")
        position, state = place, cell
    return canvas.figure


@checked(
    shift_right=number(-32, 32), shift_down=number(-32, 32), turn=number(-180, 180), growth=number(0.1, 8)
)
def warp(
    first: Tensor,
    shift_right: float = 5.0,
    shift_down: float = -4.0,
    turn: float = 40.0,
    growth: float = 1.2,
) -> Figure:
    """Draw how a frame is warped: each of its pixels is read at a place of the first frame.

    Args:
        first: the first frame (1, H, H) in [−1, 1].
        shift_right: shift in pixels to the right.
        shift_down: shift in pixels down.
        turn: rotation in degrees, counter-clockwise.
        growth: size in the new frame over the size in the first.

    Returns:
        The figure.

    Raises:
        InputError: if the frame has another shape, or a number is out of range.

    >>> "rotated by 40°" in warp(torch.zeros(1, 32, 32)).alternative_text
    True
    """
    check_floats(first=first)
    if first.dim() != 3 or first.shape[0] != 1 or first.shape[1] != first.shape[2]:
        raise InputError(f"first must be a square grey frame (1, H, H), not {tuple(first.shape)}")
    canvas = Canvas(
        2.75,
        "Warp: where in the first frame does a pixel come from?",
        f"Two frames. The later one shows the first, shifted by {shift_right:g} pixels to the right and "
        f"{shift_down:g} down, rotated by {turn:g}° and {growth:g} times as large. An arrow leads from a "
        "pixel u of the later frame back to the place of the first frame where its value is read.",
    )
    centre = ink_moments(first[None])[0, 1:3]
    shift, angle = torch.tensor([shift_right, shift_down]), math.radians(turn)
    moved = affine_transform(
        first[None].float(), shift[None], torch.tensor([angle]), torch.tensor([growth]), centre[None]
    )[0]
    side, middle = 1.5, 1.25
    left = canvas.picture(1.5, middle, first, REAL, side)
    right = canvas.picture(4.9, middle, moved.clamp(-1, 1), GENERATED, side)
    canvas.below(left, "first frame x₁", REAL)
    canvas.below(right, "frame xₜ", GENERATED)
    half = first.shape[-1] / 2
    pixel = (centre + shift + 0.3 * half * torch.tensor([0.6, 0.8])).clamp(-0.9 * half, 0.9 * half)
    across, down = ((pixel - centre - shift) / growth).unbind()
    cosine, sine = math.cos(angle), math.sin(angle)
    # R(−angle) with y down, as in affine_transform.
    turned = torch.stack([cosine * across - sine * down, sine * across + cosine * down])
    source = (centre + turned).clamp(-0.97 * half, 0.97 * half)
    ends = []
    for box, place in ((right, pixel), (left, source)):
        x = box.x + float(place[0]) / half * side / 2
        y = box.y - float(place[1]) / half * side / 2
        canvas.axes.plot([x], [y], "o", color=GRADIENT, markersize=6, markeredgecolor="white", zorder=3)
        ends.append((x, y))
    (_, y), (_, to_y) = ends
    canvas.arrow((right.left()[0], y), (left.right()[0], to_y), colour=GRADIENT)
    middle_x = (left.right()[0] + right.left()[0]) / 2
    canvas.text(middle_x, max(y, to_y) + 0.34, "the value of pixel u\nis read here", GRADIENT)
    canvas.text(middle_x, min(y, to_y) - 0.34, "between four pixels,\nwith a gradient")
    return canvas.figure


def moved_features(clip: Tensor) -> Figure:
    """Draw how a generator draws a frame from features of the first frame that are moved along a path.

    Args:
        clip: the clip to show (T, 1 or 3, H, H) in [−1, 1], T ≥ 3.

    Returns:
        The figure.

    Raises:
        InputError: if the clip has another shape.

    >>> "feature maps" in moved_features(torch.zeros(16, 1, 32, 32)).alternative_text
    True
    """
    _check_clip(clip)
    canvas = Canvas(
        2.45,
        "Draw: features move, and a network draws the frame",
        "A convolution turns the first frame into feature maps. A warp moves them along the path, which the "
        "GRU gives. Two more convolutions draw the frame from the moved feature maps.",
    )
    y = 1.3
    first = canvas.picture(0.72, y, clip[0], REAL)
    canvas.below(first, "first frame x₁", REAL)
    see = canvas.box(1.75, y, "see\nconv", GENERATOR, width=0.7)
    maps = canvas.stack(2.65, y, "features", NEUTRAL, width=0.75, height=0.4)
    move = canvas.box(3.65, y, "warp", GENERATOR, width=0.65)
    draw = canvas.box(4.65, y, "draw\nconv, conv", GENERATOR, width=0.85)
    frame = canvas.picture(5.73, y, clip[len(clip) // 2], GENERATED)
    canvas.below(frame, "frame xₜ", GENERATED)
    canvas.both_ways(first, see, backward=False)
    canvas.both_ways(see, maps, backward=False)
    canvas.arrow((maps.right()[0] + 0.1, y), move.left())
    canvas.both_ways(move, draw, backward=False)
    canvas.both_ways(draw, frame, backward=False)
    path = canvas.box(3.65, 0.55, "path pₜ of the GRU", GENERATED, width=1.5, height=0.34)
    canvas.arrow(path.top(), move.bottom())
    return canvas.figure


def drawn_change(clip: Tensor) -> Figure:
    """Draw how a generator draws a change on the first frame, with gains that a code of the expression gives.

    Args:
        clip: the clip to show (T, 1 or 3, H, H) in [−1, 1], T ≥ 3.

    Returns:
        The figure.

    Raises:
        InputError: if the clip has another shape.

    >>> "is added" in drawn_change(torch.zeros(16, 3, 64, 64)).alternative_text
    True
    """
    _check_clip(clip)
    canvas = Canvas(
        2.6,
        "Draw an expression on the first frame",
        "A convolution turns the first frame into features. A code of the expression gives a gain for each "
        "of them. Two more convolutions draw a change and its mask from the product. The change is added to "
        "the first frame, and gives the later frame.",
    )
    y = 1.12
    later = clip[len(clip) // 2]
    before = canvas.picture(0.75, y, clip[0], REAL)
    canvas.below(before, "first frame x₁", REAL)
    see = canvas.box(1.85, y, "see\nconv", GENERATOR, width=0.7)
    product = canvas.box(2.75, y, "×", width=0.3, height=0.3)
    draw = canvas.box(3.65, y, "draw\nconv, conv", GENERATOR, width=0.9)
    change = canvas.picture(4.62, y, (later - clip[0]) / 2, GENERATED, 0.5)
    canvas.below(change, "change")
    total = canvas.box(5.17, y, "+", width=0.26, height=0.26)
    after = canvas.picture(5.83, y, later, GENERATED, 0.6)
    canvas.below(after, "frame xₜ", GENERATED)
    for left, right in pairwise((before, see, product, draw, change, total, after)):
        canvas.both_ways(left, right, backward=False)
    state = canvas.box(2.75, 0.5, "code eₜ of the expression", GENERATOR, width=1.75, height=0.32)
    canvas.arrow(state.top(), product.bottom())
    canvas.text(2.83, 0.8, "gain", ha="left")
    top = y + 0.75
    canvas.arrow(before.top(), (before.x, top), (total.x, top), total.top())
    return canvas.figure


def video_discriminators(clip: Tensor) -> Figure:
    """Draw what the discriminator of frames and the discriminator of clips see.

    Args:
        clip: the clip to show (T, 1 or 3, H, H) in [−1, 1], T ≥ 3.

    Returns:
        The figure.

    Raises:
        InputError: if the clip has another shape.

    >>> "one random frame" in video_discriminators(torch.zeros(16, 1, 32, 32)).alternative_text
    True
    """
    _check_clip(clip)
    canvas = Canvas(
        3.6,
        "Two discriminators see different things",
        "The frame discriminator sees one random frame beside the first frame, and gives a logit. The clip "
        "discriminator sees all frames at half the size, the difference of each frame from the one before, "
        "and the path of the ink, and gives a logit.",
    )
    canvas.heading(3.08, "Frame discriminator: is the picture real, and is it the same thing?")
    first = canvas.picture(0.8, 2.5, clip[0], REAL, 0.55)
    canvas.below(first, "first x₁")
    chosen = canvas.picture(1.7, 2.5, clip[len(clip) * 2 // 3], GENERATED, 0.55)
    canvas.below(chosen, "a random xₜ")
    pair = canvas.box(3.3, 2.5, "side by side\n2 channels", width=1.1)
    judge = canvas.box(4.75, 2.5, "frame D", DISCRIMINATOR, width=0.9)
    logit = canvas.box(5.8, 2.5, "logit", width=0.6)
    for left, right in pairwise((chosen, pair, judge, logit)):
        canvas.both_ways(left, right, backward=False)
    canvas.heading(1.82, "Clip discriminator: does it move as real things do?")
    indices = torch.linspace(0, len(clip) - 1, 4).round().long().tolist()
    for place, index in enumerate(indices):
        picture = canvas.picture(0.65 + 0.42 * place, 0.95, clip[index], GENERATED, 0.38)
    canvas.text(1.28, 0.95 - 0.19 - LINE, "all frames", NEUTRAL, va="baseline")
    judge = canvas.box(4.75, 0.95, "clip D", DISCRIMINATOR, width=0.9, height=1.1)
    logit = canvas.box(5.8, 0.95, "logit", width=0.6)
    branch = 2.3
    for y, words in ((1.35, "frames, half size"), (0.95, "differences"), (0.55, "path of the ink")):
        part = canvas.box(3.3, y, words, width=1.3, height=0.32, size=8)
        start = picture.right()
        canvas.arrow(*((start, part.left()) if y == 0.95 else ((branch, 0.95), (branch, y), part.left())))
        canvas.arrow(part.right(), (judge.left()[0], y))
    canvas.both_ways(judge, logit, backward=False)
    return canvas.figure


def _subscript(value: int) -> str:
    return str(value).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _check_clip(clip: Tensor) -> None:
    check_floats(clip=clip)
    if clip.dim() != 4 or clip.shape[1] not in (1, 3) or len(clip) < 3:
        raise InputError(f"clip must have shape (3 or more, 1 or 3, H, W), not {tuple(clip.shape)}")
