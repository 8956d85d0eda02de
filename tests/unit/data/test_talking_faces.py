"""Talking faces: what their clips show, and how an expression is read again."""

from __future__ import annotations

import pytest
import torch

import gantutor as gt
from gantutor.data.talking_faces import EYES, MOUTHS, sample_expressions

pytest.importorskip("python_avatars")
pytest.importorskip("resvg_py")


@pytest.fixture(scope="module")
def data() -> gt.data.TalkingFaces:
    return gt.data.talking_faces(6, 4, side=32)


def test_a_clip_begins_and_ends_at_rest(data: gt.data.TalkingFaces) -> None:
    for part in (data.train, data.held_out):
        clips, first = part.tensors
        assert clips.shape[1:] == (16, 3, 32, 32) and clips.abs().max() <= 1
        assert torch.equal(clips[:, 0], first) and torch.equal(clips[:, -1], first)


def test_every_clip_shows_another_face(data: gt.data.TalkingFaces) -> None:
    first = torch.cat([data.train.tensors[1], data.held_out.tensors[1]]).flatten(1)
    distances = torch.cdist(first, first) + 1e6 * torch.eye(len(first))
    assert float(distances.min()) > 0


def test_eyes_close_once_and_a_face_laughs_or_speaks() -> None:
    expressions = sample_expressions(2000, seed=3)
    assert (expressions.eyes.diff(dim=1) == 1).sum(1).unique().tolist() == [1]
    laugh = MOUTHS.index("laugh")
    laughs, speaks = (expressions.mouth == laugh).any(1), ((expressions.mouth % laugh) > 0).any(1)
    assert bool((laughs ^ speaks).all()) and 0.45 < float(laughs.float().mean()) < 0.55
    speaking = expressions.mouth[speaks][:, 4:10]
    assert bool((speaking.diff(dim=1) != 0).all())  # another mouth in each frame


def test_expressions_are_read_from_the_frames_that_show_them(data: gt.data.TalkingFaces) -> None:
    clips = data.held_out.tensors[0] + 0.02 * torch.randn(4, 16, 3, 32, 32)
    read, distance = gt.data.read_expressions(clips, data.held_out_faces)
    assert torch.equal(read.index, data.held_out_expressions.index)
    assert float(distance.min()) > 0.01 and float(distance.max()) < 0.03


def test_a_face_has_an_image_for_each_expression(data: gt.data.TalkingFaces) -> None:
    assert data.held_out_faces.shape == (4, len(EYES) * len(MOUTHS), 3, 32, 32)


def test_the_same_seed_gives_the_same_clips_and_another_others() -> None:
    one, same, other = (gt.data.talking_faces(2, 1, side=16, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.train.tensors[0], same.train.tensors[0])
    assert not torch.equal(one.train.tensors[0], other.train.tensors[0])


@pytest.mark.parametrize("wrong", [{"count": 0}, {"held_out": 0}, {"side": 8}, {"seed": -1}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(gt.InputError):
        gt.data.talking_faces(**wrong)


def test_clips_of_other_faces_than_those_given_are_refused(data: gt.data.TalkingFaces) -> None:
    with pytest.raises(gt.InputError, match="must fit"):
        gt.data.read_expressions(data.held_out.tensors[0], data.held_out_faces[:2])
