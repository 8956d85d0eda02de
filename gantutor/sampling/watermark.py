"""An invisible watermark: a secret pattern added to generated images, found again by correlation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import check_finite, check_floats, checked, integer, number
from gantutor._errors import InputError

MAX_SIDE = 8192
"""Pixels on the longer side of an image."""

OTHER_KEYS = 200
"""Patterns of other keys that say how large a correlation is by chance."""


class Watermark:
    """A spread-spectrum watermark (Cox, Kilian, Leighton & Shamoon 1997): one pattern for every image.

    A key draws a pattern of random signs on a grid of square cells. ``embed`` adds a faint copy of it.
    ``scores`` removes the coarse content of an image and correlates the rest with the pattern. Small cells
    give a higher score, large ones keep more of theirs when the image is resized. Anyone who has the key
    finds the mark, and can remove it.

    Args:
        shape: (C, H, W) of the images, H and W from 8 to 8,192.
        key: the secret, at least 0.
        strength: root mean square of the pattern, above 0 and at most 1; images have values in [-1, 1].
        cell: pixels on each side of a cell, from 1 to a quarter of the shorter side.

    Raises:
        InputError: if the shape is none of an image, or a number is out of range.

    >>> mark = Watermark((1, 32, 32), key=7)
    >>> images = torch.rand(5, 1, 32, 32, generator=torch.Generator().manual_seed(0)) / 4
    >>> bool((mark.scores(mark.embed(images)) > 4).all()), bool((mark.scores(images) > 4).any())
    (True, False)
    """

    @checked(key=integer(0), strength=number(above=0, high=1), cell=integer(1))
    def __init__(self, shape: tuple[int, int, int], key: int, strength: float = 0.05, cell: int = 2) -> None:
        is_image = (
            isinstance(shape, Sequence) and [isinstance(x, int) and x >= 1 for x in shape] == [True] * 3
        )
        if not is_image or not 4 * max(cell, 2) <= min(shape[1:]) <= max(shape[1:]) <= MAX_SIDE:
            raise InputError(
                "shape must be (C, H, W) with sides from 8 pixels, or from four cells, to "
                f"{MAX_SIDE:,}, not {shape!r} with cells of {cell!r}"
            )
        self.shape = tuple(shape)
        self.key, self.strength, self.cell = key, strength, cell
        self._templates: Tensor | None = None

    def _pattern(self, key: int) -> Tensor:
        """The pattern of a key, (C, H, W): cells of one sign each, of mean 0 and root mean square 1."""
        channels, height, width = self.shape
        rows, columns = -(-height // self.cell), -(-width // self.cell)
        random = torch.Generator().manual_seed(key)
        signs = torch.randint(0, 2, (channels, rows, columns), generator=random).float() * 2 - 1
        pattern = signs.repeat_interleave(self.cell, 1).repeat_interleave(self.cell, 2)
        pattern = pattern[:, :height, :width] - pattern[:, :height, :width].mean()
        return pattern / pattern.square().mean().sqrt()

    @property
    def pattern(self) -> Tensor:
        """The pattern (C, H, W) of this key, of mean 0 and root mean square 1."""
        return self._pattern(self.key)

    def embed(self, images: Tensor) -> Tensor:
        """Return the images with the pattern added, within [-1, 1].

        Args:
            images: (N, C, H, W) in [-1, 1].

        Raises:
            InputError: for other shapes, or values that are not finite.
        """
        self._check(images, self.shape)
        return (images + self.strength * self.pattern.to(images)).clamp(-1, 1)

    def scores(self, images: Tensor) -> Tensor:
        """Return how strongly each image carries the mark, in standard deviations of other keys.

        About 0 ± 1 without the mark. Images of another size are resized first.

        Args:
            images: (N, C, H', W').

        Returns:
            The scores (N,): correlation with the pattern of this key, less the mean of the correlations with
            the patterns of 200 other keys, over their standard deviation.

        Raises:
            InputError: for images with another number of channels, or values that are not finite.
        """
        self._check(images, self.shape[:1])
        if images.shape[1:] != self.shape:
            size = self.shape[1:]
            images = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
        details = _details(images.detach()).flatten(1)  # (N, C·H·W)
        if self._templates is None:
            keys = [self.key, *(self.key + 1 + other for other in range(OTHER_KEYS))]
            templates = _details(torch.stack([self._pattern(key) for key in keys])).flatten(1)
            self._templates = templates / templates.norm(dim=1, keepdim=True)
        correlations = details @ self._templates.to(details).T  # (N, 1 + other keys)
        others = correlations[:, 1:]
        spread = others.std(1).clamp_min(torch.finfo(details.dtype).tiny)
        return (correlations[:, 0] - others.mean(1)) / spread

    @staticmethod
    def _check(images: Tensor, start: tuple[int, ...]) -> None:
        check_floats(images=images)
        if images.dim() != 4 or tuple(images.shape[1 : 1 + len(start)]) != start:
            sides = ", ".join(map(str, [*start, *"HW"[len(start) - 1 :]]))
            raise InputError(f"images must have the shape (N, {sides}), not {tuple(images.shape)}")
        check_finite("images", images)


def _details(images: Tensor) -> Tensor:
    """The images (N, C, H, W) less their mean over neighbourhoods of 5 × 5 pixels."""
    padded = F.pad(images, (2, 2, 2, 2), mode="replicate")
    return images - F.avg_pool2d(padded, 5, stride=1)
