"""Still figures: each function draws a matplotlib Figure in the palette of the course."""

from gantutor.plots import diagrams
from gantutor.plots.comparisons import clouds, dots, lines, mode_history
from gantutor.plots.curves import MAX_CURVE_POINTS, bars, downsample, losses, moving_average
from gantutor.plots.gallery import sample_grid, samples
from gantutor.plots.images import grid, grids, image_rows, tile
from gantutor.plots.motion import agreement, histograms
from gantutor.plots.paths import trade_off
from gantutor.plots.plane import gradient_arrows, points, shade, warped_grid
from gantutor.plots.scores import score_curves
from gantutor.plots.series import series
from gantutor.plots.snapshots import check_snapshots, time_machine
from gantutor.plots.spectrograms import spectrograms, spectrograms_to_rgb
from gantutor.plots.style import (
    DISCRIMINATOR,
    GENERATED,
    GENERATOR,
    GRADIENT,
    NEUTRAL,
    REAL,
    WIDTH,
    Figure,
    figure,
    label,
    player_colours,
)
from gantutor.plots.tables import table
from gantutor.plots.text import texts

__all__ = [
    "DISCRIMINATOR",
    "GENERATED",
    "GENERATOR",
    "GRADIENT",
    "MAX_CURVE_POINTS",
    "NEUTRAL",
    "REAL",
    "WIDTH",
    "Figure",
    "agreement",
    "bars",
    "check_snapshots",
    "clouds",
    "diagrams",
    "dots",
    "downsample",
    "figure",
    "gradient_arrows",
    "grid",
    "grids",
    "histograms",
    "image_rows",
    "label",
    "lines",
    "losses",
    "mode_history",
    "moving_average",
    "player_colours",
    "points",
    "sample_grid",
    "samples",
    "score_curves",
    "series",
    "shade",
    "spectrograms",
    "spectrograms_to_rgb",
    "table",
    "texts",
    "tile",
    "time_machine",
    "trade_off",
    "warped_grid",
]
