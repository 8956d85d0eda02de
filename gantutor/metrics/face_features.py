"""Features of faces that need no trained network: eigenfaces for coarse and texture for fine detail."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import check_floats, integer, validate
from gantutor._errors import InputError, type_name

CELLS_PER_SIDE = (4, 2, 2)
"""Cells along each side in which details are measured, for details of 1, 2 and 4 pixels."""

MIN_CONTRAST = 0.03
"""Details below this contrast, on the scale from −1 to 1, count as none."""

MIN_RELATIVE_STD = 1e-9
"""A principal direction with a smaller standard deviation than this share of the first one's is rounding."""

MIN_TEXTURE_STD = 1e-6
"""A texture statistic with a smaller standard deviation does not vary over the training faces."""

MAX_TRAINING_FACES = 2_000
"""As many training faces are enough to find the eigenfaces; of more, an even selection is used."""


class FaceFeatures:
    """Eigenface coefficients and texture statistics of faces, standardised over training faces.

    Call it with images (N, C, H, W) in [−1, 1] to get features (N, ``eigenfaces`` + 48), each with mean 0 and
    variance 1 over the training faces. Eigenfaces, the first principal directions of the training faces,
    measure light, pose and outline (Turk & Pentland 1991, doi:10.1162/jocn.1991.3.1.71). Each half detects
    what the other misses: blurred faces, noise and pasted halves pass as real by their eigenfaces, and
    distorted faces by their texture. Networks for face recognition are avoided on purpose: they were trained
    on photographs of people who had not been asked.

    Args:
        train: training faces (N, C, H, W) in [−1, 1], with H and W at least 16.
        eigenfaces: how many principal directions to keep, from 1 to the number of training faces − 1.

    Attributes:
        shape: the shape of an image (C, H, W).
        mean: the mean training face, flattened.
        directions: the principal directions (C · H · W, ``eigenfaces``), each divided by its standard
            deviation.
        texture_mean: the means of the texture statistics over the training faces (48,).
        texture_std: their standard deviations (48,), 1 for one that does not vary.

    Raises:
        InputError: for training faces of another type or shape or not finite, or a number out of range; when
            called, for images of another shape than the training faces, or values that are not finite.

    >>> from gantutor.data import faces
    >>> data = faces()
    >>> features = FaceFeatures(data.train.tensors[0])
    >>> features(data.held_out.tensors[0]).shape
    torch.Size([80, 112])
    """

    def __init__(self, train: Tensor, eigenfaces: int = 64) -> None:
        if not isinstance(train, Tensor) or train.dim() != 4 or not train.is_floating_point():
            shape = tuple(train.shape) if isinstance(train, Tensor) else type_name(train)
            raise InputError(f"training faces must be floats of shape (N, C, H, W), not {shape}")
        check_floats(train=train)
        train = train.detach().cpu()[:: max(1, len(train) // MAX_TRAINING_FACES)][:MAX_TRAINING_FACES]
        validate({"eigenfaces": eigenfaces}, eigenfaces=integer(1, max(1, len(train) - 1)))
        self.shape = train.shape[1:]
        self.mean, self.directions = principal_directions(train, eigenfaces)
        statistics = texture_statistics(train)
        std = statistics.std(0)
        self.texture_mean, self.texture_std = statistics.mean(0), torch.where(std < MIN_TEXTURE_STD, 1.0, std)

    def eigenface_coefficients(self, images: Tensor) -> Tensor:
        """Return the coefficients of images along the eigenfaces, (N, ``eigenfaces``)."""
        coefficients: Tensor = (self._checked(images).double().flatten(1) - self.mean) @ self.directions
        return coefficients

    def texture(self, images: Tensor) -> Tensor:
        """Return the standardised ``texture_statistics`` of images, (N, 48)."""
        return (texture_statistics(self._checked(images)) - self.texture_mean) / self.texture_std

    def __call__(self, images: Tensor) -> Tensor:
        return torch.cat([self.eigenface_coefficients(images), self.texture(images)], 1)

    def _checked(self, images: Tensor) -> Tensor:
        check_floats(images=images)
        if images.dim() != 4 or images.shape[1:] != self.shape:
            raise InputError(
                f"faces must be of shape (N, {', '.join(map(str, self.shape))}), not {tuple(images.shape)}"
            )
        return images.detach().cpu()


def principal_directions(images: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the mean of images and their first principal directions, scaled to give unit variance.

    Args:
        images: images (N, …) of D values each.
        count: how many directions to return, at most min(N, D).

    Returns:
        The mean (D,) and the directions (D, ``count``), each divided by the standard deviation of the images
        along it, and 0 where they do not vary; both float64.

    >>> mean, directions = principal_directions(torch.rand(20, 1, 4, 4), 3)
    >>> mean.shape, directions.shape
    (torch.Size([16]), torch.Size([16, 3]))
    """
    flat = images.flatten(1).double()
    mean = flat.mean(0)
    _, singular_values, rows = torch.linalg.svd(flat - mean, full_matrices=False)
    deviations = singular_values[:count] / len(flat) ** 0.5
    # Rounding gives a direction without variance one of 1e-16; divided by that, new images would be far away.
    varies = deviations > MIN_RELATIVE_STD * deviations[:1]
    scales = torch.where(varies, 1 / torch.where(varies, deviations, 1.0), 0.0)
    return mean, (rows[:count] * scales[:, None]).T


def texture_statistics(images: Tensor) -> Tensor:
    """Return how strong and how sparse the details of images are, in cells of the image.

    The details of one scale are what a blur with σ = 1 removes from the grey image, and then from the image
    halved once and twice (the Laplacian pyramid of Burt & Adelson 1983, doi:10.1109/TCOM.1983.1095851). For
    the three scales, in 4 × 4, 2 × 2 and 2 × 2 cells, the statistics are the logarithm of the mean square,
    and the logarithm of its root divided by the mean absolute value. The latter is larger for few strong
    edges than for many weak ones (after Portilla & Simoncelli 2000, doi:10.1023/A:1026553619983).

    Args:
        images: images (N, C, H, W) in [−1, 1], with H and W at least 16; channels are averaged.

    Returns:
        Statistics (N, 48), float64: 24 strengths, then 24 values of sparseness.

    Raises:
        InputError: for images of another shape.

    >>> edge = torch.ones(1, 1, 64, 64)
    >>> edge[..., :20] = -1
    >>> texture_statistics(edge).shape
    torch.Size([1, 48])
    """
    if images.dim() != 4 or min(images.shape[2:]) < 16:
        raise InputError(
            f"images must have shape (N, C, at least 16, at least 16), not {tuple(images.shape)}"
        )
    grey = images.float().mean(1, keepdim=True)  # (N, 1, H, W)
    strengths, sparseness = [], []
    for cells in CELLS_PER_SIDE:
        details = grey - _blurred(grey)
        square = F.adaptive_avg_pool2d(details.square(), cells)
        absolute = F.adaptive_avg_pool2d(details.abs(), cells)
        strengths.append((square + MIN_CONTRAST**2).log().flatten(1))
        sparseness.append(((square + MIN_CONTRAST**2).sqrt() / (absolute + MIN_CONTRAST)).log().flatten(1))
        grey = F.avg_pool2d(grey, 2)
    return torch.cat(strengths + sparseness, 1).double()


def _blurred(images: Tensor, sigma: float = 1.0, radius: int = 4) -> Tensor:
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = F.pad(images, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel.view(1, 1, 1, -1))
    return F.conv2d(rows, kernel.view(1, 1, -1, 1))
