"""The explorer and the time machine: what the browser is sent, and what its controls do."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pages import Display
from torch import Tensor
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor import plots
from gantutor.live import Explorer, TimeMachine
from gantutor.live import display as page
from gantutor.live.widget import BrowserView, image_bytes
from gantutor.training.run import Snapshot

explorer_module = importlib.import_module("gantutor.live.explorer")
time_machine_module = importlib.import_module("gantutor.live.time_machine")

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


def sent(view: BrowserView) -> tuple[dict[str, Any], list[bytes]]:
    """The newest pictures that the browser was sent, at first with its state."""
    opening = view.widget.state["opening"]
    return view._latest.get("pictures", (opening["content"], opening["buffers"]))


def test_its_controls_move_the_explorer(display: Display, labelled: gt.Run, images: Tensor) -> None:
    explorer = gt.live.explore(labelled, images)
    bundle, kept = display.shown
    assert set(bundle) == {"text/plain", "image/png", page.WIDGET_TYPE}
    assert kept["text/html"].startswith("<details><summary>A picture")
    assert 'alt="A generated' in kept["text/html"]
    view = explorer_module.panel(explorer)
    first, buffers = sent(view)
    assert [sheet["count"] for sheet in first["sheets"]] == [1, 11, 3, 5] and first["chosen"] == 0
    assert [len(buffer) for buffer in buffers] == [64 * count for count in (1, 11, 3, 5)]
    view._receive(None, {"kind": "choose", "label": 1, "along": 0.5, "number": 7}, [])
    content, moved = sent(view)
    assert (explorer.label, explorer.along) == (1, 0.5) and moved[1] != buffers[1]
    assert content["chosen"] == 5 and content["number"] == 7 and moved[0] == moved[1][5 * 64 : 6 * 64]
    assert content["titles"][0] == "label 1, 50% of the way" and "label 1, 50%" in content["alt"]
    view._receive(None, {"kind": "choose", "moves": [1.0, 0.0, 0.0, 0.0], "path": "linear"}, [])
    assert explorer.moves[0] == 1.0 and sent(view)[0]["titles"][1].startswith("linear path")


def test_choices_that_make_no_sense_are_left_out(labelled: gt.Run) -> None:
    explorer = Explorer(labelled)
    explorer_module.choose(
        explorer,
        {"first": 100, "last": "a", "along": 3, "path": "round", "label": 9, "moves": [1.0]},
    )
    assert (explorer.first, explorer.last, explorer.along, explorer.path) == (0, 1, 0.0, "spherical")
    assert explorer.label == 0 and explorer.moves == [0.0] * 4
    explorer_module.choose(explorer, {"moves": [9.0, 0.0, 0.0, 0.0]})
    assert explorer.moves[0] == explorer_module.MAX_MOVE


def test_a_generator_that_fails_is_one_sentence_on_the_page(
    labelled: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = Explorer(labelled)
    view = explorer_module.panel(explorer)

    def broken(*_: Any) -> Any:
        raise RuntimeError("no\nmore")

    monkeypatch.setattr(explorer, "walk", broken)
    view._receive(None, {"kind": "choose", "along": 0.5, "number": 3}, [])
    content, _ = view._latest["failure"]
    assert content["error"] == "these pictures could not be made: no" and content["number"] == 3


def test_elsewhere_explorer_and_time_machine_leave_a_picture(unwatched: Display, labelled: gt.Run) -> None:
    gt.live.explore(labelled)
    gt.live.time_machine(labelled)
    assert [set(bundle) for bundle in unwatched.shown] == [{"text/plain", "image/png"}] * 2


def test_the_time_machine_sends_all_moments_at_once(display: Display, labelled: gt.Run) -> None:
    machine = TimeMachine(labelled)
    view = time_machine_module.panel(machine)
    content, [pixels] = view.widget.state["opening"].values()
    count = len(labelled.snapshots)
    assert content["form"] == "images" and content["count"] == 5 and len(pixels) == count * 5 * 64
    assert "step 0" in content["alts"][0] and content["titles"][-1].startswith("Step 3, after")
    last = image_bytes(labelled.snapshots[-1].samples).data
    assert pixels[-len(last) :] == last
    assert view.widget.state["moment"] == count - 1
    for asked, moment in ((0, 0), (99, count - 1), (-1, 0)):
        view._receive(None, {"kind": "moment", "moment": asked}, [])
        assert machine.moment == moment
    assert "step 0" in machine.describe()


def test_the_time_machine_sends_series_as_curves_and_words_as_texts(labelled: gt.Run) -> None:
    run = gt.Run(labelled.gan)
    samples = torch.randn(4, 1000, 2)
    run.snapshots += [Snapshot(step, 1.0, {"series": samples * step}) for step in (1, 2)]
    content, data = TimeMachine(run).snapshots_message()
    assert (content["form"], content["count"], content["features"]) == ("series", 4, 2)
    curves = np.frombuffer(data, "<f4").reshape(2, 4, 2, content["length"])
    assert content["length"] <= 400 and curves.min() == 0 and curves.max() == 1
    np.testing.assert_allclose(curves[0], curves[1], atol=1e-6)  # each moment on a scale of its own
    content, data = TimeMachine(run, to_text=lambda sample: f"{len(sample)} <b>").snapshots_message()
    assert content["form"] == "texts" and data == b"" and content["texts"] == [["1000 <b>"] * 4] * 2


def test_of_large_images_fewer_are_sent(labelled: gt.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_machine_module, "MAX_BYTES", 3 * 64 * len(labelled.snapshots))
    content, data = TimeMachine(labelled).snapshots_message()
    assert content["count"] == 3 and len(data) == 3 * 64 * len(labelled.snapshots)


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
