"""Two scores against each other, over the course of several trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import torch

from gantutor._checks import checked, string
from gantutor._errors import InputError
from gantutor.plots._checks import check_dict
from gantutor.plots.style import (
    DISCRIMINATOR,
    GENERATED,
    GENERATOR,
    NEUTRAL,
    OTHER_PLAYERS,
    REAL,
    WIDTH,
    Figure,
    describe,
    figure,
    label,
)

OTHERS = (GENERATED, DISCRIMINATOR, GENERATOR, OTHER_PLAYERS[1])
"""The colours of all paths but those of real data, in turn."""


@checked(title=string(), x=string(), y=string())
def trade_off(
    paths: Mapping[str, Sequence[tuple[float, float]]],
    title: str = "",
    x: str = "",
    y: str = "",
    real: Sequence[str] = (),
) -> Figure:
    """Plot how two scores move together while networks train, one path for each.

    A path is a line through its moments, with an arrow at the last one. A name with a
    single moment is a point: a baseline that is not trained.

    Args:
        paths: the moments (x, y) by name, in the order of time.
        title: the title of the figure.
        x: the label of the x axis.
        y: the label of the y axis.
        real: the names of real data, which take their colour.

    Returns:
        The figure.

    Raises:
        InputError: if there are no paths, or the moments of one are not pairs of finite numbers.

    >>> trade_off({"GAN": [(1.0, 0.2), (0.9, 0.8)]}).alternative_text
    'GAN from (1.00, 0.20) to (0.90, 0.80).'
    """
    check_dict(paths=paths)
    if not isinstance(real, list | tuple) or not all(isinstance(name, str) for name in real):
        raise InputError(f"real must be a list of names, not {real!r:.60}")
    try:
        moments = {name: torch.tensor(path, dtype=torch.float64) for name, path in paths.items()}
    except (TypeError, ValueError):
        raise InputError("each path must be a list of pairs of numbers") from None
    for name, path in moments.items():
        if path.dim() != 2 or path.shape[1] != 2 or not bool(path.isfinite().all()):
            raise InputError(f"the path of {name!r} must be a list of pairs of finite numbers")
    fig, axes = figure(size=(WIDTH, 3.4))
    colours, words = cycle(OTHERS), []
    for name, path in moments.items():
        colour = REAL if name in real else (NEUTRAL if len(path) == 1 else next(colours))
        (*_, last), start = path.tolist(), path[0].tolist()
        if len(path) > 1:
            axes.plot(*path.T.numpy(), "o-", color=colour, linewidth=1.4, markersize=3, label=name)
            before = path[-2].tolist()
            style = {"arrowstyle": "-|>", "color": colour, "lw": 1.4}
            axes.annotate("", last, before, arrowprops=style)
            words.append(f"{name} from ({start[0]:.2f}, {start[1]:.2f}) to ({last[0]:.2f}, {last[1]:.2f}).")
        else:
            axes.plot(*last, "D", color=colour, markersize=6, label=name)
            words.append(f"{name} at ({last[0]:.2f}, {last[1]:.2f}).")
    axes.margins(0.08)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    label(axes, title, x, y)
    describe(fig, " ".join([title + "."] * bool(title) + words))
    return fig
