"""The curves beside the plane: both losses, modes covered, reverse KL and JS divergence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gantutor import plots
from gantutor.live.lab.game import SCORED_LATENTS, Game
from gantutor.live.lab.settings import Plane
from gantutor.metrics.divergence import divergence_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


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
        texts = notes(game.plane)
        for name, panel in (("modes", modes), ("distances", distances)):
            if texts[name]:
                panel.text(
                    0.5, 0.5, texts[name], transform=panel.transAxes, ha="center", va="center", fontsize=8
                )
                panel.set_yticks([])
        if game.plane.distribution is not None:
            distances.set_yscale("log")
            real = real_divergences(game.plane)
            for name, line in (("reverse_kl", self.kl), ("js", self.js)):
                distances.axhline(real[name], color=line.get_color(), linestyle=":", linewidth=1)
            distances.legend(fontsize=7, loc="upper right")
        if count := mode_count(game.plane):
            modes.locator_params(axis="y", integer=True)
            modes.set_ylim(-0.4, count * 1.08)
            modes.axhline(count, color=plots.REAL, linestyle=":", linewidth=1)
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


def mode_count(plane: Plane) -> int:
    """Return the number of modes of a plane; 0 if its distribution is a curve or not known."""
    distribution = plane.distribution
    return len(distribution.centres) if distribution is not None and distribution.modes else 0


def notes(plane: Plane) -> dict[str, str]:
    """Return what stands in the panels "modes" and "distances" if they have no curve; empty if they have."""
    if plane.distribution is None:
        return dict.fromkeys(("modes", "distances"), "the density of these\npoints is not known")
    no_modes = (
        "" if plane.distribution.modes else f"the {plane.distribution.name} is a curve:\nno modes to count"
    )
    return {"modes": no_modes, "distances": ""}


def real_divergences(plane: Plane) -> dict[str, float]:
    """Return reverse KL and JS of real samples, which generated samples can reach; empty if not known."""
    distribution = plane.distribution
    if distribution is None:
        return {}
    scores = divergence_scores(distribution.sample(SCORED_LATENTS, seed=1), distribution)
    return {"reverse_kl": float(scores["reverse_kl_cells"].real), "js": float(scores["js_cells"].real)}


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
