"""Discriminators of single frames and of whole clips (MoCoGAN: Tulyakov et al. 2018, arXiv:1707.04993)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, boolean, checked, integer
from gantutor._errors import InputError
from gantutor.data.affine import ink_moments
from gantutor.networks.conv import ConvDiscriminator, MinibatchStdDev

TRAJECTORY_FEATURES = 5
"""Number of features that ``ink_trajectory`` computes of each frame."""


class FrameDiscriminator(nn.Module):
    """A discriminator of single frames: frames and first frames, both (N, C, H, H), to logits (N,).

    It learns whether a frame is realistic, and whether it belongs to the same clip as the first frame.

    Args:
        size: side H of the frames in pixels, a multiple of 4, at least 8.
        image_channels: channels C of the frames, at least 1.
        group: samples in a group of ``MinibatchStdDev``.

    Raises:
        InputError: if a number is out of range.

    >>> FrameDiscriminator()(torch.zeros(4, 1, 32, 32), torch.zeros(4, 1, 32, 32)).shape
    torch.Size([4])
    """

    @checked(image_channels=integer(1))
    def __init__(self, size: int = 32, image_channels: int = 1, group: int = 8) -> None:
        super().__init__()
        self.pair = ConvDiscriminator(channels=2 * image_channels, size=size, group=group)

    def forward(self, frames: Tensor, first_frame: Tensor) -> Tensor:
        logits: Tensor = self.pair(torch.cat([frames, first_frame], 1))
        return logits


class ClipDiscriminator(nn.Module):
    """A discriminator of whole clips: clips (N, T, C, H, H) and first frames (N, C, H, H) to logits (N,).

    All frames become the channels of one image, together with the difference of each frame from the one
    before: neighbouring frames differ little, so motion would otherwise be a small signal. Its other inputs
    are the position, size and orientation of the ink (``ink_trajectory``) with first and second differences.

    Args:
        frames: number T of frames, at least 3.
        size: side H of the frames in pixels, a multiple of 8, at least 8.
        image_channels: channels C of the frames, at least 1.
        channels: channels of the convolutions, at least 1.
        use_ink_trajectory: whether the ink's trajectory is an input; only for clips with one channel.
        group: samples in a group of ``MinibatchStdDev``.

    Raises:
        InputError: if an argument is out of range, or the ink's trajectory is used with several channels.

    >>> ClipDiscriminator()(torch.zeros(4, 16, 1, 32, 32), torch.zeros(4, 1, 32, 32)).shape
    torch.Size([4])
    """

    @checked(frames=integer(3), channels=integer(1), image_channels=integer(1), use_ink_trajectory=boolean())
    def __init__(
        self,
        frames: int = 16,
        size: int = 32,
        image_channels: int = 1,
        channels: int = 64,
        use_ink_trajectory: bool = True,
        group: int = 8,
    ) -> None:
        super().__init__()
        if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= MAX_SIDE or size % 8:
            raise InputError(f"size must be a multiple of 8, at least 8, not {size!r}")
        if use_ink_trajectory and image_channels != 1:
            raise InputError(
                "use_ink_trajectory is for grey clips only: set image_channels=1 or use_ink_trajectory=False"
            )
        c = channels
        self.pixels = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * 2 * frames * image_channels, c, 3, padding=1),
            nn.LeakyReLU(0.2),
            MinibatchStdDev(group),
            nn.Conv2d(c + 1, c, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(c * (size // 8) ** 2, 128),
            nn.LeakyReLU(0.2),
        )
        self.ink = (
            nn.Sequential(
                MinibatchStdDev(group),
                nn.Flatten(2),
                nn.Conv1d(3 * TRAJECTORY_FEATURES + 3 + 2 + 1, c, 5, stride=2, padding=2),
                nn.LeakyReLU(0.2),
                nn.Conv1d(c, c, 5, stride=2, padding=2),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
                nn.Linear(c * -(-frames // 4), 128),
                nn.LeakyReLU(0.2),
            )
            if use_ink_trajectory
            else None
        )
        self.head = nn.Linear(256 if use_ink_trajectory else 128, 1)

    def forward(self, clips: Tensor, first_frame: Tensor) -> Tensor:
        channels = clips.shape[2]
        coarse = F.avg_pool2d(torch.cat([first_frame[:, None], clips], 1).flatten(1, 2), 2)
        changes = 2 * (coarse[:, 2 * channels :] - coarse[:, channels:-channels])
        inputs = torch.cat([coarse, changes], 1)
        features = self.pixels(inputs.contiguous(memory_format=torch.channels_last))
        if self.ink is not None:
            features = torch.cat([features, self.ink(ink_series(clips).transpose(1, 2)[..., None])], 1)
        logits: Tensor = self.head(features).squeeze(1)
        return logits


def ink_series(clips: Tensor) -> Tensor:
    """Return the path of the ink in clips as time series, (N, T, 20).

    Args:
        clips: (N, T, 1, H, H) in [−1, 1]; −1 is no ink.

    Returns:
        For each frame: position and size; the distances from the first position and from the one before; and
        the change of position, size and orientation since the first frame, with its first and second
        differences multiplied by 8.

    >>> ink_series(torch.rand(2, 16, 1, 32, 32)).shape
    torch.Size([2, 16, 20])
    """
    trajectory = ink_trajectory(clips)
    change = relative_to_first(trajectory)
    orders = [change, *(F.pad(8 * change.diff(n=k, dim=1), (0, 0, k, 0)) for k in (1, 2))]
    return torch.cat([trajectory[..., :3], displacements(trajectory), *orders], 2)


def ink_trajectory(clips: Tensor) -> Tensor:
    """Return position, size and orientation of the ink in each frame of clips, (N, T, 5).

    Args:
        clips: (N, T, 1, H, H) in [−1, 1]; −1 is no ink.

    Returns:
        For each frame: x and y of the mean position, from the centre, in half sides of the frame; the
        logarithm of the spread in eighths of the side; and the cosine and sine of twice the angle of the main
        axis, each multiplied by the elongation. The last two rotate twice as fast as the ink.

    >>> trajectory = ink_trajectory(torch.rand(2, 16, 1, 32, 32) * 2 - 1)
    >>> trajectory.shape, bool(trajectory.abs().max() < 2)
    (torch.Size([2, 16, 5]), True)
    """
    count, times, _, _, side = clips.shape
    # Pixels below −1 would count as a negative amount of ink.
    moments = ink_moments(clips.clamp(min=-1).flatten(0, 1)).view(count, times, 6)
    x, y, xx, xy, yy = moments[..., 1:].unbind(2)
    spread = (xx + yy).clamp(min=0.1)
    size = 0.5 * (spread / (side / 8) ** 2).log()
    return torch.stack([2 * x / side, 2 * y / side, size, (xx - yy) / spread, 2 * xy / spread], 2)


def relative_to_first(trajectory: Tensor) -> Tensor:
    """Return how position, size and orientation of the ink have changed since the first frame, (N, T, 5).

    Args:
        trajectory: (N, T, 5), made by ``ink_trajectory``.

    Returns:
        The change of x, of y and, multiplied by 3, of the logarithm of the size; and the cosine and sine of
        twice the angle of rotation.

    >>> relative_to_first(ink_trajectory(torch.rand(2, 16, 1, 32, 32)))[:, 0].tolist()[0][:3]
    [0.0, 0.0, 0.0]
    """
    change = trajectory[..., :3] - trajectory[:, :1, :3]
    axis, first_axis = trajectory[..., 3:], trajectory[:, :1, 3:]
    # As complex numbers, the product with the conjugate of the first has the difference of the angles.
    cosine = (axis * first_axis).sum(2)
    sine = axis[..., 1] * first_axis[..., 0] - axis[..., 0] * first_axis[..., 1]
    norm = (axis.square().sum(2) * first_axis.square().sum(2) + 1e-4).sqrt()
    x, y, size = change.unbind(2)
    return torch.stack([x, y, 3 * size, cosine / norm, sine / norm], 2)


def displacements(trajectory: Tensor) -> Tensor:
    """Return how far the ink lies from its first position, and from the one before, (N, T, 2).

    Args:
        trajectory: (N, T, 5), made by ``ink_trajectory``.

    Returns:
        The distance from the first position, and 8 times the distance from the position one frame before, in
        half sides of the frame.

    >>> displacements(torch.tensor([[[0.0, 0.0], [0.3, 0.4], [0.3, 0.5]]])).mul(10).round().tolist()
    [[[0.0, 0.0], [5.0, 40.0], [6.0, 8.0]]]
    """
    positions = trajectory[..., :2]
    steps = F.pad(8 * positions.diff(dim=1), (0, 0, 1, 0))
    vectors = torch.stack([positions - positions[:, :1], steps], 2)  # (N, T, 2, 2)
    return (vectors.square().sum(3) + 1e-6).sqrt()
