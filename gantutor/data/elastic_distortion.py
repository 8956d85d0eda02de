"""Random elastic distortions of characters, which change the handwriting but not the character."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import checked, number

SIDE, CONTROL_POINTS = 28, 5
"""Height and width of an image, and of the coarse grid of displacements."""


@checked(slant=number(0), displacement=number(0), noise=number(0))
def elastic_distortion(
    images: Tensor, slant: float = 0.15, displacement: float = 3.0, noise: float = 0.2
) -> Tensor:
    """Distort images of characters at random, each as another person might have written it.

    An affine map rotates, shears, stretches and shifts the image. A smooth field of displacements,
    interpolated between 5 × 5 random ones, bends it (Simard et al. 2003). Strokes become thicker or thinner,
    and noise is added. Random numbers come from torch's global generator, so that a seeded run repeats.

    Args:
        images: (N, 1, 28, 28) in [−1, 1], white on black.
        slant: scale of the random changes of the affine map's entries.
        displacement: scale of the field; displacements are about half of this, in pixels.
        noise: largest standard deviation of the noise, which differs from image to image.

    Returns:
        Images (N, 1, 28, 28) in [−1, 1].

    Raises:
        InputError: if a number is negative.

    >>> elastic_distortion(torch.full((2, 1, 28, 28), -1.0), noise=0.0).max()
    tensor(-1.)
    """
    count, device = len(images), images.device
    changes = (slant * torch.randn(count, 6, device=device)).unbind(1)
    # Weights and identity are Python numbers, because copying a tensor of them would make a GPU wait.
    weights, identity = (1, 1.5, 0.4, 0.7, 1, 0.4), (1, 0, 0, 0, 1, 0)
    entries = zip(changes, weights, identity, strict=True)
    affine = torch.stack([change * weight + entry for change, weight, entry in entries], 1).view(count, 2, 3)
    field = displacement / SIDE * torch.randn(count, 2, CONTROL_POINTS, CONTROL_POINTS, device=device)
    smooth = F.interpolate(field, (SIDE, SIDE), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = F.affine_grid(affine, [count, 1, SIDE, SIDE], align_corners=False) + smooth
    ink = _change_stroke_width(F.grid_sample((images + 1) / 2, grid, align_corners=False))
    grain = noise * torch.rand(count, 1, 1, 1, device=device) * torch.randn_like(ink)
    return (2 * ink - 1 + grain).clamp(-1, 1)


def _change_stroke_width(ink: Tensor) -> Tensor:
    """Make the strokes of ink (N, 1, H, W) in [0, 1] thicker or thinner, by a random share for each image."""
    share = 2 * torch.rand(len(ink), 1, 1, 1, device=ink.device) - 1
    thick, thin = F.max_pool2d(ink, 3, 1, 1), -F.max_pool2d(-ink, 3, 1, 1)
    return torch.where(share > 0, ink + 0.8 * share * (thick - ink), ink + 0.3 * share * (ink - thin))
