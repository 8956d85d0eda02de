"""Clips as files and on the page: what plays is what was given, whole and small."""

from __future__ import annotations

import base64
import io
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence, features
from torch import Tensor

import gantutor as gt
from gantutor.data.clips import side_by_side
from gantutor.live import clips as live_clips


@pytest.fixture(scope="module")
def clips() -> Tensor:
    """Eight real clips (8, 16, 1, 32, 32)."""
    return gt.data.sample_futures(gt.data.digits().held_out.tensors[0][50:850:100], count=1)[:, 0]


def frames_in(source: Any) -> tuple[np.ndarray[Any, Any], list[int]]:
    """The frames (T, H, W, 3) of an animated picture, and how long each stands in ms."""
    with Image.open(source) as film:
        frames, times = [], []
        for frame in ImageSequence.Iterator(film):
            frames.append(np.asarray(frame.convert("RGB")))
            times.append(round(frame.info["duration"]))
        assert film.info.get("loop", 0) == 0
    return np.stack(frames), times


def test_a_film_has_as_many_clips_as_fit() -> None:
    assert [gt.data.clip_count(s) for s in (2, 3.9, 4, 60)] == [1, 1, 2, 30]
    assert gt.data.clip_count(0.3, frames=3, fps=10) == 1  # 0.3 · 10 is a little less than 3
    with pytest.raises(
        gt.InputError, match=r"1\.9 s is too short for one clip: 16 frames, 8 a second, last 2 s"
    ):
        gt.data.clip_count(1.9)
    with pytest.raises(gt.InputError, match="seconds must be a number"):
        gt.data.clip_count(0)


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "time"), [(".gif", 120), (".webp", 125), (".png", 125), (".apng", 125)])
def test_what_is_read_back_is_what_was_written(suffix: str, time: int, clips: Tensor, tmp_path: Path) -> None:
    if suffix == ".webp" and not features.check("webp"):
        pytest.skip("this Pillow knows no WebP")
    path = gt.data.write_clip(tmp_path / "new" / f"clips{suffix}", clips[:3], zoom=2)
    frames, times = frames_in(path)
    wanted = (side_by_side(clips[:3])[:, 0] + 1) * 127.5
    wanted = wanted.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert frames.shape == (16, 64, 2 * (3 * 32 + 2 * 2), 3) and times == [time] * 16
    np.testing.assert_allclose(frames[..., 0], wanted.numpy(), atol=1)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_one_clip_colours_and_another_pace(tmp_path: Path) -> None:
    colours = torch.rand(4, 3, 8, 8) * 2 - 1
    path = gt.data.write_clip(tmp_path / "clip.png", colours, fps=20, zoom=1)
    frames, times = frames_in(path)
    assert times == [50] * 4
    np.testing.assert_allclose(frames, ((colours + 1) * 127.5).permute(0, 2, 3, 1).numpy(), atol=1)


def test_a_file_of_that_name_is_replaced_or_untouched(clips: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "clip.gif"
    gt.data.write_clip(path, clips[0])
    before = path.read_bytes()
    with pytest.raises(gt.InputError):
        gt.data.write_clip(path, clips[0] * 2)
    assert path.read_bytes() == before
    gt.data.write_clip(path, clips[1])
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("path", "given", "options", "said"),
    [
        ("a.mp4", torch.zeros(2, 1, 4, 4), {}, r"ends in \.gif, .*a film needs an encoder that is not here"),
        ("a.txt", torch.zeros(2, 1, 4, 4), {}, r"ends in \.gif"),
        (3, torch.zeros(2, 1, 4, 4), {}, r"ends in \.gif.* not 3"),
        ("a.gif", torch.zeros(2, 2, 4, 4), {}, "clips must be floats of shape"),
        ("a.gif", torch.zeros(0, 1, 4, 4), {}, "clips must be floats of shape"),
        ("a.gif", torch.zeros(2, 1, 4, 4, dtype=torch.uint8), {}, "not torch.uint8"),
        ("a.gif", [0.0], {}, "not list"),
        ("a.gif", torch.full((2, 1, 4, 4), float("nan")), {}, "not finite"),
        ("a.gif", torch.full((2, 1, 4, 4), 1.5), {}, "between -1 and 1, but reach 1.5"),
        ("a.gif", torch.zeros(2, 1, 4, 4), {"fps": 0}, "fps must be a number of at least 1 and at most 50"),
        ("a.gif", torch.zeros(2, 1, 4, 4), {"zoom": 0}, "zoom must be a whole number from 1 to 32"),
        ("a.gif", torch.zeros(99, 1, 99, 99), {"zoom": 32}, "write fewer, or a smaller zoom"),
    ],
)
def test_what_makes_no_file_is_refused(
    path: Any, given: Any, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    where = tmp_path / path if isinstance(path, str) else path
    with pytest.raises(gt.InputError, match=said):
        gt.data.write_clip(where, given, **options)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(gt.InputError, match="cannot write to"):
        gt.data.write_clip(tmp_path / "file" / "clip.gif", torch.zeros(2, 1, 4, 4))


# --- the page -----------------------------------------------------------------------------------------------


def embedded(html: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r'src="data:image/gif;base64,([^"]*)"', html)]


def test_what_plays_on_the_page_is_what_was_given(clips: Tensor) -> None:
    films = embedded(gt.live.play(clips).html())
    assert len(films) == 8
    for clip, film in zip(clips, films, strict=True):
        frames, times = frames_in(io.BytesIO(film))
        assert times == [120] * 16
        np.testing.assert_allclose(frames[..., 0], ((clip[:, 0] + 1) * 127.5).numpy(), atol=1)


def test_eight_clips_are_under_300_kb(clips: Tensor) -> None:
    bundle, metadata = gt.live.play(clips)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", "image/png"}
    assert sum(len(content) for content in bundle.values()) < 300_000
    assert "8 clips of 16 frames, 8 a second" in bundle["text/plain"] == metadata["image/png"]["alt"]
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert still.width > still.height > 100


def test_every_picture_is_described_and_titles_are_escaped(clips: Tensor) -> None:
    html = gt.live.play(clips[:2], ["<b>one</b>", 'the "other"']).html()
    alts = [unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]*)"', html)]
    assert html.count(f"width='{live_clips.IMAGE_WIDTH}'") == 2
    assert len(alts) == 4 and "<b>" not in html and html.count("<img ") == 4
    assert alts[0].startswith("Moving picture of <b>one</b>, 16 frames: it goes ")
    assert alts[3] == 'The frames of the "other", from left to right'


def test_the_description_says_how_the_digit_moves(clips: Tensor) -> None:
    motion = gt.metrics.measure_motion(clips)
    said = live_clips.describe(clips[3], "it")
    found = re.search(r"goes (\d+) pixels to the (left|right) and (\d+) (up|down), turns (\d+)° (\S+),", said)
    assert found is not None
    x, y = motion.shift[3, -1].tolist()
    assert (int(found[1]), found[2]) == (round(abs(x)), "right" if x >= 0 else "left")
    assert (int(found[3]), found[4]) == (round(abs(y)), "down" if y >= 0 else "up")
    turn = float(motion.turn[3, -1])
    assert (int(found[5]), found[6]) == (
        round(abs(turn)),
        "counter-clockwise" if turn >= 0 else "clockwise",
    )


def test_moving_pictures_can_be_stopped(clips: Tensor) -> None:
    html = gt.live.play(clips[0], ["one"]).html()
    before, moving, after = re.split(r"<details open='open'>|</details>", html, maxsplit=2)
    assert "close to stop" in moving and "image/gif" in moving
    assert "image/gif" not in before + after and "image/png" in after


def test_the_still_picture_has_a_row_for_each_clip(clips: Tensor) -> None:
    shown = gt.live.play(clips[:3], ["one", "a title that is too long", "$x"]).still()
    (axes,) = shown.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "a title that is…", "$x"]
    assert axes.images[0].get_array().shape == (3 * 33, 16 * 33)


def test_colours_play_too() -> None:
    shown = gt.live.play(torch.rand(2, 5, 3, 8, 8) * 2 - 1)
    assert len(embedded(shown.html())) == 2 and shown.still().axes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"clips": torch.zeros(3, 4)}, "clips must be floats of shape"),
        ({"clips": torch.full((2, 3, 1, 4, 4), 2.0)}, "between -1 and 1"),
        ({"clips": torch.zeros(17, 2, 1, 4, 4)}, "16 clips and 400 frames at most"),
        ({"clips": torch.zeros(1, 401, 1, 4, 4)}, "not 1 and 401"),
        ({"clips": torch.zeros(2, 3, 1, 4, 4), "titles": ["one"]}, "there must be 2 titles"),
        ({"clips": torch.zeros(2, 3, 1, 4, 4), "fps": 99}, "fps must be a number"),
    ],
)
def test_what_is_no_clip_is_refused(given: Any, said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        gt.live.play(**given)
