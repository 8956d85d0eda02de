"""Frozen features of faces that nobody had to train: eigenfaces for what is large, textures for what is fine.

Networks that know faces were trained on photographs whose people were not asked; these features need none.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import check_floats, integer, validate
from gantutor._errors import InputError, type_name

CELLS = (4, 2, 2)
"""Cells a side in which the details of each size are measured: of 1, 2 and 4 pixels."""

QUIET = 0.03
"""Details below this contrast, on the scale from −1 to 1, count as none."""

MOST = 2_000
"""So many training faces are enough to find the eigenfaces."""


class FaceFeatures:
    """Features of faces (N, C, H, W) in [−1, 1], set by training faces: (N, ``eigenfaces`` + 48), each with
    mean 0 and variance 1 over these.

    ``outline(images)``: what the first principal directions of the training faces say, which is light, pose
    and outline (Turk & Pentland 1991, doi:10.1162/jocn.1991.3.1.71). ``texture(images)``: see
    ``texture_statistics``. Each half is blind where the other sees: blurred faces, noise and pasted halves
    pass for real by their eigenfaces, and bent ones by their texture. Raises InputError for images of another
    shape than the training faces, or values that are not finite.

    >>> from gantutor.data import faces
    >>> data = faces()
    >>> read = FaceFeatures(data.train.tensors[0])
    >>> read(data.held_out.tensors[0]).shape
    torch.Size([80, 112])
    """

    def __init__(self, train: Tensor, eigenfaces: int = 64) -> None:
        if not isinstance(train, Tensor) or train.dim() != 4 or not train.is_floating_point():
            given = tuple(train.shape) if isinstance(train, Tensor) else type_name(train)
            raise InputError(f"training faces must be floats of shape (N, C, H, W), not {given}")
        check_floats(train=train)
        train = train.detach().cpu()[:: max(1, len(train) // MOST)][:MOST]
        validate({"eigenfaces": eigenfaces}, eigenfaces=integer(1, max(1, len(train) - 1)))
        self.shape = train.shape[1:]
        self.mean, self.directions = eigenfaces_of(train, eigenfaces)
        measured = texture_statistics(train)
        self.usual, self.spread = measured.mean(0), measured.std(0).clamp(min=1e-9)

    def outline(self, images: Tensor) -> Tensor:
        """What the eigenfaces say of images, (N, ``eigenfaces``)."""
        said: Tensor = (self._checked(images).double().flatten(1) - self.mean) @ self.directions
        return said

    def texture(self, images: Tensor) -> Tensor:
        """The texture of images, (N, 48)."""
        return (texture_statistics(self._checked(images)) - self.usual) / self.spread

    def __call__(self, images: Tensor) -> Tensor:
        return torch.cat([self.outline(images), self.texture(images)], 1)

    def _checked(self, images: Tensor) -> Tensor:
        check_floats(images=images)
        if images.dim() != 4 or images.shape[1:] != self.shape:
            raise InputError(
                f"faces must be of shape (N, {', '.join(map(str, self.shape))}), not {tuple(images.shape)}"
            )
        return images.detach().cpu()


def eigenfaces_of(train: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The mean (D,) of images (N, …) of D values, and their first ``count`` principal directions (D, count),
    each divided by its deviation.

    >>> mean, directions = eigenfaces_of(torch.rand(20, 1, 4, 4), 3)
    >>> mean.shape, directions.shape
    (torch.Size([16]), torch.Size([16, 3]))
    """
    flat = train.flatten(1).double()
    mean = flat.mean(0)
    _, sizes, rows = torch.linalg.svd(flat - mean, full_matrices=False)
    deviations = sizes[:count] / len(flat) ** 0.5
    return mean, (rows[:count] / deviations[:, None].clamp(min=1e-9)).T


def texture_statistics(images: Tensor) -> Tensor:
    """How strong and how sparse the details of images (N, C, H, W) are, place by place: (N, 48), float64.

    Details of a size are what a blur with σ = 1 takes off the grey image, and then off the image halved once
    and twice (the Laplacian pyramid of Burt & Adelson 1983, doi:10.1109/TCOM.1983.1095851). Of each in
    4 × 4, 2 × 2 and 2 × 2 cells the logarithm of the mean square, and of its root over the mean absolute
    value: few strong edges have more of the latter than many weak ones (after Portilla & Simoncelli 2000,
    doi:10.1023/A:1026553619983).

    >>> edge = torch.ones(1, 1, 64, 64)
    >>> edge[..., :20] = -1
    >>> texture_statistics(edge).shape
    torch.Size([1, 48])
    """
    if images.dim() != 4 or min(images.shape[2:]) < 16:
        raise InputError(
            f"images must have shape (N, C, at least 16, at least 16), not {tuple(images.shape)}"
        )
    left = images.float().mean(1, keepdim=True)
    strengths, sparseness = [], []
    for cells in CELLS:
        details = left - _blurred(left)
        square = F.adaptive_avg_pool2d(details.square(), cells)
        absolute = F.adaptive_avg_pool2d(details.abs(), cells)
        strengths.append((square + QUIET**2).log().flatten(1))
        sparseness.append(((square + QUIET**2).sqrt() / (absolute + QUIET)).log().flatten(1))
        left = F.avg_pool2d(left, 2)
    return torch.cat(strengths + sparseness, 1).double()


def _blurred(images: Tensor, sigma: float = 1.0, reach: int = 4) -> Tensor:
    place = torch.arange(-reach, reach + 1, dtype=images.dtype)
    kernel = torch.exp(-(place**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = F.pad(images, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, kernel.view(1, 1, 1, -1))
    return F.conv2d(across, kernel.view(1, 1, -1, 1))
