"""The share of power in patterns that alternate from pixel to pixel."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import gantutor as gt


def board(side: int) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((rows + columns) % 2).float()[None, None]


def test_a_checkerboard_is_all_alternation_at_any_brightness_and_contrast() -> None:
    assert gt.metrics.checkerboard_share(5 + 0.1 * board(28)) == pytest.approx(1.0)


def test_stripes_of_one_pixel_count_in_both_directions() -> None:
    stripes = (torch.arange(12) % 2).float().expand(1, 1, 12, 12)
    assert gt.metrics.checkerboard_share(stripes) == pytest.approx(1.0)
    assert gt.metrics.checkerboard_share(stripes.mT) == pytest.approx(1.0)


def test_white_noise_has_the_share_of_its_frequencies() -> None:
    noise = torch.randn(400, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert gt.metrics.checkerboard_share(noise) == pytest.approx((2 * 16 - 1) / (16**2 - 1), rel=0.05)


def test_nearest_neighbour_upsampling_weakens_alternation_and_a_transposed_convolution_adds_it() -> None:
    images = torch.randn(50, 1, 14, 14, generator=torch.Generator().manual_seed(0))
    stamps = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1)
    nn.init.ones_(stamps.weight)
    smooth = gt.metrics.checkerboard_share(nn.Upsample(scale_factor=2)(images))
    assert smooth < 0.02 < 0.05 < gt.metrics.checkerboard_share(stamps(images + 3))


def test_images_without_contrast_have_none() -> None:
    assert gt.metrics.checkerboard_share(torch.ones(2, 3, 8, 8)) == 0.0


@pytest.mark.parametrize("images", [torch.zeros(28, 28), torch.zeros(0, 1, 8, 8), torch.zeros(1, 1, 2, 8)])
def test_other_shapes_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(gt.InputError, match="4 × 4"):
        gt.metrics.checkerboard_share(images)


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(gt.InputError):
        gt.metrics.checkerboard_share(torch.full((1, 1, 8, 8), float("nan")))
