"""Networks that translate images of characters: handwriting into type, and back."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import boolean, checked, integer, validate
from gantutor._errors import InputError
from gantutor.networks.conv import MinibatchStdDev, check_label, conv_block

SIDE = 28
"""Side of the images in pixels."""


class FiLMBlock(nn.Module):
    """A convolutional block whose channels are scaled and shifted depending on a style (FiLM).

    A 3×3 convolution and batch norm give x; then follow (1 + γ(s)) · x + β(s), channel by channel, and ReLU
    (Perez et al. 2018, arXiv:1709.07871, equation 2). Call it as ``block(x, style)``.

    Args:
        inputs: input channels.
        outputs: output channels.
        style: dimension of the style s; 0 means no style and no modulation.

    >>> FiLMBlock(4, 8, style=3)(torch.zeros(2, 4, 7, 7), torch.zeros(2, 3)).shape
    torch.Size([2, 8, 7, 7])
    """

    def __init__(self, inputs: int, outputs: int, style: int = 0) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.film = nn.Linear(style, 2 * outputs) if style else None
        if self.film is not None:
            nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        x = self.norm(self.convolution(x))
        if self.film is not None:
            scale, shift = self.film(style)[:, :, None, None].chunk(2, 1)
            x = (1 + scale) * x + shift
        return torch.relu(x)


class TypefaceEmbedding(nn.Module):
    """An embedding of typefaces as the sum of the embeddings of their traits: indices (N,) to (N, size).

    The embedding of a trait such as "bold" is learnt from all bold typefaces together.

    Args:
        traits: which typeface has which trait, 0 or 1, (typefaces, traits): see ``data.typeface_traits``.
        size: dimension of the embedding.

    Raises:
        InputError: if the traits are not a tensor of this shape.

    >>> bold = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> embedding = TypefaceEmbedding(bold, 16)
    >>> torch.equal(embedding(torch.tensor([0]))[0], embedding.trait.weight[0])
    True
    """

    traits: Tensor

    def __init__(self, traits: Tensor, size: int) -> None:
        super().__init__()
        if not isinstance(traits, Tensor) or traits.dim() != 2 or not traits.numel():
            raise InputError(
                "typefaces must be a number of them, or their traits of shape (typefaces, traits)"
            )
        self.register_buffer("traits", traits.float(), persistent=False)
        self.trait = nn.Embedding(traits.shape[1], size)

    def forward(self, typeface: Tensor) -> Tensor:
        return self.traits[typeface] @ self.trait.weight


class TypeTranslator(nn.Module):
    """A U-Net that translates images (N, 1, 28, 28) in [−1, 1], optionally into a given typeface.

    It goes from 28 to 14 and 7 pixels a side and back, with skip connections between stages of equal size
    (Ronneberger et al. 2015, arXiv:1505.04597; Isola et al. 2017, arXiv:1611.07004, section 3.2). In the
    middle a fully connected bottleneck sees the whole image, because a digit can be recognised only as a
    whole. The style consists of the latent and the embedding of the typeface. It is appended to the
    bottleneck, and it modulates the blocks on the way up (``FiLMBlock``). Call the network as
    ``translator(latent, images)`` or, with typefaces (N,), as ``translator(latent, (images, typefaces))``.

    Args:
        typefaces: the number of typefaces, each with its own embedding; or their traits, (typefaces, traits):
            see ``TypefaceEmbedding``; 0 means that no typeface is given.
        latent: dimension of the latents; 0 means that the latent is not used.
        channels: channels of the first stage, at least 1.
        features: units of the bottleneck, at least 1.
        embedding: dimension of the typeface embedding, at least 1.

    Raises:
        InputError: if an argument is out of range, or the latent or the condition in a call has another form.

    >>> images, typefaces = torch.zeros(5, 1, 28, 28), torch.arange(5)
    >>> TypeTranslator(typefaces=8)(torch.zeros(5, 16), (images, typefaces)).shape
    torch.Size([5, 1, 28, 28])
    >>> TypeTranslator(latent=0)(None, images).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(
        self,
        typefaces: int | Tensor = 0,
        latent: int = 16,
        channels: int = 16,
        features: int = 128,
        embedding: int = 16,
    ) -> None:
        super().__init__()
        count = len(typefaces) if isinstance(typefaces, Tensor) and typefaces.dim() else typefaces
        validate(
            {"typefaces": count, "latent": latent, "channels": channels, "features": features}
            | {"embedding": embedding},
            typefaces=integer(0),
            latent=integer(0),
            channels=integer(1),
            features=integer(1),
            embedding=integer(1),
        )
        c, self.latent = channels, latent
        self.typeface = _typeface_embedding(typefaces, embedding) if count else None
        style = latent + (embedding if count else 0)  # dimension of the style
        self.first = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4, c))
        self.down = nn.Sequential(
            nn.Conv2d(c, 2 * c, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * c),
            nn.ReLU(),
            conv_block(2 * c, 2 * c),
        )
        quarter = 2 * c * (SIDE // 4) ** 2
        self.read = nn.Sequential(
            nn.Flatten(), nn.Linear(quarter, features, bias=False), nn.BatchNorm1d(features), nn.ReLU()
        )
        self.write = nn.Linear(features + style, quarter)
        self.deep = FiLMBlock(4 * c, 3 * c, style)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.up = FiLMBlock(4 * c, 2 * c, style)
        shuffled = max(1, c // 2)
        self.fine = FiLMBlock(2 * c, 4 * shuffled, style)
        self.last = nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(shuffled, 1, 3, padding=1), nn.Tanh())

    def forward(self, latent: Tensor | None, condition: Any) -> Tensor:
        images, style_parts = self._images_and_style(latent, condition)
        half = self.first(images.contiguous(memory_format=torch.channels_last))  # (N, c, 14, 14)
        quarter = self.down(half)  # (N, 2 c, 7, 7)
        bottleneck = torch.cat([self.read(quarter), *style_parts], 1)
        decoded = self.write(bottleneck).view_as(quarter)
        style = torch.cat(style_parts, 1) if style_parts else None
        deep = self.deep(torch.cat([decoded, quarter], 1), style)
        up = self.up(torch.cat([self.upsample(deep), half], 1), style)
        translated: Tensor = self.last(self.fine(up, style))
        return translated

    def _images_and_style(self, latent: Tensor | None, condition: Any) -> tuple[Tensor, list[Tensor]]:
        """Return the images, and the parts of the style: the latent and the typeface's embedding."""
        images, typeface = _image_and_typeface(condition, self.typeface is not None)
        style_parts = []
        if self.latent:
            if latent is None or latent.shape != (len(images), self.latent):
                actual = "None" if latent is None else f"of shape {tuple(latent.shape)}"
                raise InputError(
                    f"the latent must have shape ({len(images)}, {self.latent}), but is {actual}"
                )
            style_parts.append(latent)
        if self.typeface is not None:
            style_parts.append(self.typeface(check_label(typeface)))
        return images, style_parts


class PatchDiscriminator(nn.Module):
    """A patch discriminator of images of characters: (N, 1, 28, 28) to logits (N, 7, 7).

    There is one logit for each overlapping patch of 26 × 26 pixels (Isola et al. 2017, section 3.2.2). With
    ``pairs`` the condition is the source images (N, 1, 28, 28); with ``typefaces`` it is the typefaces (N,);
    with both it is (source images, typefaces). With typefaces every logit is ψ(h) + ⟨e(typeface), h⟩ / √d of
    the d features h of its patch (projection discriminator: Miyato & Koyama 2018, arXiv:1802.05637). A
    gradient penalty is computed on the sum of all 49 logits, so its strength γ must be smaller than usual.

    Args:
        typefaces: number of typefaces; 0 means that no typeface is given.
        pairs: whether it sees the source image beside its translation.
        channels: channels of the first convolution, at least 1.
        group: samples in a group of ``MinibatchStdDev``; 0 means none. Without pairs, only this shows the
            discriminator that some characters are generated too often.

    Raises:
        InputError: if an argument is out of range, or the condition in a call has another form.

    >>> images, source, typefaces = torch.zeros(5, 1, 28, 28), torch.zeros(5, 1, 28, 28), torch.arange(5)
    >>> PatchDiscriminator(typefaces=8, pairs=True)(images, (source, typefaces)).shape
    torch.Size([5, 7, 7])
    >>> PatchDiscriminator()(images).shape
    torch.Size([5, 7, 7])
    """

    @checked(typefaces=integer(0), pairs=boolean(), channels=integer(1), group=integer(0))
    def __init__(self, typefaces: int = 0, pairs: bool = False, channels: int = 16, group: int = 0) -> None:
        super().__init__()
        c, self.pairs = channels, pairs
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(8 if pairs else 4, c, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(c, 2 * c, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * c, 3 * c, 3, padding=1),
            nn.LeakyReLU(0.2),
            MinibatchStdDev(group) if group else nn.Identity(),
            nn.Conv2d(3 * c + bool(group), 3 * c, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.head = nn.Conv2d(3 * c, 1, 1)
        self.typeface = nn.Embedding(typefaces, 3 * c) if typefaces else None

    def forward(self, images: Tensor, condition: Any = None) -> Tensor:
        typeface = condition
        if self.pairs:
            source, typeface = _image_and_typeface(condition, self.typeface is not None)
            images = torch.cat([images, source], 1)
        features = self.body(images.contiguous(memory_format=torch.channels_last))
        logits: Tensor = self.head(features).squeeze(1)
        if self.typeface is not None:
            embedding = self.typeface(check_label(typeface))[:, :, None, None]
            logits = logits + (embedding * features).sum(1) / math.sqrt(features.shape[1])
        return logits


def _typeface_embedding(typefaces: int | Tensor, size: int) -> nn.Module:
    return (
        TypefaceEmbedding(typefaces, size) if isinstance(typefaces, Tensor) else nn.Embedding(typefaces, size)
    )


def _image_and_typeface(condition: Any, both: bool) -> tuple[Tensor, Tensor | None]:
    """Return the parts of a condition; raise InputError if one is missing."""
    if both:
        if isinstance(condition, tuple | list) and len(condition) == 2:
            return condition[0], condition[1]
        raise InputError("a network with typefaces=… needs the condition (images, typefaces)")
    if isinstance(condition, Tensor) and condition.dim() == 4:
        return condition, None
    raise InputError(
        "this network needs images of shape (count, 1, 28, 28) as its condition, and no typefaces"
    )
