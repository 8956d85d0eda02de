"""Still pictures: each function returns a matplotlib Figure that a notebook shows when it ends a cell.

One palette for the whole course, safe for colour-blind readers (Okabe & Ito 2008): real, generated, generator
and discriminator keep their colours everywhere.
"""

from gantutor.plots.curves import POINTS, bars, downsample, losses, moving_average
from gantutor.plots.gallery import sample_page, samples
from gantutor.plots.images import grid, pages, tile
from gantutor.plots.plane import arrows, points, shade, warped_grid
from gantutor.plots.series import series
from gantutor.plots.snapshots import refuse_no_snapshots, time_machine
from gantutor.plots.spectrograms import spectrograms, upright
from gantutor.plots.style import (
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
from gantutor.plots.text import texts

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
    "downsample",
    "figure",
    "grid",
    "label",
    "losses",
    "moving_average",
    "pages",
    "player_colours",
    "points",
    "refuse_no_snapshots",
    "sample_page",
    "samples",
    "series",
    "shade",
    "spectrograms",
    "texts",
    "tile",
    "time_machine",
    "upright",
    "warped_grid",
]
