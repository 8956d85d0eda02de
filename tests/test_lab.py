"""The 2-D lab without a page: its game, its layers, its curves, its thread, and every control at random."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.data import toy
from gantutor.live.lab import Lab, curves, lab, laboratory, layers, page, plane, showing, sketch
from gantutor.live.lab.game import Game, at_rest
from gantutor.live.lab.pen import Pen, parse
from gantutor.live.lab.settings import DISTRIBUTIONS, DRAW, LOSSES, OWN, Settings, plane_of

SMALL = {"generator_width": 8, "discriminator_width": 8, "generator_depth": 1, "discriminator_depth": 1}


def game(**settings: Any) -> Game:
    chosen = Settings(**(SMALL | settings))
    return Game(chosen, plane_of(chosen.distribution, chosen.seed))


@pytest.fixture
def played() -> Iterator[Lab]:
    """A lab of small networks with its panel; no thread is left behind."""
    made = Lab(game())
    made.open_panel()
    yield made
    made.pause()


def wait_for(steps: int, made: Lab) -> None:
    """Until so many steps are taken; a minute is a stuck lab."""
    done = threading.Event()
    for _ in range(6000):
        if made.run.step >= steps:
            return
        done.wait(0.01)
    raise AssertionError("the lab does not play")


@pytest.fixture
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves get their numbers, and are not drawn: most of the time of a press goes there."""
    monkeypatch.setattr(curves.Picture, "draw", lambda self, game: self.curves.set(game) or b"")


def threads() -> int:
    return sum(thread.name == "gantutor lab" for thread in threading.enumerate())


# --- the game ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_its_steps_are_those_of_train(loss: str, same_weights: Any) -> None:
    chosen = Settings(loss=loss, seed=3, discriminator_turns=2, generator_rate=1e-3, latent=3, **SMALL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        pair = gt.networks.MLPGenerator(3, (2,), 8, 1), gt.networks.MLPDiscriminator((2,), 8, 1)
        gan = gt.GAN(*pair, chosen.objective(), latent=3, discriminator_turns=2)
    rates = {"generator": gt.optimization.adam(1e-3), "discriminator": gt.optimization.adam(2e-3)}
    data = plane_of("ring", 3).points
    options: dict[str, Any] = {"batch_size": 128, "seed": 3, "optimizer": rates, "device": "cpu"}
    expected = gt.train(gan, data, steps=30, progress=False, **options)
    ours = Game(chosen, plane_of("ring", 3))
    for steps in (10, 1, 19):
        ours.advance(steps)
        torch.randn(3)  # others draw from the global state meanwhile
        ours.measure()
        layers.look(ours, frozenset(layers.LAYERS))
    assert same_weights(ours.run, expected)
    assert ours.run.history.to_json() == expected.history.to_json()


def test_the_same_settings_give_the_same_game_and_another_seed_another(same_weights: Any) -> None:
    one, two, other = game(), game(), game(seed=1)
    for each in (one, two, other):
        each.advance(5)
    assert same_weights(one.run, two.run) and not same_weights(one.run, other.run)
    again = one.again()
    again.advance(5)
    assert same_weights(again.run, one.run)


def test_random_numbers_of_other_cells_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda _: pytest.fail("of all accelerators"))
    torch.default_generator.manual_seed(5)
    expected = torch.randn(3)
    for loss in ("hinge", "Wasserstein"):
        torch.default_generator.manual_seed(5)
        game(loss=loss).advance(2)
        assert torch.equal(torch.randn(3), expected)


@pytest.mark.parametrize(
    "change", [{"loss": "hinge"}, {"r1": 1.0}, {"generator_rate": 0.0}, {"discriminator_turns": 5}]
)
def test_the_game_changes_and_the_networks_stay(change: dict[str, Any]) -> None:
    before = game()
    before.advance(3)
    after = before.changed(Settings(**(SMALL | change)))
    assert after is before
    after.advance(2)
    assert after.run.step == 5


@pytest.mark.parametrize(
    "change", [{"generator_width": 16}, {"discriminator_depth": 2}, {"latent": 5}, {"seed": 9}]
)
def test_new_sizes_are_new_networks(change: dict[str, Any]) -> None:
    before = game()
    before.advance(3)
    after = before.changed(Settings(**(SMALL | change)))
    assert after is not before and after.run.step == 0 and before.run.step == 3


def test_a_rate_of_0_holds_a_network_still() -> None:
    held = game(generator_rate=0.0)
    before = [weight.clone() for weight in held.gan.networks["generator"].parameters()]
    held.advance(3)
    assert all(map(torch.equal, before, held.gan.networks["generator"].parameters()))


def test_one_network_can_step_alone() -> None:
    alone = game()
    before = {name: [w.clone() for w in net.parameters()] for name, net in alone.gan.networks.items()}
    alone.advance(allowed=("discriminator",))
    moved = {
        name: any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
        for name, net in alone.gan.networks.items()
    }
    assert moved == {"discriminator": True, "generator": False}


def test_a_look_moves_no_statistics() -> None:
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    own = Game(Settings(**SMALL), plane_of("ring"), {"generator": generator})
    own.advance(2)
    before = {name: value.clone() for name, value in own.gan.state_dict().items()}
    modes = [module.training for module in own.gan.modules()]
    own.measure()
    layers.look(own, frozenset(layers.LAYERS))
    assert all(torch.equal(value, own.gan.state_dict()[name]) for name, value in before.items())
    assert [module.training for module in own.gan.modules()] == modes
    with at_rest(own.gan):
        assert not own.gan.training


def test_settings_out_of_range_are_refused_by_name() -> None:
    for name, value in {"loss": "square", "latent": 17, "generator_width": 4, "r1": -1, "seed": None}.items():
        with pytest.raises(gt.InputError, match=f"^{name} must be "):
            Settings(**{name: value})


# --- the layers -------------------------------------------------------------------------------------------


def test_the_shade_is_the_discriminator_on_the_plane() -> None:
    shaded = game()
    shaded.advance(20)
    shade = layers.shade(shaded)
    side, reach = layers.SIDE, shaded.plane.reach
    column, row = 40, 7
    x, y = (-reach + (index + 0.5) * 2 * reach / side for index in (column, row))
    with torch.no_grad():
        expected = torch.sigmoid(shaded.gan.networks["discriminator"](torch.tensor([[x, y]])))
    assert float(shade[row, column]) == pytest.approx(float(expected), abs=1e-6)


def test_arrows_of_the_non_saturating_loss_are_the_slope_of_log_d() -> None:
    pointed = game()
    pointed.advance(20)
    tails = pointed.points(pointed.latents)[:10]
    arrows = layers.arrows(pointed, tails, pointed.plane.points)
    at = tails.clone().requires_grad_()
    logits = pointed.gan.networks["discriminator"](at)
    (slope,) = torch.autograd.grad(nn.functional.logsigmoid(logits).sum(), at)
    expected = slope / (layers.HALF + slope.norm(dim=1, keepdim=True))
    torch.testing.assert_close(arrows, layers.LONGEST * pointed.plane.reach * expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("latent", [1, 2, 7])
def test_every_loss_and_latent_has_all_layers(loss: str, latent: int) -> None:
    seen = layers.look(game(loss=loss, latent=latent), frozenset(layers.LAYERS))
    assert seen.real.shape == seen.generated.shape == (500, 2)
    assert seen.lines.shape == ((1 if latent == 1 else 34), 33, 2)
    assert seen.arrows.shape == seen.tails.shape == (layers.POINTERS, 2)
    assert bool((seen.arrows.norm(dim=1) <= layers.LONGEST * 1.6 + 1e-6).all())
    assert 0 <= float(seen.shade.min()) <= float(seen.shade.max()) <= 1


def test_no_layers_no_numbers() -> None:
    seen = layers.look(game(), frozenset())
    assert not any(part.numel() for part in vars(seen).values())


def test_every_layer_can_be_seen_in_the_picture() -> None:
    seen = game()
    seen.advance(30)
    picture = plane.Picture(seen.plane)

    def pixels(*names: str) -> Any:
        picture.draw(layers.look(seen, frozenset(names)))
        return np.asarray(picture.canvas.buffer_rgba()).astype(int).copy()

    empty = pixels()
    for name in layers.LAYERS:
        assert int((np.abs(pixels(name) - empty).sum(-1) > 30).sum()) > 100, name
    np.testing.assert_array_equal(pixels(), empty)
    assert picture.encode().startswith(b"\xff\xd8")


# --- measures and curves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_game_measures_what_its_distribution_has(name: str) -> None:
    measured = game(distribution=name)
    measured.measure()
    measured.measure()
    measured.advance(2)
    measured.measure()
    record = measured.record
    assert record.steps == [0, 2] and len(record.js) == len(record.reverse_kl) == 2
    known = measured.plane.distribution
    assert known is not None and len(record.modes) == (2 if known.modes else 0)
    assert all(0 < js <= np.log(2) + 1e-9 for js in record.js)
    figure, panels = gt.plots.figure(1, 3)
    curves.Curves(panels, measured).set(measured)
    assert "step" in {panel.get_xlabel() for panel in panels} and figure is panels[0].figure


def test_points_of_ones_own_have_no_density_and_the_lab_says_so(points: Tensor) -> None:
    own = lab(data=points, steps=3, **SMALL)
    assert own.game.record.steps == [] and own.game.settings.distribution == OWN
    words = [text.get_text() for panel in own.still().axes for text in panel.texts]
    assert words == ["the density of these\npoints is not known"] * 2


def test_the_still_picture_holds_all_layers_and_curves() -> None:
    made = lab(steps=70, **SMALL)
    assert made.run.step == 70 and made.game.record.steps == list(range(0, 70, 3))
    titles = [axes.get_title() for axes in made.still().axes]
    assert made.game.record.steps[-1] == 70
    assert titles == ["ring, step 70", "losses", "modes covered", "distance from the truth"]


# --- lab() ------------------------------------------------------------------------------------------------


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
    controls = own.open_panel().controls
    assert all(controls[name].disabled for name in ("generator_width", "latent", "discriminator_depth"))
    assert controls["latent"].tooltip == "Your own generator is played with as it is"
    own.open_panel().distribution.value = "ring"
    own.panel.distribution.value = OWN
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
        ({"data": torch.zeros(2, 2)}, "the lab needs at least 3 points, and these are 2"),
        ({"data": torch.full((50, 2), float("nan"))}, "not finite"),
        ({"data": torch.zeros(50, 2, dtype=torch.int64)}, "floating-point"),
        ({"steps": -1}, "steps must be"),
        ({"loss": "square"}, "loss must be"),
        ({"width": 3}, "the lab has no control 'width'; it has distribution, loss"),
        ({"distribution": "ring"}, "the distribution is given as data="),
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
    monkeypatch.setattr(page, "_put", lambda *_: pytest.fail("nobody looks"))
    lab(steps=1, **SMALL)


def test_where_nobody_watches_a_still_picture_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(page, "in_notebook", lambda: True)
    monkeypatch.setattr(showing, "cell", lambda: 7)
    monkeypatch.setattr(page, "_put", keeping(left))
    made = lab(steps=4, **SMALL)
    assert set(left[0]) == {"text/plain", "image/png"} and len(left) == 1
    assert left[0]["text/plain"].startswith("The plane (ring) after 4 steps: real points in blue")
    made._ipython_display_()  # the same cell ends with the lab
    assert len(left) == 1
    monkeypatch.setattr(showing, "cell", lambda: 8)
    made._ipython_display_()
    assert len(left) == 2 and made.panel is None


def test_shown_twice_both_places_hold_the_same_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(page, "in_notebook", lambda: True)
    monkeypatch.setattr(page, "watched", lambda: True)
    monkeypatch.setattr(page, "_put", keeping(left))
    made = lab(**SMALL)
    assert made.run.step == 0
    made.display()
    one, two = (bundle[page.WIDGET]["model_id"] for bundle in left)
    assert one == two and all("image/png" in bundle for bundle in left)
    made.close()
    assert page.WIDGET not in left[2] | left[3] and len(left) == 4 and made.panel is None


def test_a_cell_run_again_ends_the_lab_it_showed(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[dict[str, Any]] = []
    closers: list[Any] = []

    def take_over(pane: page.Pane, close: Any) -> None:
        while closers:
            closers.pop()()
        closers.append(close)

    monkeypatch.setattr(page, "in_notebook", lambda: True)
    monkeypatch.setattr(page, "watched", lambda: True)
    monkeypatch.setattr(page, "_take_over", take_over)
    monkeypatch.setattr(page, "_put", keeping(left))
    old = lab(**SMALL)
    old.play()
    wait_for(1, old)
    old.display()  # the same cell, the same lab: it lives on
    assert old.playing and old.panel is not None
    new = lab(**SMALL)
    assert not old.playing and old.panel is None and old.run.ended == "stopped" and threads() == 0
    assert len(left) == 3 and all(page.WIDGET in bundle for bundle in left)  # no old still on the new lab
    old.close()
    assert len(left) == 3
    new.close()
    assert len(left) == 4 and page.WIDGET not in left[3]


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
    assert played.run.step == step and played.said == "Paused."
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
    monkeypatch.setattr(laboratory, "IDLE", -1.0)
    played.play()
    for _ in range(3000):
        if not played.playing:
            break
        threading.Event().wait(0.01)
    assert not played.playing and "nobody has been there" in played.said and not played.panel.play.value


def test_a_game_that_diverges_pauses_and_reset_heals(played: Lab) -> None:
    with torch.no_grad():
        for weight in played.run.gan.discriminator.parameters():
            weight.fill_(float("nan"))
    played.step()
    assert "stopped being finite" in played.said and played.said.endswith("Reset starts again.")
    assert "\n" not in played.said and not played.playing
    played.reset()
    played.step()
    assert played.run.step == 1 and played.said == "Back at step 0."


def test_a_network_that_breaks_while_it_plays_is_one_sentence(played: Lab) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no\nmore")

    played.run.gan.generator.forward = broken  # type: ignore[method-assign]
    played.play()
    for _ in range(3000):
        if not played.playing:
            break
        threading.Event().wait(0.01)
    assert played.said.startswith("Paused: the networks cannot take this step (no)")


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


# --- drawing ----------------------------------------------------------------------------------------------


def mouse(kind: str, x: float, y: float) -> dict[str, Any]:
    size = {"boundingRectWidth": 420, "boundingRectHeight": 420}
    return {"type": kind, "relativeX": x, "relativeY": y} | size


def test_a_stroke_is_learnt_when_the_mouse_is_let_go(played: Lab) -> None:
    panel = played.panel
    panel.sketch._mouse._dom_handlers(mouse("mousedown", 100, 100))
    assert played.pen.points == []  # nothing is drawn until it is asked for
    panel.distribution.value = DRAW
    assert "Drag with the mouse" in played.said and "role='status'" in panel.status.value
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
    panel.distribution.value = DRAW
    draw, show = played.draw, played.show
    monkeypatch.setattr(played, "draw", lambda *given: (learnt.append(given), draw(*given)))
    monkeypatch.setattr(played, "show", lambda **given: (seen.append(given), show(**given)))
    monkeypatch.setattr(sketch, "BETWEEN", 1000.0)
    panel.sketch._mouse._dom_handlers(mouse("mousedown", 100, 100))
    for x in range(100, 300, 5):
        panel.sketch._mouse._dom_handlers(mouse("mousemove", x, 100))
    assert len(seen) == 1
    panel.sketch._mouse._dom_handlers(mouse("mouseup", 300, 100))
    assert len(seen) == 2 and len(learnt) == 1 and ";" in panel.sketch.typed.value


def test_fewer_than_three_points_are_one_sentence(played: Lab) -> None:
    panel = played.panel
    panel.distribution.value = DRAW
    for attempt in (
        lambda: setattr(panel.play, "value", True),
        panel.buttons["step"].click,
        lambda: panel.sketch._mouse._dom_handlers(mouse("mousedown", 200, 200)),
        lambda: panel.sketch._mouse._dom_handlers(mouse("mouseup", 200, 200)),
        lambda: setattr(panel.sketch.typed, "value", "0 0; 1 1"),
    ):
        attempt()
        assert not played.playing and panel.play.value is False and played.run.step == 0
    assert played.said == "a drawing needs at least 3 points, and this one has 2."
    with pytest.raises(gt.InputError, match="a drawing needs at least 3 points, and this one has 0"):
        played.draw([])
    panel.sketch.typed.value = "0 0; 1 x"
    assert played.said == "points are written as x y; x y; x y, and '1 x' is none."
    panel.sketch.typed.value = "0 0; 1 1; -1 1"
    assert played.game.settings.distribution == DRAW and panel.distribution.value == DRAW
    panel.sketch.clear.click()
    assert played.pen.points == [] and played.said.startswith("No points are drawn.")


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
    assert len(set(parse(pen.written()))) == len(pen.points) in (10, 11)
    pen.clear()
    pen.move(3, 3)
    assert pen.points == [] and parse(" ; ") == []


# --- every control, in any order --------------------------------------------------------------------------


def presses(panel: Any, draw: random.Random) -> list[Any]:
    """One press for each control, with a value drawn at random."""

    def set_value(widget: Any) -> Any:
        if hasattr(widget, "options"):
            return lambda: setattr(widget, "value", draw.choice([value for _, value in widget.options]))
        if isinstance(widget.value, bool):
            return lambda: setattr(widget, "value", not widget.value)
        return lambda: setattr(widget, "value", draw.randint(widget.min, min(widget.max, 24)))

    texts = ["", "0 0", "a", "0 0; 1 1; 0 1", "0 0; 1 nan; 2 2", "1 1; 1 1; 1 1"]
    kinds = ["mousedown", "mousemove", "mouseup", "mouseleave"]
    return [
        *[button.click for button in panel.buttons.values()],
        *[set_value(widget) for widget in panel.controls.values()],
        *[set_value(widget) for widget in panel.layers.values()],
        *[set_value(panel.play)] * 4,
        set_value(panel.distribution),
        lambda: setattr(panel.slow, "value", draw.choice([0.0, 0.05])),
        lambda: setattr(panel.sketch.typed, "value", draw.choice(texts)),
        panel.sketch.clear.click,
        *[
            lambda: panel.sketch._mouse._dom_handlers(
                mouse(draw.choice(kinds), draw.uniform(-50, 500), draw.uniform(-50, 500))
            )
        ]
        * 4,
    ]


def test_controls_pressed_in_any_order_and_fast(played: Lab, no_curves: None) -> None:
    draw = random.Random(0)
    every = presses(played.panel, draw)
    for _ in range(300):
        draw.choice(every)()
        assert "\n" not in played.said
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
