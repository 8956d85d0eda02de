"""Files of one's own: they arrive whole, one at a time, and an error is a sentence that loses nothing."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from pages import Display

import gantutor as gt
from gantutor.live import display as page
from gantutor.live import upload as show_upload
from gantutor.live.upload import Upload, bundle_of, panel


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    yield
    import ipywidgets

    ipywidgets.Widget.close_all()


def choose(chosen: Upload, name: str, content: bytes, button: Any = None) -> None:
    """What the page sends when a file is chosen."""
    file = {
        "name": name,
        "type": "",
        "size": len(content),
        "content": memoryview(content),
        "last_modified": 0,
    }
    (button or panel(chosen).children[0]).set_state({"value": [file]})


def said(chosen: Upload) -> str:
    return str(chosen._message.value)


def test_a_file_arrives_whole_and_what_is_returned_is_shown(display: Display) -> None:
    given = []

    def use(name: str, content: bytes) -> str:
        given.append((name, content))
        return "thank you"

    chosen = show_upload(use)
    assert set(display.shown[0]) == {page.WIDGET_TYPE, "text/plain"} and len(display.shown) == 2
    choose(chosen, "my song.wav", bytes(range(256)))
    assert given == [("my song.wav", bytes(range(256)))] and type(given[0][1]) is bytes
    assert display.updated == [{"text/plain": "'thank you'"}]
    assert (chosen.name, chosen.result) == ("my song.wav", "thank you") and "my song.wav" in said(chosen)


def test_another_file_and_the_same_once_more_replace_it(display: Display) -> None:
    chosen = show_upload(lambda name, content: len(content))
    button = panel(chosen).children[0]
    for name, content in (("a", b"1"), ("b", b"22"), ("b", b"22")):
        choose(chosen, name, content, button)
        assert button.value == ()
    assert [bundle["text/plain"] for bundle in display.updated] == ["1", "2", "2"]
    assert len(display.shown) == 2  # all in one place


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (gt.InputError("the recording is silent"), "b: the recording is silent"),
        (
            gt.DataUnavailable("a package is missing: pip install it"),
            "b could not be used: a package is missing",
        ),
        (ZeroDivisionError("division by zero\nand more"), "b could not be used: division by zero<"),
        (KeyError(), "b could not be used: KeyError"),
        (ValueError("<script>"), "&lt;script&gt;"),
    ],
)
def test_an_error_is_a_sentence_and_what_was_there_stays(
    display: Display, error: Exception, words: str
) -> None:
    def use(name: str, content: bytes) -> str:
        if name == "b":
            raise error
        return name

    chosen = show_upload(use)
    choose(chosen, "a", b"")
    choose(chosen, "b", b"")
    assert words in said(chosen) and "Traceback" not in said(chosen)
    assert len(display.updated) == 1 and (chosen.name, chosen.result) == ("a", "a")
    choose(chosen, "c", b"")
    assert display.updated[-1] == {"text/plain": "'c'"}


def test_what_cannot_be_shown_is_said(display: Display) -> None:
    class Broken:
        def _repr_mimebundle_(self, **_: Any) -> Any:
            raise ZeroDivisionError("no picture")

        def __repr__(self) -> str:
            return "a broken thing"

    chosen = show_upload(lambda name, content: Broken())
    choose(chosen, "a", b"")
    assert isinstance(chosen.result, Broken) and display.updated == [{"text/plain": "a broken thing"}]


def test_files_that_come_at_once_are_used_one_after_the_other(display: Display) -> None:
    at_work, most = [], []

    def use(name: str, content: bytes) -> str:
        at_work.append(name)
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.remove(name)
        return name

    chosen = show_upload(use)
    threads = [threading.Thread(target=chosen.take, args=(name, b"")) for name in "abcde"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5 and display.updated[-1]["text/plain"] == repr(chosen.name)
    assert sorted(bundle["text/plain"] for bundle in display.updated) == [repr(name) for name in "abcde"]


def test_a_picture_sounds_and_words_stand_below_each_other() -> None:
    picture = gt.plots.grid(torch.zeros(1, 1, 8, 8))
    bundle, _ = bundle_of([picture, gt.live.listen(torch.zeros(64), ["mine"]), "a < b"])
    html = bundle["text/html"]
    data = html.split("base64,")[1].split('"')[0]
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert (
        html.index("data:image/png") < html.index("<audio ") < html.index("<pre>&#x27;a &lt; b&#x27;</pre>")
    )


def test_a_picture_alone_is_a_picture() -> None:
    bundle, _ = bundle_of(gt.plots.grid(torch.zeros(1, 1, 8, 8)))
    assert "image/png" in bundle


def test_where_nobody_presses_one_line_says_what_would_be_here(unwatched: Display) -> None:
    show_upload(lambda name, content: None, ".ttf,.otf", "Choose a font")
    words = "Choose a font (.ttf,.otf): in JupyterLab, a button stands here for a file of your own."
    assert unwatched.shown == [{"text/plain": words}]


def test_the_button_says_what_it_takes(display: Display) -> None:
    button = panel(show_upload(lambda name, content: None, ".png", "Choose a photograph")).children[0]
    assert (button.accept, button.description, button.multiple) == (".png", "Choose a photograph", False)
    assert button.tooltip and button.tabbable is not False


@pytest.mark.parametrize("given", [{"use": 3}, {"accept": ""}, {"prompt": None}])
def test_a_wrong_upload_is_refused(given: Any) -> None:
    with pytest.raises(gt.InputError, match=f"{next(iter(given))} must be"):
        show_upload(**{"use": print} | given)
    assert repr(Upload(print, ".wav", "x")) == "Upload: no file yet"
