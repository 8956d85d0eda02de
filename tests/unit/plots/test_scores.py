"""Score curves: what is drawn, what the alternative text says, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gantutor as gt


def test_each_curve_has_its_own_x_values_and_a_marker_at_each() -> None:
    curves = {"ours": ([1, 2, 4], [9.0, 5.0, 4.0]), "theirs": ([1.5, 3.0], torch.tensor([8.0, 6.0]))}
    axes = gt.plots.score_curves(curves, log="xy").axes[0]
    assert [np.asarray(line.get_xdata()).tolist() for line in axes.lines] == [[1, 2, 4], [1.5, 3.0]]
    assert len({line.get_marker() for line in axes.lines}) == 2
    assert len({line.get_color() for line in axes.lines}) == 2
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_the_alternative_text_holds_ends_and_levels() -> None:
    curves = {"generated": ([1, 2], [9.0, 4.0]), "older": ([1], [12.0])}
    figure = gt.plots.score_curves(curves, "Distance", levels={"real data": 3.9})
    assert figure.alternative_text == "Distance: generated from 9 to 4; older 12; real data at 3.9."


def test_logarithmic_axes_have_plain_numbers() -> None:
    axes = gt.plots.score_curves({"a": ([1, 10], [100.0, 2000.0])}, log="xy").axes[0]
    assert axes.yaxis.get_major_formatter()(1000.0) == "1,000"
    assert [axes.yaxis.get_minor_formatter()(value) for value in (200.0, 300.0)] == ["200", ""]


def test_values_that_are_not_joined_are_points() -> None:
    axes = gt.plots.score_curves({"seeds": ([0, 1], [9.0, 4.0])}, joined=False).axes[0]
    assert axes.lines[0].get_linestyle() == "None"


def test_two_panels_share_one_alternative_text() -> None:
    figure, (left, right) = gt.plots.figure(1, 2)
    gt.plots.score_curves({"a": ([1], [1.0])}, "Left", axes=left)
    gt.plots.score_curves({"b": ([1], [2.0])}, "Right", axes=right)
    assert figure.alternative_text == "Left: a 1. Right: b 2."


@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ({}, "not empty"),
        ({"a": [1.0]}, "must be a pair"),
        ({"a": ([1, 2], [1.0])}, "as many x as y values, not 2 and 1"),
        ({"a": ([], [])}, "not 0 and 0"),
        ({"a": ([1], ["x"])}, "list of numbers"),
    ],
)
def test_other_curves_are_refused(curves: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        gt.plots.score_curves(curves)


@pytest.mark.parametrize("options", [{"levels": {}}, {"levels": {"a": "b"}}, {"log": "z"}, {"colours": []}])
def test_other_options_are_refused(options: Any) -> None:
    with pytest.raises(gt.InputError):
        gt.plots.score_curves({"a": ([1], [1.0])}, **options)
