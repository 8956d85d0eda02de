"""Real digits that move: clips of sixteen frames, with the motion that made them.

Which digit it is stands in the first frame; how it moves does not, and is drawn anew for every clip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import describe_value, integer, validate
from gantutor._errors import InputError
from gantutor.data.affine import affine_transform
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits

FRAMES = 16
SIZES = (32, 40)
SCALE = 1 / 40
"""In the first frame a digit of 28 pixels is so many times the frame's side as large."""

SPEED = (0.015, 0.035)
"""Of a digit, in sides of the frame from one frame to the next."""

SPIN = 4.0
"""Degrees from one frame to the next, at most, either way."""

GROWTH = 0.25
"""The logarithm of the last scale over the first, at most, either way."""

PART = 20
"""Clips that are drawn at once: few enough that they stay in the cache of a CPU."""


@dataclass(frozen=True)
class Motion:
    """How clips (N, T, …) move, frame by frame, as seen from their first frame.

    ``shift`` (N, T, 2): pixels to the right and down; ``turn`` (N, T): degrees, counter-clockwise;
    ``growth`` (N, T): size over the first size. At the first frame they are 0, 0 and 1.
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
    """Clips with their first frames, and aside what no network is told: the motions that made them and the
    labels (N,)."""

    train_motion: Motion = field(repr=False)
    held_out_motion: Motion = field(repr=False)
    train_labels: Tensor = field(repr=False)
    held_out_labels: Tensor = field(repr=False)


def moving_digits(name: str = "digits", size: int = 32, copies: int = 1, seed: int = 0) -> MovingDigits:
    """Clips (N, 16, 1, ``size``, ``size``), float32 in [−1, 1], of the digits of ``digits(name)``, with their
    first frames (N, 1, ``size``, ``size``) as conditions; 32 or 40 pixels.

    Every training digit comes ``copies`` times, each with a motion of its own, every held-out digit once; the
    order is that of the digits. A digit begins upright, in one size, anywhere in the frame, and bounces off
    its edges so that no ink leaves it; it turns and grows or shrinks at a steady pace. Direction, speed
    (0.015 to 0.035 sides a frame), spin (−4 to 4 degrees a frame) and growth (by a factor of 0.78 to 1.28
    over the clip) are drawn evenly and independently of the digit. The same seed gives the same clips. Raises
    InputError for another size and what ``digits`` raises. A copy takes 65 kB in memory for each digit.

    >>> data = moving_digits()
    >>> clips, first = data.held_out.tensors
    >>> clips.shape, torch.equal(clips[:, 0], first), data.held_out_motion.turn[0, :2].tolist()[0]
    (torch.Size([1000, 16, 1, 32, 32]), True, 0.0)
    """
    validate({"copies": copies, "seed": seed}, copies=integer(1), seed=integer(0))
    _check_size(size)
    still = digits(name)
    made = []
    for index, (part, times) in enumerate(((still.train, copies), (still.held_out, 1))):
        images, labels = (tensor.repeat(times, *[1] * (tensor.dim() - 1)) for tensor in part.tensors)
        draw = torch.Generator().manual_seed(2 * seed + index)
        start = sample_starts(images, size, draw)
        motion = sample_motions(images, start, size, draw)
        clips = render_clips(images, start, motion, size)
        made.append((TensorDataset(clips, clips[:, 0]), motion, labels))
    (train, held_out), both_motions, both_labels = zip(*made, strict=True)
    content = f"{still.card.content}, each moving, turning and growing by a motion of its own"
    count = f"{len(train):,} clips to train on and {len(held_out):,} held out"
    card = Card(
        f"moving_{name}",
        content,
        still.card.source,
        still.card.licence,
        f"{count}, {FRAMES} frames of {size} × {size} grey pixels in [−1, 1], with their first frames",
    )
    return MovingDigits(card.name, train, held_out, card, *both_motions, *both_labels)


def sample_futures(images: Tensor, count: int = 16, size: int = 32, seed: int = 0) -> Tensor:
    """For each of K digits (K, 1, 28, 28) one first frame and ``count`` real clips that go on from it: (K,
    count, 16, 1, ``size``, ``size``). The spread of motion that a first frame leaves open is seen in them.

    >>> clips = sample_futures(digits().held_out.tensors[0][:3], count=4)
    >>> clips.shape, bool((clips[:, :, 0] == clips[:, :1, 0]).all())
    (torch.Size([3, 4, 16, 1, 32, 32]), True)
    """
    _check_digits(images)
    _check_size(size)
    validate({"count": count, "seed": seed}, count=integer(1), seed=integer(0))
    draw = torch.Generator().manual_seed(seed)
    start = sample_starts(images, size, draw).repeat_interleave(count, 0)
    repeated = images.repeat_interleave(count, 0)
    clips = render_clips(repeated, start, sample_motions(repeated, start, size, draw), size)
    return clips.view(len(images), count, *clips.shape[1:])


def place_digit(image: Tensor, size: int = 32, position: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """A digit (1, 28, 28), or digits (N, 1, 28, 28), in [−1, 1] as a first frame (1, ``size``, ``size``) or
    (N, 1, ``size``, ``size``), ``position`` pixels to the right of the middle and below it.

    This is how the data begin: a digit of one's own is best centred and upright as MNIST's are. Raises
    InputError for other shapes, ranges or places outside of the frame.

    >>> place_digit(digits().held_out.tensors[0][0]).shape
    torch.Size([1, 32, 32])
    """
    images = image[None] if isinstance(image, Tensor) and image.dim() == 3 else image
    _check_digits(images)
    _check_size(size)
    pair = isinstance(position, tuple | list) and len(position) == 2
    if not pair or not all(isinstance(x, int | float) and abs(x) <= size / 2 for x in position):
        raise InputError(f"position must be two numbers from −{size // 2} to {size // 2}, not {position!r}")
    count, place = len(images), torch.tensor([float(x) for x in position])
    frames = affine_transform(
        images.float(),
        place.expand(count, 2).to(images.device),
        images.new_zeros(count),
        images.new_full((count,), SCALE * size),
        size=size,
    )
    return frames[0] if image.dim() == 3 else frames


# --- how a clip is made -------------------------------------------------------------------------------------


def radii(images: Tensor) -> Tensor:
    """How far the ink of images (N, 1, 28, 28) reaches from the middle, in pixels: (N,)."""
    axis = torch.arange(28.0) - 13.5
    distance = (axis[:, None].square() + axis.square()).sqrt() + 0.5
    return torch.where(images[:, 0] > -0.8, distance, 0.0).amax((1, 2))


def sample_starts(images: Tensor, size: int, draw: torch.Generator) -> Tensor:
    """Where the digits begin, drawn evenly from where they have room: pixels from the middle, (N, 2)."""
    room = (size / 2 - radii(images) * SCALE * size).clamp(min=0)
    return room[:, None] * (2 * torch.rand(len(images), 2, generator=draw) - 1)


def sample_motions(images: Tensor, start: Tensor, size: int, draw: torch.Generator) -> Motion:
    """A motion for each of the digits, which begin at ``start`` (N, 2)."""
    count = len(images)
    direction, speed, spin, growth = torch.rand(4, count, generator=draw)
    direction, speed = 2 * math.pi * direction, size * (SPEED[0] + (SPEED[1] - SPEED[0]) * speed)
    velocity = torch.stack([direction.cos(), direction.sin()], 1) * speed[:, None]
    time = torch.arange(FRAMES)
    turn = SPIN * (2 * spin - 1)[:, None] * time
    reach = (radii(images) * SCALE * size)[:, None]
    grown = (GROWTH * (2 * growth - 1)[:, None] * time / (FRAMES - 1)).exp()
    grown = torch.minimum(grown, size / 2 / reach)  # the frame stops the few that would outgrow it
    room = (size / 2 - reach * grown).clamp(min=0)
    places = [start]
    for step in range(1, FRAMES):
        place, wall = places[-1] + velocity, room[:, step, None]
        velocity = torch.where(place.abs() > wall, -place.sign() * velocity.abs(), velocity)
        place = torch.where(place.abs() > wall, place.sign() * (2 * wall - place.abs()), place)
        places.append(place.clamp(-wall, wall))
    return Motion(torch.stack(places, 1) - start[:, None], turn, grown)


def render_clips(images: Tensor, start: Tensor, motion: Motion, size: int) -> Tensor:
    """Clips (N, T, 1, ``size``, ``size``) of images (N, 1, 28, 28) which begin at ``start`` (N, 2)."""
    times = motion.turn.shape[1]
    clips = torch.empty(len(images), times, 1, size, size)
    for first in range(0, len(images), PART):
        part = slice(first, first + PART)
        where = (start[part, None] + motion.shift[part]).flatten(0, 1)
        angle, scale = motion.turn[part].flatten().deg2rad(), SCALE * size * motion.growth[part].flatten()
        repeated = images[part].repeat_interleave(times, 0)
        frames = affine_transform(repeated, where, angle, scale, size=size)
        clips[part] = frames.clamp(-1, 1).view(-1, times, 1, size, size)
    return clips


def _check_size(size: int) -> None:
    if type(size) is not int or size not in SIZES:
        raise InputError(f"size must be one of {', '.join(map(str, SIZES))}, not {size!r}")


def _check_digits(images: Tensor) -> None:
    right = isinstance(images, Tensor) and images.is_floating_point() and images.shape[1:] == (1, 28, 28)
    if not right or not len(images):
        given = describe_value(images)
        raise InputError(f"digits must be floats of shape (1, 28, 28) or (count, 1, 28, 28), not {given}")
    if not bool(images.isfinite().all()) or float(images.abs().max()) > 1 + 1e-4:
        raise InputError("digits must be finite and lie in [-1, 1]")
