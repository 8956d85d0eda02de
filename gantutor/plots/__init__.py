"""Still pictures: each function returns a matplotlib Figure that a notebook shows when it ends a cell.

One palette for the whole course, safe for colour-blind readers (Okabe & Ito 2008): real, generated, generator
and discriminator keep their colours everywhere.
"""

from gantutor.plots.canvas import (
    DISCRIMINATOR,
    GENERATED,
    GENERATOR,
    NEUTRAL,
    REAL,
    Figure,
    figure,
    label,
    player_colours,
)
from gantutor.plots.curves import POINTS, bars, losses, smoothed, thinned
from gantutor.plots.gallery import page, samples
from gantutor.plots.images import grid, pages, tile
from gantutor.plots.lines import series
from gantutor.plots.moments import refuse_no_snapshots, time_machine
from gantutor.plots.plane import arrows, points, shade, warped_grid
from gantutor.plots.sound import spectrograms, upright
from gantutor.plots.words import texts

__all__ = [
    "DISCRIMINATOR",
    "GENERATED",
    "GENERATOR",
    "NEUTRAL",
    "POINTS",
    "REAL",
    "Figure",
    "arrows",
    "bars",
    "figure",
    "grid",
    "label",
    "losses",
    "page",
    "pages",
    "player_colours",
    "points",
    "refuse_no_snapshots",
    "samples",
    "series",
    "shade",
    "smoothed",
    "spectrograms",
    "texts",
    "thinned",
    "tile",
    "time_machine",
    "upright",
    "warped_grid",
]
