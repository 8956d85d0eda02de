"""Differentiable augmentation of a discriminator's input (DiffAugment), at fixed or adaptive probability."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import number, validate
from gantutor._errors import InputError, type_name

# --- transformations with one parameter per sample ----------------------------------------------------------


def adjust_brightness(images: Tensor, amount: Tensor) -> Tensor:
    """Add a number to all pixels of each image.

    Args:
        images: (N, C, H, W).
        amount: the number to add to each image, (N,).

    Returns:
        Images (N, C, H, W), not clipped.

    >>> adjust_brightness(torch.zeros(2, 1, 1, 1), torch.tensor([0.5, -0.5])).flatten().tolist()
    [0.5, -0.5]
    """
    return images + _per_image(amount)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Scale how far the colours of each pixel lie from their mean.

    Args:
        images: (N, C, H, W).
        factor: the factor for each image, (N,); 0 makes an image grey, 1 leaves it unchanged.

    Returns:
        Images (N, C, H, W), not clipped; grey images stay unchanged.

    >>> adjust_saturation(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1), torch.tensor([0.5])).flatten().tolist()
    [1.5, 2.5]
    """
    grey = images.mean(1, keepdim=True)
    return grey + (images - grey) * _per_image(factor)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Scale how far the pixels of each image lie from the mean of the image.

    Args:
        images: (N, C, H, W).
        factor: the factor for each image, (N,); 0 makes an image uniform, 1 leaves it unchanged.

    Returns:
        Images (N, C, H, W), not clipped.

    >>> adjust_contrast(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2), torch.tensor([0.5])).flatten().tolist()
    [1.5, 2.5]
    """
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * _per_image(factor)


def translate(images: Tensor, shift: Tensor) -> Tensor:
    """Shift each image by whole pixels; zeros, which are mid-grey, fill the border.

    Args:
        images: (N, C, H, W).
        shift: how far each image moves down and to the right, (N, 2), integers in pixels.

    Returns:
        Images (N, C, H, W).

    >>> translate(torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3), torch.tensor([[0, 1]])).flatten().tolist()
    [0.0, 1.0, 2.0]
    """
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) - shift[:, :1]
    columns = torch.arange(width, device=images.device) - shift[:, 1:]
    inside = _within(rows, height)[:, None, :, None] & _within(columns, width)[:, None, None, :]
    shifted = images.gather(2, rows.clamp(0, height - 1)[:, None, :, None].expand_as(images))
    shifted = shifted.gather(3, columns.clamp(0, width - 1)[:, None, None, :].expand_as(images))
    return shifted * inside


def cutout(images: Tensor, corner: Tensor, size: tuple[int, int]) -> Tensor:
    """Set a rectangle of each image to zero, which is mid-grey (DeVries & Taylor 2017, arXiv:1708.04552).

    Args:
        images: (N, C, H, W).
        corner: row and column of the rectangle's upper left pixel in each image, (N, 2); it may lie outside.
        size: height and width of the rectangle in pixels.

    Returns:
        Images (N, C, H, W).

    >>> cutout(torch.ones(1, 1, 1, 4), torch.tensor([[0, 1]]), (1, 2)).flatten().tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    height, width = images.shape[2:]
    rows = _within(torch.arange(height, device=images.device) - corner[:, :1], size[0])
    columns = _within(torch.arange(width, device=images.device) - corner[:, 1:], size[1])
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def _per_image(values: Tensor) -> Tensor:
    """Reshape (N,) to (N, 1, 1, 1)."""
    return values.view(-1, 1, 1, 1)


def _within(index: Tensor, size: int) -> Tensor:
    return (index >= 0) & (index < size)


# --- modules ------------------------------------------------------------------------------------------------


class DiffAugment(nn.Module):
    """Random differentiable augmentation of images (N, C, H, W) in [−1, 1]: colour, translation and cutout.

    It is applied in training mode only. The ranges are those of the paper's code (Zhao et al. 2020,
    arXiv:2006.10738), in which every probability is 1; that was too strong for a few minutes of training on
    320 faces. Random numbers come from torch's global generator, so that a seeded run can be repeated.

    Args:
        colour: probability that an image changes its colours: brightness by up to ±0.5, saturation by a
            factor of 0 to 2 (where there are three channels), contrast by a factor of 0.5 to 1.5.
        translation: probability that an image is shifted.
        cutout: probability that a rectangle of an image becomes mid-grey; its centre may be any pixel.
        max_shift: largest shift in each direction, as a fraction of the side, in [0, 1].
        cutout_size: height and width of the rectangle, as a fraction of the sides, in [0, 1].

    Raises:
        InputError: if an argument is not a number in [0, 1], or the input is not of shape (N, C, H, W).

    >>> images = torch.randn(4, 1, 8, 8)
    >>> torch.equal(DiffAugment().eval()(images), images), DiffAugment()(images).shape
    (True, torch.Size([4, 1, 8, 8]))
    """

    def __init__(
        self,
        colour: float = 0.6,
        translation: float = 0.6,
        cutout: float = 0.6,
        max_shift: float = 0.125,
        cutout_size: float = 0.5,
    ) -> None:
        super().__init__()
        fractions = {
            "colour": colour,
            "translation": translation,
            "cutout": cutout,
            "max_shift": max_shift,
            "cutout_size": cutout_size,
        }
        validate(fractions, **dict.fromkeys(fractions, number(0, 1)))
        self.colour, self.translation, self.cutout = colour, translation, cutout
        self.max_shift, self.cutout_size = max_shift, cutout_size

    def forward(self, images: Tensor) -> Tensor:
        """Augment the images in training mode, and return them unchanged in evaluation mode."""
        if not self.training:
            return images
        if not isinstance(images, Tensor) or images.dim() != 4:
            shape = tuple(images.shape) if isinstance(images, Tensor) else type_name(images)
            raise InputError(f"the samples to augment must be images of shape (N, C, H, W), not {shape}")
        if self.colour:
            images = self._change_colours(images)
        if self.translation:
            images = self._translate(images)
        return self._cut_out(images) if self.cutout else images

    def _change_colours(self, images: Tensor) -> Tensor:
        changed = adjust_brightness(images, _uniform(images, -0.5, 0.5))
        if images.shape[1] == 3:
            changed = adjust_saturation(changed, _uniform(images, 0.0, 2.0))
        changed = adjust_contrast(changed, _uniform(images, 0.5, 1.5))
        return _mix(images, changed, self._probability_of(self.colour))

    def _translate(self, images: Tensor) -> Tensor:
        shifts = [_random_shift(images, round(self.max_shift * side)) for side in images.shape[2:]]
        changed = translate(images, torch.stack(shifts, 1))
        return _mix(images, changed, self._probability_of(self.translation))

    def _cut_out(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        size = round(self.cutout_size * height), round(self.cutout_size * width)
        centres = [_uniform(images, 0.0, float(side)).long() for side in (height, width)]
        corners = [centre - length // 2 for centre, length in zip(centres, size, strict=True)]
        changed = cutout(images, torch.stack(corners, 1), size)
        return _mix(images, changed, self._probability_of(self.cutout))

    def _probability_of(self, fixed: float) -> float | Tensor:
        """The probability of a transformation whose own, fixed probability this is."""
        return fixed


class AdaptiveAugment(DiffAugment):
    """The augmentations of ``DiffAugment`` at a common probability that follows the training (ADA).

    ``probability`` is a buffer. It is saved and resumed with the network, and a step that is recorded as a
    CUDA graph reads it again. ``adapt`` raises it while the discriminator overfits, and lowers it otherwise
    (Karras et al. 2020, arXiv:2006.06676, section 3.1). The paper applies its controller to 18
    transformations; these are three.

    Args:
        colour: probability of changed colours where ``probability`` is 1; below 1, colours change more rarely
            than the rest.
        translation: the same for shifts.
        cutout: the same for rectangles that become mid-grey.
        max_shift: largest shift in each direction, as a fraction of the side, in [0, 1].
        cutout_size: height and width of the rectangle, as a fraction of the sides, in [0, 1].

    Attributes:
        probability: the probability p, from 0 to 1; it begins at 0.

    Raises:
        InputError: if an argument is not a number in [0, 1], or the input is not of shape (N, C, H, W).

    >>> images, augment = torch.randn(4, 1, 8, 8), AdaptiveAugment()
    >>> torch.equal(augment(images), images)  # the probability is 0
    True
    """

    probability: Tensor
    _sign_sum: Tensor
    _images: Tensor
    _minibatches: Tensor

    def __init__(
        self,
        colour: float = 1.0,
        translation: float = 1.0,
        cutout: float = 1.0,
        max_shift: float = 0.125,
        cutout_size: float = 0.5,
    ) -> None:
        super().__init__(colour, translation, cutout, max_shift, cutout_size)
        for name in ("probability", "_sign_sum", "_images", "_minibatches"):
            self.register_buffer(name, torch.zeros(()))

    @torch.no_grad()
    def adapt(self, sign: Tensor, count: int, target: float, images: int, every: int) -> None:
        """Take note of one minibatch, and move the probability if it is the last of ``every``.

        p ← p + sign(r − target) · n / images, kept in [0, 1]. r is the mean of sign D(x) over the n real
        images of the last ``every`` minibatches: Karras et al. 2020, arXiv:2006.06676, equation 1 and section
        3.1. No number is read from the device.

        Args:
            sign: mean of sign D(x) over the real images of the minibatch, a scalar from −1 to 1.
            count: number of these images.
            target: the value that r is to have, from −1 to 1.
            images: number of images in which the probability can rise from 0 to 1.
            every: number of minibatches between two changes of the probability.

        >>> augment = AdaptiveAugment()
        >>> augment.adapt(torch.tensor(1.0), count=64, target=0.6, images=640, every=1)
        >>> round(float(augment.probability), 3)
        0.1
        """
        self._sign_sum += count * sign
        self._images += count
        self._minibatches += 1
        due = self._minibatches >= every
        overfitting = (self._sign_sum / self._images - target).sign()
        moved = (self.probability + overfitting * self._images / images).clamp(0, 1)
        self.probability.copy_(torch.where(due, moved, self.probability))
        for counter in (self._sign_sum, self._images, self._minibatches):
            counter.masked_fill_(due, 0.0)

    def _probability_of(self, fixed: float) -> Tensor:
        return fixed * self.probability


def _uniform(images: Tensor, low: float, high: float) -> Tensor:
    """Draw a uniform number for each image from torch's global generator, (N,)."""
    return low + (high - low) * torch.rand(len(images), device=images.device)


def _random_shift(images: Tensor, max_shift: int) -> Tensor:
    """Draw an integer from −``max_shift`` to ``max_shift`` for each image, (N,)."""
    return torch.randint(-max_shift, max_shift + 1, (len(images),), device=images.device)


def _mix(images: Tensor, changed: Tensor, probability: float | Tensor) -> Tensor:
    """Replace each image by its changed version with this probability."""
    replaced = _uniform(images, 0.0, 1.0) < probability
    return torch.where(_per_image(replaced), changed, images)


class AugmentedDiscriminator(nn.Module):
    """A discriminator whose input images are augmented in training mode: ``discriminator(augment(x), …)``.

    Without augmentation a discriminator can memorise 400 images, and then its gradient no longer helps the
    generator. Use this module in place of the discriminator, so that real and generated images are augmented
    alike, in both turns, and the gradient flows back through the augmentation. If only real images were
    augmented, the generator would learn to imitate augmented images. A gradient penalty includes the
    augmentation T: R1 is the gradient of D(T(x)) with respect to the original image x, with a new random T,
    so pixels that are cut out add nothing to it, and a higher contrast adds more.

    Args:
        discriminator: called with the augmented images, and with the conditions unchanged.
        augment: the augmentation, such as an ``AdaptiveAugment``; None means ``DiffAugment()``.

    Raises:
        InputError: if an argument is not an ``nn.Module``.

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
        inputs = self.augment(images) if self.training else images
        return self.discriminator(inputs, *conditions)
