"""The explorer and the time machine, and the frame they stand in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pages import Display
from torch import Tensor
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor import plots
from gantutor.live import Explorer, TimeMachine
from gantutor.live import display as page
from gantutor.live.redraw import RedrawnPicture

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

Make = Callable[..., gt.GAN]


# --- explorer and time machine ----------------------------------------------------------------------------


@pytest.fixture
def labelled(image_game: Make, images: Tensor) -> gt.Run:
    data = TensorDataset(images, torch.arange(len(images)) % 3)
    return gt.train(image_game(3), data, steps=3, batch_size=8, snapshots=3, gallery=5, progress=False)


def test_the_explorer_walks_from_one_latent_to_the_other(labelled: gt.Run, images: Tensor) -> None:
    explorer = Explorer(labelled, images, label=2)
    assert explorer.labels == [0, 1, 2] and explorer.directions.shape == (4, 4)
    path = explorer.walk()
    assert torch.allclose(path[0], explorer._latent(0)) and torch.allclose(
        path[-1], explorer._latent(1), atol=1e-5
    )
    explorer.moves[0] = 2.0
    assert torch.allclose(explorer.walk() - path, 2 * explorer.directions[0], atol=1e-5)
    explorer.path = "linear"
    assert len(explorer.still().axes) == 4 and "label 2" in explorer.describe()


def test_the_explorer_does_without_labels_and_data(image_game: Make, images: Tensor) -> None:
    run = gt.train(image_game(), images, steps=2, batch_size=8, progress=False)
    explorer = Explorer(run)
    assert explorer.labels == [] and len(explorer.still().axes) == 2


def test_the_explorer_shows_spectrograms_upright() -> None:
    shape = (1, 128, 16)
    game = gt.GAN(gt.networks.MLPGenerator(2, shape), gt.networks.MLPDiscriminator(shape), latent=2)
    explorer = Explorer(gt.Run(game), torch.rand(9, *shape))
    pictures = [torch.as_tensor(axes.images[0].get_array()) for axes in explorer.still().axes]
    assert [picture.shape[2] for picture in pictures] == [3, 3, 3]  # in colours, as nothing else here
    made = plots.spectrograms_to_rgb(explorer.run.generate(explorer.walk()[:1]))
    assert torch.allclose(pictures[0].float(), plots.tile(made, 1))


def test_its_widgets_move_the_explorer(display: Display, labelled: gt.Run) -> None:
    explorer = gt.live.explore(labelled)
    bundle, kept = display.shown
    assert set(bundle) == {"text/plain", "image/png", page.WIDGET_TYPE}
    assert (
        kept["text/html"].startswith("<details><summary>A picture")
        and 'alt="A generated' in kept["text/html"]
    )
    from gantutor.live import explorer as module

    box = module.panel(explorer)
    label, columns, picture = box.children[0], box.children[1], box.children[2]
    before = picture.value
    label.value = 1
    columns.children[0].children[2].value = 0.5
    assert (explorer.label, explorer.along) == (1, 0.5) and picture.value != before
    assert "label 1, 50%" in picture.value


def test_elsewhere_explorer_and_time_machine_leave_a_picture(unwatched: Display, labelled: gt.Run) -> None:
    gt.live.explore(labelled)
    gt.live.time_machine(labelled)
    assert [set(bundle) for bundle in unwatched.shown] == [{"text/plain", "image/png"}] * 2


def test_the_slider_moves_the_time_machine(display: Display, labelled: gt.Run) -> None:
    import importlib

    module = importlib.import_module("gantutor.live.time_machine")

    machine = TimeMachine(labelled)
    box = module.panel(machine)
    slider, picture = box.children[0].children[1], box.children[1]
    before = picture.value
    slider.value = 0
    assert machine.moment == 0 and "step 0" in picture.value and picture.value != before


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (lambda run, images: Explorer(run, images[:, :, :4]), "the data must be images"),
        (lambda run, images: Explorer(run, label=7), "label must be one of"),
        (lambda run, images: TimeMachine(gt.Run(run.gan)), "no snapshots"),
    ],
)
def test_what_cannot_be_explored_is_said(
    labelled: gt.Run, images: Tensor, what: Callable[..., Any], words: str
) -> None:
    with pytest.raises(gt.InputError, match=words):
        what(labelled, images)


def test_points_cannot_be_explored(four_steps: gt.Run) -> None:
    with pytest.raises(gt.InputError, match="explorer shows images"):
        Explorer(four_steps)
    with pytest.raises(gt.InputError, match="must be images"):
        TimeMachine(four_steps)


def test_a_frame_says_what_it_cannot_draw(display: Display) -> None:
    def draw() -> Any:
        raise gt.InputError("nothing to draw")

    frame = RedrawnPicture(draw, lambda: "nothing")
    frame.refresh()
    assert "nothing to draw" in frame.message.value


def test_a_frame_draws_the_last_of_many_changes(display: Display) -> None:
    drawn: list[int] = []
    wanted = iter(range(10**6))
    latest = [0]

    def draw() -> Any:
        drawn.append(latest[0])
        time.sleep(0.01)
        return gt.plots.figure()[0]

    frame = RedrawnPicture(draw, lambda: "")

    def change() -> None:
        for _ in range(30):
            latest[0] = next(wanted)
            frame.refresh()

    threads = [threading.Thread(target=change) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn[-1] == latest[0]
