"""Lines of handwriting and type: pairs belong together, writers are kept apart, bad pictures are refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import gantutor as gt
from gantutor.data import handwriting_fonts as fonts
from gantutor.data.typefaces import matplotlib_fonts
from gantutor.data.words import WORDS, encode_text, random_texts
from gantutor.data.written_lines import HEIGHT, WIDTH, draw_text, ink

ROOT = Path(__file__).resolve().parents[3]


def page(*texts: str, dark: bool = True) -> bytes:
    """A picture of lines of handwriting, one below the other, on plain paper."""
    writer = fonts.handwriting_fonts(["schoolbell"])[0]
    canvas = Image.new("L", (700, 60 + 120 * len(texts)), 255)
    for row, text in enumerate(texts):
        pixels = Image.fromarray(255 - draw_text(text, writer)).resize((120 * len(text) // 3, 110))
        canvas.paste(pixels, (40, 30 + 120 * row))
    if not dark:
        canvas = Image.fromarray(255 - np.asarray(canvas))
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def test_every_font_has_every_character_and_two_letters_never_look_alike() -> None:
    for font in fonts.handwriting_fonts():
        font.check_glyphs("abcdefghijkmnpqrstuvwxyzABDEFGHJKLMNPQRTUY23456789")
        assert all(font.glyph(character, 40)[0].any() for character in fonts.ALPHABET.strip())


def test_no_font_has_a_reserved_name_and_each_has_its_licence() -> None:
    text = (ROOT / "data" / "handwriting_fonts_licences.txt").read_text(encoding="utf-8")
    named = [line.split()[0] for line in text.splitlines() if " 5.3.0: " in line]
    assert sorted(named) == sorted(fonts.WRITERS)
    assert "SIL OPEN FONT LICENSE" in text and "Apache License" in text
    with zipfile.ZipFile(ROOT / "data" / fonts.ARCHIVE) as archive:
        assert sorted(archive.namelist()) == sorted(f"{name}.woff" for name in fonts.WRITERS)


def test_held_out_writers_are_never_among_the_distinct_ones() -> None:
    assert not set(fonts.NEW_WRITERS) & set(fonts.DISTINCT_WRITERS)
    assert set(fonts.NEW_WRITERS) | set(fonts.DISTINCT_WRITERS) <= set(fonts.WRITERS)


def test_a_damaged_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / fonts.ARCHIVE).write_bytes(b"no archive")
    monkeypatch.setattr(fonts, "DATA_FOLDERS", (tmp_path,))
    with pytest.raises(gt.DataUnavailable, match="damaged"):
        fonts._files.__wrapped__()
    monkeypatch.setattr(fonts, "DATA_FOLDERS", (tmp_path / "none",))
    with pytest.raises(gt.DataUnavailable, match="missing"):
        fonts._files.__wrapped__()


def test_texts_repeat_with_the_seed_and_held_out_words_do_not_occur_in_training() -> None:
    assert random_texts(50, 3) == random_texts(50, 3) != random_texts(50, 4)
    train = {word.strip(".,!?'-").lower() for text in random_texts(2000, 0) for word in text.split()}
    held_out = set(WORDS[4::5])
    # Cut pairs and random letters may spell a short word by chance.
    assert not {word for word in train & held_out if len(word) > 4}


def test_texts_are_their_numbers() -> None:
    texts = random_texts(100, 1)
    assert gt.data.decode_text(encode_text(texts)) == texts


def test_pairs_show_the_same_text_at_the_same_place() -> None:
    lines = gt.data.handwritten_lines(gt.data.DISTINCT_WRITERS, 200)
    written, typed = ((part[:, 0] + 1).sum(1) for part in lines.train.tensors[:2])  # ink of the columns
    place = torch.arange(float(WIDTH))
    centres = [(ink * place).sum(1) / ink.sum(1) for ink in (written, typed)]
    assert (centres[0] - centres[1]).abs().median() < 3
    assert lines.train.tensors[0].shape == (200, 1, HEIGHT, WIDTH)


def test_writing_and_reading_exchange_target_and_condition() -> None:
    lines = gt.data.handwritten_lines(["caveat"], 16)
    hand, type_, writer, codes = lines.writing().tensors
    target, source, _, text = lines.reading().tensors
    assert torch.equal(hand, source) and torch.equal(type_, target) and torch.equal(codes, text)
    assert writer.unique().tolist() == [0]


def test_mnist_numbers_have_a_writer_of_their_own() -> None:
    lines = gt.data.handwritten_lines(["caveat", "zeyada"], 40, with_digits=0.5)
    writer, codes = lines.train.tensors[2], lines.train.tensors[4]
    assert (writer == 2).sum() == 20
    assert all(text.isdigit() for text in gt.data.decode_text(codes[writer == 2]))


def test_ink_differs_from_draw_to_draw_and_repeats_with_the_seed() -> None:
    texts, writers = ["ink"] * 2, fonts.handwriting_fonts(["caveat", "caveat"])
    first, again = (
        gt.data.write_lines(texts, writers, seed=1)[0],
        gt.data.write_lines(texts, writers, seed=1)[0],
    )
    assert torch.equal(first, again) and not torch.equal(first[0], first[1])
    plain = ink(torch.ones(1, 1, 64, 256), torch.Generator(), 0.0, 0.0, 0.0)
    assert plain[:, :, 2:-2, 2:-2].min() > 0.7


@pytest.mark.parametrize("dark", [True, False])
def test_a_picture_of_a_line_is_read_dark_on_light_and_light_on_dark(dark: bool) -> None:
    line = gt.data.read_line(page("hello", dark=dark))
    assert line.shape[:3] == (1, 1, HEIGHT) and line.shape[3] % 8 == 0
    assert line.max() > 0.8 and (line < -0.9).float().mean() > 0.5


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (page("one", "two"), "2 lines of writing"),
        (page(), "no writing"),
        (b"no picture", "cannot be opened"),
        (torch.zeros(3, 8, 8), "shape"),
        (torch.full((1, 40, 40), -1.0), "no writing"),
    ],
)
def test_bad_pictures_are_refused_in_a_sentence(source: bytes | Tensor, message: str) -> None:
    with pytest.raises(gt.InputError, match=message):
        gt.data.read_line(source)


def test_a_font_without_the_letters_is_refused() -> None:
    symbols = matplotlib_fonts() / "STIXSizFourSymReg.ttf"
    with pytest.raises(gt.InputError, match="no glyph"):
        gt.data.line_typefaces(symbols)


@pytest.mark.parametrize(
    ("text", "message"), [("", "empty"), ("naïve", "'ï'"), ("x" * 201, "at most 200"), (5, "text in quotes")]
)
def test_texts_that_cannot_be_written_are_refused(text: str, message: str) -> None:
    with pytest.raises(gt.InputError, match=message):
        gt.data.typeset_lines([text], gt.data.line_typefaces()[:1], [1.0])


def test_a_line_is_as_wide_as_its_text_needs() -> None:
    face = gt.data.line_typefaces()[:1]
    short, long = (gt.data.typeset_lines([text], face, [1.0]).shape[3] for text in ("a", "a" * 60))
    assert short == WIDTH < long and not long % 8
    assert gt.data.line_pixels(torch.full((2, 1, 32, 40), 1.0)).max() == 0
