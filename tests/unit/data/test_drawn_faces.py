"""Drawn faces: what is asked for is drawn, what is not varies, and wrong attributes are refused."""

from __future__ import annotations

import pytest
import torch

import gantutor as gt
from gantutor.data import FACE_ATTRIBUTES, draw_faces, drawn_faces, random_faces


def test_equal_seeds_give_equal_faces_and_others_give_others() -> None:
    first, again, other = (drawn_faces(6, 4, seed=seed).train.tensors[0] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_every_option_of_every_attribute_can_be_seen() -> None:
    attributes, style = random_faces(1, seed=3)
    for column, options in enumerate(FACE_ATTRIBUTES.values()):
        rows = attributes.repeat(len(options), 1)
        rows[:, column] = torch.arange(len(options))
        faces = draw_faces(rows, style.rows(torch.zeros(len(options), dtype=torch.long)))
        distances = torch.cdist(faces.flatten(1), faces.flatten(1))
        assert float(distances[~torch.eye(len(options), dtype=torch.bool)].min()) > 0.5


def test_what_is_not_asked_for_varies() -> None:
    attributes, style = random_faces(30, seed=1)
    faces = draw_faces(attributes[:1].expand(30, -1), style)
    corners = faces[:, :, 0, 0]
    assert torch.allclose((corners + 1) / 2, style.background, atol=1e-6)
    assert len({tuple(colour) for colour in corners.tolist()}) == 30


def test_the_parts_of_a_data_set_are_apart_and_in_range() -> None:
    data = drawn_faces(20, 10, side=32)
    (train, _), (held_out, attributes) = data.train.tensors, data.held_out.tensors
    assert train.shape == (20, 3, 32, 32) and held_out.shape == (10, 3, 32, 32)
    assert float(train.min()) >= -1 and float(train.max()) <= 1 and attributes.dtype == torch.int64
    assert "MIT" in data.card.licence and "python_avatars" in data.card.source


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        (torch.zeros(2, 3, dtype=torch.long), "shape \\(count, 7\\), not \\(2, 3\\)"),
        (torch.full((2, 7), 99), "hair must be from 0 to 7: short, quiff"),
        (torch.zeros(0, 7, dtype=torch.long), "at least one face"),
        ([0] * 7, "not a? ?list"),
    ],
)
def test_wrong_attributes_are_refused(attributes: object, words: str) -> None:
    with pytest.raises(gt.InputError, match=words):
        draw_faces(attributes, random_faces(2)[1])  # type: ignore[arg-type]


def test_styles_of_other_faces_are_refused() -> None:
    with pytest.raises(gt.InputError, match="style must be the FaceStyle of 2 faces, not of 3"):
        draw_faces(random_faces(2)[0], random_faces(3)[1])
