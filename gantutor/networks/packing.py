"""Packing: the discriminator judges several samples at once, so that a lack of variety shows."""

from __future__ import annotations

from torch import Tensor, nn

from gantutor._checks import integer, validate
from gantutor._errors import InputError, type_name


class PackedDiscriminator(nn.Module):
    """A discriminator that judges ``packing`` samples together: (N, C, …) → logits of N / ``packing`` packs.

    ``discriminator`` takes the samples of a pack side by side in their second dimension,
    (N / ``packing``, ``packing`` · C, …). A generator that makes the same thing again and again is found out
    by a single pack (PacGAN: Lin et al. 2018, arXiv:1712.04086, section 3). Raises InputError for a batch
    that does not come out even, or for samples without a second dimension.

    >>> import torch
    >>> PackedDiscriminator(nn.Sequential(nn.Linear(6, 1), nn.Flatten(0)), packing=3)(torch.zeros(12, 2)).shape
    torch.Size([4])
    """

    def __init__(self, discriminator: nn.Module, packing: int = 2) -> None:
        super().__init__()
        validate({"packing": packing}, packing=integer(1))
        if not isinstance(discriminator, nn.Module):
            raise InputError(f"discriminator must be a torch.nn.Module, not {type_name(discriminator)}")
        self.discriminator, self.packing = discriminator, packing

    def forward(self, samples: Tensor) -> Tensor:
        if samples.dim() < 2 or len(samples) % self.packing:
            wanted = f"(a multiple of {self.packing}, features, …)"
            raise InputError(f"samples to be packed must have shape {wanted}, not {tuple(samples.shape)}")
        packs = samples.reshape(-1, self.packing, *samples.shape[1:]).flatten(1, 2)
        logits: Tensor = self.discriminator(packs)
        return logits
