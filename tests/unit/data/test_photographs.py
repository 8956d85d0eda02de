"""Photographs of one's own: every kind of file that people have, and those that are refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gantutor._errors import InputError
from gantutor.data import read_photograph


def scene(width: int = 90, height: int = 120) -> Image.Image:
    """Red on the left, blue on the right, a green band along the top tenth."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    pixels[: height // 10] = (0, 255, 0)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_the_middle_square_in_grey_by_the_weights_of_the_standard() -> None:
    photograph = read_photograph(encoded(scene()), side=30)
    assert photograph.shape == (1, 30, 30) and photograph.dtype == torch.float32
    assert float(photograph[0, 15, 5]) == pytest.approx(2 * 0.299 - 1, abs=1e-5)
    assert float(photograph[0, 15, 25]) == pytest.approx(2 * 0.114 - 1, abs=1e-5)
    assert float(photograph[0, 1, 5]) == pytest.approx(
        2 * 0.299 - 1, abs=1e-5
    )  # the band lies above the square


def test_colour_is_kept_where_it_is_wanted() -> None:
    photograph = read_photograph(encoded(scene()), side=30, grey=False)
    assert photograph.shape == (3, 30, 30)
    torch.testing.assert_close(photograph[:, 15, 5], torch.tensor([1.0, -1.0, -1.0]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_the_usual_formats_agree(kind: str, tmp_path: Path) -> None:
    (tmp_path / "photograph").write_bytes(encoded(scene(), kind))
    found = read_photograph(tmp_path / "photograph", side=30)
    assert float((found - read_photograph(encoded(scene()), side=30)).abs().mean()) < 0.03
    assert torch.equal(found, read_photograph(str(tmp_path / "photograph"), side=30))


@pytest.mark.parametrize(
    ("orientation", "turn"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (2, None)]
)
def test_the_camera_says_what_is_up(orientation: int, turn: Image.Transpose | None) -> None:
    stored = scene().transpose(turn if turn is not None else Image.Transpose.FLIP_LEFT_RIGHT)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_photograph(encoded(stored, exif=exif), side=30)
    assert torch.equal(found, read_photograph(encoded(scene()), side=30))
    assert not torch.allclose(read_photograph(encoded(stored), side=30), found)


def test_what_is_transparent_is_white() -> None:
    glass = scene().convert("RGBA")
    glass.paste((0, 0, 0, 0), (0, 0, 45, 120))
    for image in (glass, glass.convert("LA"), glass.convert("PA") if hasattr(Image, "PA") else glass):
        found = read_photograph(encoded(image), side=30)
        assert float(found[0, 15, 5]) == pytest.approx(1.0)
        assert float(found[0, 15, 25]) == pytest.approx(2 * 0.114 - 1, abs=0.01)
    palette = Image.new("P", (60, 60), 0)
    palette.putpalette([0, 0, 0, 0, 0, 255])
    palette.paste(1, (30, 0, 60, 60))
    found = read_photograph(encoded(palette, "GIF", transparency=0), side=30)
    assert float(found[0, 15, 5]) == pytest.approx(1.0)


def test_sixteen_bits_of_grey() -> None:
    ramp = np.linspace(0, 65535, 60).round().astype(np.uint16)[None].repeat(60, 0)
    found = read_photograph(encoded(Image.fromarray(ramp)), side=60)
    expected = torch.from_numpy(ramp.astype(np.float32)) / 65535 * 2 - 1
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB"])
def test_other_modes_are_read(mode: str) -> None:
    from PIL import ImageCms

    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(scene(), *profiles, outputMode="LAB")
        assert image is not None
    else:
        image = scene().convert(mode)
    found = read_photograph(encoded(image, "JPEG" if mode == "YCbCr" else "TIFF"), side=30)
    assert found.shape == (1, 30, 30) and bool(found.isfinite().all())
    assert mode in ("1", "LAB") or float(found[0, 15, 5]) > float(found[0, 15, 25])


def test_of_an_animation_the_first_picture_is_taken() -> None:
    frames = [scene(), scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    found = read_photograph(moving, side=30)
    assert float((found - read_photograph(encoded(scene()), side=30)).abs().mean()) < 0.03


def test_a_box_cuts_first() -> None:
    found = read_photograph(encoded(scene()), side=12, grey=False, box=(60, 0, 72, 12))
    torch.testing.assert_close(found[:, 5, 5], torch.tensor([-1.0, 1.0, -1.0]))
    with pytest.raises(InputError, match=r"^box must lie within the photograph, which has 90 × 120 pixels"):
        read_photograph(encoded(scene()), box=(0, 0, 91, 50))


@pytest.mark.parametrize("box", [(0, 0, 10), "0123", 5, (0, 0, 9.5, 9), (0, 0, True, 9), (9, 0, 9, 9)])
def test_a_box_that_is_none_is_refused(box: Any) -> None:
    with pytest.raises(InputError, match=r"^box must "):
        read_photograph(encoded(scene()), box=box)


def test_small_ones_are_refused_and_half_the_side_is_enough() -> None:
    assert read_photograph(encoded(scene(32, 50)), side=64).shape == (1, 64, 64)
    with pytest.raises(InputError, match=r"only 31 × 31 pixels: at least 32 × 32 are needed for 64 × 64$"):
        read_photograph(encoded(scene(31, 400)), side=64)


def bomb(width: int, height: int) -> bytes:
    """A PNG file of a few bytes that says it has so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_000, 12_000, 100_000])
def test_what_unpacks_to_too_much_is_refused_before_it_does(side: int) -> None:
    with pytest.raises(InputError, match=r"at most 80 million can be read$"):
        read_photograph(bomb(side, side))


def test_a_photograph_of_one_colour_is_refused() -> None:
    with pytest.raises(InputError, match=r"^the photograph has only one colour"):
        read_photograph(encoded(Image.new("RGB", (80, 80), (90, 90, 90))))


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_damaged_files_are_one_sentence(kind: str, cut: float) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8))
    whole = encoded(noise, kind)
    with pytest.raises(InputError, match=r"cannot be read") as refused:
        read_photograph(whole[: int(cut * len(whole))])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"some text", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_said(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the photograph cannot be read as a picture"):
        read_photograph(content)
    (tmp_path / "letter.png").write_bytes(content)
    with pytest.raises(InputError, match=r"^letter\.png cannot be read as a picture"):
        read_photograph(tmp_path / "letter.png")


def test_floating_point_pictures_are_refused() -> None:
    image = Image.fromarray(np.random.default_rng(0).random((80, 80)).astype(np.float32))
    with pytest.raises(InputError, match=r"holds floating-point numbers"):
        read_photograph(encoded(image, "TIFF"))


@pytest.mark.parametrize("source", [None, 3, torch.zeros(3), ["a"]])
def test_other_sources_are_refused(source: Any) -> None:
    with pytest.raises(InputError, match=r"^a photograph must be the path of a picture file or its bytes"):
        read_photograph(source)


def test_a_path_to_nothing_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(InputError, match=r"^there is no file "):
            read_photograph(path)


@pytest.mark.parametrize(("name", "value"), [("side", 4), ("side", 64.0), ("grey", 1)])
def test_wrong_parameters_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name} must be "):
        read_photograph(encoded(scene()), **{name: value})
