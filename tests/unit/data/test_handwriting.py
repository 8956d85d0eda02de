"""Pages that the test draws from real digits: every one is found, framed as MNIST frames it, and read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

import gantutor as gt
from gantutor.data.handwriting import handwritten_line, read_handwriting
from gantutor.data.ink import connected_components, extract_ink, otsu_threshold, read_grey

DIGITS = gt.data.digits().held_out.tensors[0]
LABELS = gt.data.digits().held_out.tensors[1]


def page(chosen: Tensor, times: float = 2.0, gap: int = 10, margin: int = 20) -> Tensor:
    """Digits in a line, white ink on black paper: (H, W) in [0, 1]."""
    images = F.interpolate((DIGITS[chosen] + 1) / 2, scale_factor=times, mode="bicubic").clamp(0, 1)
    drawn = []
    for image in images[:, 0]:
        columns = (image > 0.1).any(0).nonzero()[:, 0]
        drawn += [image[:, columns[0] : columns[-1] + 1], torch.zeros(image.shape[0], gap)]
    return F.pad(torch.cat(drawn[:-1], 1), (margin, margin, margin, margin))


def picture(values: Tensor, kind: str = "PNG", **options: Any) -> bytes:
    """(H, W) or (H, W, 3) in [0, 1] as the bytes of a picture file."""
    file = io.BytesIO()
    Image.fromarray((values.clamp(0, 1) * 255).round().byte().numpy()).save(file, kind, **options)
    return file.getvalue()


def noise(values: Tensor, sigma: float) -> Tensor:
    return sigma * torch.randn(values.shape, generator=torch.Generator().manual_seed(0))


def on_paper(values: Tensor) -> Tensor:
    """Blue ink on yellowish paper, darker to one side, with some noise."""
    ink, paper = torch.tensor([0.1, 0.15, 0.5]), torch.tensor([0.95, 0.92, 0.8])
    light = torch.linspace(1.0, 0.6, values.shape[1])[None, :, None]
    colours = (1 - values[..., None]) * paper * light + values[..., None] * ink * light
    return colours + noise(colours, 0.02)


PAGES = {
    "white on black": lambda values: picture(values),
    "black on white": lambda values: picture(1 - values),
    "faint": lambda values: picture(0.55 - 0.3 * values),
    "noisy": lambda values: picture(1 - values + noise(values, 0.08)),
    "photographed": lambda values: picture(on_paper(values), "JPEG", quality=80),
}


CHOSEN = [torch.arange(line, 1000, 167)[:6] for line in range(12)]


def read_as(images: Tensor) -> Tensor:
    return gt.metrics.classify_digits(images)[1].argmax(1)


def shares(pages: list[bytes], chosen: list[Tensor]) -> tuple[float, float]:
    """The share of pages with the right number of digits, and of digits that were found there and read."""
    found, right, count = 0, 0, sum(map(len, chosen))
    for content, those in zip(pages, chosen, strict=True):
        images = read_handwriting(content)
        if len(images) == len(those):
            found, right = found + 1, right + int((read_as(images) == LABELS[those]).sum())
    return found / len(pages), right / count


@pytest.mark.parametrize("kind", PAGES)
def test_real_digits_are_found_and_read(kind: str) -> None:
    found, right = shares([PAGES[kind](page(chosen)) for chosen in CHOSEN], CHOSEN)
    assert found >= 0.9 and right >= 0.95


@pytest.mark.parametrize("times", [1.0, 4.0, 9.0])
def test_the_size_of_the_picture_does_not_matter(times: float) -> None:
    some = CHOSEN[:4]
    found, right = shares([picture(1 - page(chosen, times)) for chosen in some], some)
    assert found == 1 and right >= 0.95


def test_a_single_digit_fills_a_picture() -> None:
    some = [torch.tensor([index]) for index in range(0, 1000, 50)]
    found, right = shares([picture(1 - page(one, 4.0, margin=6)) for one in some], some)
    assert found >= 0.95 and right >= 0.9


def by_pen(width: int = 3) -> bytes:
    """0, 1, 4 and 7 drawn 200 pixels high with a fine pen."""
    drawn = Image.new("L", (800, 300), 255)
    pen = ImageDraw.Draw(drawn)
    pen.ellipse((40, 50, 170, 250), outline=0, width=width)
    strokes = [[(290, 50), (280, 250)], [(420, 50), (390, 160), (510, 160)], [(490, 50), (480, 250)]]
    strokes += [[(600, 55), (730, 50), (650, 250)]]
    for stroke in strokes:
        pen.line(stroke, fill=0, width=width)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


def test_thin_strokes_are_made_as_wide_as_those_of_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    images = read_handwriting(by_pen())
    assert read_as(images).tolist() == [0, 1, 4, 7]
    monkeypatch.setattr("gantutor.data.handwriting.MIN_STROKE_WIDTH", 0.0)
    assert float((read_handwriting(by_pen()) + 1).mean()) < 0.6 * float((images + 1).mean())


def test_the_frame_is_that_of_the_digits() -> None:
    images = (read_handwriting(PAGES["black on white"](page(CHOSEN[0]))) + 1) / 2
    place = torch.arange(28.0)
    for image in images[:, 0]:
        inked = (image > 0.1).nonzero()
        assert 18 <= int((inked.amax(0) - inked.amin(0)).max()) + 1 <= 20
        for axis in (0, 1):
            assert float((image.sum(1 - axis) * place).sum() / image.sum()) == pytest.approx(14, abs=0.6)
    assert float(images.min()) >= 0 and float(images.max()) == pytest.approx(1)
    missed = [float((images - (DIGITS[chosen] + 1) / 2).abs().mean()) for chosen in CHOSEN[:2]]
    assert missed[0] < 0.4 * missed[1]  # those that were drawn, and others of the same classes


def test_a_line_of_digits_comes_apart_again() -> None:
    found = right = 0
    for chosen in CHOSEN:
        images = read_handwriting(handwritten_line(DIGITS[chosen]))
        found += len(images) == 6
        right += int((read_as(images) == LABELS[chosen]).sum()) if len(images) == 6 else 0
    assert found >= 11 and right >= 0.95 * 72
    with pytest.raises(gt.InputError, match="digits must have shape"):
        handwritten_line(DIGITS[0])


def test_exif_colour_alpha_and_files(tmp_path: Path) -> None:
    values = 1 - page(CHOSEN[1])
    upright = read_handwriting(picture(values))
    turned = Image.Exif()
    turned[274] = 6  # shown turned by 90° clockwise
    assert torch.equal(read_handwriting(picture(values.rot90(), exif=turned)), upright)
    assert not torch.equal(read_handwriting(picture(values.rot90(3), exif=turned)), upright)
    ink = torch.stack([torch.zeros_like(values)] * 3 + [1 - values], 2)  # black on nothing
    assert torch.equal(read_handwriting(picture(ink)), upright)
    (tmp_path / "line.png").write_bytes(picture(values))
    assert torch.equal(read_handwriting(tmp_path / "line.png"), upright)
    assert torch.equal(read_handwriting(str(tmp_path / "line.png")), upright)


def test_specks_are_left_out_and_parts_above_each_other_joined() -> None:
    values = page(CHOSEN[2])
    values[3:5, 30:33] = values[8, 100] = 1
    assert len(read_handwriting(picture(1 - values))) == 6
    broken = page(torch.tensor([350]), 4.0)  # a digit in two parts
    inked = (broken > 0.5).any(1).nonzero()[:, 0]
    broken[int(inked[0]) + 30 : int(inked[0]) + 33] = 0
    assert len(connected_components(broken > 0.5)) > 1 and len(read_handwriting(picture(1 - broken))) == 1


def test_otsu_is_the_best_threshold_of_all() -> None:
    draw = torch.Generator().manual_seed(0)
    values = torch.cat(
        [0.2 + 0.05 * torch.randn(700, generator=draw), 0.8 + 0.1 * torch.randn(300, generator=draw)]
    )
    values = values.clamp(0, 1)

    def within(level: float) -> float:
        sides = values[values > level], values[values <= level]
        return sum(float(side.var(correction=0)) * len(side) for side in sides if len(side))

    level, contrast = otsu_threshold(values)
    assert within(level) <= min(within(each / 256) for each in range(1, 256)) + 1e-3
    assert contrast == pytest.approx(0.6, abs=0.02)


def test_components_are_those_of_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = torch.rand(40, 60, generator=torch.Generator().manual_seed(0)) < 0.3
    expected, count = ndimage.label(mask.numpy(), structure=np.ones((3, 3)))
    found = connected_components(mask)
    assert len(found) == count and int(sum(part.sum() for part in found)) == int(mask.sum())
    assert all(len(np.unique(expected[part.numpy()])) == 1 for part in found)


def test_ink_does_not_mind_the_light() -> None:
    values = page(CHOSEN[3])
    shaded = (1 - 0.8 * values) * torch.linspace(1.0, 0.5, values.shape[1])
    assert float(extract_ink(shaded)[values == 0].mean()) < 0.02
    assert float(extract_ink(1 - values)[values > 0.99].mean()) > 0.95
    assert float(extract_ink(values)[values > 0.99].mean()) > 0.95


PAPER = torch.full((200, 300), 0.9)
TWO_LINES = torch.cat([page(CHOSEN[0]), page(CHOSEN[0])])
MANY = page(torch.arange(0, 1000, 40))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: picture(PAPER), "there is no writing on the picture: ink and paper differ by 0%"),
        (lambda: picture(PAPER + noise(PAPER, 0.03)), "there is no writing on the picture"),
        (lambda: picture(1 - TWO_LINES), "digits above each other: write them in one line"),
        (lambda: picture(1 - MANY), "25 separate shapes were found on the picture, but at most 20 digits"),
        (lambda: b"", "the picture cannot be opened"),
        (lambda: picture(PAPER)[:60], "the picture cannot be opened"),
        (lambda: "nowhere.png", "there is no file 'nowhere.png'"),
        (lambda: torch.zeros(28, 28), r"an image must be floats of shape \(1, H, W\), not torch.float32 of"),
        (lambda: torch.full((1, 30, 30), 2.0), "must be finite and lie in"),
        (lambda: torch.zeros(1, 30, 801), "an image may be at most 800 pixels long, not 801"),
        (lambda: 3, "a picture must be the path of a file or its bytes, not int"),
    ],
)
def test_what_cannot_be_read_ends_in_a_sentence(content: Any, says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        read_handwriting(content())
    assert "\n" not in str(error.value)


def test_a_picture_of_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantutor.data.ink.MAX_PIXELS", 1000)
    with pytest.raises(gt.InputError, match="has more than 1,000 pixels"):
        read_handwriting(picture(PAPER))


def test_ink_of_16_bits_is_read_in_all_its_shades(tmp_path: Path) -> None:

    shades = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(64, 0)
    Image.fromarray(shades).save(tmp_path / "deep.png")
    read = read_grey(tmp_path / "deep.png")
    torch.testing.assert_close(read[0], torch.linspace(0, 1, 64), atol=1 / 255, rtol=0)
