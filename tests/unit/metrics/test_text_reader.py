"""Readers of lines: CTC by hand, error rates by hand, two readers that differ, and scores of writing."""

from __future__ import annotations

from itertools import groupby, product

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.metrics.lines import line_variety, sharpness, writing_scores
from gantutor.metrics.text_reader import ctc_loss


def test_ctc_sums_the_probability_of_all_frames_that_give_the_text() -> None:
    logits = torch.randn(1, 4, 70, generator=torch.Generator().manual_seed(0))
    logits[:, :, 4:] = -1e9
    shares = logits[0].softmax(1)
    total = sum(
        float(torch.stack([shares[t, code] for t, code in enumerate(frames)]).prod())
        for frames in product(range(4), repeat=4)
        if [code for code, _ in groupby(frames) if code] == [1, 2]
    )
    loss = ctc_loss(logits, torch.tensor([[1, 2, 0, 0]]))
    assert float(loss) == pytest.approx(-torch.tensor(total).log().item() / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("one", "other", "edits"), [("", "ab", 2), ("ab", "ab", 0), ("sitting", "kitten", 3), ("ab", "ba", 2)]
)
def test_edit_distance(one: str, other: str, edits: int) -> None:
    assert gt.metrics.edit_distance(one, other) == gt.metrics.edit_distance(other, one) == edits


def test_the_error_rate_is_per_character_and_refuses_unequal_lists() -> None:
    assert gt.metrics.character_error_rate(["abc", ""], ["abd", "x"]) == 0.5
    for texts in (["a"], [""]):
        with pytest.raises(gt.InputError, match="as many texts"):
            gt.metrics.character_error_rate(["", ""][: len(texts) + (texts == ["a"])], texts)


def test_both_readers_read_type_and_the_two_differ() -> None:
    texts = ["hand", "Ink 7", "quick", "2048", "letter", "Zebra!"]
    face = gt.data.line_typefaces()[0]
    lines = gt.data.typeset_lines(texts, [face] * 6, [1.0] * 6)
    for reader in (gt.metrics.text_reader(), gt.metrics.independent_text_reader()):
        read = gt.metrics.read_text(lines, reader)
        assert gt.metrics.character_error_rate(read, texts) < 0.15
        assert not any(weight.requires_grad for weight in reader.parameters())
    assert type(gt.metrics.text_reader()) is not type(gt.metrics.independent_text_reader())


@pytest.mark.parametrize(
    "lines", [torch.zeros(1, 1, 32, 127), torch.zeros(1, 1, 28, 128), torch.full((1, 1, 32, 8), 3.0)]
)
def test_lines_of_another_shape_or_range_are_refused(lines: Tensor) -> None:
    with pytest.raises(gt.InputError, match="lines must"):
        gt.metrics.read_text(lines)


def test_real_handwriting_scores_as_real_and_blur_costs_sharpness_and_distance() -> None:
    lines = gt.data.handwritten_lines(gt.data.DISTINCT_WRITERS, 800)
    written, _, writer, _, codes = lines.held_out.tensors
    places = torch.tensor([gt.data.WRITERS.index(name) for name in gt.data.DISTINCT_WRITERS])[writer]
    blurred = torch.nn.functional.avg_pool2d(written, 5, 1, 2)
    groups = torch.stack([written[:40], written[:40].roll(2, 3)])
    still = torch.stack([written[:40], written[:40]])
    same = writing_scores(written, codes, places, written, groups, groups)
    worse = writing_scores(blurred, codes, places, written, still, groups)
    assert same["sharpness"].value == same["variety"].value == 1
    assert abs(same["frechet"].value) < 1e-3 < same["frechet"].real < worse["frechet"].value
    assert worse["sharpness"].value < 0.5 and worse["variety"].value == 0
    assert same["error"].value == same["error"].real < worse["error"].value


def test_variety_is_the_mean_difference_of_two_lines() -> None:
    groups = torch.stack([torch.zeros(3, 1, 32, 8), torch.ones(3, 1, 32, 8)])
    assert line_variety(groups) == 1
    assert sharpness(torch.zeros(1, 1, 32, 8)) == 0
    with pytest.raises(gt.InputError, match="times, count"):
        line_variety(groups[0])
