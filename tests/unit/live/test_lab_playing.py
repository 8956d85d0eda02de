"""The lab at play: its thread, drawing points, and every control at random."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from lab_cases import choose, controls, game, press, presses, stroke, threads, wait_for, write

import gantutor as gt
from gantutor.live.lab import Lab, courier
from gantutor.live.lab.layers import FIRST_LAYERS, LAYERS
from gantutor.live.lab.pen import Pen, parse
from gantutor.live.lab.settings import DRAWING


@pytest.fixture
def played() -> Iterator[Lab]:
    """A lab of small networks with its panel; no thread is left behind."""
    made = Lab(game())
    made.open_panel()
    yield made
    made.pause()


class Page:
    """Stands for the browser: keeps the messages, and acknowledges frames if it is asked to."""

    def __init__(self, lab: Lab, monkeypatch: pytest.MonkeyPatch, answers: bool = True) -> None:
        self.lab, self.answers = lab, answers
        self.messages: list[tuple[str, dict[str, Any], tuple[bytes, ...]]] = []
        monkeypatch.setattr(lab.panel.view, "send", self._take)

    def _take(self, kind: str, content: dict[str, Any], *buffers: bytes) -> None:
        self.messages.append((kind, content, buffers))
        if kind == "frame" and self.answers:
            self.lab.panel.receive({"kind": "ack", "number": content["number"]})

    def frames(self) -> list[dict[str, Any]]:
        return [content for kind, content, _ in self.messages if kind == "frame"]


# --- playing ----------------------------------------------------------------------------------------------


def test_play_and_pause(played: Lab) -> None:
    played.play()
    wait_for(3, played)
    assert played.playing and threads() == 1 and played.panel.box.state["playing"] is True
    played.play()
    assert threads() == 1
    played.pause()
    step = played.run.step
    assert not played.playing and threads() == 0 and played.panel.box.state["playing"] is False
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
    assert (
        not played.playing
        and "nobody has been there" in played.message
        and not played.panel.box.state["playing"]
    )


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
    rate = controls(played.panel)["generator_rate"]
    assert rate["value"] == 0.0007 and ["0.0007", 0.0007] in rate["options"]


def test_slow_motion_waits_between_steps(played: Lab) -> None:
    choose(played.panel, "slow", 2.0)
    assert played.delay == 2.0
    played.play()
    wait_for(1, played)
    played.pause()
    assert played.run.step <= 2
    with pytest.raises(gt.InputError, match="seconds must be"):
        played.slow_down(11)


def test_a_stroke_is_learnt_when_the_mouse_is_let_go(played: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, learnt = played.panel, []
    stroke(panel, (-1, 0.5), (1, 0.5))
    assert played.pen.points == []  # nothing is drawn until it is asked for
    choose(panel, "distribution", DRAWING)
    assert "Drag with the mouse" in panel.box.state["message"] and not panel.box.state["learnt"]
    draw = played.draw
    monkeypatch.setattr(played, "draw", lambda points: (learnt.append(points), draw(points)))
    stroke(panel, (-1, 0.5), (0, 0.5), (1, 0.5))
    assert len(learnt) == 1 and played.game.plane.name == "drawing" and played.run.step == 0
    drawn = played.game.plane.distribution
    assert drawn is not None and len(drawn.centres) > 30 and panel.box.state["learnt"]
    assert drawn.centres[0].tolist() == pytest.approx([-1, 0.5], abs=1e-5)
    assert drawn.centres[-1].tolist() == pytest.approx([1, 0.5], abs=0.041)
    typed = panel.box.state["typed"]
    assert torch.allclose(torch.tensor(parse(typed)), drawn.centres, atol=0.006)
    assert len(panel.box.state["pen"]) == len(drawn.centres)
    before = played.game
    write(panel, typed + "; 0 0")  # by the user: now it is learnt again
    assert played.game is not before and played.pen.points[-1] == (0.0, 0.0)
    press(panel, "clear")
    assert panel.box.state["typed"] == "" and panel.box.state["pen"] == []
    choose(panel, "distribution", "ring")
    played.step()


def test_a_stroke_beyond_the_plane_ends_at_its_edge(played: Lab) -> None:
    choose(played.panel, "distribution", DRAWING)
    stroke(played.panel, (0, 0), (float("nan"), 0), (50, 0))
    assert max(x for x, _ in played.pen.points) <= 1.6 + 1e-6


def test_a_stroke_pauses_the_training_when_it_begins(played: Lab) -> None:
    played.draw([(0, 0), (1, 0), (0, 1)])
    played.play()
    wait_for(1, played)
    press(played.panel, "stroke")
    assert not played.playing


def test_fewer_than_three_points_are_one_sentence(played: Lab) -> None:
    panel = played.panel
    choose(panel, "distribution", DRAWING)
    for attempt in (
        lambda: press(panel, "play"),
        lambda: press(panel, "step"),
        lambda: stroke(panel, (0, 0)),
        lambda: write(panel, "0 0; 1 1"),
    ):
        attempt()
        assert not played.playing and panel.box.state["playing"] is False and played.run.step == 0
    assert panel.box.state["message"] == "A drawing needs at least 3 points, but this one has 2."
    with pytest.raises(gt.InputError, match="a drawing needs at least 3 points, but this one has 0"):
        played.draw([])
    write(panel, "0 0; 1 x")
    assert played.message == "points are written as x y; x y; x y, but '1 x' is not a point."
    write(panel, "0 0; 1 1; -1 1")
    assert played.game.settings.distribution == DRAWING
    assert controls(panel)["distribution"]["value"] == DRAWING
    press(panel, "clear")
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


# --- what the browser is sent -----------------------------------------------------------------------------


def test_a_frame_holds_the_shown_layers_as_bytes(played: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(played, monkeypatch)
    choose(played.panel, "distribution", "spiral")
    assert [kind for kind, *_ in page.messages] == ["plane", "curves", "frame"]
    (_, plane, [real]), _, (_, frame, buffers) = page.messages
    assert plane["name"] == "spiral" and plane["modes"] == 0 and "no modes" in plane["notes"]["modes"]
    assert len(real) == 500 * 2 * 4 and 0 < plane["real"]["js"] < 0.1
    sizes = [500 * 2 * 4, 48 * 48, 34 * 33 * 2 * 4, 60 * 2 * 4, 60 * 2 * 4, 0]
    assert [len(buffer) for buffer in buffers] == sizes and frame["points_a_line"] == 33
    generated = torch.frombuffer(bytearray(buffers[0]), dtype=torch.float32).view(-1, 2)
    assert torch.equal(generated, played.game.points(played.game.latents))
    for name in LAYERS:
        played.panel.receive({"kind": "layer", "name": name, "on": name == "density"})
    assert [len(buffer) for buffer in page.messages[-1][2]] == [0, 0, 0, 0, 0, 48 * 48]
    assert played.shown == {"density"} == set(played.panel.box.state["shown"])


def test_curves_are_thinned_and_complete(played: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(played, monkeypatch)
    played.game.advance(700)
    played.show(redraw_all=True)
    [(_, content, buffers)] = [message for message in page.messages if message[0] == "curves"]
    assert content["names"] == ["discriminator", "generator", "modes", "reverse_kl", "js"]
    steps, losses = (np.frombuffer(buffer, "<f4") for buffer in buffers[:2])
    assert len(steps) == len(losses) <= 300 and steps[-1] > 690
    assert losses.mean() == pytest.approx(np.mean(played.run.history.column("discriminator")[1]), abs=0.02)


def test_frames_follow_one_another_while_the_page_draws_them(
    played: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(played, monkeypatch)
    played.play()
    for _ in range(3000):
        if len(page.frames()) >= 20:
            break
        threading.Event().wait(0.01)
    played.pause()
    frames = page.frames()
    numbers = [frame["number"] for frame in frames]
    assert len(frames) >= 20 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert frames[-1]["step"] == played.run.step  # the last one shows where it stands


def test_training_does_not_wait_for_a_page_that_draws_nothing(
    played: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "PATIENCE", 1000.0)
    page = Page(played, monkeypatch, answers=False)
    played.play()
    wait_for(200, played)
    sent = len(page.frames())
    assert 0 < sent <= courier.WINDOW + 1
    played.panel.receive({"kind": "ack", "number": page.frames()[-1]["number"]})
    for _ in range(3000):
        if len(page.frames()) > sent:
            break
        threading.Event().wait(0.01)
    newest = page.frames()[sent]
    assert newest["step"] >= 200  # none of those that were dropped
    played.pause()


def test_a_hidden_page_is_sent_a_frame_now_and_then() -> None:
    now = [0.0]
    sender = courier.Courier(0.03, clock=lambda: now[0])
    sent = []
    for _ in range(1000):
        now[0] += 0.01
        if sender.ready():
            sent.append(sender.number_next())
    assert courier.WINDOW + 15 <= len(sent) <= courier.WINDOW + 20  # ten seconds, two a second
    sender.acknowledge(10**9)  # a number that was never sent
    assert sender.ready() is (sender.seconds_left() == 0)


# --- every control, in any order --------------------------------------------------------------------------


def test_controls_pressed_in_any_order_and_fast(played: Lab) -> None:
    draw = random.Random(0)
    every = presses(played.panel, draw)
    for _ in range(300):
        draw.choice(every)()
        assert "\n" not in played.message
    played.pause()
    choose(played.panel, "distribution", "ring")
    press(played.panel, "reset")
    press(played.panel, "play")
    wait_for(1, played)
    played.pause()
    assert threads() == 0
    settings = played.game.settings
    shown = {name: control["value"] for name, control in controls(played.panel).items()}
    assert shown.pop("slow") == played.delay
    assert shown == {name: getattr(settings, name) for name in shown}


def test_two_threads_press_at_once(played: Lab) -> None:
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


def test_every_control_has_a_label_and_every_picture_a_description(
    played: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(played, monkeypatch)
    for control in controls(played.panel).values():
        assert control["label"] and control["title"]
    assert all(label and title for _, label, title in played.panel.box.state["buttons"])
    played.show(redraw_all=True)
    content = {kind: content for kind, content, _ in page.messages}
    assert content["frame"]["alt"].startswith("The plane (ring) after 0 steps: real points in blue;")
    assert content["curves"]["alt"].startswith("Curves over 0 steps.") and content["frame"]["step"] == 0
    assert set(played.panel.box.state["shown"]) == FIRST_LAYERS


def test_a_request_that_makes_no_sense_changes_nothing(played: Lab) -> None:
    before = played.game
    for request in (
        {"kind": "press", "name": "explode"},
        {"kind": "set", "name": "latent", "value": "many"},
        {"kind": "set", "name": "slow", "value": None},
        {"kind": "nothing"},
        {},
    ):
        played.panel.receive(request)
        assert played.game is before and "\n" not in played.message
