"""Generators of clips that continue a first frame, with a latent for the motion (after MoCoGAN)."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, checked, integer
from gantutor._errors import InputError, type_name
from gantutor.data.affine import affine_transform, ink_moments

STEP_SCALE = (0.02, 0.04, 0.01)
"""Shift (in sides of the frame), rotation (in radians) and change of the logarithm of the size per frame, for
an output of 1. Initial motions must not be near zero: from there a generator learns to move only slowly."""

MAX_STEP = 2.5
"""Bound on a step in units of ``STEP_SCALE``: no gradient brings back a digit that has left the frame."""

TANH_GAIN = 1.5
"""Gain of the initial weights before a tanh, which reduces the standard deviation by about a third."""


class FrameEncoder(nn.Module):
    """An encoder of first frames (N, C, H, H): a code, and feature maps at half and at a quarter of the size.

    The result is (code, half, quarter) of shapes (N, code), (N, c, H / 2, H / 2) and (N, 2 c, H / 4, H / 4),
    for c ``channels``.

    Args:
        code: dimension of the code.
        image_channels: channels C of the frames.
        size: side H of the frames in pixels, a multiple of 8, at least 8.
        channels: channels c of the first stage.

    Raises:
        InputError: if the size is not a multiple of 8.

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
    """A recurrent network for motion: latents (N, latent) and codes (N, code) to paths (N, T, 4).

    A path holds for each frame the shift to the right and down in pixels, the rotation in radians and the
    logarithm of the size, all relative to the first frame. The latent gives a constant velocity. At each step
    a gated recurrent unit, whose inputs are latent, code, velocity and current position, changes the velocity
    by a factor and an offset, so that motion can be reversed at a wall. Its initial weights change nothing.

    Args:
        latent: dimension of the latents, at least 1.
        code: dimension of the codes of the first frames, at least 1.
        frames: number T of frames, at least 2.
        size: side of the frames in pixels, a multiple of 8, at least 8.
        hidden: units of the gated recurrent unit, at least 1.

    Raises:
        InputError: if a number is out of range.

    >>> MotionPath(16, 32)(torch.zeros(3, 16), torch.zeros(3, 32)).shape
    torch.Size([3, 16, 4])
    """

    unit: Tensor

    @checked(latent=integer(1), code=integer(1), frames=integer(2), hidden=integer(1))
    def __init__(self, latent: int, code: int, frames: int = 16, size: int = 32, hidden: int = 64) -> None:
        super().__init__()
        _check_size(size)
        self.frames = frames
        self.register_buffer(
            "unit", torch.tensor([STEP_SCALE[0] * size] * 2 + [STEP_SCALE[1], STEP_SCALE[2]])
        )
        self.start = nn.Linear(latent + code, hidden)
        self.cell = nn.GRUCell(latent + code + 2 * 4, hidden)
        self.step = nn.Linear(hidden, 2 * 4)
        nn.init.zeros_(self.step.weight)
        nn.init.zeros_(self.step.bias)
        self.pace = _tanh_layers(latent, hidden, hidden, 4)

    def forward(self, latent: Tensor, code: Tensor) -> Tensor:
        inputs = torch.cat([latent, code], 1)
        state, velocity = self.start(inputs).tanh(), self.pace(latent)
        positions = [velocity.new_zeros(velocity.shape, dtype=torch.float32)]  # (N, 4) each
        for _ in range(self.frames - 1):
            scaled = positions[-1] / 8  # about 1 where a digit has moved far
            state = self.cell(torch.cat([inputs, scaled, velocity], 1), state)
            factor, offset = self.step(state).chunk(2, 1)
            step = (1 + factor) * velocity + offset
            positions.append(positions[-1] + MAX_STEP * (step / MAX_STEP).tanh())
        return torch.stack(positions, 1) * self.unit  # (N, T, 4)


class AffineVideoGenerator(nn.Module):
    """A generator of clips that moves the first frame: latents and frames (N, 1, H, H) to (N, T, 1, H, H).

    The first frame is shifted along a learnt path, and rotated and scaled about the centre of its ink
    (spatial transformer: Jaderberg et al. 2015, arXiv:1506.02025), so its content cannot change. As in
    MoCoGAN (Tulyakov et al. 2018, arXiv:1707.04993) content and motion are separate. MoCoGAN also generates
    the content, and draws new noise for the motion at every step; here one latent per clip drives it, as a
    digit keeps its velocity.

    Args:
        latent: dimension of the latents, (N, latent), at least 1.
        frames: number T of frames, at least 2.
        size: side H of the frames in pixels, a multiple of 8, at least 8.
        hidden: units of the gated recurrent unit, at least 1.

    Raises:
        InputError: if a number is out of range, or the first frames are missing in a call.

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
        """Return the path along which the first frame is moved.

        Args:
            latent: (N, latent).
            first_frame: (N, 1, H, H) in [−1, 1].

        Returns:
            Shift, rotation and logarithm of the size of each frame, (N, T, 4): see ``MotionPath``.
        """
        code, _, _ = self.encoder(first_frame)
        position = ink_moments(first_frame)[:, 1:3] / (first_frame.shape[-1] / 2)
        path: Tensor = self.motion(latent, torch.cat([code, position], 1))
        return path

    def forward(self, latent: Tensor, first_frame: Tensor | None = None) -> Tensor:
        first_frame = check_frames(first_frame)
        path = self.path(latent, first_frame)[:, 1:]
        times = path.shape[1]
        moves = path.flatten(0, 1).float()
        frames, centre = (
            values.float().repeat_interleave(times, 0)
            for values in (first_frame, ink_moments(first_frame)[:, 1:3])
        )
        later = affine_transform(frames, moves[:, :2], moves[:, 2], moves[:, 3].exp(), centre)
        return torch.cat([first_frame[:, None], later.view(-1, times, *later.shape[1:])], 1)


class DecoderVideoGenerator(nn.Module):
    """A generator of clips that decodes every frame: latents and frames (N, C, H, H) to (N, T, C, H, H).

    A gated recurrent unit computes a code for each frame from the latent and a code of the first frame. A
    decoder generates the frame from its code, with skip connections from the first frame at half and at a
    quarter of the size (U-Net: Ronneberger et al. 2015, arXiv:1505.04597). Only the discriminators keep the
    content of the clip constant.

    Args:
        latent: dimension of the latents, (N, latent), at least 1.
        frames: number T of frames, at least 2.
        size: side H of the frames in pixels, a multiple of 8, at least 8.
        hidden: units of the gated recurrent unit, at least 1.
        channels: channels of the first stage, at least 1.
        image_channels: channels C of the frames, at least 1.

    Raises:
        InputError: if a number is out of range, or the first frames are missing in a call.

    >>> DecoderVideoGenerator()(torch.zeros(2, 16), torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 16, 1, 32, 32])
    """

    @checked(
        latent=integer(1),
        frames=integer(2),
        hidden=integer(1),
        channels=integer(1),
        image_channels=integer(1),
    )
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
        _check_size(size)
        c, self.frames, self.side = channels, frames, size // 4
        self.encoder = FrameEncoder(64, image_channels, size, channels)
        self.start = nn.Linear(latent + 64, hidden)
        self.cell = nn.GRU(latent, hidden, batch_first=True)
        self.project = nn.Linear(hidden + 64, 2 * c * self.side**2)
        self.deep = nn.Sequential(_block(4 * c, 2 * c), _block(2 * c, 2 * c))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.fine = nn.Sequential(_block(3 * c, 2 * c), nn.Conv2d(2 * c, 4 * image_channels, 3, padding=1))
        self.output = nn.Sequential(nn.PixelShuffle(2), nn.Tanh())

    def forward(self, latent: Tensor, first_frame: Tensor | None = None) -> Tensor:
        first_frame = check_frames(first_frame)
        times = self.frames - 1
        code, half, quarter = self.encoder(first_frame)
        state = self.start(torch.cat([latent, code], 1)).tanh()
        states, _ = self.cell(latent[:, None].expand(-1, times, -1).contiguous(), state[None])
        codes = torch.cat([states, code[:, None].expand(-1, times, -1)], 2).flatten(0, 1)
        decoded = self.project(codes).view(len(codes), -1, self.side, self.side)
        half, quarter = (maps.repeat_interleave(times, 0) for maps in (half, quarter))
        coarse = self.up(self.deep(_channels_last(torch.cat([decoded, quarter], 1))))
        later = self.output(self.fine(_channels_last(torch.cat([coarse, half], 1))))
        return torch.cat([first_frame[:, None], later.view(-1, times, *later.shape[1:])], 1)


def _tanh_layers(*widths: int) -> nn.Sequential:
    """Return linear layers with tanh between them that initially keep mean 0 and standard deviation 1.

    Their biases are 0, so the initial network is an odd function, and its outputs have mean 0.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        linear = nn.Linear(inputs, outputs)
        nn.init.normal_(linear.weight, std=TANH_GAIN / math.sqrt(inputs))
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 3×3 convolution, group norm and ReLU, which do not couple the clips of a batch."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.GroupNorm(math.gcd(outputs, 4), outputs),
        nn.ReLU(),
    )


def _channels_last(images: Tensor) -> Tensor:
    """Lay images out in memory channels-last, which makes convolutions on a CPU faster."""
    return images.contiguous(memory_format=torch.channels_last)


def _check_size(size: int) -> None:
    if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= MAX_SIDE or size % 8:
        raise InputError(f"size must be a multiple of 8, at least 8, not {size!r}")


def check_frames(frames: Tensor | None) -> Tensor:
    """Return the first frames after checking their type and shape.

    Args:
        frames: (N, C, H, H), floats, or None.

    Raises:
        InputError: if the frames are missing, are not floats, or have another number of dimensions.

    >>> check_frames(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 1, 32, 32])
    """
    if not isinstance(frames, Tensor) or frames.dim() != 4 or not frames.is_floating_point():
        shape = tuple(frames.shape) if isinstance(frames, Tensor) else type_name(frames)
        raise InputError(
            f"this generator needs first frames, floats (count, channels, side, side), not {shape}"
        )
    return frames
