"""The 2-D lab without a page: what it is given, what it leaves, one lab at a time."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import torch
from lab_cases import SMALL, choose, controls, threads, wait_for
from torch import nn

import gantutor as gt
from gantutor.data import toy
from gantutor.live import display
from gantutor.live.lab import lab, placement
from gantutor.live.lab.settings import OWN_DATA


def test_it_learns() -> None:
    learnt = lab(steps=300)
    learnt.game.measure()
    first = lab(steps=1)
    first.game.measure()
    assert learnt.game.record.js[-1] < 0.75 * first.game.record.js[-1]
    assert learnt.game.record.modes[-1] >= 5
    assert learnt.run.sample(9).shape == (9, 2)


def test_networks_of_ones_own_are_copied_and_reset_to_where_they_stood() -> None:
    generator, discriminator = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    before = generator.weight.clone()
    own = lab(generator, discriminator, toy.moons(), latent=3, steps=5)
    assert torch.equal(generator.weight, before)
    trained = own.run.gan.generator
    assert isinstance(trained, nn.Linear) and not torch.equal(trained.weight, before)
    own.reset()
    assert own.run.step == 0 and torch.equal(own.run.gan.generator.weight, before)  # type: ignore[arg-type]
    shown = controls(own.open_panel())
    assert all(shown[name]["disabled"] for name in ("generator_width", "latent", "discriminator_depth"))
    assert shown["latent"]["title"] == "Your own generator is played with as it is"
    choose(own.panel, "distribution", "ring")
    choose(own.panel, "distribution", OWN_DATA)
    assert own.game.plane.name == "moons"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"generator": "a net"}, "the generator must be a torch.nn.Module"),
        ({"generator": nn.Linear(5, 2)}, r"generator\(z\) with z of shape \(128, 2\)"),
        ({"generator": nn.Linear(2, 3)}, "generator"),
        ({"discriminator": nn.Linear(3, 1)}, "discriminator"),
        ({"generator": nn.Identity()}, "the generator has no weights to train"),
        ({"data": "circle"}, "data must be points of the plane, one of ring, grid"),
        ({"data": torch.zeros(50, 3)}, r"points of the plane, of shape \(count, 2\), not \(50, 3\)"),
        ({"data": torch.zeros(2, 2)}, "the lab needs at least 3 points, not 2"),
        ({"data": torch.full((50, 2), float("nan"))}, "not finite"),
        ({"data": torch.zeros(50, 2, dtype=torch.int64)}, "floating-point"),
        ({"steps": -1}, "steps must be"),
        ({"loss": "square"}, "loss must be"),
        ({"width": 3}, "the lab has no control 'width': it has distribution, loss"),
        ({"distribution": "ring"}, "pass the distribution as data="),
    ],
)
def test_what_cannot_be_used_ends_in_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(gt.InputError, match=sentence) as refused:
        lab(**given)
    assert "\n" not in str(refused.value)


def keeping(left: list[dict[str, Any]]) -> Any:
    """Stands for the page: keeps what is put there, but for the pictures that are folded up."""

    def put(handle: Any, bundle: dict[str, Any]) -> Any:
        if "text/html" not in bundle:
            left.append(bundle)
        return handle

    return put


def test_outside_of_a_notebook_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_put", lambda *_: pytest.fail("nobody looks"))
    lab(steps=1, **SMALL)


def test_where_nobody_watches_a_still_picture_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(placement, "current_cell", lambda: 7)
    monkeypatch.setattr(display, "_put", keeping(left))
    made = lab(steps=4, **SMALL)
    assert set(left[0]) == {"text/plain", "image/png"} and len(left) == 1
    assert left[0]["text/plain"].startswith("The plane (ring) after 4 steps: real points in blue")
    made._ipython_display_()  # the same cell ends with the lab
    assert len(left) == 1
    monkeypatch.setattr(placement, "current_cell", lambda: 8)
    made._ipython_display_()
    assert len(left) == 2 and made.panel is None


def test_shown_twice_both_places_hold_the_same_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "watched", lambda: True)
    monkeypatch.setattr(display, "_put", keeping(left))
    made = lab(**SMALL)
    assert made.run.step == 0
    made.display()
    one, two = (bundle[display.WIDGET_TYPE]["model_id"] for bundle in left)
    assert one == two and all("image/png" in bundle for bundle in left)
    made.close()
    assert display.WIDGET_TYPE not in left[2] | left[3] and len(left) == 4 and made.panel is None


def test_without_anywidget_a_trained_lab_leaves_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "watched", lambda: True)
    monkeypatch.setattr(importlib.import_module("gantutor.live.lab.lab"), "available", lambda: False)
    monkeypatch.setattr(placement, "current_cell", lambda: 7)
    monkeypatch.setattr(display, "_put", keeping(left))
    made = lab(**SMALL)
    assert made.panel is None and made.run.step == 300
    assert [set(bundle) for bundle in left] == [{"text/plain", "image/png"}]


def test_a_cell_run_again_ends_the_lab_it_showed(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, Any]] = []
    closers: list[Any] = []

    def take_over(pane: display.Pane, close: Any) -> None:
        while closers:
            closers.pop()()
        closers.append(close)

    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "watched", lambda: True)
    monkeypatch.setattr(display, "_take_over", take_over)
    monkeypatch.setattr(display, "_put", keeping(left))
    old = lab(**SMALL)
    old.play()
    wait_for(1, old)
    old.display()  # the same cell, the same lab: it lives on
    assert old.playing and old.panel is not None
    new = lab(**SMALL)
    assert not old.playing and old.panel is None and old.run.ended == "stopped" and threads() == 0
    # The new lab shows no old still picture.
    assert len(left) == 3 and all(display.WIDGET_TYPE in bundle for bundle in left)
    old.close()
    assert len(left) == 3
    new.close()
    assert len(left) == 4 and display.WIDGET_TYPE not in left[3]
