"""What the dashboard shows: losses, samples and scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pages import Display
from torch import Tensor
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.live import Dashboard, Scoring, display, training_figure

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


# --- pictures ---------------------------------------------------------------------------------------------


def test_the_portrait_shows_losses_probabilities_and_scores(point_game: Make, points: Tensor) -> None:
    one = gt.metrics.Score(2.0, 1.0, "nats", "lower", 9, "points")
    scoring = Scoring(
        TensorDataset(points), [1, 2], 9, lambda generated, reference: gt.metrics.Scores(distance=one)
    )
    run = gt.train(point_game(), points, steps=3, callbacks=[scoring], progress=False)
    titles = [axes.get_title() for axes in training_figure.training_figure(run, scoring=scoring).axes]
    assert titles[:2] == ["Generated, step 3", "Losses"]
    assert titles[2:] == ["What the discriminator says", "distance (lower is better)"]


@pytest.mark.parametrize(
    ("shape", "drawn"),
    [
        ((2,), (0, 1, 0)),
        ((1,), (0, 0, 0)),
        ((12, 3), (24, 0, 0)),
        ((12,), (8, 0, 0)),
        ((1, 40), (8, 0, 0)),
        ((3, 8, 8), (0, 0, 1)),
        ((1, 8, 8), (0, 0, 1)),
        ((4, 1, 8, 8), (0, 0, 1)),
        ((1, 128, 16), (0, 0, 1)),
    ],
)
def test_samples_are_drawn_in_the_form_that_suits_them(
    shape: tuple[int, ...], drawn: tuple[int, ...]
) -> None:
    game = gt.GAN(gt.networks.MLPGenerator(2, shape), gt.networks.MLPDiscriminator(shape), latent=2)
    _, axes = gt.plots.figure()
    gt.plots.samples(gt.Run(game), axes, 9)
    assert axes.get_title() == "Generated, step 0"
    assert (len(axes.lines), len(axes.collections), len(axes.images)) == drawn
    if shape == (1, 128, 16):  # a spectrogram: in colours
        assert torch.as_tensor(axes.images[0].get_array()).shape == (129, 10 * 17, 3)


def test_samples_without_a_picture_ask_for_a_view() -> None:
    shape = (2, 5, 5)
    game = gt.GAN(gt.networks.MLPGenerator(2, shape), gt.networks.MLPDiscriminator(shape), latent=2)
    with pytest.raises(gt.InputError, match="pass a view that draws them"):
        gt.plots.samples(gt.Run(game), gt.plots.figure()[1], 9)


def test_a_view_that_fails_is_written_down_and_ends_nothing(
    unwatched: Display, point_game: Make, points: Tensor
) -> None:
    def view(run: gt.Run, axes: Any) -> None:
        raise ZeroDivisionError("nothing to divide")

    run = gt.train(point_game(), points, steps=3, callbacks=[Dashboard(view)], progress=False)
    assert (
        run.step == 3
        and "nothing to divide" in training_figure.training_figure(run, view).axes[0].texts[0].get_text()
    )


def test_a_thinned_curve_keeps_its_mean() -> None:
    values = torch.rand(12_345, dtype=torch.float64).tolist()
    steps, thin = gt.plots.downsample(list(range(12_345)), values)
    assert gt.plots.MAX_CURVE_POINTS / 2 < len(thin) == len(steps) <= gt.plots.MAX_CURVE_POINTS
    assert sum(thin) / len(thin) == pytest.approx(sum(values) / len(values), abs=1e-3)


def test_a_description_is_escaped() -> None:
    assert 'alt="&lt;b&gt; &quot;x&quot;"' in display.image(b"", '<b> "x"')


# --- scoring ----------------------------------------------------------------------------------------------


def test_scores_are_taken_at_their_moments_and_change_nothing(
    point_game: Make, points: Tensor, same_weights: Same
) -> None:
    given: list[tuple[int, Any]] = []

    def score(generated: Tensor, reference: Any) -> gt.metrics.Scores:
        given.append((len(generated), reference))
        return gt.metrics.Scores()

    reference = TensorDataset(points[:10])
    scoring = Scoring(reference, steps=[0, 2, 5, 99], samples=17, score=score)
    run = gt.train(point_game(), points, steps=6, callbacks=[scoring], progress=False)
    assert [(step, scores) for step, _, scores in scoring.moments] == [(0, {}), (2, {}), (5, {})]
    assert given == [(17, reference)] * 3
    seconds = [moment for _, moment, _ in scoring.moments]
    assert seconds == sorted(seconds) and 0 == seconds[0] < seconds[1] < run.seconds
    assert same_weights(run, gt.train(point_game(), points, steps=6, progress=False))


def test_a_function_scores_any_run(point_game: Make, points: Tensor, same_weights: Same) -> None:
    def measure(run: gt.Run) -> gt.metrics.Scores:
        torch.rand(7)
        mean = float(run.sample(9).mean())
        return gt.metrics.Scores(mean=gt.metrics.Score(mean, 0.0, "x", "lower", 9, "nothing"))

    scoring = Scoring(measure, [0, 3])
    run = gt.train(point_game(), points, steps=4, callbacks=[scoring], progress=False)
    assert [step for step, _, _ in scoring.moments] == [0, 3]
    assert scoring.moments[1][2]["mean"].value != scoring.moments[0][2]["mean"].value
    assert (
        training_figure.training_figure(run, scoring=scoring).axes[-1].get_title() == "mean (lower is better)"
    )
    assert same_weights(run, gt.train(point_game(), points, steps=4, progress=False))


def test_what_is_no_measure_is_said(point_game: Make, points: Tensor) -> None:
    with pytest.raises(gt.InputError, match="samples and score are only for held-out data"):
        Scoring(lambda run: gt.metrics.Scores(), [0], samples=9)
    with pytest.raises(gt.InputError, match="must return Scores, a dict of Score by name, not float"):
        gt.train(point_game(), points, steps=1, callbacks=[Scoring(lambda run: 0.5, [0])], progress=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [[-1], [1.5], [True], ["2"]])
def test_moments_are_whole_numbers(steps: Any) -> None:
    with pytest.raises(gt.InputError, match="steps must be whole numbers"):
        Scoring(None, steps=steps)
