"""The curves beside the plane: both losses, modes covered, reverse KL and JS divergence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gantutor import plots
from gantutor.live import display
from gantutor.live.lab.game import SCORED_LATENTS, Game
from gantutor.live.lab.plane import jpeg
from gantutor.metrics.divergence import divergence_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

WIDTH, HEIGHT = 600, 225
"""Width and height of the picture of the curves, in pixels."""


class Curves:
    """Three panels that are made once and then updated: losses, modes covered, and divergences.

    Dotted lines show the values of real samples.

    Args:
        panels: three matplotlib Axes.
        game: the game whose numbers are plotted.
    """

    def __init__(self, panels: Sequence[Axes], game: Game) -> None:
        self.panels = panels
        losses, modes, distances = panels
        options: dict[str, Any] = {"linewidth": 1.2}
        self.losses = {
            name: losses.plot([], [], style, color=colour, label=label, **options)[0]
            for name, colour, style, label in (
                ("discriminator", plots.DISCRIMINATOR, "-", "D"),
                ("generator", plots.GENERATOR, "--", "G"),
            )
        }
        (self.modes,) = modes.plot([], [], color=plots.GENERATED, drawstyle="steps-post", **options)
        (self.kl,) = distances.plot([], [], color=plots.GENERATED, label="reverse KL", **options)
        (self.js,) = distances.plot([], [], "--", color=plots.NEUTRAL, label="JS", **options)
        plots.label(losses, "losses", "step", "mean of a batch")
        plots.label(modes, "modes covered", "step")
        plots.label(distances, "distance from the truth", "step", "nats")
        distribution = game.plane.distribution
        if distribution is None:
            _note(modes, "the density of these\npoints is not known")
            _note(distances, "the density of these\npoints is not known")
        else:
            distances.set_yscale("log")
            real_scores = divergence_scores(distribution.sample(SCORED_LATENTS, seed=1), distribution)
            for name, line in (("reverse_kl_cells", self.kl), ("js_cells", self.js)):
                distances.axhline(real_scores[name].real, color=line.get_color(), linestyle=":", linewidth=1)
            if distribution.modes:
                modes.locator_params(axis="y", integer=True)
                modes.set_ylim(-0.4, len(distribution.centres) * 1.08)
                modes.axhline(len(distribution.centres), color=plots.REAL, linestyle=":", linewidth=1)
            else:
                _note(modes, f"the {distribution.name} is a curve:\nno modes to count")
            distances.legend(fontsize=7, loc="upper right")
        losses.legend(fontsize=7, loc="center right")
        for panel in panels:
            panel.tick_params(labelsize=7)
            panel.set_title(panel.get_title(), fontsize=9, y=1.0)
            panel.minorticks_off()
            panel.locator_params(axis="x", nbins=4)  # most of the time of a drawing goes into ticks

    def set(self, game: Game) -> None:
        """Update the curves to what the game has recorded so far."""
        history, record = game.run.history, game.record
        for name, line in self.losses.items():
            if name in history.names:
                line.set_data(*plots.downsample(*history.column(name)))
        self.kl.set_data(record.steps, [max(value, 1e-6) for value in record.reverse_kl])
        self.js.set_data(record.steps, [max(value, 1e-6) for value in record.js])
        self.modes.set_data(record.steps[: len(record.modes)], record.modes)
        for panel in self.panels:
            panel.relim()
            panel.autoscale_view(scaley=panel is not self.panels[1])
            panel.set_xlim(0, max(game.run.step, 10))


def _note(panel: Axes, words: str) -> None:
    panel.text(0.5, 0.5, words, transform=panel.transAxes, ha="center", va="center", fontsize=8)
    panel.set_yticks([])


class Picture:
    """The curves of a game as a JPEG."""

    def __init__(self, game: Game) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
        self.canvas = FigureCanvasAgg(figure)
        panels = figure.subplots(1, 3)
        figure.subplots_adjust(left=0.075, right=0.975, top=0.89, bottom=0.19, wspace=0.45)
        self.curves = Curves(panels, game)

    def draw(self, game: Game) -> bytes:
        """Return the curves of a game so far, as a JPEG."""
        with display.DRAWING_LOCK:
            self.curves.set(game)
            self.canvas.draw()
            return jpeg(self.canvas)


def describe(game: Game) -> str:
    """Describe the curves in one sentence, for screen readers."""
    return f"Curves over {game.run.step:,} steps. {numbers(game)}"


def numbers(game: Game) -> str:
    """Return the last values of all curves in one line."""
    history, record, distribution = game.run.history, game.record, game.plane.distribution
    parts = []
    for name, letter in (("discriminator", "D"), ("generator", "G")):
        if name in history.names:
            parts.append(f"loss of {letter} {history.column(name)[1][-1]:.3f}")
    if record.modes and distribution is not None:
        parts.append(f"modes {record.modes[-1]:.0f} of {len(distribution.centres)}")
    if record.steps:
        parts.append(f"reverse KL {record.reverse_kl[-1]:.3g}, JS {record.js[-1]:.3g} nats")
    return " · ".join(parts)
