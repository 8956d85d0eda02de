"""The plane as a picture, made of artists that are created once and then updated."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from gantutor import plots
from gantutor.live import display
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import ARROW_COUNT, ARROWS, GENERATED, GRID, REAL, SHADE, Layers
from gantutor.live.lab.settings import Plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IMAGE_SIZE = 420
"""Width and height of the picture, in pixels."""
AXES_RECTANGLE = (0.085, 0.075, 0.9, 0.9)
"""Where the plane lies in its picture: left, bottom, width and height as shares."""

Points = Sequence[tuple[float, float]]
"""Points as pairs of coordinates."""


class Artists:
    """The matplotlib artists of the five layers and of the drawing.

    The shade is grey, light where the discriminator says real. Real points are blue, generated ones and the
    warped grid vermilion, the arrows purple: the colours of the course, which colour-blind readers can tell
    apart.

    Args:
        axes: where to draw.
        plane: the plane to show.
        animated: whether the artists are drawn by hand onto a saved background.
    """

    def __init__(self, axes: Axes, plane: Plane, animated: bool = False) -> None:
        from matplotlib.collections import LineCollection

        (x, y), reach = plane.centre, plane.reach
        extent = (x - reach, x + reach, y - reach, y + reach)
        options: dict[str, Any] = {"animated": animated}
        self.axes = axes
        self.shade = axes.imshow(
            np.zeros((2, 2)), extent=extent, origin="lower", cmap="Greys_r", vmin=-0.5, vmax=1, **options
        )
        self.lines = LineCollection([], colors=plots.GENERATED, linewidths=0.6, alpha=0.6, **options)
        axes.add_collection(self.lines)
        dots: dict[str, Any] = {"linestyle": "", "markeredgewidth": 0} | options
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
            **options,
        )
        (self.pen,) = axes.plot([], [], "o", markersize=5, color=plots.REAL, **dots)
        axes.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", facecolor="#f4f4f4")
        self.all = (
            self.shade,
            self.lines,
            self.real,
            self.generated,
            self.arrows,
            self.pen,
        )

    def set(self, layers: Layers, pen: Points = ()) -> None:
        """Show these layers and the drawn points.

        Args:
            layers: the layers to show.
            pen: the points drawn so far.
        """
        self.shade.set_visible(bool(layers.shade.numel()))
        if layers.shade.numel():
            self.shade.set_data(layers.shade.numpy())
        self.lines.set_segments(list(layers.lines.numpy()))
        self.real.set_data(*_columns(layers.real))
        self.generated.set_data(*_columns(layers.generated))
        tails, arrows = np.full((2, ARROW_COUNT, 2), np.nan)
        tails[: len(layers.tails)], arrows[: len(layers.tails)] = layers.tails, layers.arrows
        self.arrows.set_offsets(tails)
        self.arrows.set_UVC(*arrows.T)
        self.pen.set_data(*(zip(*pen, strict=True) if pen else ([], [])))


def _columns(points: Tensor) -> Any:
    return points.numpy().T


class Picture:
    """The plane as a JPEG; what does not change is drawn once and copied, so that it can be redrawn often.

    Args:
        plane: the plane to show.
    """

    def __init__(self, plane: Plane) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.plane = plane
        figure = Figure(figsize=(IMAGE_SIZE / 100, IMAGE_SIZE / 100), dpi=100)
        self.canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes(AXES_RECTANGLE)
        axes.tick_params(labelsize=8, pad=2)
        left, _, width, _ = AXES_RECTANGLE
        figure.text(left + width / 2, 0.004, "x₁", fontsize=8, ha="center", va="bottom")
        figure.text(0.008, 0.996, "x₂", fontsize=8, ha="left", va="top")
        self.artists = Artists(axes, plane, animated=True)
        with display.DRAWING_LOCK:
            self.canvas.draw()
        self._background = self.canvas.copy_from_bbox(figure.bbox)

    def draw(self, layers: Layers, pen: Points = ()) -> None:
        """Draw the layers and the drawn points."""
        with display.DRAWING_LOCK:
            self.canvas.restore_region(self._background)
            self.artists.set(layers, pen)
            for artist in self.artists.all:
                self.artists.axes.draw_artist(artist)

    def encode(self) -> bytes:
        """Return the picture as a JPEG."""
        with display.DRAWING_LOCK:
            return jpeg(self.canvas)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the point of the plane at a position in the picture.

        Args:
            x: the position from the left, as a share of the width.
            y: the position from the top, as a share of the height.

        >>> from gantutor.live.lab.settings import plane_of
        >>> x, y = Picture(plane_of("ring")).place(0.085, 0.025)
        >>> round(x, 6), round(y, 6)
        (-1.6, 1.6)
        """
        left, bottom, width, height = AXES_RECTANGLE
        (middle_x, middle_y), reach = self.plane.centre, self.plane.reach
        along, up = (x - left) / width, (1 - y - bottom) / height
        return middle_x + reach * (2 * along - 1), middle_y + reach * (2 * up - 1)


def jpeg(canvas: Any) -> bytes:
    """Encode the pixels of an Agg canvas as a JPEG, which takes one millisecond where a PNG takes seven."""
    from PIL import Image

    file = io.BytesIO()
    pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
    Image.fromarray(pixels).save(file, "jpeg", quality=88, subsampling=0)
    return file.getvalue()


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
        SHADE: "the discriminator as a shade, light where it says real",
        GRID: "the grid of latents as the generator bends it",
        ARROWS: "arrows at generated points, the way the generator is told to go",
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
    axes.legend(handles, ["real", "generated", "what G is told"], fontsize=7, loc="upper right")
    return axes.figure  # type: ignore[return-value]
