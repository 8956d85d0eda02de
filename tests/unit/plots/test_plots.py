"""Still pictures: what stands on them, and tiles to the pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor import plots


@pytest.fixture
def image_run(image_game: Callable[..., gt.GAN], images: Tensor) -> gt.Run:
    return gt.train(image_game(), images, steps=6, batch_size=16, snapshots=7, gallery=5, progress=False)


@pytest.fixture
def point_run(point_game: Callable[..., gt.GAN], points: Tensor) -> gt.Run:
    return gt.train(point_game(), points, steps=6, batch_size=16, snapshots=3, progress=False)


def words(fig: Any) -> list[tuple[str, str, str]]:
    return [(axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) for axes in fig.axes]


def test_tiles_stand_row_by_row_with_one_white_line_between() -> None:
    images = torch.stack([torch.full((1, 2, 3), value) for value in (-1.0, 0.0, 0.5)])
    page = plots.tile(images, columns=2)
    black, grey, light, white = 0.0, 0.5, 0.75, 1.0
    row = [black] * 3 + [white] + [grey] * 3 + [white]
    below = [light] * 3 + [white] * 5
    assert page.tolist() == [row, row, [white] * 8, below, below, [white] * 8]


def test_tiles_keep_colours_and_clip_what_is_out_of_range() -> None:
    image = torch.tensor([-1.0, 3.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    page = plots.tile(image, columns=1)
    assert (
        page.shape == (3, 3, 3)
        and page[0, 0].tolist() == [0.0, 1.0, 0.5]
        and page[2, 2].tolist() == [1.0, 1.0, 1.0]
    )


@pytest.mark.parametrize("shape", [(4, 28, 28), (4, 2, 28, 28), (0, 1, 28, 28), (28, 28)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(gt.InputError, match=r"shape \(count, 1 or 3, height, width\)"):
        plots.tile(torch.zeros(shape))


@pytest.mark.parametrize("columns", [0, -1, 2.5])
def test_columns_are_whole(columns: Any) -> None:
    with pytest.raises(gt.InputError, match="columns must be a whole number"):
        plots.tile(torch.zeros(4, 1, 8, 8), columns)


def test_a_grid_shows_its_tiles() -> None:
    images = torch.rand(7, 1, 8, 8) * 2 - 1
    fig = plots.grid(images, "seven", columns=3)
    assert words(fig) == [("seven", "", "")]
    shown = torch.as_tensor(fig.axes[0].images[0].get_array())
    assert torch.allclose(shown.float(), plots.tile(images, 3))


def test_pages_stand_side_by_side_under_their_names() -> None:
    fig = plots.grids({"real": torch.zeros(4, 1, 8, 8), "generated": torch.zeros(4, 3, 8, 8)}, columns=2)
    assert [title for title, _, _ in words(fig)] == ["real", "generated"]


def test_running_means() -> None:
    values = [1.0, 4.0, 2.0, 8.0, 5.0]
    assert plots.moving_average(values, 1).tolist() == values
    assert plots.moving_average(values, 3).tolist() == pytest.approx([5 / 2, 7 / 3, 14 / 3, 5, 13 / 2])


def test_losses_have_a_title_labels_with_units_and_a_curve_for_each_turn(point_run: gt.Run) -> None:
    fig = plots.losses(point_run)
    assert words(fig) == [("Losses while training", "step", "loss (nats)")]
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == [
        "discriminator",
        "generator",
    ]
    raw = fig.axes[0].lines[0]
    assert list(raw.get_ydata()) == point_run.history.column("discriminator")[1]
    assert [line.get_color() for line in fig.axes[0].lines[:2]] == [plots.DISCRIMINATOR] * 2
    assert fig.axes[0].lines[-1].get_ydata()[0] == pytest.approx(1.386294)


def test_points_show_real_and_generated_in_their_colours(point_run: gt.Run, points: Tensor) -> None:
    from matplotlib.colors import to_hex

    fig = plots.points(points, point_run.sample(30), "two clouds", point_run.gan.networks["discriminator"])
    assert words(fig) == [("two clouds", "x₁", "x₂")]
    clouds = fig.axes[0].collections
    assert [len(cloud.get_offsets()) for cloud in clouds] == [256, 30]
    assert [to_hex(cloud.get_facecolor()[0]).upper() for cloud in clouds] == [plots.REAL, plots.GENERATED]
    assert len(fig.axes[0].images) == 1


def test_the_shade_is_the_discriminators_probability_with_x_to_the_right_and_y_up() -> None:
    _, axes = plots.figure()
    plots.shade(axes, lambda x: 3 * x[:, 0] + x[:, 1], reach=2.0, side=5)
    shade = torch.as_tensor(axes.images[0].get_array()).float()
    line = torch.linspace(-2, 2, 5)
    assert torch.allclose(shade, torch.sigmoid(3 * line[None, :] + line[:, None]))
    assert axes.images[0].origin == "lower" and axes.images[0].get_extent() == [-2, 2, -2, 2]


def test_the_time_machine_has_a_row_for_each_latent(image_run: gt.Run) -> None:
    fig = plots.time_machine(image_run, rows=4, columns=3, title="then and now")
    axes = fig.axes[0]
    assert axes.get_title() == "then and now"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "3", "6"]
    shown = torch.as_tensor(axes.images[0].get_array()).float()
    rows = [image_run.snapshots[i].samples[latent] for latent in range(4) for i in (0, 3, 6)]
    assert torch.allclose(shown, plots.tile(torch.stack(rows), 3))


def test_the_time_machine_needs_pictures(point_run: gt.Run, point_game: Callable[..., gt.GAN]) -> None:
    with pytest.raises(gt.InputError, match="no snapshots: train with snapshots= at least 1"):
        plots.time_machine(gt.Run(point_game()))
    with pytest.raises(gt.InputError, match=r"must be images .*not of shape \(64, 2\)"):
        plots.time_machine(point_run)


def test_bars_carry_their_numbers() -> None:
    fig = plots.bars({"ours": 1.234567, "theirs": 100.0}, "Scores", "digit FID")
    assert words(fig) == [("Scores", "digit FID", "")]
    assert [text.get_text().strip() for text in fig.axes[0].texts] == ["1.23", "100"]
    assert [bar.get_width() for bar in fig.axes[0].patches] == [1.234567, 100.0]
    assert [tick.get_text() for tick in fig.axes[0].get_yticklabels()] == ["ours", "theirs"]


def test_figures_are_kept_out_of_the_list_that_notebooks_show_by_themselves() -> None:
    import matplotlib.pyplot as plt

    plt.close("all")
    plots.grid(torch.zeros(4, 1, 8, 8))
    plots.bars({"a": 1.0}, "t", "u")
    assert plt.get_fignums() == []


# --- series, sounds and words -----------------------------------------------------------------------------


def test_series_stand_side_by_side_in_the_colour_of_their_kind() -> None:
    real, made = torch.rand(9, 24, 2), torch.rand(3, 20, 2)
    fig = plots.series({"real": real, "generated": made}, "Two kinds", lines=5, unit="load")
    assert words(fig) == [
        ("real", "", "load 1"),
        ("generated", "", ""),
        ("", "time step", "load 2"),
        ("", "time step", ""),
    ]
    assert [len(axes.lines) for axes in fig.axes] == [5, 3, 5, 3]
    colours = [{line.get_color() for line in axes.lines} for axes in fig.axes]
    assert colours == [{plots.REAL}, {plots.GENERATED}] * 2
    assert torch.equal(torch.as_tensor(fig.axes[2].lines[4].get_ydata()), real[4, :, 1])
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim() and fig.get_suptitle() == "Two kinds"


def test_series_of_one_feature_and_colours_of_ones_own() -> None:
    parts = {name: torch.rand(4, 24) for name in ("real", "shifted", "generated")}
    fig = plots.series(parts, colours=[plots.REAL, plots.NEUTRAL, plots.GENERATED])
    assert words(fig) == [(name, "time step", "" if i else "value") for i, name in enumerate(parts)]
    assert [axes.lines[0].get_color() for axes in fig.axes] == [plots.REAL, plots.NEUTRAL, plots.GENERATED]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"parts": {}}, "parts must be a dict .* not empty"),
        ({"parts": {"a": torch.zeros(2, 5, 1), "b": torch.zeros(2, 5, 3)}}, "not a 1, b 3"),
        ({"parts": {"a": torch.zeros(2, 5, 1, 1)}}, r"a must be series of shape .* not \(2, 5, 1, 1\)"),
        ({"parts": {"a": [1.0]}}, "a must be series .* not list"),
        ({"parts": {"a": torch.zeros(2, 5)}, "lines": 0}, "lines must be"),
        ({"parts": {"a": torch.zeros(2, 5)}, "colours": ["red", "blue"]}, "one for each of the 1 that"),
    ],
)
def test_what_is_no_series_is_refused(given: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        plots.series(**given)


def chirp(bins: list[int], times: int = 64) -> Tensor:
    """Spectrograms with one loud frequency bin each."""
    quiet = torch.full((len(bins), 1, 128, times), -1.0)
    for one, loud in zip(quiet, bins, strict=True):
        one[0, loud] = 1.0
    return quiet


def test_spectrograms_have_hertz_and_seconds_and_decibels() -> None:
    fig = plots.spectrograms({"real": chirp([3, 9]), "generated": chirp([64, 100, 5])}, ["a", "b", "c"])
    assert words(fig)[:6] == [
        ("a", "", "real\nkHz"),
        ("b", "", ""),
        ("", "", ""),  # the real ones are two
        ("", "seconds", "generated\nkHz"),
        ("", "seconds", ""),
        ("", "seconds", ""),
    ]
    assert not fig.axes[2].axison and fig.axes[-1].get_ylabel() == "decibels"
    picture = fig.axes[3].images[0]
    assert picture.origin == "lower" and picture.get_extent() == [0, 64 * 64 / 8000, 0, 4.0]
    shown = torch.as_tensor(picture.get_array())
    assert set(shown.flatten().tolist()) == {-30.0, 38.0} and bool((shown[64] == 38).all())


def test_many_spectrograms_stand_row_by_row() -> None:
    fig = plots.spectrograms(chirp(list(range(7))), [f"n{i}" for i in range(7)], columns=5, rate=16_000)
    assert [axes.get_title() for axes in fig.axes[:7]] == [f"n{i}" for i in range(7)]
    assert [axes.axison for axes in fig.axes[:10]] == [True] * 7 + [False] * 3
    assert [i for i in range(7) if fig.axes[i].get_xlabel()] == [2, 3, 4, 5, 6]
    assert fig.axes[6].images[0].get_extent() == [0, 64 * 64 / 16_000, 0, 8.0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"parts": torch.zeros(2, 1, 28, 28)}, r"shape \(count, 1, 128, times\), not \(2, 1, 28, 28\)"),
        ({"parts": {"mine": "la"}}, "mine must be spectrograms .* not str"),
        ({"parts": {}}, "nothing to draw"),
        ({"parts": chirp([1, 2]), "titles": ["a"]}, "at least 2 titles"),
        ({"parts": chirp([1]), "columns": 0}, "columns must be"),
    ],
)
def test_what_is_no_spectrogram_is_refused(given: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        plots.spectrograms(**given)


def test_low_frequencies_are_upright_at_the_bottom() -> None:
    picture = plots.spectrograms_to_rgb(chirp([3]))
    assert picture.shape == (1, 3, 128, 64)
    brightness = picture.mean((0, 1, 3))
    assert int(brightness.argmax()) == 127 - 3 and float(picture.min()) >= -1 and float(picture.max()) <= 1
    images = torch.rand(2, 1, 28, 28)
    assert plots.spectrograms_to_rgb(images) is images


def test_words_stand_row_by_row() -> None:
    fig = plots.texts(["anna", "$x_1$", "carl"], "names", columns=2)
    assert words(fig) == [("names", "", "")]
    places = [(text.get_text(), *map(round, text.get_position())) for text in fig.axes[0].texts]
    assert places == [("anna", 0, 0), ("$x_1$", 1, 0), ("carl", 0, -2)]
    assert not fig.axes[0].texts[1].get_parse_math()
    _, axes = plots.figure()
    assert plots.texts(["one"], axes=axes) is axes.figure


@pytest.mark.parametrize("lines", ["anna", [], ["a", 3], None])
def test_what_are_no_words_is_refused(lines: Any) -> None:
    with pytest.raises(gt.InputError, match="lines must be texts, at least one"):
        plots.texts(lines)


def trained(shape: tuple[int, ...], **options: Any) -> gt.Run:
    game = gt.GAN(gt.networks.MLPGenerator(2, shape), gt.networks.MLPDiscriminator(shape), latent=2)
    data = torch.rand(32, *shape)
    return gt.train(game, data, steps=4, batch_size=16, snapshots=5, gallery=6, progress=False)


def test_the_time_machine_shows_series_and_words() -> None:
    run = trained((12, 2))
    axes = plots.time_machine(run, rows=4, columns=3).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "2", "4"]
    curves = axes.collections[0].get_segments()
    assert len(curves) == 4 * 3 * 2 and all(len(curve) == 12 for curve in curves)
    shown = torch.stack([run.snapshots[i].samples[:4] for i in (0, 2, 4)], 1).flatten(0, 1)
    low, high = float(shown.min()), float(shown.max())
    for place in (0, 4, 11):  # row by row: the fifth is the second latent in the middle
        row, column = divmod(place, 3)
        for feature in range(2):
            curve = torch.as_tensor(curves[2 * place + feature])
            assert bool(((curve[:, 0] > column) & (curve[:, 0] < column + 1)).all())
            values = (curve[:, 1] + row + 1 - 0.1) / 0.8 * (high - low) + low
            assert torch.allclose(values.float(), shown[place, :, feature], atol=1e-4)
    read = plots.time_machine(run, rows=2, columns=2, to_text=lambda sample: f"{float(sample[0, 0]):.3f}")
    wanted = [f"{float(run.snapshots[i].samples[latent, 0, 0]):.3f}" for latent in range(2) for i in (0, 4)]
    assert [text.get_text() for text in read.axes[0].texts] == wanted
    machine = gt.live.TimeMachine(run, to_text=lambda sample: "abc")
    assert [text.get_text() for text in machine.picture().axes[0].texts] == ["abc"] * 6


def test_the_time_machine_shows_spectrograms_upright() -> None:
    run = trained((1, 128, 16))
    shown = torch.as_tensor(plots.time_machine(run, rows=1, columns=2).axes[0].images[0].get_array())
    samples = torch.stack([run.snapshots[0].samples[0], run.snapshots[-1].samples[0]])
    wanted = plots.spectrograms_to_rgb(samples)
    assert torch.allclose(shown.float(), plots.tile(wanted, 2))


def test_words_can_be_shown_of_any_samples(point_run: gt.Run) -> None:
    fig = plots.time_machine(point_run, rows=1, columns=3, to_text=lambda sample: "x")
    assert [text.get_text() for text in fig.axes[0].texts] == ["x"] * 3


def test_long_words_are_drawn_small_enough_for_their_column() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    def width_of(word: str) -> float:
        figure = gt.plots.sample_grid(torch.zeros(8, 2), columns=8, to_text=lambda _: word)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # which lays the figure out
        box = figure.axes[0].texts[0].get_window_extent(canvas.get_renderer())
        return float(box.width / figure.axes[0].get_window_extent().width)

    assert width_of("zofpywmnxdae") < 1 / 8 and width_of("anna") < 1 / 8


def test_rows_of_images_share_one_size_and_have_whole_dots_for_each_pixel() -> None:
    fig = plots.image_rows(
        {"three": torch.zeros(3, 1, 8, 8), "fifteen": torch.zeros(15, 3, 8, 8)}, columns=10
    )
    three, fifteen = (axes.get_position() for axes in fig.axes)
    assert three.width == pytest.approx(0.3) and fifteen.width == pytest.approx(1)
    assert fifteen.height == pytest.approx(2 * three.height)
    dots = fig.get_size_inches()[0] * fig.dpi / 90
    assert dots == pytest.approx(round(dots)) and dots >= 1
    assert fig.alternative_text == "Rows of images: three (3 images); fifteen (15 images)."
