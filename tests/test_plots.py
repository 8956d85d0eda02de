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
    fig = plots.pages({"real": torch.zeros(4, 1, 8, 8), "generated": torch.zeros(4, 3, 8, 8)}, columns=2)
    assert [title for title, _, _ in words(fig)] == ["real", "generated"]


def test_running_means() -> None:
    values = [1.0, 4.0, 2.0, 8.0, 5.0]
    assert plots.smoothed(values, 1).tolist() == values
    assert plots.smoothed(values, 3).tolist() == pytest.approx([5 / 2, 7 / 3, 14 / 3, 5, 13 / 2])


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
    with pytest.raises(gt.InputError, match="no snapshots: train with snapshots= of at least 1"):
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
