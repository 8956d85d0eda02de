"""Two judges of clips: one looks at single frames, one at how frames follow each other (MoCoGAN: Tulyakov et
al. 2018, arXiv:1707.04993)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, boolean, integer, validate
from gantutor._errors import InputError
from gantutor.data.affine import ink_moments
from gantutor.networks.conv import ConvDiscriminator, MinibatchStdDev

PATHS = 5
"""Numbers of a frame that ``ink_trajectory`` gives."""


class FrameDiscriminator(nn.Module):
    """Frames (N, C, H, H) and the first frames of their clips (N, C, H, H) → logits (N,): is it a picture
    that may come after that one?

    >>> FrameDiscriminator()(torch.zeros(4, 1, 32, 32), torch.zeros(4, 1, 32, 32)).shape
    torch.Size([4])
    """

    def __init__(self, size: int = 32, image_channels: int = 1, group: int = 8) -> None:
        super().__init__()
        validate({"image_channels": image_channels}, image_channels=integer(1))
        self.pair = ConvDiscriminator(channels=2 * image_channels, size=size, group=group)

    def forward(self, frames: Tensor, first_frame: Tensor) -> Tensor:
        logits: Tensor = self.pair(torch.cat([frames, first_frame], 1))
        return logits


class ClipDiscriminator(nn.Module):
    """Clips (N, T, C, H, H) and their first frames (N, C, H, H) → logits (N,).

    All frames lie on top of each other as the channels of one picture, and with them the difference of each
    frame from the one before, as neighbours in a clip differ little and motion hides there. With
    ``watch_ink``, of grey clips alone, it is also shown where the ink lies (``ink_trajectory``), with first and
    second differences: what a judge should notice, it must be shown.

    >>> ClipDiscriminator()(torch.zeros(4, 16, 1, 32, 32), torch.zeros(4, 1, 32, 32)).shape
    torch.Size([4])
    """

    def __init__(
        self,
        frames: int = 16,
        size: int = 32,
        image_channels: int = 1,
        channels: int = 64,
        watch_ink: bool = True,
        group: int = 8,
    ) -> None:
        super().__init__()
        sizes = {"frames": frames, "channels": channels, "image_channels": image_channels}
        validate(sizes, frames=integer(3), channels=integer(1), image_channels=integer(1))
        validate({"watch_ink": watch_ink}, watch_ink=boolean())
        if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= MAX_SIDE or size % 8:
            raise InputError(f"size must be a multiple of 8, at least 8, not {size!r}")
        if watch_ink and image_channels != 1:
            raise InputError("watch_ink is for grey clips only: take image_channels=1 or watch_ink=False")
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
                nn.Conv1d(3 * PATHS + 3 + 2 + 1, c, 5, stride=2, padding=2),
                nn.LeakyReLU(0.2),
                nn.Conv1d(c, c, 5, stride=2, padding=2),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
                nn.Linear(c * -(-frames // 4), 128),
                nn.LeakyReLU(0.2),
            )
            if watch_ink
            else None
        )
        self.head = nn.Linear(256 if watch_ink else 128, 1)

    def forward(self, clips: Tensor, first_frame: Tensor) -> Tensor:
        channels = clips.shape[2]
        coarse = F.avg_pool2d(torch.cat([first_frame[:, None], clips], 1).flatten(1, 2), 2)
        changes = 2 * (coarse[:, 2 * channels :] - coarse[:, channels:-channels])
        seen = torch.cat([coarse, changes], 1)
        features = self.pixels(seen.contiguous(memory_format=torch.channels_last))
        if self.ink is not None:
            path = ink_trajectory(clips)
            since = relative_to_first(path)
            orders = [since, *(F.pad(8 * since.diff(n=k, dim=1), (0, 0, k, 0)) for k in (1, 2))]
            shown = torch.cat([path[..., :3], displacements(path), *orders], 2).transpose(1, 2)
            features = torch.cat([features, self.ink(shown[..., None])], 1)
        logits: Tensor = self.head(features).squeeze(1)
        return logits


def ink_trajectory(clips: Tensor) -> Tensor:
    """Of each frame of clips (N, T, 1, H, H): the mean place of its ink, x and y in half sides of the frame
    from the middle, the logarithm of its spread in eighths of the side, and how it lies: (N, T, 5).

    How it lies is the cosine and the sine of twice its direction, each times how oblong it is: they turn
    twice as fast as the ink.

    >>> path = ink_trajectory(torch.rand(2, 16, 1, 32, 32) * 2 - 1)
    >>> path.shape, bool(path.abs().max() < 2)
    (torch.Size([2, 16, 5]), True)
    """
    count, times, _, _, side = clips.shape
    # What is darker than black would count as less than no ink.
    moments = ink_moments(clips.clamp(min=-1).flatten(0, 1)).view(count, times, 6)
    x, y, xx, xy, yy = moments[..., 1:].unbind(2)
    spread = (xx + yy).clamp(min=0.1)
    size = 0.5 * (spread / (side / 8) ** 2).log()
    return torch.stack([2 * x / side, 2 * y / side, size, (xx - yy) / spread, 2 * xy / spread], 2)


def relative_to_first(path: Tensor) -> Tensor:
    """Of paths (N, T, 5) by ``ink_trajectory``, how place and size have changed since the first frame, the size
    three times as large, and the cosine and the sine of twice the turn: (N, T, 5).

    >>> relative_to_first(ink_trajectory(torch.rand(2, 16, 1, 32, 32)))[:, 0].tolist()[0][:3]
    [0.0, 0.0, 0.0]
    """
    change = path[..., :3] - path[:, :1, :3]
    lies, first = path[..., 3:], path[:, :1, 3:]
    # The product with the conjugate of the first, as complex numbers, has the difference of the angles.
    cosine = (lies * first).sum(2)
    sine = lies[..., 1] * first[..., 0] - lies[..., 0] * first[..., 1]
    oblong = (lies.square().sum(2) * first.square().sum(2) + 1e-4).sqrt()
    x, y, size = change.unbind(2)
    return torch.stack([x, y, 3 * size, cosine / oblong, sine / oblong], 2)


def displacements(path: Tensor) -> Tensor:
    """Of paths (N, T, 5) by ``ink_trajectory``, how far each place lies from the first, and eight times how far
    from the one before: (N, T, 2).

    >>> displacements(torch.tensor([[[0.0, 0.0], [0.3, 0.4], [0.3, 0.5]]])).mul(10).round().tolist()
    [[[0.0, 0.0], [5.0, 40.0], [6.0, 8.0]]]
    """
    places = path[..., :2]
    steps = F.pad(8 * places.diff(dim=1), (0, 0, 1, 0))
    both = torch.stack([places - places[:, :1], steps], 2)
    return (both.square().sum(3) + 1e-6).sqrt()
