"""The watermark is found in marked images, after distortions too, and not in others."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gantutor as gt

SHAPE = (3, 64, 64)


@pytest.fixture
def images() -> Tensor:
    """Smooth colour images, (100, 3, 64, 64), in [-1, 1]."""
    coarse = torch.randn(100, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return F.interpolate(coarse, SHAPE[1:], mode="bicubic", align_corners=False).clamp(-1, 1)


def watermark(**options: Any) -> gt.sampling.Watermark:
    return gt.sampling.Watermark(SHAPE, key=3, **options)


def test_it_is_faint_and_stays_in_range(images: Tensor) -> None:
    marked = watermark(strength=0.05).embed(images)
    assert marked.abs().max() <= 1
    assert float((marked - images).square().mean().sqrt()) <= 0.05 + 1e-6


def test_marked_images_are_told_from_others(images: Tensor) -> None:
    mark = watermark()
    assert gt.metrics.roc_area(mark.scores(mark.embed(images)), mark.scores(images)).value > 0.99


def test_unmarked_images_score_like_a_standard_normal(images: Tensor) -> None:
    scores = torch.cat([gt.sampling.Watermark(SHAPE, key=1000 * key).scores(images) for key in range(10)])
    assert abs(float(scores.mean())) < 0.25 and 0.8 < float(scores.std()) < 1.25


def test_another_key_finds_nothing(images: Tensor) -> None:
    marked = watermark().embed(images)
    other = gt.sampling.Watermark(SHAPE, key=10_000)
    area = gt.metrics.roc_area(other.scores(marked), other.scores(images))
    assert 0.3 < area.value < 0.7


def test_large_cells_keep_more_of_their_score_under_halving_than_single_pixels(images: Tensor) -> None:
    def share_kept(cell: int) -> float:
        mark = watermark(cell=cell, strength=0.03)
        marked = mark.embed(images)
        halved = F.interpolate(marked, scale_factor=0.5, mode="area")
        return float(mark.scores(halved).mean() / mark.scores(marked).mean())

    assert share_kept(4) > 2 * share_kept(1)


def test_watching_is_repeatable_and_leaves_random_numbers_alone(images: Tensor) -> None:
    state = torch.get_rng_state()
    assert torch.equal(watermark().scores(images), watermark().scores(images))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("shape", [(3, 64), (3, 4, 64), (0, 64, 64)])
def test_shapes_that_are_none_of_an_image_are_refused(shape: Any) -> None:
    with pytest.raises(gt.InputError, match="shape must be"):
        gt.sampling.Watermark(shape, key=0)


@pytest.mark.parametrize("wrong", [torch.zeros(2, 1, 64, 64), torch.zeros(3, 64, 64)])
def test_images_of_other_shapes_are_refused(wrong: Tensor) -> None:
    for function in (watermark().embed, watermark().scores):
        with pytest.raises(gt.InputError, match="images must have the shape"):
            function(wrong)


def test_values_that_are_not_finite_are_refused(images: Tensor) -> None:
    images[0, 0, 0, 0] = torch.nan
    with pytest.raises(gt.InputError):
        watermark().scores(images)
