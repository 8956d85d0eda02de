"""Drawing a distribution: points under the mouse, or typed."""

from __future__ import annotations

import math

from gantutor._errors import InputError

SPACING = 0.025
"""Distance between the points of a stroke, as a share of half the plane's side."""

MOST = 600


class Pen:
    """The points drawn so far; a stroke leaves points evenly along its way, however fast it was.

    >>> pen = Pen(spacing=0.5)
    >>> pen.press(0.0, 0.0); pen.move(1.2, 0.0); pen.lift(); pen.move(9.0, 9.0); pen.points
    [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0)]
    """

    def __init__(self, spacing: float = SPACING) -> None:
        self.spacing = self._gap = spacing
        self.points: list[tuple[float, float]] = []
        self.down = False

    def press(self, x: float, y: float, reach: float = 1.0) -> None:
        """The pen touches the plane, half of whose side is ``reach``."""
        self.down, self._gap = True, self.spacing * reach
        if len(self.points) < MOST:
            self.points.append((x, y))

    def move(self, x: float, y: float) -> None:
        """It goes to a place in a straight line; off the plane it leaves nothing."""
        if not self.down:
            return
        from_x, from_y = self.points[-1]
        distance = math.hypot(x - from_x, y - from_y)
        for i in range(1, int(distance / self._gap) + 1):
            if len(self.points) < MOST:
                share = i * self._gap / distance
                self.points.append((from_x + share * (x - from_x), from_y + share * (y - from_y)))

    def lift(self) -> None:
        """It leaves the plane."""
        self.down = False

    def enough(self) -> None:
        """Raise InputError unless there are the three points that a drawing needs."""
        if len(self.points) < 3:
            raise InputError(
                f"a drawing needs at least 3 points, and this one has {len(self.points)}: "
                "drag with the mouse in the plane, or type them"
            )

    def clear(self) -> None:
        """Begin anew."""
        self.points, self.down = [], False

    def written(self) -> str:
        """The points as ``parse`` reads them, to as many decimals as tell neighbours of a stroke apart.

        >>> pen = Pen()
        >>> pen.press(0, 1 / 3); pen.move(0.03, 1 / 3); pen.written()
        '0.00 0.33; 0.03 0.33'
        """
        places = max(2, -math.floor(math.log10(self._gap)))
        return "; ".join(f"{x:.{places}f} {y:.{places}f}" for x, y in self.points)


def parse(text: str) -> list[tuple[float, float]]:
    """Points written as ``x y; x y; …``; raises InputError, quoting the first that is no point.

    >>> parse("0 0; 1 -0.5; .5, 1")
    [(0.0, 0.0), (1.0, -0.5), (0.5, 1.0)]
    >>> parse("0 0; 1")
    Traceback (most recent call last):
    ...
    gantutor.InputError: points are written as x y; x y; x y, and '1' is none
    """
    points = []
    for part in filter(str.strip, text.split(";")):
        try:
            x, y = map(float, part.replace(",", " ").split())
        except ValueError:
            raise InputError(f"points are written as x y; x y; x y, and {part.strip()!r} is none") from None
        points.append((x, y))
    return points
