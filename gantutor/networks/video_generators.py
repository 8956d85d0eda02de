"""Networks for clips (N, T, C, H, W) that go on from a first frame (N, C, H, W): what is shown comes from the
frame, how it moves from a latent (MoCoGAN: Tulyakov et al. 2018, arXiv:1707.04993).

MoCoGAN draws its content too; here the first frame gives it. Its motion code is new noise at every step in a
recurrent unit; here one latent a clip drives the unit, as a digit keeps its pace.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, integer, validate
from gantutor._errors import InputError, type_name
from gantutor.data.affine import affine_transform, ink_moments

STEP = (0.02, 0.04, 0.01)
"""A step's shift in sides of the frame, its turn in radians and its growth in logarithms, for an output of 1:
a generator begins with motions of some size, as from a start of no motion it learns slowly to move."""

MOST = 2.5
"""No step is larger: a digit that has left the frame leaves no gradient to bring it back."""

GAIN = 1.5
"""Of a layer before a tanh, which takes about a third off the spread."""


class FrameEncoder(nn.Module):
    """First frames (N, C, H, H) → a code (N, ``code``), with their details at half, (N, c, H / 2, H / 2), and
    at a quarter of the size, (N, 2 c, H / 4, H / 4).

    >>> code, half, quarter = FrameEncoder(32)(torch.zeros(2, 1, 32, 32))
    >>> code.shape, half.shape, quarter.shape
    (torch.Size([2, 32]), torch.Size([2, 16, 16, 16]), torch.Size([2, 32, 8, 8]))
    """

    def __init__(self, code: int, image_channels: int = 1, size: int = 32, channels: int = 16) -> None:
        super().__init__()
        _check_size(size)
        c = channels
        self.fine = nn.Sequential(nn.PixelUnshuffle(2), _block(4 * image_channels, c))
        self.coarse = nn.Sequential(nn.MaxPool2d(2), _block(c, 2 * c))
        self.code = nn.Sequential(
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * c * (size // 8) ** 2, code), nn.ReLU()
        )

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        half = self.fine(frames)
        quarter = self.coarse(half)
        return self.code(quarter), half, quarter


class MotionPath(nn.Module):
    """Latents (N, ``latent``) and codes (N, ``code``) → a path (N, T, 4), 0 at the first frame: shift to the
    right and down in pixels, turn in radians, logarithm of the size.

    The latent sets a steady pace. A gated recurrent unit, which reads latent, code, pace and how far it has
    come, says at each step how the pace is changed, by a factor and by an amount: so it can turn back at a
    wall, as it knows where it is. At the start it changes nothing.

    >>> MotionPath(16, 32)(torch.zeros(3, 16), torch.zeros(3, 32)).shape
    torch.Size([3, 16, 4])
    """

    unit: Tensor

    def __init__(self, latent: int, code: int, frames: int = 16, size: int = 32, hidden: int = 64) -> None:
        super().__init__()
        sizes = {"latent": latent, "code": code, "frames": frames, "hidden": hidden}
        validate(sizes, latent=integer(1), code=integer(1), frames=integer(2), hidden=integer(1))
        _check_size(size)
        self.frames = frames
        self.register_buffer("unit", torch.tensor([STEP[0] * size] * 2 + [STEP[1], STEP[2]]))
        self.start = nn.Linear(latent + code, hidden)
        self.cell = nn.GRUCell(latent + code + 2 * 4, hidden)
        self.step = nn.Linear(hidden, 2 * 4)
        nn.init.zeros_(self.step.weight)
        nn.init.zeros_(self.step.bias)
        self.pace = _odd_layers(latent, hidden, hidden, 4)

    def forward(self, latent: Tensor, code: Tensor) -> Tensor:
        both = torch.cat([latent, code], 1)
        state, pace = self.start(both).tanh(), self.pace(latent)
        places = [pace.new_zeros(pace.shape, dtype=torch.float32)]
        for _ in range(self.frames - 1):
            seen = places[-1] / 8  # of the size of 1 where a digit has come far
            state = self.cell(torch.cat([both, seen, pace], 1), state)
            change, more = self.step(state).chunk(2, 1)
            step = (1 + change) * pace + more
            places.append(places[-1] + MOST * (step / MOST).tanh())
        return torch.stack(places, 1) * self.unit


class AffineVideoGenerator(nn.Module):
    """Latents (N, ``latent``) and first frames (N, 1, H, H) → clips (N, T, 1, H, H) in [−1, 1].

    The first frame itself is moved along a learnt path, turned and scaled about its ink (spatial transformer:
    Jaderberg et al. 2015, arXiv:1506.02025): what it shows stays what it is. ``path`` gives the path alone.

    >>> generator = AffineVideoGenerator()
    >>> clips = generator(torch.zeros(2, 16), torch.zeros(2, 1, 32, 32))
    >>> clips.shape, bool((clips[:, 0] == 0).all())
    (torch.Size([2, 16, 1, 32, 32]), True)
    """

    def __init__(self, latent: int = 16, frames: int = 16, size: int = 32, hidden: int = 64) -> None:
        super().__init__()
        self.encoder = FrameEncoder(32, size=size)
        self.motion = MotionPath(latent, 32 + 2, frames, size, hidden)

    def path(self, latent: Tensor, first_frame: Tensor) -> Tensor:
        """The path (N, T, 4) that the first frame is moved along: see ``MotionPath``."""
        code, _, _ = self.encoder(first_frame)
        place = ink_moments(first_frame)[:, 1:3] / (first_frame.shape[-1] / 2)
        path: Tensor = self.motion(latent, torch.cat([code, place], 1))
        return path

    def forward(self, latent: Tensor, first_frame: Tensor | None = None) -> Tensor:
        first_frame = check_frames(first_frame)
        path = self.path(latent, first_frame)[:, 1:]
        times = path.shape[1]
        moves = path.flatten(0, 1).float()
        frames, centre = (
            each.float().repeat_interleave(times, 0)
            for each in (first_frame, ink_moments(first_frame)[:, 1:3])
        )
        later = affine_transform(frames, moves[:, :2], moves[:, 2], moves[:, 3].exp(), centre)
        return torch.cat([first_frame[:, None], later.view(-1, times, *later.shape[1:])], 1)


class DecoderVideoGenerator(nn.Module):
    """Latents (N, ``latent``) and first frames (N, C, H, H) → clips (N, T, C, H, H) in [−1, 1].

    A gated recurrent unit turns the latent and a code of the first frame into one code for each frame; a
    decoder draws the frame from it and from the details of the first frame, joined at half and at a quarter
    of the size (U-net: Ronneberger et al. 2015, arXiv:1505.04597). Nothing keeps what is shown what it is but
    the discriminators.

    >>> DecoderVideoGenerator()(torch.zeros(2, 16), torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 16, 1, 32, 32])
    """

    def __init__(
        self,
        latent: int = 16,
        frames: int = 16,
        size: int = 32,
        hidden: int = 64,
        channels: int = 16,
        image_channels: int = 1,
    ) -> None:
        super().__init__()
        sizes = {"latent": latent, "frames": frames, "hidden": hidden}
        validate(sizes, latent=integer(1), frames=integer(2), hidden=integer(1))
        depths = {"channels": channels, "image_channels": image_channels}
        validate(depths, channels=integer(1), image_channels=integer(1))
        _check_size(size)
        c, self.frames, self.side = channels, frames, size // 4
        self.encoder = FrameEncoder(64, image_channels, size, channels)
        self.start = nn.Linear(latent + 64, hidden)
        self.cell = nn.GRU(latent, hidden, batch_first=True)
        self.spread = nn.Linear(hidden + 64, 2 * c * self.side**2)
        self.deep = nn.Sequential(_block(4 * c, 2 * c), _block(2 * c, 2 * c))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.fine = nn.Sequential(_block(3 * c, 2 * c), nn.Conv2d(2 * c, 4 * image_channels, 3, padding=1))
        self.finest = nn.Sequential(nn.PixelShuffle(2), nn.Tanh())

    def forward(self, latent: Tensor, first_frame: Tensor | None = None) -> Tensor:
        first_frame = check_frames(first_frame)
        times = self.frames - 1
        code, half, quarter = self.encoder(first_frame)
        begin = self.start(torch.cat([latent, code], 1)).tanh()
        states, _ = self.cell(latent[:, None].expand(-1, times, -1).contiguous(), begin[None])
        codes = torch.cat([states, code[:, None].expand(-1, times, -1)], 2).flatten(0, 1)
        drawn = self.spread(codes).view(len(codes), -1, self.side, self.side)
        half, quarter = (details.repeat_interleave(times, 0) for details in (half, quarter))
        coarse = self.up(self.deep(_last(torch.cat([drawn, quarter], 1))))
        later = self.finest(self.fine(_last(torch.cat([coarse, half], 1))))
        return torch.cat([first_frame[:, None], later.view(-1, times, *later.shape[1:])], 1)


def _odd_layers(*widths: int) -> nn.Sequential:
    """Linear layers with tanh between them, which begin as an odd function: what comes in with mean 0 and
    spread 1 goes out with mean 0 and a spread of about 1."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        linear = nn.Linear(inputs, outputs)
        nn.init.normal_(linear.weight, std=GAIN / math.sqrt(inputs))
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution, group norm, ReLU: a clip does not depend on the others of its batch."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.GroupNorm(math.gcd(outputs, 4), outputs),
        nn.ReLU(),
    )


def _last(pictures: Tensor) -> Tensor:
    """The same, laid out as convolutions on a CPU like them."""
    return pictures.contiguous(memory_format=torch.channels_last)


def _check_size(size: int) -> None:
    if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= MAX_SIDE or size % 8:
        raise InputError(f"size must be a multiple of 8, at least 8, not {size!r}")


def check_frames(frames: Tensor | None) -> Tensor:
    """The first frames; raises InputError where there are none."""
    if not isinstance(frames, Tensor) or frames.dim() != 4 or not frames.is_floating_point():
        given = tuple(frames.shape) if isinstance(frames, Tensor) else type_name(frames)
        raise InputError(
            f"this generator goes on from first frames, floats (count, channels, side, side), not {given}"
        )
    return frames
