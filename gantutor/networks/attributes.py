"""A generator and a discriminator of colour images with several attributes, each one of some options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, checked, integer
from gantutor._errors import InputError, type_name
from gantutor.networks.deep_conv import check_widths, discriminator_body
from gantutor.networks.type_translation import FiLMBlock


class AttributeEmbedding(nn.Module):
    """The sum of one learnt vector for each attribute: attributes (N, A) → (N, ``width``).

    It equals a linear layer on the concatenated one-hot vectors of the attributes.

    Args:
        options: the number of options of each of the A attributes.
        width: length of the vectors.

    Raises:
        InputError: if a number is out of range; when called, if the attributes are no whole numbers (N, A).

    >>> AttributeEmbedding((3, 2), 8)(torch.tensor([[2, 0], [1, 1]])).shape
    torch.Size([2, 8])
    """

    @checked(width=integer(1))
    def __init__(self, options: Sequence[int], width: int) -> None:
        super().__init__()
        _check_options(options)
        self.options = tuple(options)
        self.tables = nn.ModuleList(nn.Embedding(count, width) for count in options)

    def forward(self, attributes: Tensor) -> Tensor:
        if not isinstance(attributes, Tensor) or attributes.dim() != 2 or attributes.is_floating_point():
            words = tuple(attributes.shape) if isinstance(attributes, Tensor) else type_name(attributes)
            raise InputError(f"attributes must be whole numbers (count, {len(self.tables)}), not {words}")
        columns = zip(self.tables, attributes.unbind(1), strict=True)
        return torch.stack([table(column) for table, column in columns]).sum(0)


class AttributeGenerator(nn.Module):
    """A convolutional generator of colour images, modulated at each stage by noise and attributes (FiLM).

    A two-layer network turns the latent z and the embedded attributes into a style w. A linear layer of w
    gives the first 4 × 4 pixels. Each stage doubles the side by nearest-neighbour upsampling, and then come a
    3×3 convolution, batch norm, and scales and shifts from w. A last convolution and a pixel shuffle double
    the side once more; the four subpixels begin with equal kernels (ICNR: Aitken et al. 2017,
    arXiv:1707.02937), so that no pattern is there at the start.

    Args:
        options: the number of options of each attribute.
        latent: dimension of the latents, at least 1.
        channels: channels of the images: 1 for grey, 3 for colour.
        widths: channels at 4 × 4 pixels and after each stage, at least two numbers; n + 1 widths give images
            of 4 · 2ⁿ⁺¹ pixels a side.
        style: dimension of the style w.

    Raises:
        InputError: if a number is out of range; when called, for attributes of another shape.

    >>> generator = AttributeGenerator((3, 2))
    >>> generator(torch.zeros(5, 64), torch.zeros(5, 2, dtype=torch.long)).shape
    torch.Size([5, 3, 64, 64])
    """

    @checked(latent=integer(1), channels=integer(1), style=integer(1))
    def __init__(
        self,
        options: Sequence[int],
        latent: int = 64,
        channels: int = 3,
        widths: Sequence[int] = (128, 96, 64, 48),
        style: int = 128,
    ) -> None:
        super().__init__()
        check_widths(widths)
        self.attributes = AttributeEmbedding(options, style)
        self.mapping = nn.Sequential(
            nn.Linear(latent + style, style), nn.LeakyReLU(0.2), nn.Linear(style, style), nn.LeakyReLU(0.2)
        )
        self.start = nn.Linear(style, widths[0] * 16)
        self.stages = nn.ModuleList(FiLMBlock(inputs, outputs, style) for inputs, outputs in pairwise(widths))
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.last = nn.Conv2d(widths[-1], 4 * channels, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        equal_subpixels(self.last)

    def style_of(self, latent: Tensor, attributes: Tensor) -> Tensor:
        """Return the style w (N, ``style``) of latents and attributes."""
        style: Tensor = self.mapping(torch.cat([latent, self.attributes(attributes)], 1))
        return style

    def forward(self, latent: Tensor, attributes: Tensor) -> Tensor:
        style = self.style_of(latent, attributes)
        x = self.start(style).view(len(style), -1, 4, 4).contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            x = stage(self.upsample(x), style)
        images: Tensor = torch.tanh(self.shuffle(self.last(x)))
        return images


class AttributeDiscriminator(nn.Module):
    """A convolutional discriminator that judges images with their attributes, and predicts the attributes.

    Called with images (N, C, H, W) and attributes (N, A) it returns a pair: logits (N,), and a tuple of A
    tensors of class logits (N, options). The logit is ψ(h) + ⟨e(a), h⟩ / √d of the last d features h, with
    the sum e(a) of one embedding for each attribute (Miyato & Koyama 2018, arXiv:1802.05637). The class
    logits are those of an auxiliary classifier (Odena et al. 2017, arXiv:1610.09585) on the same features.

    Args:
        options: the number of options of each attribute.
        channels: channels of the images: 1 for grey, 3 for colour.
        size: side of the images in pixels, a multiple of 2ⁿ for n widths.
        widths: channels of the n stages, at least two numbers.
        features: number d of the last features.
        group: samples in a group of ``MinibatchStdDev``.

    Raises:
        InputError: if a number is out of range; when called, for attributes of another shape.

    >>> discriminator = AttributeDiscriminator((3, 2))
    >>> logits, classes = discriminator(torch.zeros(5, 3, 64, 64), torch.zeros(5, 2, dtype=torch.long))
    >>> logits.shape, [tuple(part.shape) for part in classes]
    (torch.Size([5]), [(5, 3), (5, 2)])
    """

    @checked(channels=integer(1), features=integer(1), group=integer(1))
    def __init__(
        self,
        options: Sequence[int],
        channels: int = 3,
        size: int = 64,
        widths: Sequence[int] = (32, 64, 96, 128),
        features: int = 128,
        group: int = 8,
    ) -> None:
        super().__init__()
        _check_options(options)
        self.body = discriminator_body(channels, size, widths, features, group)
        self.head = nn.Linear(features, 1)
        self.attributes = AttributeEmbedding(options, features)
        self.classes = nn.Linear(features, sum(options))

    def forward(self, images: Tensor, attributes: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        h = self.body(images)  # (N, d)
        projection = (self.attributes(attributes) * h).sum(1) / math.sqrt(h.shape[1])
        classes = self.classes(h).split(self.attributes.options, 1)
        return self.head(h).squeeze(1) + projection, classes


def equal_subpixels(convolution: nn.Conv2d, factor: int = 2) -> None:
    """Give the kernels of a pixel shuffle's subpixels equal values (ICNR: Aitken et al. 2017).

    Args:
        convolution: the layer before the pixel shuffle, with factor² · C output channels; changed in place.
        factor: by how much the pixel shuffle multiplies the side.

    >>> layer = nn.Conv2d(3, 4, 3)
    >>> equal_subpixels(layer)
    >>> bool((layer.weight[0] == layer.weight[3]).all())
    True
    """
    with torch.no_grad():
        kernels = convolution.weight[:: factor**2].clone()
        convolution.weight.copy_(kernels.repeat_interleave(factor**2, 0))
        if convolution.bias is not None:
            convolution.bias.copy_(convolution.bias[:: factor**2].clone().repeat_interleave(factor**2, 0))


def _check_options(options: Sequence[int]) -> None:
    if not isinstance(options, list | tuple) or not options:
        raise InputError(f"options must be the number of options of each attribute, not {options!r}")
    if any(isinstance(c, bool) or not isinstance(c, int) or not 1 <= c <= MAX_SIDE for c in options):
        raise InputError(f"options must be whole numbers from 1 to {MAX_SIDE:,}, not {options!r:.60}")
