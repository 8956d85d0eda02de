"""The classifier of drawn faces' attributes, and the scores of obedience, edits and variety."""

from __future__ import annotations

import pytest
import torch

import gantutor as gt
from gantutor.data import FACE_ATTRIBUTES, draw_faces, random_faces
from gantutor.metrics import attribute_scores, edit_scores, read_attributes, variety_within_condition


def test_the_shipped_classifier_reads_new_faces() -> None:
    attributes, style = random_faces(300, seed=77)
    right = (read_attributes(draw_faces(attributes, style)) == attributes).double().mean(0)
    assert float(right.min()) >= 0.98


def test_faces_of_other_attributes_do_not_obey() -> None:
    attributes, style = random_faces(60, seed=5)
    faces, other = draw_faces(attributes, style), random_faces(60, seed=6)[0]
    scores = attribute_scores(faces, other, (faces, attributes))
    chance = sum(1 / len(options) for options in FACE_ATTRIBUTES.values()) / len(FACE_ATTRIBUTES)
    assert scores["attributes_obeyed"].value == pytest.approx(chance, abs=0.08)
    assert scores["attributes_obeyed"].real > 0.98 and scores["all_attributes_obeyed"].value < 0.1


def test_an_edit_is_scored_by_what_changed_and_by_what_stayed() -> None:
    attributes, style = random_faces(30, seed=8)
    wanted = attributes.clone()
    wanted[:, 3] = (wanted[:, 3] + 1) % 4
    done = edit_scores(draw_faces(wanted, style), wanted, attributes)
    undone = edit_scores(draw_faces(attributes, style), wanted, attributes)
    assert done["edit_obeyed"].value > 0.95 and undone["edit_obeyed"].value < 0.05
    assert min(done["edit_others_kept"].value, undone["edit_others_kept"].value) > 0.95


def test_an_edit_that_changes_nothing_is_refused() -> None:
    attributes, style = random_faces(2)
    with pytest.raises(gt.InputError, match="each edit must change at least one attribute"):
        edit_scores(draw_faces(attributes, style), attributes, attributes)


def test_variety_is_1_for_real_faces_and_0_for_equal_ones() -> None:
    attributes, style = random_faces(40, seed=9)
    pairs = attributes[:20]
    real = draw_faces(pairs.repeat_interleave(2, 0), style)
    assert variety_within_condition(real, pairs).value == pytest.approx(1, abs=0.25)
    assert variety_within_condition(real[::2].repeat_interleave(2, 0), pairs).value < 1e-3


def test_images_of_another_shape_or_range_are_refused() -> None:
    with pytest.raises(gt.InputError, match=r"shape \(count, 3, 64, 64\)"):
        read_attributes(torch.zeros(1, 1, 64, 64))
    with pytest.raises(gt.InputError, match=r"must lie in \[-1, 1\]"):
        read_attributes(torch.full((1, 3, 64, 64), 2.0))
