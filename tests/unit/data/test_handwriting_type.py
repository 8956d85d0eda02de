"""Handwriting and type in pairs and in streams: what belongs together, and what is held back."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import gantutor as gt
from gantutor.data.handwriting_type import paired_handwriting, training_combinations, unpaired_handwriting
from gantutor.data.typefaces import matplotlib_fonts
from gantutor.data.typeset import render

FONTS = matplotlib_fonts()
SANS, BOLD = FONTS / "DejaVuSans.ttf", FONTS / "DejaVuSans-Bold.ttf"


# --- handwriting and type -----------------------------------------------------------------------------------

WRITTEN = gt.data.digits()


def test_a_pair_says_the_same_in_the_typeface_it_names() -> None:
    pairs = paired_handwriting(copies=1, shift=0, scale=0)
    typed, written, face = pairs.train.tensors
    assert torch.equal(written, WRITTEN.train.tensors[0])
    assert torch.equal(typed, render(pairs.typefaces, pairs.characters, WRITTEN.train.tensors[1], face))
    typed, written, face = pairs.held_out.tensors
    assert torch.equal(written[::8], WRITTEN.held_out.tensors[0]) and torch.equal(written[5::8], written[::8])
    assert torch.equal(pairs.labels[::8], WRITTEN.held_out.tensors[1])
    assert torch.equal(typed, render(pairs.typefaces, pairs.characters, pairs.labels, face))


def test_held_back_combinations_occur_in_held_out_rows_alone() -> None:
    pairs = paired_handwriting(copies=2, held_back=2)
    labels = WRITTEN.train.tensors[1].repeat(2)
    trained = torch.zeros(10, 8, dtype=torch.bool)
    trained[labels, pairs.train.tensors[2]] = True
    assert trained.sum(0).tolist() == [8] * 8 and bool(trained.any(1).all())
    assert torch.equal(pairs.unseen, ~trained[pairs.labels, pairs.held_out.tensors[2]])
    assert int(pairs.unseen.sum()) == 2 * 8 * 100
    counts = torch.zeros(10, 8).index_put_((labels, pairs.train.tensors[2]), torch.ones(1), accumulate=True)
    assert float(counts[trained].min()) > 50  # all others are well represented


def test_no_held_out_handwriting_is_in_the_training_part() -> None:
    for data in (paired_handwriting(copies=1), unpaired_handwriting(copies=1)):
        seen = {image.numpy().tobytes() for image in data.train.tensors[1]}
        assert not any(image.numpy().tobytes() in seen for image in data.held_out.tensors[1])


def test_the_streams_are_independent_of_each_other() -> None:
    streams = unpaired_handwriting(copies=1, shift=0, scale=0)
    assert len(streams.train.tensors) == 2 and streams.typefaces[0].name == "DejaVu Sans Bold"
    pictures = render(streams.typefaces, streams.characters, torch.arange(10), torch.zeros(10).long())
    typed = torch.cdist(streams.train.tensors[0].flatten(1), pictures.flatten(1)).argmin(1)
    table = torch.zeros(10, 10).index_put_((WRITTEN.train.tensors[1], typed), torch.ones(1), accumulate=True)
    assert (
        float(((table - 40).square() / 40).sum()) < 140
    )  # χ² of 81 degrees of freedom: beyond that one in 10⁴
    assert float((table.sum(0) - 400).abs().max()) < 100
    assert torch.equal(streams.labels, WRITTEN.held_out.tensors[1])


def test_they_train_and_resume_from_memory() -> None:
    pairs = paired_handwriting(fonts=[SANS, BOLD], copies=1)
    batches = gt.training.batches.make_batches(pairs.train, 16, 0, torch.device("cpu"))
    assert isinstance(batches, gt.training.batches.ResidentBatches)
    state = batches.state_dict()
    real, (written, face) = batches.next()
    batches.load_state_dict(state)
    assert torch.equal(batches.next()[0], real)
    assert real.shape == written.shape == (16, 1, 28, 28) and face.shape == (16,)


def test_one_typeface_holds_nothing_back() -> None:
    pairs = paired_handwriting(fonts=[SANS], copies=1)
    assert not bool(pairs.unseen.any()) and len(pairs.held_out) == 1000
    for held_back, faces in ((1, 1), (6, 2)):
        with pytest.raises(gt.InputError, match="leaves a character in none of them: hold back fewer"):
            training_combinations(10, faces, held_back, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "song"}, "name must be one of 'digits', 'mnist', 'emnist_letters', not 'song'"),
        ({"copies": 0}, "copies must be a whole number"),
        ({"fonts": ["nowhere.ttf"]}, "there is no file"),
        ({"shift": None}, "shift must be a number"),
    ],
)
def test_what_makes_no_pairs_ends_in_a_sentence(given: dict[str, Any], says: str) -> None:
    for make in (paired_handwriting, unpaired_handwriting):
        with pytest.raises(gt.InputError, match=says):
            make(**given)
    with pytest.raises(gt.InputError, match="held_back must be a whole number from 0 to 9"):
        paired_handwriting(held_back=10)
