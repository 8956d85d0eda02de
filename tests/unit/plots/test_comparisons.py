"""Comparisons: what stands where in curves, points of runs, clouds, and shares of modes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import gantutor as gt
from gantutor import plots


def test_curves_differ_in_style_and_the_legend_lies_below_them() -> None:
    fig = plots.lines([0, 1], {"p": [1.0, 2.0], "q": torch.tensor([3.0, 4.0])}, "Two", "x", "nats", log=True)
    panel: Any = fig.axes[0]
    assert [line.get_linestyle() for line in panel.lines] == ["-", "--"]
    assert [list(line.get_ydata()) for line in panel.lines] == [[1.0, 2.0], [3.0, 4.0]]
    assert (panel.get_title(), panel.get_xlabel(), panel.get_ylabel()) == ("Two", "x", "nats")
    assert panel.get_yscale() == "log"
    fig.canvas.draw()
    legend = panel.get_legend().get_window_extent()
    assert legend.y1 <= panel.get_window_extent().y0


def test_the_alternative_text_of_two_panels_is_one_text() -> None:
    fig, (left, right) = plots.figure(1, 2)
    plots.lines([0, 1], {"p": [0.0, 2.0]}, "Left", axes=left)
    plots.lines([0, 1], {"q": [1.0, 1.0]}, "Right", axes=right)
    assert fig.alternative_text == "Left: p between 0 and 2. Right: q between 1 and 1."
    assert fig._repr_mimebundle_()[1]["image/png"]["alt"] == fig.alternative_text


@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ({}, "not empty"),
        ({"p": [1.0]}, "the curve 'p' must be as long as x, 2, not 1"),
        ({"p": "high"}, "must be a list of numbers"),
    ],
)
def test_what_is_no_curve_is_refused(curves: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        plots.lines([0, 1], curves)


def test_runs_are_points_and_their_median_is_written() -> None:
    fig = plots.dots({"real data": 4.0, "generated": [1.0, 30.0, 20.0]}, "Distance", "FID", log=True)
    panel = fig.axes[0]
    assert not panel.patches and panel.get_xscale() == "log"
    assert [tick.get_text() for tick in panel.get_yticklabels()] == ["real data", "generated"]
    assert [text.get_text() for text in panel.texts] == ["4", "median 20"]
    points: Any = [line.get_xdata() for line in panel.lines]
    drawn = [sorted(row) for row in points if len(row) != 2]
    assert drawn == [[4.0], [1.0, 20.0, 30.0]]


@pytest.mark.parametrize("value", [[], [float("nan")], "3", None])
def test_what_are_no_numbers_is_refused(value: Any) -> None:
    with pytest.raises(gt.InputError, match="must be"):
        plots.dots({"generated": value})


def test_clouds_share_a_scale_and_show_the_real_points_behind() -> None:
    real, early = torch.randn(30, 2), torch.randn(20, 2)
    fig = plots.clouds(real, {"early": early, "middle": early, "late": early}, "Three", columns=2, reach=2.0)
    shown = [panel for panel in fig.axes if panel.collections]
    assert [panel.get_title() for panel in shown] == ["early", "middle", "late"]
    assert {panel.get_xlim() for panel in shown} == {(-2.0, 2.0)}
    offsets: Any = [cloud.get_offsets() for cloud in shown[0].collections]
    assert [len(points) for points in offsets] == [30, 20]
    assert fig.get_suptitle() == "Three" and "early; middle; late" in fig.alternative_text


def test_a_row_of_the_history_is_a_mode_and_a_column_a_moment() -> None:
    shares = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    fig = plots.mode_history([100, 200], shares, "Shares")
    shown = torch.as_tensor(fig.axes[0].images[0].get_array())
    assert torch.equal(shown.float(), shares.T)
    assert fig.axes[0].get_ylabel() == "mode" and "100 %, 0 %, 0 %" in fig.alternative_text


@pytest.mark.parametrize("shape", [(3,), (3, 8), (2, 2, 2)])
def test_shares_need_a_row_for_each_step(shape: tuple[int, ...]) -> None:
    with pytest.raises(gt.InputError, match="one row for each step"):
        plots.mode_history([100, 200], torch.zeros(shape))


def test_early_columns_of_the_time_machine_lie_closer_together() -> None:
    from gantutor.plots.snapshots import spread_indices

    early = spread_indices(40, 10, early=True)
    assert early[0] == 0 and early[-1] == 39 and early[1:4] == [1, 2, 4]
    assert spread_indices(3, 10) == [0, 1, 2] and spread_indices(1, 5, early=True) == [0]
