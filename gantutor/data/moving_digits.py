"""Video clips of moving digits, with the motions that they were rendered from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import checked, describe_value, integer
from gantutor._errors import InputError
from gantutor.data.affine import affine_transform
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits

FRAMES = 16
SIZES = (32, 40)
"""Height and width of a frame, in pixels."""

DIGIT_SCALE = 1 / 40
"""A digit of 28 pixels is first scaled by this number times the side of the frame in pixels."""

SPEED_RANGE = (0.015, 0.035)
"""The smallest and the largest speed of a digit, in frame sides per frame."""

MAX_SPIN = 4.0
"""Degrees per frame, in either direction."""

MAX_LOG_GROWTH = 0.25
"""Absolute logarithm of the last size over the first."""

CHUNK_SIZE = 20
"""Clips rendered at once: few enough to stay in the cache of a CPU."""


@dataclass(frozen=True)
class Motion:
    """The motions of N clips of T frames, relative to the first frame of each.

    Attributes:
        shift: (N, T, 2), in pixels, to the right and down; 0 in the first frame.
        turn: (N, T), the angle in degrees, counter-clockwise; 0 in the first frame.
        growth: (N, T), the size over the size in the first frame; 1 in the first frame.
    """

    shift: Tensor
    turn: Tensor
    growth: Tensor

    def __len__(self) -> int:
        return len(self.turn)

    def __getitem__(self, index: slice | Tensor) -> Motion:
        return Motion(self.shift[index], self.turn[index], self.growth[index])


@dataclass(frozen=True)
class MovingDigits(Dataset):
    """Clips with their first frames, and beside them the motions and labels, which no network is trained on.

    Attributes:
        train_motion: the motions of the training clips.
        held_out_motion: the motions of the held-out clips.
        train_labels: the digits of the training clips, (N,) from 0 to 9.
        held_out_labels: the digits of the held-out clips, (N,) from 0 to 9.
    """

    train_motion: Motion = field(repr=False)
    held_out_motion: Motion = field(repr=False)
    train_labels: Tensor = field(repr=False)
    held_out_labels: Tensor = field(repr=False)


@checked(copies=integer(1), seed=integer(0))
def moving_digits(name: str = "digits", size: int = 32, copies: int = 1, seed: int = 0) -> MovingDigits:
    """Render clips of moving digits, with their first frames as conditions.

    The first frame shows which digit it is, but not how it moves: the motion is drawn for every clip. A digit
    begins upright, always of the same size, anywhere in the frame. It bounces off the frame's edges, so that
    no ink leaves it, and turns and grows or shrinks at a constant rate. Direction, speed (0.015 to 0.035
    sides per frame), spin (−4 to 4 degrees per frame) and the logarithm of growth (by a factor of 0.78 to
    1.28 over the clip) are uniform and independent of the digit.

    Args:
        name: where the digits come from, as in ``digits``.
        size: height and width of a frame in pixels, 32 or 40.
        copies: clips of each training digit, in memory 65 kB each; every held-out digit has one clip.
        seed: seed of the random numbers; the same seed gives the same clips.

    Returns:
        In each part, clips (N, 16, 1, ``size``, ``size``), float32 in [−1, 1], and first frames (N, 1,
        ``size``, ``size``), in the order of the digits.

    Raises:
        InputError: if the name, the size or a number is not one of those allowed.
        DataUnavailable: if the digits are not available (see ``digits``).

    >>> data = moving_digits()
    >>> clips, first = data.held_out.tensors
    >>> clips.shape, torch.equal(clips[:, 0], first), data.held_out_motion.turn[0, :2].tolist()[0]
    (torch.Size([1000, 16, 1, 32, 32]), True, 0.0)
    """
    _check_size(size)
    stills = digits(name)
    parts = []
    for index, (part, times) in enumerate(((stills.train, copies), (stills.held_out, 1))):
        images, labels = (tensor.repeat(times, *[1] * (tensor.dim() - 1)) for tensor in part.tensors)
        rng = torch.Generator().manual_seed(2 * seed + index)
        start = sample_starts(images, size, rng)
        motion = sample_motions(images, start, size, rng)
        clips = render_clips(images, start, motion, size)
        parts.append((TensorDataset(clips, clips[:, 0]), motion, labels))
    (train, held_out), motions, labels_of_parts = zip(*parts, strict=True)
    content = f"{stills.card.content}, each moving, turning and growing by a motion of its own"
    count = f"{len(train):,} clips to train on and {len(held_out):,} held out"
    card = Card(
        f"moving_{name}",
        content,
        stills.card.source,
        stills.card.licence,
        f"{count}, {FRAMES} frames of {size} × {size} grey pixels in [−1, 1], with their first frames",
    )
    return MovingDigits(card.name, train, held_out, card, *motions, *labels_of_parts)


@checked(count=integer(1), seed=integer(0))
def sample_futures(images: Tensor, count: int = 16, size: int = 32, seed: int = 0) -> Tensor:
    """Render several clips that continue the same first frame, for each of K digits.

    They show the variety of motion that a first frame leaves open, which generated clips are compared with.

    Args:
        images: digits (K, 1, 28, 28) in [−1, 1].
        count: clips for each digit.
        size: height and width of a frame in pixels, 32 or 40.
        seed: seed of the random numbers.

    Returns:
        Clips (K, ``count``, 16, 1, ``size``, ``size``) in [−1, 1]; the first frames of a digit are equal.

    Raises:
        InputError: if the images have another shape or range, or a number is not one of those allowed.

    >>> clips = sample_futures(digits().held_out.tensors[0][:3], count=4)
    >>> clips.shape, bool((clips[:, :, 0] == clips[:, :1, 0]).all())
    (torch.Size([3, 4, 16, 1, 32, 32]), True)
    """
    _check_digits(images)
    _check_size(size)
    rng = torch.Generator().manual_seed(seed)
    start = sample_starts(images, size, rng).repeat_interleave(count, 0)
    repeated = images.repeat_interleave(count, 0)
    clips = render_clips(repeated, start, sample_motions(repeated, start, size, rng), size)
    return clips.view(len(images), count, *clips.shape[1:])


def place_digit(image: Tensor, size: int = 32, position: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """Render digits as first frames, like those of ``moving_digits``.

    The user's own digits should be centred and upright, as those of MNIST are.

    Args:
        image: one digit (1, 28, 28), or digits (N, 1, 28, 28), in [−1, 1].
        size: height and width of a frame in pixels, 32 or 40.
        position: where to place the middle of the digit, in pixels to the right of the frame's middle and
            below it.

    Returns:
        A frame (1, ``size``, ``size``), or frames (N, 1, ``size``, ``size``).

    Raises:
        InputError: if the image has another shape or range, the size is another one, or the position is
            outside of the frame.

    >>> place_digit(digits().held_out.tensors[0][0]).shape
    torch.Size([1, 32, 32])
    """
    images = image[None] if isinstance(image, Tensor) and image.dim() == 3 else image
    _check_digits(images)
    _check_size(size)
    is_pair = isinstance(position, tuple | list) and len(position) == 2
    if not is_pair or not all(isinstance(x, int | float) and abs(x) <= size / 2 for x in position):
        raise InputError(f"position must be two numbers from −{size // 2} to {size // 2}, not {position!r}")
    count, shift = len(images), torch.tensor([float(x) for x in position])
    frames = affine_transform(
        images.float(),
        shift.expand(count, 2).to(images.device),
        images.new_zeros(count),
        images.new_full((count,), DIGIT_SCALE * size),
        size=size,
    )
    return frames[0] if image.dim() == 3 else frames


# --- rendering ----------------------------------------------------------------------------------------------


def radii(images: Tensor) -> Tensor:
    """Measure how far the ink of each image reaches from the image's middle.

    Args:
        images: (N, 1, 28, 28) in [−1, 1].

    Returns:
        Distances (N,) in pixels.

    >>> radii(torch.ones(1, 1, 28, 28))
    tensor([19.5919])
    """
    axis = torch.arange(28.0) - 13.5
    distance = (axis[:, None].square() + axis.square()).sqrt() + 0.5
    return torch.where(images[:, 0] > -0.8, distance, 0.0).amax((1, 2))


def sample_starts(images: Tensor, size: int, rng: torch.Generator) -> Tensor:
    """Draw where the digits begin, uniformly from the positions at which all ink is within the frame.

    Args:
        images: digits (N, 1, 28, 28) in [−1, 1].
        size: height and width of a frame in pixels.
        rng: the source of random numbers.

    Returns:
        Positions (N, 2) in pixels from the middle, to the right and down.

    >>> images = digits().held_out.tensors[0]
    >>> sample_starts(images, 32, torch.Generator().manual_seed(0)).abs().max() < 16
    tensor(True)
    """
    room = (size / 2 - radii(images) * DIGIT_SCALE * size).clamp(min=0)
    return room[:, None] * (2 * torch.rand(len(images), 2, generator=rng) - 1)


def sample_motions(images: Tensor, start: Tensor, size: int, rng: torch.Generator) -> Motion:
    """Draw a motion for each digit, as ``moving_digits`` describes it.

    Args:
        images: digits (N, 1, 28, 28) in [−1, 1].
        start: their positions (N, 2) in the first frame, in pixels from the middle.
        size: height and width of a frame in pixels.
        rng: the source of random numbers.

    Returns:
        The motions of N clips of 16 frames.
    """
    count = len(images)
    direction, speed, spin, growth = torch.rand(4, count, generator=rng)
    direction, speed = (
        2 * math.pi * direction,
        size * (SPEED_RANGE[0] + (SPEED_RANGE[1] - SPEED_RANGE[0]) * speed),
    )
    velocity = torch.stack([direction.cos(), direction.sin()], 1) * speed[:, None]
    time = torch.arange(FRAMES)
    turn = MAX_SPIN * (2 * spin - 1)[:, None] * time
    radius = (radii(images) * DIGIT_SCALE * size)[:, None]
    scale = (MAX_LOG_GROWTH * (2 * growth - 1)[:, None] * time / (FRAMES - 1)).exp()  # (N, T)
    scale = torch.minimum(scale, size / 2 / radius)  # a few would otherwise become larger than the frame
    room = (size / 2 - radius * scale).clamp(min=0)
    positions = [start]
    for step in range(1, FRAMES):
        position, wall = positions[-1] + velocity, room[:, step, None]
        velocity = torch.where(position.abs() > wall, -position.sign() * velocity.abs(), velocity)
        position = torch.where(position.abs() > wall, position.sign() * (2 * wall - position.abs()), position)
        positions.append(position.clamp(-wall, wall))
    return Motion(torch.stack(positions, 1) - start[:, None], turn, scale)


def render_clips(images: Tensor, start: Tensor, motion: Motion, size: int) -> Tensor:
    """Render clips of moving digits.

    Args:
        images: digits (N, 1, 28, 28) in [−1, 1].
        start: their positions (N, 2) in the first frame, in pixels from the middle.
        motion: the motions of N clips of T frames.
        size: height and width of a frame in pixels.

    Returns:
        Clips (N, T, 1, ``size``, ``size``) in [−1, 1].
    """
    frame_count = motion.turn.shape[1]
    clips = torch.empty(len(images), frame_count, 1, size, size)
    for first in range(0, len(images), CHUNK_SIZE):
        chunk = slice(first, first + CHUNK_SIZE)
        position = (start[chunk, None] + motion.shift[chunk]).flatten(0, 1)
        angle = motion.turn[chunk].flatten().deg2rad()
        scale = DIGIT_SCALE * size * motion.growth[chunk].flatten()
        repeated = images[chunk].repeat_interleave(frame_count, 0)
        frames = affine_transform(repeated, position, angle, scale, size=size)
        clips[chunk] = frames.clamp(-1, 1).view(-1, frame_count, 1, size, size)
    return clips


def _check_size(size: int) -> None:
    if type(size) is not int or size not in SIZES:
        raise InputError(f"size must be one of {', '.join(map(str, SIZES))}, not {size!r}")


def _check_digits(images: Tensor) -> None:
    is_digits = isinstance(images, Tensor) and images.is_floating_point() and images.shape[1:] == (1, 28, 28)
    if not is_digits or not len(images):
        description = describe_value(images)
        raise InputError(
            f"digits must be floats of shape (1, 28, 28) or (count, 1, 28, 28), not {description}"
        )
    if not bool(images.isfinite().all()) or float(images.abs().max()) > 1 + 1e-4:
        raise InputError("digits must be finite and lie in [-1, 1]")
