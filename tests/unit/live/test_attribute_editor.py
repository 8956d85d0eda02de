"""The editor of a generated image: menus, sliders, the saved file, and the still picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pages import Display
from PIL import Image
from torch import Tensor, nn

import gantutor as gt
from gantutor.live import display as page
from gantutor.live.attribute_editor import AttributeEditor, edit, panel

OPTIONS = {"shade": ("dark", "light"), "side": ("left", "right", "middle")}


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    yield
    import ipywidgets

    ipywidgets.Widget.close_all()


class Stripes(nn.Module):
    """Grey images whose shade and lit third are the attributes; the latent is added."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.1))

    def forward(self, z: Tensor, a: Tensor) -> Tensor:
        images = torch.full((len(z), 1, 6, 6), -0.5) + 0.4 * a[:, :1, None, None]
        for row, place in enumerate(a[:, 1].tolist()):
            images[row, :, :, 2 * place : 2 * place + 2] += 0.5
        return images + self.weight * z[:, :1, None, None]


def run() -> gt.Run:
    return gt.Run(gt.GAN(Stripes(), gt.networks.MLPDiscriminator((1, 6, 6)), latent=3))


def test_menus_and_sliders_change_the_face_and_say_so() -> None:
    editor = AttributeEditor(run(), OPTIONS)
    widgets = panel(editor)
    picture, controls = widgets.children[0].children
    shade, side, *sliders, _ = controls.children
    assert [menu.description for menu in (shade, side)] == ["shade", "side"] and len(sliders) == 3
    before = picture.value
    side.value = 2
    assert editor.choice == [0, 2] and picture.value != before
    assert "side: middle" in widgets.children[1].value
    before = picture.value
    sliders[0].value = 2.0
    assert editor.moves == [2.0, 0.0, 0.0] and picture.value != before


def test_the_button_saves_what_is_shown(tmp_path: Path) -> None:
    editor = AttributeEditor(run(), OPTIONS, path=tmp_path / "new" / "face.png")
    widgets = panel(editor)
    widgets.children[0].children[1].children[-1].click()
    with Image.open(tmp_path / "new" / "face.png") as image:
        assert image.size == (24, 24)
    assert "saved to" in widgets.children[1].value


def test_a_given_latent_and_choice_are_the_beginning() -> None:
    trained, latent, choice = run(), torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[1, 2]])
    editor = AttributeEditor(trained, OPTIONS, latent, choice)
    assert torch.equal(editor.image(), trained.generate(latent, choice))
    assert str(editor) == "AttributeEditor: shade: light; side: middle"


def test_the_still_picture_shows_every_option() -> None:
    figure = AttributeEditor(run(), OPTIONS).still()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["the face", "shade: dark, light", "side: left, right, middle"]


def test_a_notebook_shows_the_controls_and_keeps_the_still(display: Display) -> None:
    edit(run(), OPTIONS)
    assert page.WIDGET_TYPE in display.shown[0] and "image/png" in display.shown[0]
    assert display.shown[0]["text/plain"].startswith("An editor of a generated face.")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"attributes": ["shade"]}, "attributes must be a dict"),
        ({"attributes": {}}, "attributes must be a dict"),
        ({"latent": torch.zeros(1, 4)}, r"the latent must have shape \(1, 3\), not \(1, 4\)"),
        ({"choice": torch.tensor([[0, 3]])}, "choice must be one option of each of shade, side"),
        ({"choice": torch.tensor([[0]])}, "choice must be one option of each of shade, side"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(gt.InputError, match=words):
        AttributeEditor(run(), **({"attributes": OPTIONS} | given))
