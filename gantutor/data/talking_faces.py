"""Video clips of drawn faces that blink, and speak or laugh, with the expressions that they show."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_floats, checked, integer
from gantutor._errors import InputError
from gantutor.data.dataset import Card, Dataset
from gantutor.data.drawn_faces import FACE_ATTRIBUTES, draw_faces, random_faces

FRAMES = 16

EYES, MOUTHS = ("wide", "happy"), ("serious", "smile", "scream", "laugh")
"""The eyes and mouths of an expression, options of ``FACE_ATTRIBUTES``. The first two are at rest; eyes that
are ``"happy"`` are closed, and a mouth that speaks changes between all but ``"laugh"``."""

MARGIN = 1 / 10
"""The share of a drawn face that is cut off at each edge, so that eyes and mouth become larger."""


@dataclass(frozen=True)
class Expressions:
    """The expressions of N clips of T frames.

    Attributes:
        eyes: (N, T), indices into ``EYES``; 1 is closed.
        mouth: (N, T), indices into ``MOUTHS``.
    """

    eyes: Tensor
    mouth: Tensor

    def __len__(self) -> int:
        return len(self.eyes)

    @property
    def index(self) -> Tensor:
        """The place of each expression among the eight of a face, (N, T)."""
        return self.eyes * len(MOUTHS) + self.mouth


@dataclass(frozen=True)
class TalkingFaces(Dataset):
    """Clips with their first frames, and beside them the expressions, which no network is trained on.

    Attributes:
        held_out_expressions: the expressions of the held-out clips.
        held_out_faces: each held-out face with its eight expressions, (N, 8, 3, H, H) in [−1, 1].
    """

    held_out_expressions: Expressions = field(repr=False)
    held_out_faces: Tensor = field(repr=False)


@checked(count=integer(1), held_out=integer(1), side=integer(16, 96), seed=integer(0))
def talking_faces(count: int = 600, held_out: int = 100, side: int = 64, seed: int = 0) -> TalkingFaces:
    """Draw clips of faces whose expression changes, with their first frames as conditions.

    The first frame shows whose face it is, with eyes open and mouth closed, and the last frame equals it, so
    that clips follow each other without a jump. In between the eyes close once, for one or two frames.
    Half of the faces laugh for six to thirteen frames; the others speak as long, with another mouth in each
    frame. When, how long and which is independent of the face. Every clip shows another face.

    Args:
        count: clips to train on, in memory 786 kB each at 64 × 64 pixels.
        held_out: clips of other faces.
        side: height and width of a frame in pixels, from 16 to 96.
        seed: seed of the random numbers; the same seed gives the same clips.

    Returns:
        In each part, clips (N, 16, 3, ``side``, ``side``), float32 in [−1, 1], and first frames.

    Raises:
        InputError: if a number is out of range.
        DataUnavailable: if python_avatars or resvg_py is missing.

    >>> data = talking_faces(2, 1)
    >>> clips, first = data.held_out.tensors
    >>> clips.shape, torch.equal(clips[:, 0], first), torch.equal(clips[:, 15], first)
    (torch.Size([1, 16, 3, 64, 64]), True, True)
    """
    faces = draw_expressions(count + held_out, side, seed)
    expressions = sample_expressions(count + held_out, seed)
    clips = faces[torch.arange(len(faces))[:, None], expressions.index]  # (N, T, 3, H, H)
    train, other = (
        TensorDataset(clips[rows], clips[rows, 0].clone()) for rows in (slice(count), slice(count, None))
    )
    card = Card(
        "talking faces",
        "drawn faces that blink, and speak or laugh; no person is shown",
        "shapes by Pablo Stanley (Avataaars), through the package python_avatars, drawn by resvg_py",
        "MIT (python_avatars); the shapes are free for personal and commercial use",
        f"{count:,} clips to train on and {held_out:,} held out, each of another face, {FRAMES} frames of "
        f"{side} × {side} colour pixels in [−1, 1], with their first frames",
    )
    held = Expressions(expressions.eyes[count:], expressions.mouth[count:])
    return TalkingFaces("talking faces", train, other, card, held, faces[count:].clone())


def draw_expressions(count: int, side: int = 64, seed: int = 0) -> Tensor:
    """Draw faces, each with its eight expressions.

    Args:
        count: how many faces, N.
        side: height and width of the images in pixels, from 16 to 96.
        seed: seed of the faces.

    Returns:
        Images (N, 8, 3, ``side``, ``side``) in [−1, 1], in the order of ``Expressions.index``.

    >>> draw_expressions(2, side=16).shape
    torch.Size([2, 8, 3, 16, 16])
    """
    attributes, style = random_faces(count, seed)
    columns = {name: index for index, name in enumerate(FACE_ATTRIBUTES)}
    attributes[:, columns["beard"]] = 0  # a beard would cover a mouth
    margin = round(side * MARGIN / (1 - 2 * MARGIN))
    images = torch.empty(count, len(EYES) * len(MOUTHS), 3, side, side)
    for i, (eyes, mouth) in enumerate((eyes, mouth) for eyes in EYES for mouth in MOUTHS):
        for name, option in (("eyes", eyes), ("mouth", mouth)):
            attributes[:, columns[name]] = FACE_ATTRIBUTES[name].index(option)
        top = margin // 2  # hair needs more room than the neck
        whole = draw_faces(attributes, style, side + 2 * margin)
        images[:, i] = whole[:, :, top : top + side, margin : margin + side]
    return images


def sample_expressions(count: int, seed: int = 0) -> Expressions:
    """Draw the expressions of clips, as ``talking_faces`` describes them.

    Args:
        count: how many clips, N.
        seed: seed of the random numbers.

    Returns:
        The expressions of N clips of 16 frames.

    >>> expressions = sample_expressions(1000)
    >>> closed = expressions.eyes.sum(1)
    >>> int(closed.min()), int(closed.max()), int(expressions.mouth[:, [0, 15]].sum())
    (1, 2, 0)
    """
    rng = torch.Generator().manual_seed(seed + 1)

    def draw(low: int, high: int) -> Tensor:  # (N, 1), both ends included
        return torch.randint(low, high + 1, (count, 1), generator=rng)

    time = torch.arange(FRAMES)
    blink, length = draw(1, FRAMES - 3), draw(1, 2)
    eyes = ((time >= blink) & (time < blink + length)).long()
    begin, end, laughs = draw(1, 3), draw(10, 14), draw(0, 1).bool()
    syllables = (draw(0, 2) + torch.randint(1, 3, (count, FRAMES), generator=rng).cumsum(1)) % 3
    mouth = torch.where(laughs, MOUTHS.index("laugh"), syllables)
    return Expressions(eyes, torch.where((time >= begin) & (time < end), mouth, 0))


def read_expressions(clips: Tensor, faces: Tensor) -> tuple[Expressions, Tensor]:
    """Read the expression in each frame of clips: that of the nearest of the eight drawings of the face.

    Args:
        clips: (N, T, 3, H, H) in [−1, 1].
        faces: the eight expressions of each of the N faces, (N, 8, 3, H, H).

    Returns:
        The expressions; and the distance of each frame from the nearest drawing (N, T): the root mean square
        over all pixels, in units of the range from −1 to 1.

    Raises:
        InputError: if the shapes do not fit each other.

    >>> data = talking_faces(1, 3)
    >>> read, distance = read_expressions(data.held_out.tensors[0], data.held_out_faces)
    >>> bool((read.index == data.held_out_expressions.index).all()), float(distance.max())
    (True, 0.0)
    """
    check_floats(clips=clips, faces=faces)
    expressions = len(EYES) * len(MOUTHS)
    if clips.dim() != 5 or faces.shape != (len(clips), expressions, *clips.shape[2:]):
        shapes = f"{tuple(clips.shape)} and {tuple(faces.shape)}"
        raise InputError(
            f"clips (N, T, C, H, H) and the {expressions} drawings of each face must fit, not {shapes}"
        )
    distances = torch.stack(
        [(clips - faces[:, i, None]).square().mean((2, 3, 4)) for i in range(faces.shape[1])]
    )
    nearest, index = distances.min(0)
    return Expressions(index // len(MOUTHS), index % len(MOUTHS)), nearest.sqrt()
