"""Networks that turn a picture into another: handwriting into type, and back."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import boolean, integer, validate
from gantutor._errors import InputError
from gantutor.networks.conv import MinibatchStdDev, check_label, upsample_block

SIDE = 28


class FiLMBlock(nn.Module):
    """3×3 convolution and batch norm, whose scale and shift depend on a style (N, ``style``), ReLU.

    (1 + γ(s)) · x + β(s), feature by feature: Perez et al. 2018, arXiv:1709.07871, equation 2. Without a
    style (``style`` 0) it is a plain block.

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
    """Typefaces (N,) → codes (N, ``size``): the sum of the learnt codes of a typeface's traits.

    ``traits`` (typefaces, traits) says with 0 and 1 which it has, as ``data.typeface_traits`` does. What bold
    is, is then learnt from all bold typefaces together. Raises InputError for traits of another form.

    >>> bold = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> codes = TypefaceEmbedding(bold, 16)
    >>> torch.equal(codes(torch.tensor([0]))[0], codes.trait.weight[0])
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
    """Latents (N, ``latent``) and images (N, 1, 28, 28), with ``typefaces`` a pair (images, typefaces (N,)) →
    images (N, 1, 28, 28) in [−1, 1].

    A U-net (Ronneberger et al. 2015, arXiv:1505.04597; Isola et al. 2017, arXiv:1611.07004, section 3.2):
    from 28 to 14 and 7 pixels and back, each stage joined to that of its size. In the middle all of the image
    passes through ``features`` numbers, for a digit is read as a whole. The style, which is the latent and
    the typeface together, joins them there and turns the features on the way up. ``typefaces`` is how many
    there are, each with a code of its own, or the traits that they share, see ``TypefaceEmbedding``. With
    ``latent`` 0 the latent is not looked at.

    >>> written, typefaces = torch.zeros(5, 1, 28, 28), torch.arange(5)
    >>> TypeTranslator(typefaces=8)(torch.zeros(5, 16), (written, typefaces)).shape
    torch.Size([5, 1, 28, 28])
    >>> TypeTranslator(latent=0)(None, written).shape
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
        self.typeface = _codes(typefaces, embedding) if count else None
        style = latent + (embedding if count else 0)
        self.first = nn.Sequential(nn.PixelUnshuffle(2), upsample_block(4, c))
        self.down = nn.Sequential(
            nn.Conv2d(c, 2 * c, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * c),
            nn.ReLU(),
            upsample_block(2 * c, 2 * c),
        )
        quarter = 2 * c * (SIDE // 4) ** 2
        self.read = nn.Sequential(
            nn.Flatten(), nn.Linear(quarter, features, bias=False), nn.BatchNorm1d(features), nn.ReLU()
        )
        self.write = nn.Linear(features + style, quarter)
        self.deep = FiLMBlock(4 * c, 3 * c, style)
        self.larger = nn.Upsample(scale_factor=2, mode="nearest")
        self.up = FiLMBlock(4 * c, 2 * c, style)
        shuffled = max(1, c // 2)
        self.fine = FiLMBlock(2 * c, 4 * shuffled, style)
        self.last = nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(shuffled, 1, 3, padding=1), nn.Tanh())

    def forward(self, latent: Tensor | None, condition: Any) -> Tensor:
        images, style = self._taken_apart(latent, condition)
        half = self.first(images.contiguous(memory_format=torch.channels_last))
        quarter = self.down(half)
        whole_of_it = torch.cat([self.read(quarter), *style], 1)
        written = self.write(whole_of_it).view_as(quarter)
        together = torch.cat(style, 1) if style else None
        deep = self.deep(torch.cat([written, quarter], 1), together)
        up = self.up(torch.cat([self.larger(deep), half], 1), together)
        made: Tensor = self.last(self.fine(up, together))
        return made

    def _taken_apart(self, latent: Tensor | None, condition: Any) -> tuple[Tensor, list[Tensor]]:
        """The images, and the parts of the style."""
        images, typeface = _image_and_typeface(condition, self.typeface is not None)
        style = []
        if self.latent:
            if latent is None or latent.shape != (len(images), self.latent):
                given = "None" if latent is None else f"of shape {tuple(latent.shape)}"
                raise InputError(f"the latent must have shape ({len(images)}, {self.latent}), and is {given}")
            style.append(latent)
        if self.typeface is not None:
            style.append(self.typeface(check_label(typeface)))
        return images, style


class PatchDiscriminator(nn.Module):
    """Images (N, 1, 28, 28) → logits (N, 7, 7), one for each overlapping patch of 26 × 26 pixels (Isola et
    al. 2017, section 3.2.2).

    With ``pairs`` its condition is the images they were made from (N, 1, 28, 28), and it sees both; with
    ``typefaces`` the condition is a pair (images, typefaces (N,)), or the typefaces alone where there are no
    pairs, and every logit is ψ(h) + ⟨e(typeface), h⟩ / √d of the features h of its patch (projection: Miyato
    & Koyama 2018, arXiv:1802.05637).

    With ``group`` it sees how much so many consecutive samples differ, as ``ConvDiscriminator`` does: without
    pairs, only that tells it that some characters are made too often.

    A penalty looks at the slope of the sum of all 49 logits, so its γ is small here.

    >>> made, written, typefaces = torch.zeros(5, 1, 28, 28), torch.zeros(5, 1, 28, 28), torch.arange(5)
    >>> PatchDiscriminator(typefaces=8, pairs=True)(made, (written, typefaces)).shape
    torch.Size([5, 7, 7])
    >>> PatchDiscriminator()(made).shape
    torch.Size([5, 7, 7])
    """

    def __init__(self, typefaces: int = 0, pairs: bool = False, channels: int = 16, group: int = 0) -> None:
        super().__init__()
        validate(
            {"typefaces": typefaces, "pairs": pairs, "channels": channels, "group": group},
            typefaces=integer(0),
            pairs=boolean(),
            channels=integer(1),
            group=integer(0),
        )
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
            direction = self.typeface(check_label(typeface))[:, :, None, None]
            logits = logits + (direction * features).sum(1) / math.sqrt(features.shape[1])
        return logits


def _codes(typefaces: int | Tensor, size: int) -> nn.Module:
    return (
        TypefaceEmbedding(typefaces, size) if isinstance(typefaces, Tensor) else nn.Embedding(typefaces, size)
    )


def _image_and_typeface(condition: Any, both: bool) -> tuple[Tensor, Tensor | None]:
    """The parts of a condition; raises InputError where they are not there."""
    if both:
        if isinstance(condition, tuple | list) and len(condition) == 2:
            return condition[0], condition[1]
        raise InputError("a network with typefaces=… needs the condition (images, typefaces)")
    if isinstance(condition, Tensor) and condition.dim() == 4:
        return condition, None
    raise InputError(
        "this network needs images of shape (count, 1, 28, 28) as its condition, and no typefaces"
    )
