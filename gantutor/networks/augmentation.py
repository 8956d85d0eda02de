"""Augmentation of what a discriminator sees, so that a few hundred pictures last longer: DiffAugment (Zhao et
al. 2020, arXiv:2006.10738).

A discriminator that knows 400 pictures by heart tells the generator nothing. Here it never sees a picture
twice in the same way: real and generated ones alike are changed at random before it, in its own turn and in
the generator's, and the gradient flows back through the change. Were real pictures alone changed, the
generator would learn to make changed ones.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import number, validate
from gantutor._errors import InputError, type_name

# --- the changes, one amount a sample -----------------------------------------------------------------------


def adjust_brightness(images: Tensor, amount: Tensor) -> Tensor:
    """Images (N, C, H, W), each with ``amount`` (N,) added to all of its pixels.

    >>> adjust_brightness(torch.zeros(2, 1, 1, 1), torch.tensor([0.5, -0.5])).flatten().tolist()
    [0.5, -0.5]
    """
    return images + _each(amount)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Images (N, C, H, W), each with the distance of its colours from their mean, pixel by pixel, times
    ``factor`` (N,): 0 makes it grey, and what is grey stays as it is."""
    grey = images.mean(1, keepdim=True)
    return grey + (images - grey) * _each(factor)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Images (N, C, H, W), each with the distance of its pixels from the mean of them all times ``factor``
    (N,).

    >>> adjust_contrast(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2), torch.tensor([0.5])).flatten().tolist()
    [1.5, 2.5]
    """
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * _each(factor)


def translate(images: Tensor, shift: Tensor) -> Tensor:
    """Images (N, C, H, W), each moved down and to the right by its ``shift`` (N, 2) in whole pixels; zeros,
    the middle grey, come in from the edge.

    >>> translate(torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3), torch.tensor([[0, 1]])).flatten().tolist()
    [0.0, 1.0, 2.0]
    """
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) - shift[:, :1]
    columns = torch.arange(width, device=images.device) - shift[:, 1:]
    inside = _within(rows, height)[:, None, :, None] & _within(columns, width)[:, None, None, :]
    moved = images.gather(2, rows.clamp(0, height - 1)[:, None, :, None].expand_as(images))
    moved = moved.gather(3, columns.clamp(0, width - 1)[:, None, None, :].expand_as(images))
    return moved * inside


def cutout(images: Tensor, corner: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (N, C, H, W), each with a rectangle of ``size`` (height, width) set to zero, the middle grey.

    ``corner`` (N, 2) is its upper left pixel, which may lie outside (DeVries & Taylor 2017,
    arXiv:1708.04552).

    >>> cutout(torch.ones(1, 1, 1, 4), torch.tensor([[0, 1]]), (1, 2)).flatten().tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    height, width = images.shape[2:]
    rows = _within(torch.arange(height, device=images.device) - corner[:, :1], size[0])
    columns = _within(torch.arange(width, device=images.device) - corner[:, 1:], size[1])
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def _each(amount: Tensor) -> Tensor:
    return amount.view(-1, 1, 1, 1)


def _within(index: Tensor, size: int) -> Tensor:
    return (index >= 0) & (index < size)


# --- the modules --------------------------------------------------------------------------------------------


class DiffAugment(nn.Module):
    """Changes each of images (N, C, H, W) in [−1, 1] at random, while training alone: its colours, its place,
    and a hole in it.

    Each change comes to a sample with its own probability. ``colour``: brightness moved by up to ±0.5,
    saturation times 0 to 2 where there are three channels, contrast times 0.5 to 1.5. ``translation``: moved
    by up to ``shift`` of the side each way. ``cutout``: a square of ``hole`` of the side, its middle anywhere
    in the picture, becomes the middle grey. The ranges are those of the paper's code, in which every
    probability is 1: that much was too much for a few minutes on 320 faces. Random numbers come from torch's
    global generator, so that a seeded run repeats. Raises InputError for other numbers, or images of another
    shape.

    >>> images = torch.randn(4, 1, 8, 8)
    >>> torch.equal(DiffAugment().eval()(images), images), DiffAugment()(images).shape
    (True, torch.Size([4, 1, 8, 8]))
    """

    def __init__(
        self,
        colour: float = 0.6,
        translation: float = 0.6,
        cutout: float = 0.6,
        shift: float = 0.125,
        hole: float = 0.5,
    ) -> None:
        super().__init__()
        shares = {
            "colour": colour,
            "translation": translation,
            "cutout": cutout,
            "shift": shift,
            "hole": hole,
        }
        validate(shares, **dict.fromkeys(shares, number(0, 1)))
        self.colour, self.translation, self.cutout = colour, translation, cutout
        self.shift, self.hole = shift, hole

    def forward(self, images: Tensor) -> Tensor:
        if not self.training:
            return images
        if not isinstance(images, Tensor) or images.dim() != 4:
            given = tuple(images.shape) if isinstance(images, Tensor) else type_name(images)
            raise InputError(f"what is augmented must be images of shape (N, C, H, W), not {given}")
        if self.colour:
            images = self._coloured(images)
        if self.translation:
            images = self._moved(images)
        return self._holed(images) if self.cutout else images

    def _coloured(self, images: Tensor) -> Tensor:
        lighter = adjust_brightness(images, _uniform(images, -0.5, 0.5))
        if images.shape[1] == 3:
            lighter = adjust_saturation(lighter, _uniform(images, 0.0, 2.0))
        return _some(images, adjust_contrast(lighter, _uniform(images, 0.5, 1.5)), self.colour)

    def _moved(self, images: Tensor) -> Tensor:
        shifts = [_whole(images, round(self.shift * side)) for side in images.shape[2:]]
        return _some(images, translate(images, torch.stack(shifts, 1)), self.translation)

    def _holed(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        size = round(self.hole * height), round(self.hole * width)
        middles = [_uniform(images, 0.0, float(side)).long() for side in (height, width)]
        corners = [middle - edge // 2 for middle, edge in zip(middles, size, strict=True)]
        return _some(images, cutout(images, torch.stack(corners, 1), size), self.cutout)


def _uniform(images: Tensor, low: float, high: float) -> Tensor:
    """A number for each image from torch's global generator, (N,)."""
    return low + (high - low) * torch.rand(len(images), device=images.device)


def _whole(images: Tensor, most: int) -> Tensor:
    """A whole number from −``most`` to ``most`` for each image, (N,)."""
    return torch.randint(-most, most + 1, (len(images),), device=images.device)


def _some(images: Tensor, changed: Tensor, probability: float) -> Tensor:
    """The changed images, each with this probability, and the others as they were."""
    chosen = _uniform(images, 0.0, 1.0) < probability
    return torch.where(_each(chosen), changed, images)


class AugmentedDiscriminator(nn.Module):
    """A discriminator before which images are augmented: ``discriminator(augment(x), …)`` while training, and
    the discriminator itself in evaluation mode. Conditions pass as they are.

    It stands in a game where the discriminator would: real and generated images both pass through it, in both
    turns. A penalty then holds the slope of what it wraps too: R1 is the gradient of D(T(x)) by the picture x
    before the change T, drawn anew, so that a hole adds nothing to it and a higher contrast adds more.

    >>> discriminator = AugmentedDiscriminator(nn.Sequential(nn.Flatten(), nn.Linear(64, 1)))
    >>> discriminator(torch.zeros(4, 1, 8, 8)).shape
    torch.Size([4, 1])
    """

    def __init__(self, discriminator: nn.Module, augment: nn.Module | None = None) -> None:
        super().__init__()
        augment = DiffAugment() if augment is None else augment
        for name, network in (("discriminator", discriminator), ("augment", augment)):
            if not isinstance(network, nn.Module):
                raise InputError(f"{name} must be a torch.nn.Module, not {type_name(network)}")
        self.discriminator, self.augment = discriminator, augment

    def forward(self, images: Tensor, *conditions: Any) -> Any:
        seen = self.augment(images) if self.training else images
        return self.discriminator(seen, *conditions)
