"""Figures of motion: what stands in their panels, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

import gantutor as gt


def test_a_panel_shows_the_measured_over_the_true_numbers_and_its_error() -> None:
    true = torch.tensor([0.0, 1.0, 2.0])
    fig = gt.plots.agreement({"turn (degrees)": (true, true + 0.5), "growth": (true, true)})
    points: Any = fig.axes[0].lines[1].get_xydata()
    assert points.tolist() == [[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]]
    assert fig.axes[0].get_xlabel() == "true turn (degrees)"
    assert fig.alternative_text == "turn (degrees): median error 0.5. growth: median error 0."


def test_histograms_differ_in_style_and_the_legend_covers_no_panel() -> None:
    fig = gt.plots.histograms({"speed (pixels)": (torch.rand(50), torch.rand(20))}, "Speeds")
    styles = [patch.get_linestyle() for patch in fig.axes[0].patches]
    assert len(styles) == 2 and styles[0] != styles[1]
    assert fig.axes[0].get_xlabel() == "speed (pixels)" and fig.get_suptitle() == "Speeds"
    FigureCanvasAgg(fig).draw()
    panel: Any = fig.axes[0]
    assert fig.legends[0].get_window_extent().y1 <= panel.get_window_extent().y0
    assert "10th to the 90th percentile" in fig.alternative_text


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "not empty"),
        ({"a": torch.zeros(3)}, "must be a pair"),
        ({"a": (torch.zeros(3), torch.zeros(2))}, "as many true as measured"),
        ({"a": (torch.zeros(3, 1), torch.zeros(3, 1))}, "must be finite numbers"),
        ({"a": (torch.zeros(0), torch.zeros(0))}, "at least one number"),
    ],
)
def test_what_are_no_pairs_of_numbers_is_refused(parts: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        gt.plots.agreement(parts)
