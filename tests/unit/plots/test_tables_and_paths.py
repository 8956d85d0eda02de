"""Tables as text and HTML, and two scores along their trainings."""

from __future__ import annotations

import math

import pytest

import gantutor as gt
from gantutor import plots


def test_a_table_is_html_in_a_notebook_and_text_elsewhere() -> None:
    table = plots.table({"GAN": [0.5, "anna"], "a < b": [1, "bo"]}, ["share", "name"], "by", "Names & shares")
    page = table._repr_html_()
    assert page.count("<tr>") == 3 and "<caption>Names &amp; shares</caption>" in page
    assert "a &lt; b</td>" in page and ">0.500</td>" in page
    assert str(table).splitlines() == [
        "Names & shares",
        "by     share  name",
        "GAN    0.500  anna",
        "a < b  1.000  bo",
    ]


def test_a_table_without_a_caption_has_none() -> None:
    assert "caption" not in plots.table({"one": [1.0]}, ["two"])._repr_html_()


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ({}, [], "at least one line"),
        ({"a": [1.0]}, ["b", "c"], "a list of 2 cells"),
        ({"a": [None]}, ["b"], "texts or numbers"),
    ],
)
def test_a_table_refuses_lines_that_do_not_fit(rows, columns, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(gt.InputError, match=message):
        plots.table(rows, columns)


def test_a_trade_off_draws_lines_for_trainings_and_points_for_baselines() -> None:
    paths = {"GAN": [(1.0, 0.2), (0.9, 0.8)], "pairs": [(0.9, 0.7)], "held out": [(1.0, 0.95)]}
    fig = plots.trade_off(paths, "Spelling", "new", "triples", real=["held out"])
    (axes,) = fig.axes
    assert axes.lines[0].get_xydata().tolist() == [[1.0, 0.2], [0.9, 0.8]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(paths)
    assert axes.lines[2].get_color() == plots.REAL
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("new", "triples")
    assert fig.alternative_text.startswith("Spelling. GAN from (1.00, 0.20) to (0.90, 0.80).")


@pytest.mark.parametrize("path", [[], [(1.0,)], [(1.0, math.nan)], ["ab"]])
def test_a_trade_off_refuses_what_are_not_pairs(path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(gt.InputError, match="pairs of"):
        plots.trade_off({"GAN": path})


def test_series_have_an_alternative_text() -> None:
    import torch

    fig = plots.series({"real": torch.rand(9, 24, 1), "generated": torch.rand(3, 24, 1)}, "Demand")
    assert fig.alternative_text == "Demand: lines over the time steps, 5 of real, 3 of generated."
