"""The networks of DCGAN (Radford et al. 2016), as a baseline without later improvements."""

from __future__ import annotations

from torch import Tensor, nn

from gantutor._checks import boolean, checked, integer

START_SIDE = 7
"""Side in pixels at which the generator starts and the discriminator ends: a quarter of 28."""


class DCGANGenerator(nn.Module):
    """The generator of DCGAN: latents (N, latent) to images (N, channels, 28, 28) in [−1, 1].

    Radford et al. 2016, arXiv:1511.06434, section 3: strided 4 × 4 transposed convolutions with batch norm
    and ReLU in all layers but the last, which has tanh, and initial weights from N(0, 0.02²). The paper
    doubles the side four times, from 4 to 64 pixels; here it is doubled twice, from 7 to 28.

    Args:
        latent: dimension of the latents, at least 1.
        channels: channels of the images.
        width: channels at 14 × 14 pixels; there are twice as many at 7 × 7.

    Raises:
        InputError: if a number is less than 1.

    >>> import torch
    >>> DCGANGenerator()(torch.zeros(5, 100)).shape
    torch.Size([5, 1, 28, 28])
    """

    @checked(latent=integer(1), channels=integer(1), width=integer(1))
    def __init__(self, latent: int = 100, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent, 2 * width * START_SIDE**2, bias=False),
            nn.Unflatten(1, (2 * width, START_SIDE, START_SIDE)),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        self.apply(_init_weights)

    def forward(self, latent: Tensor) -> Tensor:
        images: Tensor = self.layers(latent)
        return images


class DCGANDiscriminator(nn.Module):
    """The discriminator of DCGAN: images (N, channels, 28, 28) to logits (N,).

    Radford et al. 2016, arXiv:1511.06434: 4 × 4 convolutions of stride 2 with leaky ReLU 0.2, and batch norm
    in all layers but the first. WGAN-GP must do without batch norm (Gulrajani et al. 2017, arXiv:1704.00028,
    section 4): a penalty on the gradient at each sample needs logits that depend on that sample alone.

    Args:
        channels: channels of the images.
        width: channels at 14 × 14 pixels; there are twice as many at 7 × 7.
        normalize: whether to use batch norm.

    Raises:
        InputError: if a number is less than 1, or ``normalize`` is not a bool.

    >>> import torch
    >>> DCGANDiscriminator()(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5])
    """

    @checked(channels=integer(1), width=integer(1), normalize=boolean())
    def __init__(self, channels: int = 1, width: int = 64, normalize: bool = True) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=not normalize),
            nn.BatchNorm2d(2 * width) if normalize else nn.Identity(),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * START_SIDE**2, 1),
        )
        self.apply(_init_weights)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits.squeeze(1)


def _init_weights(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02²), and those of batch norm from N(1, 0.02²); set biases to 0."""
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    if isinstance(weight, Tensor):
        nn.init.normal_(weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
    if isinstance(bias, Tensor):
        nn.init.zeros_(bias)
