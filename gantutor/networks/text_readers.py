"""Readers of lines of text: a convolutional one, and a recurrent one that also names the writer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SYMBOLS = 70
"""Classes of a frame: the blank of CTC is 0, then the 69 characters of ``data.ALPHABET``."""


def _block(inputs: int, outputs: int, stride: int | tuple[int, int] = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


def _row_block(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm1d(outputs), nn.ReLU()


class ConvTextReader(nn.Module):
    """A convolutional reader: lines (N, 1, 32, W) in [−1, 1] → logits (N, W / 2, 70), one row per frame.

    Each frame names the character at its place, or the blank of CTC (connectionist temporal classification,
    Graves et al. 2006, doi:10.1145/1143844.1143891).

    >>> ConvTextReader()(torch.zeros(2, 1, 32, 128)).shape
    torch.Size([2, 64, 70])
    """

    def __init__(self) -> None:
        super().__init__()
        self.columns = nn.Sequential(
            nn.PixelUnshuffle(2),  # (N, 4, 16, W / 2)
            *_block(4, 32),
            *_block(32, 48, (2, 1)),  # (N, 48, 8, W / 2)
            *_block(48, 64, (2, 1)),  # (N, 64, 4, W / 2)
            nn.Conv2d(64, 96, (4, 3), padding=(0, 1), bias=False),  # (N, 96, 1, W / 2)
            nn.BatchNorm2d(96),
            nn.ReLU(),
        )
        self.row = nn.Sequential(*_row_block(96, 96, 5), *_row_block(96, 96, 5))
        self.head = nn.Conv1d(96, SYMBOLS, 1)

    def forward(self, lines: Tensor) -> Tensor:
        columns = self.columns(lines.contiguous(memory_format=torch.channels_last))[:, :, 0]  # (N, 96, W / 2)
        logits: Tensor = self.head(self.row(columns)).transpose(1, 2)
        return logits


class RecurrentTextReader(nn.Module):
    """A recurrent reader that also names the writer: lines (N, 1, 32, W) → logits of frames and of writers.

    Args:
        writers: the number of writers it tells apart, at least 1.

    >>> frames, writer = RecurrentTextReader(25)(torch.zeros(2, 1, 32, 128))
    >>> frames.shape, writer.shape
    (torch.Size([2, 32, 70]), torch.Size([2, 25]))
    """

    def __init__(self, writers: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 16, 2),  # (N, 16, 16, W / 2)
            *_block(16, 32),
            nn.MaxPool2d((2, 1)),  # (N, 32, 8, W / 2)
            *_block(32, 64, (1, 2)),  # (N, 64, 8, W / 4)
            nn.MaxPool2d((2, 1)),  # (N, 64, 4, W / 4)
            *_block(64, 64),
        )
        self.rows = nn.GRU(64 * 4, 64, batch_first=True, bidirectional=True)
        self.head = nn.Linear(128, SYMBOLS)
        self.style = nn.Sequential(nn.Linear(128, 64), nn.ReLU())
        self.writer = nn.Linear(64, writers)

    def features(self, lines: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of the frames (N, W / 4, 128), and of the hand (N, 64)."""
        maps = self.body(lines.contiguous(memory_format=torch.channels_last))  # (N, 64, 4, W / 4)
        frames, _ = self.rows(maps.flatten(1, 2).transpose(1, 2))
        # A hand shows in the mean and the spread of the maps, whatever the text is.
        hand = torch.cat([maps.mean((2, 3)), maps.flatten(2).var(2, unbiased=False).add(1e-6).sqrt()], 1)
        return frames, self.style(hand)

    def forward(self, lines: Tensor) -> tuple[Tensor, Tensor]:
        frames, hand = self.features(lines)
        return self.head(frames), self.writer(hand)
