"""The plane as a picture, made of artists that are created once and then updated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from gantutor import plots
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import (
    ARROW_COUNT,
    ARROWS,
    DENSITY,
    GENERATED,
    GRID,
    REAL,
    SHADE,
    Layers,
)
from gantutor.live.lab.settings import Plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHADE_COLOURS = ("#f3c6a5", "#f7f7f7", "#a9cde8")
"""The colours of D(x) = 0 (generated, light vermilion), ½ and 1 (real, light blue)."""


class Artists:
    """The matplotlib artists of the layers.

    The discriminator's shade runs from vermilion, where it says generated, to blue, where it says real. Real
    points are blue, generated ones and the warped grid vermilion, the arrows purple: the colours of the
    course, which colour-blind readers can tell apart.

    Args:
        axes: where to draw.
        plane: the plane to show.
    """

    def __init__(self, axes: Axes, plane: Plane) -> None:
        from matplotlib.collections import LineCollection
        from matplotlib.colors import LinearSegmentedColormap

        (x, y), reach = plane.centre, plane.reach
        extent = (x - reach, x + reach, y - reach, y + reach)
        image: dict[str, Any] = {"extent": extent, "origin": "lower", "vmin": 0, "vmax": 1}
        shade_map = LinearSegmentedColormap.from_list("discriminator", SHADE_COLOURS)
        self.axes = axes
        self.shade = axes.imshow(np.zeros((2, 2)), cmap=shade_map, interpolation="bilinear", **image)
        self.density = axes.imshow(np.zeros((2, 2)), cmap="Oranges", interpolation="bilinear", **image)
        self.lines = LineCollection([], colors=plots.GENERATED, linewidths=0.6, alpha=0.6)
        axes.add_collection(self.lines)
        dots: dict[str, Any] = {"linestyle": "", "markeredgewidth": 0}
        (self.real,) = axes.plot([], [], "o", markersize=3, color=plots.REAL, **dots)
        (self.generated,) = axes.plot([], [], "o", markersize=2.5, color=plots.GENERATED, **dots)
        no_arrows = np.full(ARROW_COUNT, np.nan)
        self.arrows = axes.quiver(
            *[no_arrows] * 4,
            color=plots.GENERATOR,
            width=0.0065,
            angles="uv",
            scale_units="width",
            scale=2 * reach,
        )
        axes.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", facecolor="#f4f4f4")

    def set(self, layers: Layers) -> None:
        """Show these layers."""
        for image, values in ((self.shade, layers.shade), (self.density, layers.density)):
            image.set_visible(bool(values.numel()))
            if values.numel():
                image.set_data(values.numpy())
        if layers.density.numel():
            self.density.set_alpha(layers.density.numpy())
        self.lines.set_segments(list(layers.lines.numpy()))
        self.real.set_data(*_columns(layers.real))
        self.generated.set_data(*_columns(layers.generated))
        tails, arrows = np.full((2, ARROW_COUNT, 2), np.nan)
        tails[: len(layers.tails)], arrows[: len(layers.tails)] = layers.tails, layers.arrows
        self.arrows.set_offsets(tails)
        self.arrows.set_UVC(*arrows.T)


def _columns(points: Tensor) -> Any:
    return points.numpy().T


def describe(game: Game, shown: frozenset[str]) -> str:
    """Describe the plane in words, for screen readers.

    Args:
        game: the game.
        shown: the names of the layers that are drawn.
    """
    record, plane = game.record, game.plane
    parts = {
        REAL: "real points in blue",
        GENERATED: "generated points in vermilion",
        SHADE: "the discriminator as colours, blue where it says real and vermilion where it says generated",
        GRID: "the grid of latents as the generator bends it",
        ARROWS: "arrows at generated points, the way its gradient moves them",
        DENSITY: "the density of generated points",
    }
    seen = "; ".join(words for name, words in parts.items() if name in shown) or "all layers are off"
    numbers = []
    if record.modes:
        assert plane.distribution is not None
        numbers.append(f"{record.modes[-1]:.0f} of {len(plane.distribution.centres)} modes covered")
    if record.js:
        numbers.append(f"JS {record.js[-1]:.3f} nats")
    scores = f" {', '.join(numbers)}." if numbers else ""
    return f"The plane ({plane.name}) after {game.run.step:,} steps: {seen}.{scores}"


def draw_plane(axes: Axes, game: Game, layers: Layers) -> Figure:
    """Draw the plane in axes of a still figure, with a legend.

    Args:
        axes: where to draw.
        game: the game.
        layers: the layers to draw.
    """
    artists = Artists(axes, game.plane)
    artists.set(layers)
    plots.label(axes, f"{game.plane.name}, step {game.run.step:,}", "x₁", "x₂")
    handles = [artists.real, artists.generated, artists.arrows]
    axes.legend(handles, ["real", "generated", "gradient for G"], fontsize=7, loc="upper right")
    return axes.figure  # type: ignore[return-value]
