"""One figure of a training: generated samples, losses, the discriminator's logits, and scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gantutor import plots
from gantutor._errors import first_line
from gantutor.plots.style import plain_log_ticks
from gantutor.training.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gantutor.live.scoring import Scoring

View = Callable[[Run, Any], Any]
"""A function ``view(run, axes)`` that draws what a run generates into the axes."""


def training_figure(run: Run, view: View | None = None, scoring: Scoring | None = None) -> Figure:
    """Draw the figure that a dashboard shows while a run trains and leaves when it ends.

    On the left are the generated samples. On the right are the losses, the discriminator's mean logits of
    real and generated samples if the game records them (with a cross-entropy loss, 0 means that it cannot
    tell them apart), and the scores taken so far.

    Args:
        run: the training so far.
        view: a function ``view(run, axes)`` that draws the left panel; None draws the generated samples. Its
            errors are written into the panel, because they must not end a training.
        scoring: the Scoring callback whose scores are plotted, or None.

    >>> from gantutor import GAN, networks
    >>> gan = GAN(networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,)), latent=2)
    >>> len(training_figure(Run(gan)).axes)
    2
    """
    curves: list[Callable[[Axes], None]] = [lambda axes: _draw_losses(run, axes)]
    if judged := [turn.name for turn in run.gan.turns if f"{turn.name}.real_logit" in run.history.names]:
        curves.append(lambda axes: _draw_logits(run, judged[0], axes))
    if scoring is not None and scoring.moments:
        curves.append(lambda axes: _draw_scores(scoring, axes))
    fig = plots.Figure(figsize=(10.0, 4.4), dpi=100)
    no_samples = not run.outputs
    if not no_samples:
        _draw_samples(run, view or plots.samples, fig.add_axes((0.06, 0.125, 0.46, 0.8)))
    grid = fig.add_gridspec(
        len(curves),
        1,
        left=0.08 if no_samples else 0.6,
        right=0.985,
        top=0.93,
        bottom=0.12,
        hspace=0.3 * len(curves) - 0.1,
    )
    for index, draw in enumerate(curves):
        draw(fig.add_subplot(grid[index]))
    fig.axes[-1].set_xlabel("step", fontsize=9)
    return fig


def view_figure(run: Run, view: View) -> Figure:
    """Draw the user's view as a figure for the live page.

    Args:
        run: the training so far.
        view: a function ``view(run, axes)``; its errors are written into the panel.
    """
    fig = plots.Figure(figsize=(5.6, 4.4), dpi=100, layout="constrained")
    _draw_samples(run, view, fig.add_subplot())
    return fig


def _draw_samples(run: Run, view: View, axes: Axes) -> None:
    """Call the view, and write its error into the axes if it fails: it must not end a training."""
    try:
        view(run, axes)
    except Exception as error:
        axes.clear()
        axes.set_axis_off()
        message = f"The view could not be drawn:\n{first_line(error)}"
        axes.text(0.5, 0.5, message, ha="center", va="center", wrap=True, fontsize=9)


def _draw_losses(run: Run, axes: Axes) -> None:
    recorded = [turn.name for turn in run.gan.turns if turn.name in run.history.names]
    for name, colour in plots.player_colours(recorded).items():
        steps, values = plots.downsample(*run.history.column(name))
        axes.plot(steps, values, color=colour, linewidth=1.2, label=name.replace("_", " "))
    _style_panel(axes, "Losses", "loss")


def _draw_logits(run: Run, turn: str, axes: Axes) -> None:
    for name, legend, colour, style in (
        ("real", "real", plots.REAL, "-"),
        ("fake", "generated", plots.GENERATED, "--"),
    ):
        steps, logits = plots.downsample(*run.history.column(f"{turn}.{name}_logit"))
        axes.plot(steps, logits, style, color=colour, linewidth=1.2, label=legend)
    axes.axhline(0, color=plots.NEUTRAL, linestyle=":", linewidth=1)
    _style_panel(axes, "What the discriminator says", "mean logit")


def _draw_scores(scoring: Scoring, axes: Axes) -> None:
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
        plain_log_ticks(axes.yaxis)
    title = name.replace("_", " ").replace("frechet", "Fréchet distance").replace("fid", "FID")
    _style_panel(axes, f"{title} ({first[name].better} is better)", "score")


def _style_panel(axes: Axes, title: str, unit: str) -> None:
    plots.label(axes, title, y=unit)
    axes.set_title(title, fontsize=9)
    axes.tick_params(which="both", labelsize=7)
    if axes.lines:
        axes.legend(fontsize=7, loc="best", framealpha=0.6)


def describe(run: Run) -> str:
    """Describe the picture of a run in one sentence, for screen readers.

    >>> from gantutor import GAN, networks
    >>> run = Run(GAN(networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,)), latent=2))
    >>> describe(run)
    'A training after 0 steps: its generated samples.'
    """
    names = [turn.name for turn in run.gan.turns if turn.name in run.history.names]
    last = ", ".join(f"{name} {recent_mean(run, name):.3g}" for name in names)
    losses = f" and its losses, lately {last}" if last else ""
    what = "its generated samples" if run.outputs else "its networks"
    return f"A training after {run.step:,} steps: {what}{losses}."


def recent_mean(run: Run, name: str, count: int = 50) -> float:
    """Return the mean of the last values of a scalar in the history.

    Args:
        run: the training.
        name: the name of the scalar.
        count: the number of values at the end to average.
    """
    values = run.history.column(name)[1][-count:]
    return sum(values) / len(values)
