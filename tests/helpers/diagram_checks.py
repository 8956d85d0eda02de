"""What spoils a diagram: texts that overlap or leave the figure, arrows across a box, arrows that cross."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SLACK = 0.5
"""Pixels by which extents may touch."""


def faults(figure: Any) -> list[str]:
    """Everything that is wrong with the layout of a diagram, in words; an empty list if nothing is."""
    FigureCanvasAgg(figure).draw()
    extents = {text: text.get_window_extent() for text in texts(figure)}
    found = [
        f"{one.get_text()!r} lies on {other.get_text()!r}"
        for (one, first), (other, second) in combinations(extents.items(), 2)
        if _overlap(first, second)
    ]
    page = figure.bbox.padded(-4)
    found += [
        f"{text.get_text()!r} leaves the figure" for text, box in extents.items() if not _inside(box, page)
    ]
    boxes, arrows = _boxes(figure), _arrows(figure)
    for text, extent in extents.items():
        name = repr(text.get_text())
        found += [
            f"{name} crosses the edge of a box"
            for box in boxes
            if _overlap(extent, box) and not _inside(extent, box)
        ]
        found += [f"an arrow runs through {name}" for arrow in arrows if _enters(arrow, extent)]
    found += [
        f"an arrow runs into the box at {box}" for box in boxes for arrow in arrows if _enters(arrow, box)
    ]
    found += ["two arrows cross" for one, other in combinations(arrows, 2) if _cross(one, other)]
    return found


def texts(figure: Any) -> list[Text]:
    """All texts that are drawn."""
    found = list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.title]
        if axes.axison:
            found += [axes.xaxis.label, axes.yaxis.label]
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                places = axis.get_majorticklocs()
                labels = axis.get_majorticklabels()
                found += [label for place, label in zip(places, labels, strict=True) if low <= place <= high]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def _boxes(figure: Any) -> list[Bbox]:
    return [
        patch.get_window_extent()
        for axes in figure.axes
        for patch in axes.patches
        if patch.get_gid() == "box"
    ]


def _arrows(figure: Any) -> list[Any]:
    """The points of each arrow, a pixel or so apart, in pixels."""
    lines = []
    for axes in figure.axes:
        for patch in axes.patches:
            if patch.get_gid() == "arrow":
                path = patch.get_path().transformed(patch.get_transform())
                (corners,) = path.to_polygons(closed_only=False)
                lines.append(corners)
    return lines


def _overlap(one: Bbox, other: Bbox) -> bool:
    return bool(
        min(one.x1, other.x1) - max(one.x0, other.x0) > SLACK
        and min(one.y1, other.y1) - max(one.y0, other.y0) > SLACK
    )


def _inside(inner: Bbox, outer: Bbox) -> bool:
    return bool(
        inner.x0 >= outer.x0 - SLACK
        and inner.x1 <= outer.x1 + SLACK
        and inner.y0 >= outer.y0 - SLACK
        and inner.y1 <= outer.y1 + SLACK
    )


def _enters(line: Any, box: Bbox) -> bool:
    steps = np.linspace(0, 1, 200)[:, None]
    points = np.concatenate([start + steps * (end - start) for start, end in pairwise(line)])
    x, y = points.T
    inside = (x > box.x0 + SLACK) & (x < box.x1 - SLACK) & (y > box.y0 + SLACK) & (y < box.y1 - SLACK)
    return bool(inside.any())


def _cross(one: Any, other: Any) -> bool:
    return any(_segments_cross(a, b, c, d) for a, b in pairwise(one) for c, d in pairwise(other))


def _segments_cross(a: Any, b: Any, c: Any, d: Any) -> bool:
    def side(p: Any, q: Any, r: Any) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < -1e-3 and side(c, d, a) * side(c, d, b) < -1e-3
