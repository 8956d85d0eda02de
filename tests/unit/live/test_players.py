"""Sounds on the page: what is embedded is what was given, and small; hearing a training changes nothing."""

from __future__ import annotations

import base64
import io
import itertools
import re
import wave
from collections.abc import Callable
from html import unescape
from typing import Any

import numpy as np
import pytest
import torch
from pages import Display, FakeTime
from PIL import Image
from torch import Tensor

import gantutor as gt
from gantutor.live import Dashboard, Players, dashboard, pace, players, training_page
from gantutor.live import display as page
from gantutor.live.audio_panel import audio_panel

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


def tone(hertz: float, length: int = 4000) -> Tensor:
    return (2 * torch.pi * hertz * torch.arange(length) / 8000).sin() / 2


@pytest.fixture
def tones() -> Tensor:
    return torch.stack([tone(hertz) for hertz in (300, 1000, 3000)])


def embedded(html: str) -> list[tuple[int, np.ndarray[Any, Any]]]:
    """The rate and the samples of every player."""
    found = []
    for data in re.findall(r"<audio [^>]*src='data:audio/wav;base64,([^']*)'", html):
        with wave.open(io.BytesIO(base64.b64decode(data))) as opened:
            assert opened.getsampwidth() == 2 and opened.getnchannels() == 1
            samples = np.frombuffer(opened.readframes(opened.getnframes()), "<i2")
            found.append((opened.getframerate(), samples))
    return found


def test_what_is_embedded_is_what_was_given(tones: Tensor) -> None:
    html = gt.live.listen(tones).html()
    assert [rate for rate, _ in embedded(html)] == [8000] * 3
    for given, (_, samples) in zip(tones, embedded(html), strict=True):
        np.testing.assert_allclose(samples / 32767, given.numpy(), atol=1 / 32767)


def test_another_rate_and_a_single_sound() -> None:
    [(rate, samples)] = embedded(gt.live.listen(tone(300), ["one"], rate=16_000).html())
    assert rate == 16_000 and len(samples) == 4000


def test_too_loud_is_scaled_down_and_quiet_stays() -> None:
    loud, quiet = embedded(gt.live.listen(torch.stack([8 * tone(300), tone(300) / 8])).html())
    assert abs(loud[1]).max() == pytest.approx(32767, abs=60)
    assert abs(quiet[1]).max() == pytest.approx(32767 / 16, abs=30)
    np.testing.assert_allclose(loud[1] / 16.0, quiet[1], atol=4)


def test_every_player_has_a_name_and_every_picture_a_description(tones: Tensor) -> None:
    html = gt.live.listen(tones, ["low", "<b>middle</b>", 'a "high" one']).html()
    assert [unescape(x) for x in re.findall(r'<audio controls=\'controls\' title="([^"]*)"', html)] == [
        "Play low",
        "Play <b>middle</b>",
        'Play a "high" one',
    ]
    assert html.count("aria-label=") == 3 and "<b>" not in html
    alts = re.findall(r'<img [^>]*alt="([^"]*)"', html)
    assert re.fullmatch(r"Spectrogram of low: 0.50 s, loudest near 312 Hz after 0\.\d\d s\.", alts[0])
    assert "near 3,000 Hz" in alts[2]


def test_silence_is_described() -> None:
    assert players.describe(torch.zeros(4000), "nothing", 8000) == "Spectrogram of nothing: 0.50 s, silent."


def test_a_picture_has_low_tones_at_the_bottom() -> None:
    for hertz, wanted in ((300, 0.925), (3700, 0.075)):
        picture = Image.open(io.BytesIO(players.spectrogram_jpegs(tone(hertz)[None])[0])).convert("L")
        assert picture.height == players.IMAGE_HEIGHT
        rows = np.asarray(picture).mean(1)
        assert rows.argmax() / players.IMAGE_HEIGHT == pytest.approx(wanted, abs=0.03)


def test_twenty_voices_are_under_450_kb() -> None:
    waves, digits = gt.data.spoken_digits().held_out.tensors
    bundle, metadata = gt.live.listen(waves[:20], [f"{x}" for x in digits[:20]])._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", "image/png"}
    assert sum(len(content) for content in bundle.values()) < 450_000
    assert "20 sounds of 0.51 s" in bundle["text/plain"] == metadata["image/png"]["alt"]
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert still.width > still.height > 100


def test_the_still_picture_names_its_sounds(tones: Tensor) -> None:
    shown = gt.live.listen(tones, ["low", "a title that is long", "$x"]).still()
    assert [axes.get_title() for axes in shown.axes[:3]] == ["low", "a title that is long", "$x"]
    first = shown.axes[0]
    assert (first.get_xlabel(), first.get_ylabel()) == ("s", "kHz")
    assert [label.get_text() for label in first.get_yticklabels()] == ["0", "1", "2", "3", "4"]
    assert shown.axes[-1].get_ylabel() == "dB" and (shown.get_size_inches()[0] - 1) * shown.dpi / 3 > 120
    assert tuple(first.images[0].get_extent()) == (0, 0.5, 0, 4)


def test_a_long_sound_gets_a_wide_picture(tones: Tensor) -> None:
    long = gt.live.listen(torch.cat([*tones, *tones]), ["long"])
    assert long.still().get_size_inches()[0] > 2 * gt.live.listen(tones[0]).still().get_size_inches()[0]
    assert f"width:{3 * players.IMAGE_WIDTH}px" in long.html()
    many = gt.live.listen(torch.randn(5, 24_000)).still()
    assert many.get_size_inches()[0] == gt.live.listen(torch.randn(5, 4000)).still().get_size_inches()[0]


def test_the_page_says_what_the_axes_are(tones: Tensor) -> None:
    html = gt.live.listen(tones, rate=16_000).html()
    assert "0 to 8 kHz; time to the right, 0 to 0.25 s" in html and "(38 dB)" in html
    assert html.count("<span>8 kHz</span>") == html.count("<span>0.25 s</span>") == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"waves": torch.zeros(2, 3, 4)}, "must be floats of shape"),
        ({"waves": torch.zeros(0, 4)}, "must be floats of shape"),
        ({"waves": torch.zeros(4, dtype=torch.int16)}, "not torch.int16"),
        ({"waves": [0.0]}, "not list"),
        ({"waves": torch.zeros(21, 4)}, "20 sounds and 480,000 samples at most"),
        ({"waves": torch.zeros(2, 240_001)}, "480,000 samples at most"),
        ({"waves": torch.full((4,), float("nan"))}, "not finite"),
        ({"waves": torch.zeros(2, 4), "titles": ["one"]}, "there must be 2 titles"),
        ({"waves": torch.zeros(4), "rate": 8}, "rate must be a whole number"),
    ],
)
def test_what_is_no_sound_is_refused(given: Any, words: str) -> None:
    with pytest.raises(gt.InputError, match=words):
        gt.live.listen(**given)


# --- the dashboard ----------------------------------------------------------------------------------------


def sounds(run: gt.Run) -> Tensor:
    torch.rand(5)
    return run.sample(4).tanh().repeat(1, 500)


def hear(display: Display, game: gt.GAN, points: Tensor, made: Any) -> gt.Run:
    return gt.train(game, points, steps=8, callbacks=[Dashboard(sounds=made, seconds=0)], progress=False)


def test_hearing_changes_nothing(
    display: Display,
    point_game: Make,
    points: Tensor,
    same_weights: Same,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def counted(run: gt.Run) -> Tensor:
        made.append(run.step)
        return sounds(run)

    for name, value in (("SAMPLING_SHARE", 1.0), ("SOUND_SHARE", 1.0), ("SOUND_INTERVAL", 0.0)):
        monkeypatch.setattr(training_page, name, value)
    heard_run = hear(display, point_game(), points, counted)
    assert len(made) > 3 and made[-1] == 8
    assert same_weights(heard_run, gt.train(point_game(), points, steps=8, progress=False))


def test_the_last_sounds_stay_playable(display: Display, point_game: Make, points: Tensor) -> None:
    run = hear(display, point_game(), points, sounds)
    assert [set(bundle) for bundle in display.updated] == [{"text/plain", "image/png"}]
    assert len(display.shown) == 2 and set(display.shown[1]) == {"text/plain", "image/png", "text/html"}
    for given, (_, samples) in zip(sounds(run), embedded(display.shown[1]["text/html"]), strict=True):
        np.testing.assert_allclose(samples / 32767, given.numpy(), atol=1 / 32767)


def test_where_nobody_watches_the_sounds_are_made_once(
    unwatched: Display,
    point_game: Make,
    points: Tensor,
) -> None:
    made = []

    def counted(run: gt.Run) -> Tensor:
        made.append(run.step)
        return sounds(run)

    hear(unwatched, point_game(), points, counted)
    assert made == [8] and [set(bundle) for bundle in unwatched.shown] == [
        {"text/plain", "image/png"},
        {"text/plain", "image/png", "text/html"},
    ]


def test_players_of_ones_own_keep_their_titles(point_game: Make) -> None:
    run = gt.Run(point_game())
    found = audio_panel(run, lambda run: gt.live.listen(tone(300), ["mine"]))
    assert isinstance(found.players, Players) and found.players.titles == ["mine"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda run: 1 / 0, "division by zero"),
        (lambda run: torch.zeros(11, 40), "at most 10 sounds, not 11"),
        (lambda run: "la", "not str"),
        (lambda run: run.sample(4) * float("nan"), "not finite"),
    ],
)
def test_sounds_that_fail_are_said_and_end_nothing(
    display: Display,
    point_game: Make,
    points: Tensor,
    made: Any,
    words: str,
) -> None:
    assert hear(display, point_game(), points, made).ended == "complete"
    assert words in display.shown[1]["text/plain"] and set(display.shown[1]) == {"text/plain"}


@pytest.mark.parametrize(
    ("picture", "sound", "least"),
    [(0.2, 1.0, 0.09), (1.0, 0.2, 0.09), (0.5, 0.5, 0.09), (0.01, 0.03, 0.006)],
)
def test_samples_and_sounds_take_their_shares_of_the_time(
    display: Display,
    point_game: Make,
    points: Tensor,
    monkeypatch: pytest.MonkeyPatch,
    picture: float,
    sound: float,
    least: float,
) -> None:
    clock, drawn, made = FakeTime(), [], []

    samples = point_game().generator(torch.zeros(9, 2)).detach()

    def draw(*_: Any) -> Any:
        clock.now += picture
        drawn.append(clock.now)
        return samples

    def sing(run: gt.Run) -> Any:
        clock.now += sound
        made.append(clock.now)
        raise gt.InputError("hush")

    for module in (dashboard, pace, training_page):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(training_page, "gallery_samples", draw)
    monkeypatch.setattr(page, "png", lambda figure, keep=False: b"")
    run = gt.train(point_game(), points, steps=1, progress=False)
    board = Dashboard(seconds=2.0, sounds=sing)
    board.on_start(run)
    began, drawn[:], made[:] = clock.now, [], []
    for _ in range(8000):
        clock.now += 0.1
        board.on_step(run)
    share = (len(drawn) * picture + len(made) * sound) / (clock.now - began)
    most = training_page.SAMPLING_SHARE + training_page.SOUND_SHARE
    assert least < share <= most * 1.05 and 0 < len(made) <= len(drawn)
    gaps = [later - earlier for earlier, later in itertools.pairwise(made)]
    assert min(gaps) >= training_page.SOUND_INTERVAL
    board.on_end(run)


def test_sounds_are_a_function() -> None:
    with pytest.raises(gt.InputError, match="sounds must be a function of a run"):
        Dashboard(sounds=torch.zeros(4))  # type: ignore[arg-type]
