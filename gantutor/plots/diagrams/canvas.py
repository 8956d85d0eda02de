"""What diagrams are drawn with: a canvas measured in inches, boxes, arrows, gradients, and thumbnails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.patheffects
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path
from torch import Tensor

from gantutor.plots.style import GRADIENT, NEUTRAL, WIDTH, Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

Point = tuple[float, float]
"""Inches from the left and from the bottom of the figure."""

INK = "#222222"
"""The colour of text and of arrows that carry data."""

TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 10, 9, 8
"""Font sizes in points, those of the other figures: of titles, of boxes, and of shapes and remarks."""

LINE = 0.16
"""The distance in inches between two lines of small text."""

MARGIN = 0.3
"""The distance in inches from the edge of the figure to what is drawn."""

GAP = 0.05
"""The distance in inches between an arrow and what it starts from or points to."""

_HEAD = 0.1
_CORNER = 0.1
_DPI = 200


def tint(colour: str, strength: float = 0.18) -> tuple[float, float, float]:
    """Mix a colour with white.

    Args:
        colour: any name that matplotlib knows.
        strength: the share of the colour, from 0 (white) to 1.

    >>> tint("#000000", 0.25)
    (0.75, 0.75, 0.75)
    """
    red, green, blue = (1 - strength * (1 - value) for value in to_rgb(colour))
    return red, green, blue


@dataclass(frozen=True)
class Box:
    """The place of something rectangular, all in inches.

    Args:
        x: the centre, from the left.
        y: the centre, from the bottom.
        width: the whole width.
        height: the whole height.

    >>> Box(1.0, 1.0, 0.5, 0.25).right(0.05)
    (1.25, 1.05)
    """

    x: float
    y: float
    width: float
    height: float

    def left(self, up: float = 0.0) -> Point:
        """Return the middle of the left edge, moved up."""
        return self.x - self.width / 2, self.y + up

    def right(self, up: float = 0.0) -> Point:
        """Return the middle of the right edge, moved up."""
        return self.x + self.width / 2, self.y + up

    def top(self, right: float = 0.0) -> Point:
        """Return the middle of the top edge, moved to the right."""
        return self.x + right, self.y + self.height / 2

    def bottom(self, right: float = 0.0) -> Point:
        """Return the middle of the bottom edge, moved to the right."""
        return self.x + right, self.y - self.height / 2


class Canvas:
    """A figure for one diagram, on a white card that is legible on a light and on a dark page.

    Args:
        height: height in inches; the width is that of all figures.
        title: the title.
        alternative_text: what the diagram shows, for readers who cannot see it.

    >>> canvas = Canvas(2.0, "A network", "A box with the letter G.")
    >>> canvas.box(1.0, 1.0, "G").width
    0.8
    """

    def __init__(self, height: float, title: str, alternative_text: str) -> None:
        self.width, self.height = WIDTH, height
        self.figure = Figure(figsize=(self.width, height), dpi=_DPI, facecolor="none")
        self.figure.alternative_text = alternative_text
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, self.width), ylim=(0, height))
        self.axes.set_axis_off()
        card = FancyBboxPatch(
            (0.12, 0.12), self.width - 0.24, height - 0.24, boxstyle="round,pad=0.1", fc="white", ec="#CCCCCC"
        )
        self.axes.add_patch(card).set_gid("card")
        self.text(self.width / 2, height - 0.26, title, INK, TITLE_SIZE)

    def text(
        self, x: float, y: float, words: str, colour: str = INK, size: float = SMALL_SIZE, **options: Any
    ) -> Text:
        """Write words around a point; ``options`` are those of matplotlib's ``Axes.text``."""
        centred: dict[str, Any] = {"ha": "center", "va": "center_baseline", "linespacing": 1.25}
        return self.axes.text(x, y, words, color=colour, fontsize=size, **(centred | options))

    def box(
        self,
        x: float,
        y: float,
        words: str,
        colour: str = NEUTRAL,
        width: float = 0.8,
        height: float = 0.46,
        shape: str = "",
        bold: bool = False,
        size: float = TEXT_SIZE,
    ) -> Box:
        """Draw a box with rounded corners around a point.

        Args:
            x: inches from the left.
            y: inches from the bottom.
            words: what is written in it.
            colour: the colour of its edge; it is filled with a tint of it.
            width: width in inches.
            height: height in inches.
            shape: the shape of the tensor in it, written below.
            bold: whether the edge is thick, for the network whose weights change.
            size: font size in points.
        """
        box = Box(x, y, width, height)
        corner = min(0.07, width / 2, height / 2)
        patch = FancyBboxPatch(
            (x - width / 2 + corner, y - height / 2 + corner),
            width - 2 * corner,
            height - 2 * corner,
            boxstyle=f"round,pad={corner}",
            fc=tint(colour),
            ec=colour,
            lw=2.4 if bold else 1.0,
        )
        self.axes.add_patch(patch).set_gid("box")
        self.text(x, y, words, size=size)
        if shape:
            self.below(box, shape)
        return box

    def below(self, box: Box, words: str, colour: str = NEUTRAL) -> None:
        """Write a remark below a box."""
        x, y = box.bottom()
        self.text(x, y - LINE, words, colour, va="baseline")

    def above(self, box: Box, words: str, colour: str = NEUTRAL) -> None:
        """Write a remark above a box."""
        x, y = box.top()
        self.text(x, y + 0.07, words, colour, va="bottom")

    def heading(self, y: float, words: str) -> None:
        """Write the heading of a part of the diagram, at the left margin."""
        self.text(MARGIN, y, words, ha="left", weight="bold")

    def arrow(self, *points: Point, gradient: bool = False, colour: str = "") -> None:
        """Draw an arrow along points, with rounded corners: data that flow forward, or a gradient.

        Args:
            *points: at least two; the ends keep their distance from what they touch.
            gradient: whether the arrow is dashed and in the colour of gradients.
            colour: another colour.
        """
        colour = colour or (GRADIENT if gradient else INK)
        line = [*points]
        line[0], line[-1] = _moved(line[0], line[1], GAP), _moved(line[-1], line[-2], GAP)
        neck = _moved(line[-1], line[-2], _HEAD)
        style = {"linestyle": (0, (3, 2))} if gradient else {}
        path = _rounded([*line[:-1], neck])
        shaft = PathPatch(path, fc="none", ec=colour, lw=1.2, capstyle="butt", **style)
        self.axes.add_patch(shaft).set_gid("arrow")
        (x, y), (tip_x, tip_y) = neck, line[-1]
        across, along = (tip_y - y) * 0.42, (tip_x - x) * 0.42
        head = [(tip_x, tip_y), (x - across, y + along), (x + across, y - along)]
        self.axes.add_patch(Polygon(head, closed=True, fc=colour, ec="none"))

    def both_ways(self, left: Box, right: Box, forward: bool = True, backward: bool = True) -> None:
        """Draw the data's way from one box to the next on its right, and below it the gradient's way back."""
        up = 0.08 if forward and backward else 0.0
        if forward:
            self.arrow(left.right(up), right.left(up))
        if backward:
            self.arrow(right.left(-up), left.right(-up), gradient=True)

    def up_and_down(self, lower: Box, upper: Box, x: float | None = None) -> None:
        """Draw the data's way from one box up to the next, and beside it the gradient's way back.

        Args:
            lower: where the data come from.
            upper: where they go.
            x: inches from the left; the middle of the lower box if None.
        """
        x = lower.x if x is None else x
        bottom, top = lower.top()[1], upper.bottom()[1]
        self.arrow((x - 0.07, bottom), (x - 0.07, top))
        self.arrow((x + 0.07, top), (x + 0.07, bottom), gradient=True)

    def legend(self, y: float = 0.26) -> None:
        """Explain the two kinds of arrows, at the foot of the diagram."""
        x = self.width / 2
        self.arrow((x - 1.6, y), (x - 1.1, y))
        self.text(x - 1.05, y, "data, forward", size=SMALL_SIZE, ha="left")
        self.arrow((x + 0.6, y), (x + 0.1, y), gradient=True)
        self.text(x + 0.65, y, "gradient, backward", GRADIENT, ha="left")

    def picture(self, x: float, y: float, image: Tensor, colour: str, side: float = 0.6) -> Box:
        """Draw an image in a frame.

        Args:
            x: inches from the left, of the centre.
            y: inches from the bottom, of the centre.
            image: (1 or 3, H, W), values in [−1, 1].
            colour: the colour of the frame.
            side: the longer side in inches.
        """
        _, rows, columns = image.shape
        width, height = side * columns / max(rows, columns), side * rows / max(rows, columns)
        box = Box(x, y, width, height)
        place = (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
        pixels = ((image.detach().cpu().float().permute(1, 2, 0) + 1) / 2).clamp(0, 1)
        grey: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1} if len(image) == 1 else {}
        shown = pixels[..., 0] if len(image) == 1 else pixels
        options: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest", "zorder": 1} | grey
        self.axes.imshow(shown.numpy(), extent=place, **options)
        self.axes.set(xlim=(0, self.width), ylim=(0, self.height))  # which imshow changes
        self._frame(box, colour, "none")
        return box

    def cloud(self, x: float, y: float, points: Tensor, colour: str, side: float = 0.6) -> Box:
        """Draw points of the plane in a frame.

        Args:
            x: inches from the left, of the centre.
            y: inches from the bottom, of the centre.
            points: (N, 2), values in [−1, 1].
            colour: the colour of the points and of the frame.
            side: the side in inches.
        """
        box = Box(x, y, side, side)
        self._frame(box, colour, "white")
        across, up = (torch.tensor([x, y]) + 0.46 * side * points.clamp(-1, 1)).T.numpy()
        self.axes.scatter(across, up, s=2.5, color=colour, linewidths=0, zorder=2)
        return box

    def stack(self, x: float, y: float, words: str, colour: str, count: int = 3, **options: Any) -> Box:
        """Draw a box in front of copies of itself: several of one kind, such as a batch."""
        for index in range(count - 1, 0, -1):
            self.box(x + 0.05 * index, y + 0.05 * index, "", colour, **(options | {"shape": ""}))
        return self.box(x, y, words, colour, **options)

    def panel(self, x: float, y: float, width: float, height: float) -> Axes:
        """Add axes for a small plot, with ticks in the font size of all figures.

        Args:
            x: inches from the left to the left end of the x axis.
            y: inches from the bottom to the x axis.
            width: width in inches.
            height: height in inches.
        """
        place = (x / self.width, y / self.height, width / self.width, height / self.height)
        axes: Axes = self.figure.add_axes(place)
        axes.tick_params(labelsize=SMALL_SIZE)
        axes.spines[["top", "right"]].set_visible(False)
        return axes

    def _frame(self, box: Box, colour: str, fill: str) -> None:
        corner = (box.x - box.width / 2, box.y - box.height / 2)
        frame = FancyBboxPatch(
            corner, box.width, box.height, boxstyle="square,pad=0", fc=fill, ec=colour, lw=1.2
        )
        self.axes.add_patch(frame).set_gid("box")


def outlined(text: Text) -> Text:
    """Give a text a white outline, which keeps it legible where it lies on a curve."""
    text.set_path_effects([matplotlib.patheffects.withStroke(linewidth=2.5, foreground="white")])
    return text


def _moved(start: Point, towards: Point, distance: float) -> Point:
    length = math.dist(start, towards) or 1.0
    (x, y), (to_x, to_y) = start, towards
    return x + (to_x - x) * distance / length, y + (to_y - y) * distance / length


def _rounded(points: Sequence[Point]) -> Path:
    """A path along points whose corners are rounded."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_CORNER, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        vertices += [_moved(corner, before, radius), corner, _moved(corner, after, radius)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])


def ring(radius: float = 0.8, spread: float = 0.05, count: int = 64, seed: int = 0) -> Tensor:
    """Return points near a circle, shape (count, 2): what stands for samples where no images are given.

    Args:
        radius: the radius of the circle.
        spread: the standard deviation around it.
        count: the number of points.
        seed: the seed of the noise.

    >>> ring(spread=0.0, count=4).square().sum(1)
    tensor([0.6400, 0.6400, 0.6400, 0.6400])
    """
    angles = torch.arange(count) * (2 * math.pi / count)
    noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    return radius * torch.stack([angles.cos(), angles.sin()], 1) + spread * noise
