"""One picture of a training: what it makes, its losses, what the discriminator says, its scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gantutor import plots
from gantutor._errors import first_line
from gantutor.training.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gantutor.live.scoring import Scoring

View = Callable[[Run, Any], Any]
"""Draws what a run makes into the axes it is given."""


def training_figure(run: Run, view: View | None = None, scoring: Scoring | None = None) -> Figure:
    """The picture that a dashboard shows while a run trains and leaves when it ends.

    Left what ``view(run, axes)`` draws, by default the generated samples; right the losses, the
    discriminator's mean logits of real and generated samples where the game records them (at 0 it cannot
    tell, if its loss is the cross-entropy), and the scores taken so far.

    >>> from gantutor import GAN, networks
    >>> gan = GAN(networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,)), latent=2)
    >>> len(training_figure(Run(gan)).axes)
    2
    """
    curves: list[Callable[[Axes], None]] = [lambda axes: _losses(run, axes)]
    if "discriminator.real_logit" in run.history.names:
        curves.append(lambda axes: _logits(run, axes))
    if scoring is not None and scoring.moments:
        curves.append(lambda axes: _scores(scoring, axes))
    fig = plots.Figure(figsize=(10.0, 4.4), dpi=100)
    alone = "generator" not in run.averaged
    if not alone:
        _made(run, view or plots.samples, fig.add_axes((0.06, 0.125, 0.46, 0.8)))
    place = fig.add_gridspec(
        len(curves),
        1,
        left=0.08 if alone else 0.6,
        right=0.985,
        top=0.93,
        bottom=0.12,
        hspace=0.3 * len(curves) - 0.1,
    )
    for index, draw in enumerate(curves):
        draw(fig.add_subplot(place[index]))
    fig.axes[-1].set_xlabel("step", fontsize=9)
    return fig


def _made(run: Run, view: View, axes: Axes) -> None:
    """What the view draws; an error in it must not end a training, so that it is written there instead."""
    try:
        view(run, axes)
    except Exception as error:
        axes.clear()
        axes.set_axis_off()
        said = f"The view could not be drawn:\n{first_line(error)}"
        axes.text(0.5, 0.5, said, ha="center", va="center", wrap=True, fontsize=9)


def _losses(run: Run, axes: Axes) -> None:
    recorded = [turn.name for turn in run.gan.turns if turn.name in run.history.names]
    for name, colour in plots.player_colours(recorded).items():
        steps, values = plots.downsample(*run.history.column(name))
        axes.plot(steps, values, color=colour, linewidth=1.2, label=name.replace("_", " "))
    _finish(axes, "Losses", "loss")


def _logits(run: Run, axes: Axes) -> None:
    for name, said, colour, style in (
        ("real", "real", plots.REAL, "-"),
        ("fake", "generated", plots.GENERATED, "--"),
    ):
        steps, logits = plots.downsample(*run.history.column(f"discriminator.{name}_logit"))
        axes.plot(steps, logits, style, color=colour, linewidth=1.2, label=said)
    axes.axhline(0, color=plots.NEUTRAL, linestyle=":", linewidth=1)
    _finish(axes, "What the discriminator says", "mean logit")


def _scores(scoring: Scoring, axes: Axes) -> None:
    first = scoring.moments[0][2]
    name = next(iter(first), None)
    if name is None:
        return
    steps = [moment[0] for moment in scoring.moments]
    axes.plot(
        steps,
        [m[2][name].value for m in scoring.moments],
        "o-",
        color=plots.GENERATED,
        markersize=3,
        label="generated",
    )
    axes.axhline(first[name].real, color=plots.REAL, linewidth=1, label="real data")
    if min(m[2][name].value for m in scoring.moments) > 0 and first[name].better == "lower":
        axes.set_yscale("log")
    spelt = name.replace("_", " ").replace("frechet", "Fréchet distance").replace("fid", "FID")
    _finish(axes, f"{spelt} ({first[name].better} is better)", "score")


def _finish(axes: Axes, title: str, unit: str) -> None:
    plots.label(axes, title, y=unit)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    if axes.lines:
        axes.legend(fontsize=7, loc="best", framealpha=0.6)
