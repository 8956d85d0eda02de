"""The lab at play: its thread, drawing points, and every control at random."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from lab_cases import game, mouse, presses, threads, wait_for

import gantutor as gt
from gantutor.live.lab import Lab, curves, plane, sketch
from gantutor.live.lab.pen import Pen, parse
from gantutor.live.lab.settings import DRAWING, plane_of


@pytest.fixture
def played() -> Iterator[Lab]:
    """A lab of small networks with its panel; no thread is left behind."""
    made = Lab(game())
    made.open_panel()
    yield made
    made.pause()


@pytest.fixture
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves get their numbers, and are not drawn: most of the time of a press goes there."""
    monkeypatch.setattr(curves.Picture, "draw", lambda self, game: self.curves.set(game) or b"")


# --- playing ----------------------------------------------------------------------------------------------


def test_play_and_pause(played: Lab) -> None:
    played.play()
    wait_for(3, played)
    assert played.playing and threads() == 1 and played.panel.play.value is True
    played.play()
    assert threads() == 1
    played.pause()
    step = played.run.step
    assert not played.playing and threads() == 0 and played.panel.play.value is False
    threading.Event().wait(0.1)
    assert played.run.step == step and played.message == "Paused."
    played.play()
    wait_for(step + 1, played)


def test_steps_pause_first(played: Lab) -> None:
    played.play()
    wait_for(1, played)
    played.step()
    step = played.run.step
    played.step("discriminator")
    played.step("generator")
    assert played.run.step == step + 2 and not played.playing
    with pytest.raises(gt.InputError, match="network must be"):
        played.step("critic")


def test_two_labs_play_at_once(same_weights: Any) -> None:
    pair = [Lab(game(loss="Wasserstein")), Lab(game(seed=1))]
    for each in pair:
        each.play()
    for each in pair:
        wait_for(5, each)
    for each in pair:
        each.close()
    assert threads() == 0 and pair[0].run.ended == "stopped"


def test_a_closed_lab_says_so(played: Lab) -> None:
    played.play()
    played.close()
    played.close()
    assert threads() == 0
    for use in (played.play, played.step, played.reset, lambda: played.change(r1=1.0)):
        with pytest.raises(gt.InputError, match="this lab is closed"):
            use()
    assert played.still() is not None


def test_where_nobody_is_left_it_pauses(played: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    monkeypatch.setattr(importlib.import_module("gantutor.live.lab.lab"), "IDLE_TIMEOUT", -1.0)
    played.play()
    for _ in range(3000):
        if not played.playing:
            break
        threading.Event().wait(0.01)
    assert not played.playing and "nobody has been there" in played.message and not played.panel.play.value


def test_a_game_that_diverges_pauses_and_reset_heals(played: Lab) -> None:
    with torch.no_grad():
        for weight in played.run.gan.discriminator.parameters():
            weight.fill_(float("nan"))
    played.step()
    assert "stopped being finite" in played.message and played.message.endswith("Reset starts again.")
    assert "\n" not in played.message and not played.playing
    played.reset()
    played.step()
    assert played.run.step == 1 and played.message == "Back at step 0."


def test_a_network_that_breaks_while_it_plays_is_one_sentence(played: Lab) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no\nmore")

    played.run.gan.generator.forward = broken  # type: ignore[method-assign]
    played.play()
    for _ in range(3000):
        if not played.playing:
            break
        threading.Event().wait(0.01)
    assert played.message.startswith("Paused: the networks cannot take this step (no)")


def test_a_change_out_of_range_leaves_all_as_it_was(played: Lab) -> None:
    before = played.game
    for change, words in (({"latent": 0}, "latent must be"), ({"sizes": 3}, "no control 'sizes'")):
        with pytest.raises(gt.InputError, match=words):
            played.change(**change)
    assert played.game is before
    played.change(generator_rate=0.0007)
    assert played.panel.controls["generator_rate"].value == 0.0007


def test_slow_motion_waits_between_steps(played: Lab) -> None:
    played.panel.slow.value = 2.0
    assert played.delay == 2.0
    played.play()
    wait_for(1, played)
    played.pause()
    assert played.run.step <= 2
    with pytest.raises(gt.InputError, match="seconds must be"):
        played.slow_down(11)


def test_a_stroke_is_learnt_when_the_mouse_is_let_go(played: Lab) -> None:
    panel = played.panel
    panel.sketch._mouse._dom_handlers(mouse("mousedown", 100, 100))
    assert played.pen.points == []  # nothing is drawn until it is asked for
    panel.distribution.value = DRAWING
    assert "Drag with the mouse" in played.message and "role='status'" in panel.status.value
    for event in (mouse("mousedown", 100, 100), mouse("mousemove", 300, 100), mouse("mouseup", 300, 100)):
        panel.sketch._mouse._dom_handlers(event)
    assert played.game.plane.name == "drawing" and played.run.step == 0
    drawn = played.game.plane.distribution
    assert drawn is not None and len(drawn.centres) > 30
    middle = plane_of("ring")
    expected = [plane.Picture(middle).place(x / 420, 100 / 420) for x in (100, 300)]
    assert drawn.centres[0].tolist() == pytest.approx(expected[0], abs=1e-5)
    assert drawn.centres[-1].tolist() == pytest.approx(expected[1], abs=0.04)
    typed = panel.sketch.typed
    assert torch.allclose(torch.tensor(parse(typed.value)), drawn.centres, atol=0.006)
    learnt = played.game
    typed.value += "; 0 0"  # by the user: now it is learnt again
    assert played.game is not learnt and played.pen.points[-1] == (0.0, 0.0)
    panel.sketch.clear.click()
    assert typed.value == ""
    panel.distribution.value = "ring"
    played.step()


def test_the_points_of_a_stroke_are_learnt_once_and_drawn_seldom(
    played: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, learnt, seen = played.panel, [], []
    panel.distribution.value = DRAWING
    draw, show = played.draw, played.show
    monkeypatch.setattr(played, "draw", lambda *given: (learnt.append(given), draw(*given)))
    monkeypatch.setattr(played, "show", lambda **given: (seen.append(given), show(**given)))
    monkeypatch.setattr(sketch, "DRAWING_INTERVAL", 1000.0)
    panel.sketch._mouse._dom_handlers(mouse("mousedown", 100, 100))
    for x in range(100, 300, 5):
        panel.sketch._mouse._dom_handlers(mouse("mousemove", x, 100))
    assert len(seen) == 1
    panel.sketch._mouse._dom_handlers(mouse("mouseup", 300, 100))
    assert len(seen) == 2 and len(learnt) == 1 and ";" in panel.sketch.typed.value


def test_fewer_than_three_points_are_one_sentence(played: Lab) -> None:
    panel = played.panel
    panel.distribution.value = DRAWING
    for attempt in (
        lambda: setattr(panel.play, "value", True),
        panel.buttons["step"].click,
        lambda: panel.sketch._mouse._dom_handlers(mouse("mousedown", 200, 200)),
        lambda: panel.sketch._mouse._dom_handlers(mouse("mouseup", 200, 200)),
        lambda: setattr(panel.sketch.typed, "value", "0 0; 1 1"),
    ):
        attempt()
        assert not played.playing and panel.play.value is False and played.run.step == 0
    assert played.message == "a drawing needs at least 3 points, and this one has 2."
    with pytest.raises(gt.InputError, match="a drawing needs at least 3 points, and this one has 0"):
        played.draw([])
    panel.sketch.typed.value = "0 0; 1 x"
    assert played.message == "points are written as x y; x y; x y, and '1 x' is none."
    panel.sketch.typed.value = "0 0; 1 1; -1 1"
    assert played.game.settings.distribution == DRAWING and panel.distribution.value == DRAWING
    panel.sketch.clear.click()
    assert played.pen.points == [] and played.message.startswith("No points are drawn.")


def test_the_pen_leaves_points_evenly() -> None:
    pen = Pen(spacing=0.1)
    pen.press(0, 0)
    for x in (0.02, 0.55, 0.56, 1.0):
        pen.move(x, 0)
    gaps = np.diff([x for x, _ in pen.points])
    assert np.allclose(gaps, 0.1) and len(pen.points) in (10, 11)
    pen.press(0, 0, reach=100)
    pen.move(100, 0)
    assert np.allclose(np.diff([x for x, _ in pen.points[-10:]]), 10)
    pen.clear()
    pen.press(0, 0, reach=1e-3)
    pen.move(1e-3, 0)
    assert len(set(parse(pen.to_text()))) == len(pen.points) in (10, 11)
    pen.clear()
    pen.move(3, 3)
    assert pen.points == [] and parse(" ; ") == []


def test_controls_pressed_in_any_order_and_fast(played: Lab, no_curves: None) -> None:
    draw = random.Random(0)
    every = presses(played.panel, draw)
    for _ in range(300):
        draw.choice(every)()
        assert "\n" not in played.message
    played.panel.distribution.value = "ring"
    played.panel.buttons["reset"].click()
    played.panel.play.value = True
    wait_for(1, played)
    played.pause()
    assert threads() == 0
    settings = played.game.settings
    shown = {name: widget.value for name, widget in played.panel.controls.items()}
    assert shown == {name: getattr(settings, name) for name in shown}


def test_two_threads_press_at_once(played: Lab, no_curves: None) -> None:
    """Python on the main thread, the page on another: nobody waits for ever."""
    failed: list[BaseException] = []

    def press(seed: int) -> None:
        draw = random.Random(seed)
        try:
            for _ in range(60):
                draw.choice(presses(played.panel, draw))()
        except BaseException as error:
            failed.append(error)

    both = [threading.Thread(target=press, args=(seed,), daemon=True) for seed in (1, 2)]
    for each in both:
        each.start()
    for each in both:
        each.join(120)
    assert not failed and not any(each.is_alive() for each in both)
    played.pause()
    assert threads() == 0


def test_every_control_has_a_label_and_every_picture_a_description(played: Lab) -> None:
    panel = played.panel
    for widget in [panel.play, *panel.buttons.values(), *panel.controls.values(), *panel.layers.values()]:
        assert widget.description
    for widget in [panel.play, *panel.buttons.values(), *panel.controls.values(), panel.sketch.typed]:
        assert widget.tooltip
    assert 'alt="The plane (ring) after 0 steps: real points in blue;' in panel.plane.value
    assert 'alt="Curves over 0 steps.' in panel.curves.value
    assert panel.numbers.value.startswith("step 0 · ")
    assert "gt-lab-generator-rate" in panel.controls["generator_rate"]._dom_classes
