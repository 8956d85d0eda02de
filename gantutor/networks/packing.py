"""Packing: a discriminator that sees several samples at once and so detects a lack of variety (PacGAN)."""

from __future__ import annotations

from torch import Tensor, nn

from gantutor._checks import checked, integer
from gantutor._errors import InputError, type_name


class PackedDiscriminator(nn.Module):
    """A discriminator of packs of samples: (N, C, …) to the logits of N / packing packs.

    If a generator always makes the same sample, a single pack reveals it (PacGAN: Lin et al. 2018,
    arXiv:1712.04086, section 3).

    Args:
        discriminator: takes the samples of a pack concatenated along their second dimension,
            (N / packing, packing · C, …).
        packing: samples in a pack, at least 1.

    Raises:
        InputError: if ``discriminator`` is not an ``nn.Module``, ``packing`` is less than 1, the batch size
            of a call is not a multiple of it, or the samples have no second dimension.

    >>> import torch
    >>> discriminator = nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))
    >>> PackedDiscriminator(discriminator, packing=3)(torch.zeros(12, 2)).shape
    torch.Size([4])
    """

    @checked(packing=integer(1))
    def __init__(self, discriminator: nn.Module, packing: int = 2) -> None:
        super().__init__()
        if not isinstance(discriminator, nn.Module):
            raise InputError(f"discriminator must be a torch.nn.Module, not {type_name(discriminator)}")
        self.discriminator, self.packing = discriminator, packing

    def forward(self, samples: Tensor) -> Tensor:
        if samples.dim() < 2 or len(samples) % self.packing:
            expected = f"(a multiple of {self.packing}, features, …)"
            raise InputError(f"samples to be packed must have shape {expected}, not {tuple(samples.shape)}")
        packs = samples.reshape(-1, self.packing, *samples.shape[1:]).flatten(1, 2)
        logits: Tensor = self.discriminator(packs)
        return logits
