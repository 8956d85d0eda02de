"""What moves on the page: how often it is drawn, what it leaves, and that watching changes nothing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from pages import Display, FakeTime
from torch import Tensor
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor import plots
from gantutor.live import Dashboard, Explorer, Scoring, TimeMachine, controls, dashboard, page, portrait
from gantutor.live.frame import Frame

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


def watch(
    monkeypatch: pytest.MonkeyPatch, run: gt.Run, drawing: float, step: float, steps: int, seconds: float
) -> tuple[float, int]:
    """Steps of ``step`` seconds under a dashboard whose picture takes ``drawing``; its share of the time, and
    how often it was drawn."""
    clock = FakeTime()
    draws = []

    def draw(*_: Any) -> Any:
        clock.now += drawing
        draws.append(clock.now)
        return gt.plots.figure()[0]

    monkeypatch.setattr(dashboard, "time", clock)
    monkeypatch.setattr(dashboard, "portrait", draw)
    monkeypatch.setattr(page, "png", lambda figure: b"")
    board = Dashboard(seconds=seconds)
    board.on_start(run)
    began, draws[:] = clock.now, []
    for _ in range(steps):
        clock.now += step
        board.on_step(run)
    share = len(draws) * drawing / (clock.now - began)
    board.on_end(run)
    return share, len(draws)


@pytest.fixture
def run(point_game: Make, points: Tensor) -> gt.Run:
    return gt.train(point_game(), points, steps=4, gallery=40, progress=False)


def test_a_slow_picture_takes_its_share_of_the_time_at_most(
    display: Display, run: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, count = watch(monkeypatch, run, drawing=1.0, step=0.1, steps=4000, seconds=2.0)
    assert 0.025 < share <= 0.032 and 11 <= count <= 14


def test_a_quick_picture_is_drawn_as_often_as_asked(
    display: Display, run: gt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, count = watch(monkeypatch, run, drawing=0.01, step=0.25, steps=400, seconds=2.0)
    assert share < 0.01 and 45 <= count <= 52


def test_a_training_leaves_a_picture_and_no_widget(
    display: Display, point_game: Make, points: Tensor
) -> None:
    board = Dashboard()
    for _ in range(2):
        gt.train(point_game(), points, steps=3, callbacks=[board], progress=False)
    assert len(display.shown) == len(display.updated) == 2
    assert all(page.WIDGET in bundle for bundle in display.shown)
    assert all(set(bundle) == {"text/plain", "image/png"} for bundle in display.updated)
    assert "after 3 steps" in display.updated[0]["text/plain"]


def test_where_nobody_watches_only_the_last_picture_is_drawn(
    unwatched: Display, point_game: Make, points: Tensor
) -> None:
    gt.train(point_game(), points, steps=3, callbacks=[Dashboard()], progress=False)
    assert [set(bundle) for bundle in unwatched.shown] == [{"text/plain", "image/png"}]
    assert not unwatched.updated


def test_a_diverged_training_leaves_a_picture_too(
    unwatched: Display, point_game: Make, points: Tensor
) -> None:
    huge = gt.optimization.adam(1.0)
    broken = point_game()
    with torch.no_grad():
        next(broken.discriminator.parameters()).fill_(float("nan"))
    with pytest.raises(gt.TrainingDiverged):
        gt.train(broken, points, steps=9, optimizer=huge, callbacks=[Dashboard()], progress=False)
    assert len(unwatched.shown) == 1


def test_outside_of_a_notebook_nothing_is_drawn(point_game: Make, points: Tensor) -> None:
    def draw(run: gt.Run, axes: Any) -> Any:
        raise AssertionError("nobody looks")

    board = Dashboard(draw, seconds=0)
    assert gt.train(point_game(), points, steps=3, callbacks=[board], progress=False).step == 3


def test_watching_changes_nothing(
    display: Display,
    point_game: Make,
    points: Tensor,
    same_weights: Same,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []

    def view(run: gt.Run, axes: Any) -> None:
        drawn.append(run.step)
        axes.scatter(*run.sample(9).T)
        torch.rand(3)

    def slow(control: gt.Control) -> gt.Control:
        control.slow_down(0.01)
        return control

    monkeypatch.setattr(dashboard, "SHARE", 1.0)
    monkeypatch.setattr(dashboard, "PATIENCE", 0.0)
    board, control = Dashboard(view, seconds=0), slow(gt.Control())
    watched = gt.train(point_game(), points, steps=8, callbacks=[board], progress=False, control=control)
    assert len(drawn) > 3
    assert same_weights(watched, gt.train(point_game(), points, steps=8, progress=False))


def test_batch_norm_is_watched_without_a_change(
    display: Display, image_game: Make, images: Tensor, same_weights: Same
) -> None:
    def go(*callbacks: gt.Callback) -> gt.Run:
        return gt.train(
            image_game(), images, steps=5, batch_size=8, snapshots=0, callbacks=callbacks, progress=False
        )

    watched, plain = go(Dashboard(seconds=0)), go()
    assert torch.equal(watched.sample(4), plain.sample(4))  # a glance is not taken for a measurement
    assert same_weights(watched, plain)


class Interrupting(gt.Callback):
    """Presses ■ at one moment."""

    def __init__(self, when: str) -> None:
        self.when = when

    def on_start(self, run: gt.Run) -> None:
        if self.when == "start":
            raise KeyboardInterrupt

    def on_end(self, run: gt.Run) -> None:
        if self.when == "end":
            raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["start", "end"])
def test_a_stop_while_it_begins_or_ends_still_gives_the_run(
    display: Display, point_game: Make, points: Tensor, when: str
) -> None:
    doctor = gt.doctor.Doctor(points)
    callbacks = [Interrupting(when), doctor, Dashboard(doctor=doctor)]
    run = gt.train(point_game(), points, steps=3, callbacks=callbacks, progress=False)
    assert isinstance(run, gt.Run) and run.ended == ("interrupted" if when == "start" else "complete")


def test_an_error_in_a_callback_closes_the_dashboard(
    display: Display, point_game: Make, points: Tensor
) -> None:
    class Broken(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            raise ZeroDivisionError

    board = Dashboard()
    with pytest.raises(ZeroDivisionError):
        gt.train(point_game(), points, steps=3, callbacks=[board, Broken()], progress=False)
    assert board._controls is None and set(display.updated[-1]) == {"text/plain", "image/png"}


# --- controls ---------------------------------------------------------------------------------------------


class Presser(gt.Callback):
    """Presses controls from another thread while a training runs."""

    def __init__(self, board: Dashboard, press: Callable[[controls.Controls], None]) -> None:
        self.board, self.press = board, press

    def on_start(self, run: gt.Run) -> None:
        assert self.board._controls is not None
        self.thread = threading.Thread(target=self.press, args=(self.board._controls,))
        self.thread.start()

    def on_end(self, run: gt.Run) -> None:
        self.thread.join()


def pressed(
    press: Callable[[controls.Controls], None], game: gt.GAN, points: Tensor, steps: int = 10**6
) -> gt.Run:
    board = Dashboard(lambda run, axes: None)
    presser = Presser(board, press)
    return gt.train(game, points, steps=steps, callbacks=[board, presser], progress=False, snapshots=0)


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_pause_step_rates_and_stop(display: Display, point_game: Make, points: Tensor) -> None:
    seen: list[Any] = []

    def press(row: controls.Controls) -> None:
        run = row.run
        until(lambda: run.step > 3)
        row.pause.value = True
        until(lambda: run.control.paused)
        time.sleep(0.2)
        stood = run.step
        time.sleep(0.2)
        seen.append(run.step == stood)
        before = {name: [p.clone() for p in net.parameters()] for name, net in run.gan.networks.items()}
        row.steps["generator"].click()
        until(lambda: run.step == stood + 1)
        time.sleep(0.1)
        moved = {
            name: any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
            for name, net in run.gan.networks.items()
        }
        seen.append(moved == {"generator": True, "discriminator": False})
        row.rates["generator"].value = 0.25
        row.slow.value = 0.5
        seen.append((run.control.learning_rates, run.control.delay) == ({"generator": 0.25}, 0.5))
        row.slow.value = 0
        row.pause.value = False
        until(lambda: run.step > stood + 5)
        row.stop.click()

    run = pressed(press, point_game(), points)
    assert run.ended == "stopped" and seen == [True, True, True]


def test_a_step_pauses_first(display: Display, point_game: Make, points: Tensor) -> None:
    def press(row: controls.Controls) -> None:
        until(lambda: row.run.step > 3)
        row.steps[""].click()
        until(lambda: row.run.control.paused)
        time.sleep(0.1)
        row.stop.click()

    assert pressed(press, point_game(), points).ended == "stopped"


def test_pressed_at_random_nothing_sticks(display: Display, point_game: Make, points: Tensor) -> None:
    def press(row: controls.Controls) -> None:
        draw = random.Random(0)
        actions: list[Callable[[], Any]] = [
            lambda: setattr(row.pause, "value", not row.pause.value),
            *(button.click for button in row.steps.values()),
            lambda: setattr(row.slow, "value", draw.choice([0, 0.05])),
            lambda: setattr(row.rates["generator"], "value", draw.choice([0, 1e-4, 1e-3])),
            row.run.control.resume,
        ]
        for _ in range(400):
            draw.choice(actions)()
            time.sleep(draw.choice([0, 0, 0.002]))
        row.stop.click()

    assert pressed(press, point_game(), points).ended == "stopped"


def test_the_page_is_asked_for_a_sign_of_life(display: Display, run: gt.Run) -> None:
    row = controls.Controls(run)
    row.look(now=100.0, began=99.0)
    assert row._beat.playing and controls.WAITING in row.said.value
    row.look(now=100.0 + controls.PATIENCE, began=99.0)
    assert controls.DEAF in row.said.value and not row._beat.playing
    row._beat.value = 3
    assert row.alive and not row._beat.playing and controls.ALIVE in row.said.value


def test_every_control_can_be_reached_and_says_what_it_does(display: Display, run: gt.Run) -> None:
    row = controls.Controls(run)
    for widget in (row.pause, row.stop, row.slow, *row.steps.values(), *row.rates.values()):
        assert widget.tooltip and widget.description and widget.tabbable is not False


def test_a_game_of_one_network_has_its_controls(display: Display, points: Tensor) -> None:
    game = gt.GAN.of(
        {"line": torch.nn.Linear(2, 1)},
        [gt.Turn("line", lambda g, b: {"total": g.line(b.real).square().mean()})],
    )
    run = gt.train(game, points, steps=3, callbacks=[Dashboard()], progress=False)
    assert run.step == 3 and len(portrait.portrait(run).axes) == 1


@pytest.mark.parametrize("given", [{"view": 3}, {"scoring": "often"}, {"seconds": -1}])
def test_a_wrong_dashboard_is_refused(given: Any) -> None:
    with pytest.raises(gt.InputError):
        Dashboard(**given)


def test_an_unused_dashboard_says_so() -> None:
    assert "no training yet" in Dashboard()._repr_mimebundle_()["text/plain"]
    with pytest.raises(gt.InputError, match="no training yet"):
        Dashboard().still()


# --- pictures ---------------------------------------------------------------------------------------------


def test_the_portrait_shows_losses_probabilities_and_scores(point_game: Make, points: Tensor) -> None:
    one = gt.metrics.Score(2.0, 1.0, "nats", "lower", 9, "points")
    scoring = Scoring(
        TensorDataset(points), [1, 2], 9, lambda generated, reference: gt.metrics.Scores(distance=one)
    )
    run = gt.train(point_game(), points, steps=3, callbacks=[scoring], progress=False)
    titles = [axes.get_title() for axes in portrait.portrait(run, scoring=scoring).axes]
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
    with pytest.raises(gt.InputError, match="give a view that draws them"):
        gt.plots.samples(gt.Run(game), gt.plots.figure()[1], 9)


def test_a_view_that_fails_is_written_down_and_ends_nothing(
    unwatched: Display, point_game: Make, points: Tensor
) -> None:
    def view(run: gt.Run, axes: Any) -> None:
        raise ZeroDivisionError("nothing to divide")

    run = gt.train(point_game(), points, steps=3, callbacks=[Dashboard(view)], progress=False)
    assert run.step == 3 and "nothing to divide" in portrait.portrait(run, view).axes[0].texts[0].get_text()


def test_a_thinned_curve_keeps_its_mean() -> None:
    values = torch.rand(12_345, dtype=torch.float64).tolist()
    steps, thin = gt.plots.thinned(list(range(12_345)), values)
    assert gt.plots.POINTS / 2 < len(thin) == len(steps) <= gt.plots.POINTS
    assert sum(thin) / len(thin) == pytest.approx(sum(values) / len(values), abs=1e-3)


def test_a_description_is_escaped() -> None:
    assert 'alt="&lt;b&gt; &quot;x&quot;"' in page.image(b"", '<b> "x"')


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
    made = plots.upright(explorer.run.generate(explorer.walk()[:1]))
    assert torch.allclose(pictures[0].float(), plots.tile(made, 1))


def test_its_widgets_move_the_explorer(display: Display, labelled: gt.Run) -> None:
    explorer = gt.live.explore(labelled)
    bundle, kept = display.shown
    assert set(bundle) == {"text/plain", "image/png", page.WIDGET}
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
    from gantutor.live import snapshots as module

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


def test_points_cannot_be_explored(run: gt.Run) -> None:
    with pytest.raises(gt.InputError, match="explorer shows images"):
        Explorer(run)
    with pytest.raises(gt.InputError, match="must be images"):
        TimeMachine(run)


def test_a_frame_says_what_it_cannot_draw(display: Display) -> None:
    def draw() -> Any:
        raise gt.InputError("nothing to draw")

    frame = Frame(draw, lambda: "nothing")
    frame.refresh()
    assert "nothing to draw" in frame.said.value


def test_a_frame_draws_the_last_of_many_changes(display: Display) -> None:
    drawn: list[int] = []
    wanted = iter(range(10**6))
    latest = [0]

    def draw() -> Any:
        drawn.append(latest[0])
        time.sleep(0.01)
        return gt.plots.figure()[0]

    frame = Frame(draw, lambda: "")

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
    assert portrait.portrait(run, scoring=scoring).axes[-1].get_title() == "mean (lower is better)"
    assert same_weights(run, gt.train(point_game(), points, steps=4, progress=False))


def test_what_is_no_measure_is_said(point_game: Make, points: Tensor) -> None:
    with pytest.raises(gt.InputError, match="samples and score go with held-out data"):
        Scoring(lambda run: gt.metrics.Scores(), [0], samples=9)
    with pytest.raises(gt.InputError, match="must return Scores, Score by name, not float"):
        gt.train(point_game(), points, steps=1, callbacks=[Scoring(lambda run: 0.5, [0])], progress=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [[-1], [1.5], [True], ["2"]])
def test_moments_are_whole_numbers(steps: Any) -> None:
    with pytest.raises(gt.InputError, match="steps must be whole numbers"):
        Scoring(None, steps=steps)


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    yield
    import ipywidgets

    ipywidgets.Widget.close_all()
