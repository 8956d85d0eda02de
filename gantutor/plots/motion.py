"""Measured motion: beside the known one, and the distribution of generated motion beside that of real."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gantutor._checks import check_floats
from gantutor._errors import InputError
from gantutor.metrics.score import format_number
from gantutor.plots._checks import check_dict
from gantutor.plots.style import GENERATED, REAL, WIDTH, Figure, describe, figure, label

BINS = 30


def agreement(parts: Mapping[str, tuple[Tensor, Tensor]]) -> Figure:
    """Draw measured numbers over the true ones, one panel for each kind.

    Args:
        parts: the true and the measured numbers, both (N,), by name with unit, such as ``"turn (degrees)"``.

    Returns:
        The figure.

    Raises:
        InputError: if ``parts`` is empty, or if a pair does not hold as many finite numbers twice.

    >>> agreement({"turn (degrees)": (torch.zeros(3), torch.ones(3))}).alternative_text
    'turn (degrees): median error 1.'
    """
    check_dict(parts=parts)
    fig, axes = figure(1, len(parts), (WIDTH, 0.8 + 1.7 * 3 / max(len(parts), 3)), squeeze=False)
    for panel, (name, pair) in zip(axes[0], parts.items(), strict=True):
        true, measured = _pair(name, pair)
        error = format_number(float((true - measured).abs().median()))
        low, high = float(true.min()), float(true.max())
        panel.plot([low, high], [low, high], color="#999999", linewidth=1)
        panel.plot(true, measured, ".", markersize=3, color=REAL)
        label(panel, f"median error {error}", f"true {name}", "measured" if panel is axes[0, 0] else "")
        describe(fig, f"{name}: median error {error}.")
    return fig


def histograms(parts: Mapping[str, tuple[Tensor, Tensor]], title: str = "") -> Figure:
    """Draw the distributions of real and of generated numbers, one panel for each kind.

    Args:
        parts: the real and the generated numbers, both (N,) with an N of their own, by name with unit.
        title: the title of the figure.

    Returns:
        The figure.

    Raises:
        InputError: if ``parts`` is empty, or if a pair does not hold finite numbers.

    >>> histograms({"speed (pixels)": (torch.rand(9), torch.rand(9))}, "Speeds").axes[0].get_xlabel()
    'speed (pixels)'
    """
    check_dict(parts=parts)
    fig, axes = figure(1, len(parts), (WIDTH, 2.2), squeeze=False)
    for panel, (name, pair) in zip(axes[0], parts.items(), strict=True):
        real, generated = _pair(name, pair, equal=False)
        limits = torch.cat([real, generated]).quantile(torch.tensor([0.002, 0.998])).tolist()
        for values, colour, words in ((real, REAL, "real"), (generated, GENERATED, "generated")):
            style = "-" if colour == REAL else "--"
            options = {"bins": BINS, "range": tuple(limits), "density": True, "histtype": "step"}
            panel.hist(values.numpy(), color=colour, linestyle=style, linewidth=1.4, label=words, **options)
        label(panel, "", name, "density" if panel is axes[0, 0] else "")
        panel.set_yticks([])
        one, other = (format_number(float(v.quantile(0.9) - v.quantile(0.1))) for v in (real, generated))
        describe(fig, f"{name}: from the 10th to the 90th percentile {one} real, {other} generated.")
    handles, names = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    if str(title):
        fig.suptitle(title, fontsize=10)
    return fig


def _pair(name: str, pair: tuple[Tensor, Tensor], equal: bool = True) -> tuple[Tensor, Tensor]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError(f"{name} must be a pair of tensors")
    for values in pair:
        check_floats(**{"numbers": values})
        if values.dim() != 1 or not len(values) or not bool(values.isfinite().all()):
            raise InputError(f"{name} must be finite numbers (N,), not {tuple(values.shape)}")
    one, other = (values.detach().float().cpu() for values in pair)
    if equal and len(one) != len(other):
        raise InputError(f"{name} must be as many true as measured numbers, not {len(one)} and {len(other)}")
    return one, other
