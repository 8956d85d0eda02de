"""Alignment: images that were moved come back on top of each other."""

from __future__ import annotations

import pytest
import torch

import gantutor as gt
from gantutor.data import align_faces
from gantutor.data.affine import affine_transform


def moved_copies(count: int = 12) -> torch.Tensor:
    face = gt.data.draw_faces(*gt.data.random_faces(1, seed=4)).mean(1, keepdim=True)
    rng = torch.Generator().manual_seed(0)
    shift = 3 * torch.randn(count, 2, generator=rng)
    angle, scale = 0.08 * torch.randn(2, count, generator=rng)
    return affine_transform(face.expand(count, -1, -1, -1), shift, angle, scale.exp())


def spread(images: torch.Tensor) -> float:
    return float(images[:, :, 16:48, 16:48].std(0).mean())


def test_moved_copies_of_a_face_come_together() -> None:
    images = moved_copies()
    aligned, template = align_faces(images)
    assert spread(aligned) < 0.5 * spread(images)
    assert torch.allclose(template, aligned.mean(0)) and float(aligned.abs().max()) <= 1


def test_a_further_image_comes_to_the_template_of_the_others() -> None:
    images = moved_copies()
    _, template = align_faces(images[:-1])
    aligned, same = align_faces(images[-1:], template)
    assert torch.equal(same, template)
    before, after = ((part - template).square().mean() for part in (images[-1:], aligned))
    assert float(after) < float(before)


def test_the_images_given_stay_as_they_are() -> None:
    images = moved_copies(3)
    copy = images.clone()
    align_faces(images, steps=2)
    assert torch.equal(images, copy)


@pytest.mark.parametrize("shape", [(2, 1, 16, 18), (2, 1, 8, 8), (2, 1, 17, 17), (16, 16)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(gt.InputError, match="images must have shape"):
        align_faces(torch.zeros(shape))


def test_a_template_of_another_shape_is_refused() -> None:
    with pytest.raises(gt.InputError, match=r"the template must have shape \(1, 16, 16\), not \(1, 8, 8\)"):
        align_faces(torch.zeros(2, 1, 16, 16), torch.zeros(1, 8, 8))
