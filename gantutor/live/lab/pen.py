"""Points drawn with the mouse, or typed."""

from __future__ import annotations

import math

from gantutor._errors import InputError

SPACING = 0.025
"""Distance between the points of a stroke, as a share of half the plane's side."""

MAX_POINTS = 600
"""The number of points in a drawing at most."""


class Pen:
    """The points drawn so far, evenly spaced along each stroke however fast the mouse moved.

    Args:
        spacing: the distance between points, as a share of half the plane's side.

    Attributes:
        points: the points drawn so far.
        down: whether a stroke is being drawn.

    >>> pen = Pen(spacing=0.5)
    >>> pen.press(0.0, 0.0); pen.move(1.2, 0.0); pen.lift(); pen.move(9.0, 9.0); pen.points
    [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0)]
    """

    def __init__(self, spacing: float = SPACING) -> None:
        self.spacing = self._gap = spacing
        self.points: list[tuple[float, float]] = []
        self.down = False

    def press(self, x: float, y: float, reach: float = 1.0) -> None:
        """Begin a stroke.

        Args:
            x: the first coordinate.
            y: the second coordinate.
            reach: half the side of the plane.
        """
        self.down, self._gap = True, self.spacing * reach
        if len(self.points) < MAX_POINTS:
            self.points.append((x, y))

    def move(self, x: float, y: float) -> None:
        """Move to a place in a straight line; this draws nothing unless the pen is down."""
        if not self.down:
            return
        from_x, from_y = self.points[-1]
        distance = math.hypot(x - from_x, y - from_y)
        for i in range(1, int(distance / self._gap) + 1):
            if len(self.points) < MAX_POINTS:
                share = i * self._gap / distance
                self.points.append((from_x + share * (x - from_x), from_y + share * (y - from_y)))

    def lift(self) -> None:
        """End the stroke."""
        self.down = False

    def check_complete(self) -> None:
        """Check that there are enough points.

        Raises:
            InputError: if there are fewer than three points.
        """
        if len(self.points) < 3:
            raise InputError(
                f"a drawing needs at least 3 points, but this one has {len(self.points)}: "
                "drag with the mouse in the plane, or type them"
            )

    def clear(self) -> None:
        """Remove all points."""
        self.points, self.down = [], False

    def to_text(self) -> str:
        """Return the points as ``parse`` reads them, with enough decimals to tell neighbours apart.

        >>> pen = Pen()
        >>> pen.press(0, 1 / 3); pen.move(0.03, 1 / 3); pen.to_text()
        '0.00 0.33; 0.03 0.33'
        """
        places = max(2, -math.floor(math.log10(self._gap)))
        return "; ".join(f"{x:.{places}f} {y:.{places}f}" for x, y in self.points)


def parse(text: str) -> list[tuple[float, float]]:
    """Read points written as ``x y; x y; …``.

    Args:
        text: the points, separated by semicolons; a comma may stand between x and y.

    Raises:
        InputError: if a part is not a point; the message quotes the first one.

    >>> parse("0 0; 1 -0.5; .5, 1")
    [(0.0, 0.0), (1.0, -0.5), (0.5, 1.0)]
    >>> parse("0 0; 1")
    Traceback (most recent call last):
    ...
    gantutor.InputError: points are written as x y; x y; x y, but '1' is not a point
    """
    points = []
    for part in filter(str.strip, text.split(";")):
        try:
            x, y = map(float, part.replace(",", " ").split())
        except ValueError:
            raise InputError(
                f"points are written as x y; x y; x y, but {part.strip()!r} is not a point"
            ) from None
        points.append((x, y))
    return points
