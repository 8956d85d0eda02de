"""Networks that translate lines of text: type into handwriting, and handwriting into type."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import boolean, checked, integer
from gantutor._errors import InputError
from gantutor.networks.conv import MinibatchStdDev, check_label, conv_block
from gantutor.networks.type_translation import FiLMBlock


class LineTranslator(nn.Module):
    """A U-net with FiLM that translates lines (N, 1, 32, W) in [−1, 1] into a style, for any W of 8 · n.

    It halves the resolution three times and doubles it again, with skip connections between stages of equal
    size (Ronneberger et al. 2015, arXiv:1505.04597). The latent and the embedding of the style pass through
    two linear layers, and scale and shift the features of every block on the way up (FiLM, Perez et al. 2018,
    arXiv:1709.07871). Call it as ``translator(z, (lines, style, …))``; further parts of the condition, such
    as the text, are not used.

    Args:
        styles: the number of writers or typefaces, at least 1.
        latent: dimension of z; 0 means that z is not used.
        channels: channels of the first stage, at least 1.

    Raises:
        InputError: if an argument is out of range, or the condition in a call has another form.

    >>> lines, style = torch.zeros(2, 1, 32, 128), torch.tensor([0, 1])
    >>> LineTranslator(8)(torch.zeros(2, 16), (lines, style)).shape
    torch.Size([2, 1, 32, 128])
    """

    @checked(styles=integer(1), latent=integer(0), channels=integer(1))
    def __init__(self, styles: int, latent: int = 16, channels: int = 16) -> None:
        super().__init__()
        c, self.latent = channels, latent
        self.style = nn.Embedding(styles, 16)
        self.mix = nn.Sequential(nn.Linear(16 + latent, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.first = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4, c))  # (N, c, 16, W / 2)
        self.down1 = _halve(c, 2 * c)  # (N, 2 c, 8, W / 4)
        self.down2 = _halve(2 * c, 4 * c)  # (N, 4 c, 4, W / 8)
        self.deep1, self.deep2 = FiLMBlock(4 * c, 4 * c, 64), FiLMBlock(4 * c, 4 * c, 64)
        self.up1 = FiLMBlock(6 * c, 3 * c, 64)  # (N, 3 c, 8, W / 4)
        self.up2 = FiLMBlock(4 * c, 2 * c, 64)  # (N, 2 c, 16, W / 2)
        self.fine = FiLMBlock(2 * c, 2 * c, 64)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.last = nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(c // 2, 1, 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor | None, condition: Any) -> Tensor:
        lines, style = lines_and_style(condition)
        parts = [self.style(check_label(style))]
        if self.latent:
            if z is None or z.shape != (len(lines), self.latent):
                raise InputError(f"the latent must have shape ({len(lines)}, {self.latent})")
            parts.append(z)
        s = self.mix(torch.cat(parts, 1))  # (N, 64)
        half = self.first(lines.contiguous(memory_format=torch.channels_last))
        quarter = self.down1(half)
        deep = self.deep2(self.deep1(self.down2(quarter), s), s)
        up = self.up1(torch.cat([self.upsample(deep), quarter], 1), s)
        up = self.up2(torch.cat([self.upsample(up), half], 1), s)
        translated: Tensor = self.last(self.fine(up, s))  # (N, 1, 32, W)
        return translated


class LineDiscriminator(nn.Module):
    """A pair discriminator: a line (N, 1, 32, W) and the line it was made from → logits (N, 4, W / 8).

    There is one logit for each place (Isola et al. 2017, arXiv:1611.07004). Each is ψ(h) + ⟨e(style), h⟩ / √d
    of the d features h of its place (projection, Miyato & Koyama 2018, arXiv:1802.05637). Call it as
    ``discriminator(lines, (source, style, …))``.

    Args:
        styles: the number of writers or typefaces, at least 1.
        channels: channels of the first convolution, at least 1.
        pairs: whether it sees the line that was translated.

    Raises:
        InputError: if an argument is out of range, or the condition in a call has another form.

    >>> lines, style = torch.zeros(2, 1, 32, 128), torch.tensor([0, 1])
    >>> LineDiscriminator(8)(lines, (lines, style)).shape
    torch.Size([2, 4, 16])
    """

    @checked(styles=integer(1), channels=integer(1), pairs=boolean())
    def __init__(self, styles: int, channels: int = 16, pairs: bool = True) -> None:
        super().__init__()
        c, self.pairs = channels, pairs
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),  # (N, 8, 16, W / 2)
            nn.Conv2d(8 if pairs else 4, 2 * c, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * c, 2 * c, 3, stride=2, padding=1), nn.LeakyReLU(0.2),  # (N, 2 c, 8, W / 4)
            nn.Conv2d(2 * c, 4 * c, 3, padding=1), nn.LeakyReLU(0.2),
            MinibatchStdDev(8),
            nn.Conv2d(4 * c + 1, 4 * c, 3, stride=2, padding=1), nn.LeakyReLU(0.2),  # (N, 4 c, 4, W / 8)
            nn.Conv2d(4 * c, 4 * c, 3, padding=1), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.head = nn.Conv2d(4 * c, 1, 1)
        self.style = nn.Embedding(styles, 4 * c)
        for layer in self.body:  # He initialisation: with smaller weights D stays at chance for long
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.2)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, lines: Tensor, condition: Any) -> Tensor:
        source, style = lines_and_style(condition)
        shown = torch.cat([lines, source], 1) if self.pairs else lines
        shown = shown + 0.8  # most of a line is paper, −1: this centres it
        h = self.body(shown.contiguous(memory_format=torch.channels_last))  # (N, 4 c, 4, W / 8)
        e = self.style(check_label(style))[:, :, None, None]
        logits: Tensor = self.head(h).squeeze(1) + (e * h).sum(1) / math.sqrt(h.shape[1])
        return logits


def _halve(inputs: int, outputs: int) -> nn.Sequential:
    strided = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(strided, nn.BatchNorm2d(outputs), nn.ReLU(), conv_block(outputs, outputs))


def lines_and_style(condition: Any) -> tuple[Tensor, Tensor]:
    """Return the first two parts of a condition, the lines to translate and the style.

    Raises:
        InputError: if it has other parts.

    >>> [part.shape for part in lines_and_style((torch.zeros(2, 1, 32, 8), torch.zeros(2)))]
    [torch.Size([2, 1, 32, 8]), torch.Size([2])]
    """
    if isinstance(condition, tuple | list) and len(condition) >= 2 and isinstance(condition[0], Tensor):
        lines, style = condition[:2]
        if lines.dim() == 4 and lines.shape[1:3] == (1, 32) and not lines.shape[3] % 8:
            return lines, style
    raise InputError("the condition must be (lines (count, 1, 32, multiple of 8), style (count,), …)")
