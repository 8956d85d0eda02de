"""The networks of DCGAN, for comparison: what image GANs were before resize-convolution and penalties."""

from __future__ import annotations

from torch import Tensor, nn

from gantutor._checks import boolean, integer, validate

SIDE = 7
"""Pixels a side where the generator starts and the discriminator ends: a quarter of 28."""


class DCGANGenerator(nn.Module):
    """Latents (N, ``latent``) → images (N, ``channels``, 28, 28) in [−1, 1], by transposed convolutions.

    Radford et al. 2016, arXiv:1511.06434, section 3: strided transposed convolutions 4 × 4, batch norm and
    ReLU in all layers but the last, tanh there, and weights drawn from N(0, 0.02²). The paper makes 64 × 64
    pixels in four doublings from 4 × 4; here two lead from 7 × 7 to 28 × 28, with 2 · ``width`` and
    ``width`` channels.

    >>> import torch
    >>> DCGANGenerator()(torch.zeros(5, 100)).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(self, latent: int = 100, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        sizes = {"latent": latent, "channels": channels, "width": width}
        validate(sizes, latent=integer(1), channels=integer(1), width=integer(1))
        self.layers = nn.Sequential(
            nn.Linear(latent, 2 * width * SIDE**2, bias=False),
            nn.Unflatten(1, (2 * width, SIDE, SIDE)),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        self.apply(_start_small)

    def forward(self, latent: Tensor) -> Tensor:
        images: Tensor = self.layers(latent)
        return images


class DCGANDiscriminator(nn.Module):
    """Images (N, ``channels``, 28, 28) → logits (N,), by strided convolutions.

    Radford et al. 2016: convolutions 4 × 4 with stride 2, leaky ReLU 0.2, batch norm in all layers but the
    first. ``normalize=False`` leaves batch norm out, as WGAN-GP must (Gulrajani et al. 2017,
    arXiv:1704.00028, section 4): a penalty on the slope at each sample needs logits that depend on that
    sample alone.

    >>> import torch
    >>> DCGANDiscriminator()(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5])
    """

    def __init__(self, channels: int = 1, width: int = 64, normalize: bool = True) -> None:
        super().__init__()
        given = {"channels": channels, "width": width, "normalize": normalize}
        validate(given, channels=integer(1), width=integer(1), normalize=boolean())
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=not normalize),
            nn.BatchNorm2d(2 * width) if normalize else nn.Identity(),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * SIDE**2, 1),
        )
        self.apply(_start_small)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits.squeeze(1)


def _start_small(module: nn.Module) -> None:
    """Weights from N(0, 0.02²), those of batch norm from N(1, 0.02²), biases 0."""
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    if isinstance(weight, Tensor):
        nn.init.normal_(weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
    if isinstance(bias, Tensor):
        nn.init.zeros_(bias)
