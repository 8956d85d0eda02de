"""Alignment of faces without landmarks: shift, turn and scale each towards the mean of all (congealing)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor._checks import check_floats, checked, integer, number
from gantutor._errors import InputError

LIMITS = (0.16, 0.16, 0.25, 0.22)
"""Largest shifts as shares of half the side, largest angle in radians, and largest logarithm of the scale."""

LEARNING_RATE = 0.02


@checked(steps=integer(1), window=number(above=0, high=10))
def align_faces(
    images: Tensor, template: Tensor | None = None, steps: int = 80, window: float = 0.55
) -> tuple[Tensor, Tensor]:
    """Shift, turn and scale each image so that it comes closest to the mean of all aligned images.

    Congealing (Learned-Miller 2006, doi:10.1109/TPAMI.2006.34), here with the squared difference to the
    running mean as its measure. No landmarks and no trained network are needed. Images are compared at half
    of their size, with mean 0 and variance 1 each, under a Gaussian window around the middle, so that light
    and background count little. Each image's own transform starts from none, and Adam moves all of them.

    Args:
        images: images (N, C, H, H) in [−1, 1], N ≥ 1, H even and at least 16.
        template: a mean image (C, H, H) that an earlier call returned, for further images; None means the
            running mean of these images.
        steps: optimisation steps.
        window: standard deviation of the window, as a share of half the side.

    Returns:
        The aligned images (N, C, H, H), and their mean or the template (C, H, H). Where an image does not
        reach, its mirror image at the edge goes on.

    Raises:
        InputError: if the images or the template have another shape.

    >>> faces = torch.rand(4, 1, 16, 16)
    >>> aligned, template = align_faces(faces, steps=2)
    >>> aligned.shape, template.shape
    (torch.Size([4, 1, 16, 16]), torch.Size([1, 16, 16]))
    """
    _check(images, template)
    images = images.detach().cpu().float()
    weights = _window(images.shape[-1] // 2, window)
    moves = torch.zeros(len(images), 4, requires_grad=True)  # shares of LIMITS
    optimizer = torch.optim.Adam([moves], lr=LEARNING_RATE)
    target = None if template is None else _normalised(template[None], weights)
    for step in range(steps):
        current = _normalised(_transformed(images, moves), weights)
        goal = current.detach().mean(0, keepdim=True) if target is None else target
        loss = (weights * (current - goal).square()).sum((1, 2, 3)).mean() * len(images)
        (moves.grad,) = torch.autograd.grad(loss, moves)
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / steps)
        optimizer.step()
        if template is None:  # otherwise all of them could drift or shrink together
            with torch.no_grad():
                moves -= moves.mean(0)
    with torch.no_grad():
        aligned = _transformed(images, moves).clamp(-1, 1)
    return aligned, aligned.mean(0) if template is None else template


def _transformed(images: Tensor, moves: Tensor) -> Tensor:
    """Images after their moves: two shifts, an angle, the logarithm of a scale, as shares of the limits."""
    across, down, angle, scale = (torch.tanh(moves) * torch.tensor(LIMITS)).unbind(1)
    cosine, sine = angle.cos() * scale.exp(), angle.sin() * scale.exp()
    rows = [torch.stack([cosine, -sine, across], 1), torch.stack([sine, cosine, down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _normalised(images: Tensor, weights: Tensor) -> Tensor:
    """Images at half their size, with mean 0 and variance 1 under the window."""
    small = F.avg_pool2d(images, 2)
    mean = (weights * small).sum((2, 3), keepdim=True)
    variance = (weights * (small - mean).square()).sum((2, 3), keepdim=True)
    return (small - mean) / (variance + 1e-4).sqrt()


def _window(side: int, spread: float) -> Tensor:
    """Weights (side, side) that sum to 1."""
    place = torch.linspace(-1, 1, side)
    line = torch.exp(-place.square() / (2 * spread**2))
    weights = line[:, None] * line
    return weights / weights.sum()


def _check(images: Tensor, template: Tensor | None) -> None:
    check_floats(images=images)
    square = images.dim() == 4 and images.shape[2] == images.shape[3]
    if not square or not len(images) or images.shape[2] < 16 or images.shape[2] % 2:
        raise InputError(
            f"images must have shape (count, channels, side, side) with an even side of at least 16, not "
            f"{tuple(images.shape)}"
        )
    if template is not None:
        check_floats(template=template)
        if template.shape != images.shape[1:]:
            raise InputError(
                f"the template must have shape {tuple(images.shape[1:])}, not {tuple(template.shape)}"
            )
