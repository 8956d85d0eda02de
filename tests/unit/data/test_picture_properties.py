"""Photographs of every mode, depth, size, order of bytes and format: the right shades or a clear sentence."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from picture_cases import BLACK_IS_ZERO, RGB, SEPARATED, WHITE_IS_ZERO, Pixels, png, tiff
from PIL import Image
from property_cases import tried

from gantutor._errors import InputError
from gantutor.data import read_photograph

WHOLE = {
    f"{sign}{size}": (0 if sign == "u" else -(2 ** (8 * size - 1)), 2 ** (8 * size - (sign == "i")))
    for sign in "ui"
    for size in (1, 2, 4)
}
"""The smallest number of a type, and one more than the largest."""

UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}
"""What turns stored rows upright, by the number of the orientation in EXIF and TIFF."""


class Scene(NamedTuple):
    """Shades or colours (H, W, C) from 0 to 1, and how they are stored."""

    shades: Pixels
    orientation: int


@st.composite
def scenes(draw: Any, channels: int = 1) -> Scene:
    height, width = draw(st.integers(8, 24)), draw(st.integers(8, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    shades = rng.random((height, width, channels))
    shades[0, 0], shades[-1, -1] = 0, 1
    return Scene(shades, draw(st.sampled_from(sorted(UPRIGHT))))


def read(content: bytes, grey: bool, orientation: int, size: tuple[int, ...], **options: Any) -> Pixels:
    """The whole middle square, (H, W, C) in [0, 1], as ``expected`` gives it."""
    upright = UPRIGHT[orientation](np.zeros(size[:2]))
    found = read_photograph(content, side=min(upright.shape), grey=grey, **options)
    return np.asarray((found.permute(1, 2, 0).double() + 1) / 2)


def expected(shades: Pixels, orientation: int) -> Pixels:
    """The middle square of the upright picture."""
    upright = UPRIGHT[orientation](shades)
    edge = min(upright.shape[:2])
    top, left = ((side - edge) // 2 for side in upright.shape[:2])
    return upright[top : top + edge, left : left + edge]


def numbers(shades: Pixels, low: int, high: int) -> Pixels:
    """Whole numbers from ``low`` to ``high`` − 1."""
    return np.rint(shades * (high - 1 - low) + low).clip(low, high - 1)


# --- grey of every depth ------------------------------------------------------------------------------------


@tried(150)
@given(scenes(), st.sampled_from(sorted(WHOLE)), st.booleans(), st.sampled_from("<>"))
def test_grey_tiff_of_every_depth_sign_and_meaning_of_zero(
    scene: Scene, kind: str, inverted: bool, order: str
) -> None:
    low, high = WHOLE[kind]
    stored = numbers(scene.shades[..., 0], low, high)
    content = tiff(
        stored.astype(np.int64).astype(kind),
        WHITE_IS_ZERO if inverted else BLACK_IS_ZERO,
        order,
        tags={274: ("H", [scene.orientation])},
    )
    shades = (stored - low) / (high - 1 - low)
    shades = (1 - shades if inverted else shades)[..., None]
    found = read(content, True, scene.orientation, stored.shape)
    np.testing.assert_allclose(found, expected(shades, scene.orientation), atol=2e-7)


@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize(("kind", "order"), [("u1", "<"), ("u2", "<"), ("u2", ">"), ("i2", "<"), ("u4", "<")])
def test_the_tiff_files_for_large_pictures(kind: str, order: str, photometric: int) -> None:
    low, high = WHOLE[kind]
    stored = np.linspace(low, high - 1, 100).reshape(10, 10)
    content = tiff(stored.astype(np.int64).astype(kind), photometric, order, big=True)
    try:
        found = read(content, True, 1, (10, 10))[..., 0]
    except InputError as refused:  # Pillow does not know it, and it is not changed for it
        assert "cannot be read" in str(refused) and (photometric == WHITE_IS_ZERO or order == ">")
        return
    shades = np.linspace(0, 1, 100).reshape(10, 10)
    np.testing.assert_allclose(
        found, 1 - shades if photometric == WHITE_IS_ZERO else shades, atol=max(1e-6, 1 / (high - low))
    )


@tried(60)
@given(scenes(), st.sampled_from([1, 2, 4, 12]), st.booleans(), st.sampled_from("<>"))
def test_grey_tiff_of_packed_bits(scene: Scene, bits: int, inverted: bool, order: str) -> None:
    stored = numbers(scene.shades[..., 0], 0, 2**bits).astype(np.uint16)
    photometric = WHITE_IS_ZERO if inverted else BLACK_IS_ZERO
    content = tiff(stored, photometric, order, bits, tags={274: ("H", [scene.orientation])})
    if bits == 12 and order == ">":
        with pytest.raises(InputError, match="1 channel of 12-bit whole numbers is of an unknown kind"):
            read(content, True, scene.orientation, stored.shape)
        return
    shades = stored[..., None] / (2**bits - 1)
    found = read(content, True, scene.orientation, stored.shape)
    np.testing.assert_allclose(
        found, expected(1 - shades if inverted else shades, scene.orientation), atol=2e-7
    )


@tried(60)
@given(scenes(), st.sampled_from([1, 2, 4, 8, 16]), st.booleans())
def test_grey_png_of_every_depth_with_and_without_a_transparent_shade(
    scene: Scene, bits: int, transparent: bool
) -> None:
    stored = numbers(scene.shades[..., 0], 0, 2**bits).astype(np.uint16)
    chosen = int(stored[1, 1])
    chunks = {b"tRNS": struct.pack(">H", chosen)} if transparent else {}
    shades = stored / (2**bits - 1)
    if transparent:
        shades[stored == chosen] = 1
    if expected(shades, 1).std() < 0.005:
        with pytest.raises(InputError, match="one colour"):
            read(png(stored, bits, chunks), True, 1, stored.shape)
        return
    found = read(png(stored, bits, chunks), True, 1, stored.shape)
    np.testing.assert_allclose(found, expected(shades[..., None], 1), atol=2e-7)


@tried(60)
@given(scenes(3), st.integers(1, 65_535), st.booleans(), st.booleans())
def test_pgm_and_ppm_with_any_maximum(scene: Scene, largest: int, colour: bool, plain: bool) -> None:
    stored = numbers(scene.shades if colour else scene.shades[..., :1], 0, largest + 1)
    height, width = stored.shape[:2]
    head = f"P{2 if plain else 5}" if not colour else f"P{3 if plain else 6}"
    body = (
        " ".join(str(int(number)) for number in stored.flat).encode()
        if plain
        else stored.astype(">u2" if largest > 255 else "u1").tobytes()
    )
    content = f"{head}\n{width} {height}\n{largest}\n".encode() + body
    found = read(content, not colour, 1, stored.shape)
    # Pillow holds colours, and grey of at most 8 bits, in 8 bits.
    near = 1e-5 if largest > 255 and not colour else 0.5 / 255 + 1e-6
    np.testing.assert_allclose(found, expected(stored / largest, 1), atol=near)


@tried(40)
@given(scenes(), st.sampled_from([(281, "H"), (341, "H")]), st.integers(256, 4095), st.booleans())
def test_the_bits_that_the_tags_name_are_the_ones_that_count(
    scene: Scene, tag: tuple[int, str], largest: int, inverted: bool
) -> None:
    stored = numbers(scene.shades[..., 0], 0, largest + 1).astype(np.uint16)
    photometric = WHITE_IS_ZERO if inverted else BLACK_IS_ZERO
    content = tiff(stored, photometric, tags={tag[0]: (tag[1], [largest])})
    shades = stored[..., None] / (2 ** largest.bit_length() - 1)
    found = read(content, True, 1, stored.shape)
    np.testing.assert_allclose(found, expected(1 - shades if inverted else shades, 1), atol=2e-7)


@tried(40)
@given(scenes(), st.integers(-2000, 0), st.integers(100, 3000), st.sampled_from(["i2", "i4"]), st.booleans())
def test_signed_numbers_between_the_ends_that_the_tags_name_or_the_user(
    scene: Scene, low: int, high: int, kind: str, by_tags: bool
) -> None:
    stored = numbers(scene.shades[..., 0], low, high + 1).astype(kind)
    letter = "h" if kind == "i2" else "i"
    tags = {340: (letter, [low]), 341: (letter, [high])} if by_tags else {}
    shades = (stored[..., None].astype(float) - low) / (high - low)
    options = {} if by_tags else {"value_range": (low, high)}
    found = read(tiff(stored, tags=tags), True, 1, stored.shape, **options)
    np.testing.assert_allclose(found, expected(shades, 1), atol=2e-7)


def few_numbers(tmp_path: Path, content: bytes) -> str:
    """The refusal of a picture that uses a small part of its range."""
    (tmp_path / "scan.tif").write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_photograph(tmp_path / "scan.tif", side=8)
    assert str(refused.value).startswith("scan.tif ") and "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("largest", [200, 1023, 4000, 4095])
@pytest.mark.parametrize("write", [tiff, png])
def test_twelve_bits_in_sixteen_are_never_nearly_black_without_a_word(
    tmp_path: Path, largest: int, write: Callable[[Pixels], bytes]
) -> None:
    stored = np.linspace(0, largest, 100).reshape(10, 10).astype(np.uint16)
    message = few_numbers(tmp_path, write(stored))
    (white,) = re.findall(r"value_range=\(0, (\d+)\)", message)
    assert int(white) == 2 ** largest.bit_length() - 1
    found = read(write(stored), True, 1, (10, 10), value_range=(0, int(white)))
    np.testing.assert_allclose(found[..., 0], stored / int(white), atol=2e-7)
    if largest > 2000:  # darker ones are of one colour
        dark = read(write(stored), True, 1, (10, 10), value_range=(0, 65_535))
        np.testing.assert_allclose(dark[..., 0], stored / 65_535, atol=2e-7)


@pytest.mark.parametrize("kind", ["i2", "u4", "i4"])
def test_other_ranges_that_are_hardly_used_are_told_too(tmp_path: Path, kind: str) -> None:
    stored = np.linspace(0 if kind == "u4" else -1000, 3000, 100).reshape(10, 10).astype(kind)
    message = few_numbers(tmp_path, tiff(stored))
    ends = re.findall(r"value_range=\((-?\d+), (\d+)\)", message)
    assert ends == [("0", "4095") if kind == "u4" else ("-1000", "3000")]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("write", [lambda pixels: tiff(pixels, RGB), png])
def test_dark_colours_of_sixteen_bits_are_told(
    tmp_path: Path, channels: int, write: Callable[[Pixels], bytes]
) -> None:
    stored = np.linspace(0, 4095, 100 * channels).reshape(10, 10, channels).astype(np.uint16)
    if channels == 4:
        stored[..., 3] = 65_535
    assert "colours of 16 bits" in few_numbers(tmp_path, write(stored))


# --- colours ------------------------------------------------------------------------------------------------


@tried(80)
@given(
    scenes(4),
    st.sampled_from(["RGB", "RGBA", "LA", "CMYK"]),
    st.sampled_from(["u1", "u2"]),
    st.sampled_from("<>"),
)
def test_colour_tiff(scene: Scene, mode: str, kind: str, order: str) -> None:
    if (mode, kind) == ("LA", "u2"):
        return  # refused, see below
    high = WHOLE[kind][1]
    count = {"RGB": 3, "RGBA": 4, "LA": 2, "CMYK": 4}[mode]
    stored = numbers(scene.shades[..., :count], 0, high)
    photometric = {"RGB": RGB, "RGBA": RGB, "LA": BLACK_IS_ZERO, "CMYK": SEPARATED}[mode]
    tags: Any = {274: ("H", [scene.orientation])}
    if mode in ("RGBA", "LA"):
        tags[338] = ("H", [2])  # opacity, not multiplied with the colours
    content = tiff(stored.astype(kind), photometric, order, tags=tags)
    parts = stored / (high - 1)
    colours = {
        "RGB": lambda: parts,
        "RGBA": lambda: parts[..., :3] * parts[..., 3:] + 1 - parts[..., 3:],
        "LA": lambda: (parts[..., :1] * parts[..., 1:] + 1 - parts[..., 1:]).repeat(3, 2),
        "CMYK": lambda: (1 - parts[..., :3]) * (1 - parts[..., 3:]),
    }[mode]()
    found = read(content, False, scene.orientation, stored.shape)
    # Sixteen bits are cut to 8, at most one step; CMYK is rounded twice.
    near = (1 if kind == "u2" else 0) / 255 * count + (2 / 255 if mode == "CMYK" else 1e-6)
    np.testing.assert_allclose(found, expected(colours, scene.orientation), atol=near)


@tried(60)
@given(scenes(4), st.integers(2, 4), st.sampled_from([8, 16]), st.booleans())
def test_colour_png(scene: Scene, channels: int, bits: int, transparent: bool) -> None:
    stored = numbers(scene.shades[..., :channels], 0, 2**bits)
    parts, chunks = stored / (2**bits - 1), {}
    if channels == 3 and transparent:
        chunks[b"tRNS"] = struct.pack(">HHH", *(int(number) for number in stored[2, 3]))
    if channels == 3:
        colours = parts.copy()
        if transparent:
            colours[(stored == stored[2, 3]).all(-1)] = 1
    else:
        colours = (parts[..., :-1] * parts[..., -1:] + 1 - parts[..., -1:]).repeat(
            3 if channels == 2 else 1, 2
        )
    found = read(png(stored, bits, chunks), False, 1, stored.shape)
    near = 2.1 / 255 if bits == 16 else 1e-6
    np.testing.assert_allclose(found, expected(colours, 1), atol=near)


@tried(60)
@given(
    scenes(4),
    st.sampled_from(["PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM"]),
    st.sampled_from(["1", "L", "P", "RGB", "RGBA", "LA"]),
)
def test_the_modes_of_the_usual_formats(scene: Scene, kind: str, mode: str) -> None:
    eight_bits = np.rint(scene.shades * 255).astype(np.uint8)
    if mode in ("1", "P"):
        image = Image.fromarray(eight_bits[..., :3]).convert(mode)
    else:
        bands = {"L": 1, "RGB": 3, "RGBA": 4, "LA": 2}[mode]
        image = Image.fromarray(
            eight_bits[..., :bands].squeeze(-1) if bands == 1 else eight_bits[..., :bands]
        )
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    except (OSError, ValueError):
        return  # a mode that the format does not have
    with Image.open(buffer) as again:
        rgba = np.asarray(again.convert("RGBA")) / 255
    colours = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
    found = read(buffer.getvalue(), False, 1, scene.shades.shape)
    np.testing.assert_allclose(found, expected(colours, 1), atol=1e-6)


@tried(30)
@given(
    st.sampled_from(["JPEG", "WEBP", "PNG"]),
    st.sampled_from(sorted(UPRIGHT)),
    st.integers(20, 60),
    st.integers(20, 60),
)
def test_the_orientation_in_the_exif_data(kind: str, orientation: int, height: int, width: int) -> None:
    ramp = np.add.outer(np.linspace(0, 170, height), np.linspace(0, 85, width))
    image, exif = Image.fromarray(np.rint(ramp).astype(np.uint8)), Image.Exif()
    exif[274] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif, **({"quality": 95} if kind != "PNG" else {}))
    found = read(buffer.getvalue(), True, orientation, ramp.shape)
    np.testing.assert_allclose(found, expected(ramp[..., None] / 255, orientation), atol=0.03)


def lab(colour: Pixels) -> Pixels:
    """CIELAB under D50 of a colour of sRGB, whose primaries are adapted by Bradford's matrix."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    to_xyz = [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
    ratio = np.array(to_xyz) @ linear / (0.96422, 1.0, 0.82521)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_colours_in_cielab_and_in_jpeg_are_those_of_their_standards() -> None:
    for colour in ((0.8, 0.3, 0.3), (0.3, 0.7, 0.4), (0.35, 0.4, 0.8), (1.0, 1.0, 1.0)):
        lightness, a, b = lab(np.array(colour))
        stored = np.zeros((16, 16, 3), np.int16)
        stored[4:] = round(lightness * 2.55), round(a), round(b)  # below a black band
        found = read(tiff(stored.astype(np.uint8), 8), False, 1, (16, 16))
        np.testing.assert_allclose(found[10, 8], colour, atol=0.02)
        np.testing.assert_allclose(found[0, 0], 0, atol=0.02)
    colours = np.zeros((32, 32, 3), np.uint8)
    colours[:16, :16], colours[:16, 16:], colours[16:, :16] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    for mode in ("RGB", "YCbCr", "CMYK"):
        buffer = io.BytesIO()
        Image.fromarray(colours).convert(mode).save(buffer, "JPEG", quality=100, subsampling=0)
        found = read(buffer.getvalue(), False, 1, (32, 32))
        for row, column in ((8, 8), (8, 24), (24, 8), (24, 24)):
            np.testing.assert_allclose(found[row, column], colours[row, column] / 255, atol=0.02)


def test_palettes() -> None:
    index = np.arange(64).reshape(8, 8) % 4
    table = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255], [255, 255, 255]])
    wide = np.zeros((3, 256), int)
    wide[:, :4] = table.T * 257
    content = tiff(index.astype(np.uint8), 3, tags={320: ("H", wide.flatten().tolist())})
    np.testing.assert_allclose(read(content, False, 1, (8, 8)), table[index] / 255, atol=1e-6)


# --- what cannot be read ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_floating_point_numbers_are_refused_in_a_sentence(
    tmp_path: Path, kind: str, channels: int, order: str
) -> None:
    shades = np.linspace(0, 1, 100 * channels).reshape(10, 10, channels).squeeze().astype(kind)
    message = few_numbers(tmp_path, tiff(shades, RGB if channels == 3 else BLACK_IS_ZERO, order))
    assert "floating-point numbers" in message and "PNG" in message


def test_floating_point_grey_between_the_ends_that_the_user_names() -> None:
    heights = np.linspace(-3.5, 12.25, 100).reshape(10, 10).astype(np.float32)
    found = read(tiff(heights), True, 1, (10, 10), value_range=(-3.5, 12.25))
    np.testing.assert_allclose(found[..., 0], (heights + 3.5) / 15.75, atol=1e-6)
    inverted = read(tiff(heights, WHITE_IS_ZERO), True, 1, (10, 10), value_range=(-3.5, 12.25))
    np.testing.assert_allclose(inverted[..., 0], 1 - (heights + 3.5) / 15.75, atol=1e-6)
    heights[3, 3] = np.nan
    with pytest.raises(InputError, match=r"^the photograph contains numbers that are not finite"):
        read_photograph(tiff(heights), side=8, value_range=(-3.5, 12.25))


@pytest.mark.parametrize(
    "content",
    [
        tiff(np.arange(100).reshape(10, 10).astype(np.uint64)),
        tiff(np.arange(300).reshape(10, 10, 3).astype(np.uint32), RGB),
        tiff(np.arange(300).reshape(10, 10, 3).astype(np.int16), RGB),
        tiff(np.arange(200).reshape(10, 10, 2).astype(np.uint16), BLACK_IS_ZERO, tags={338: ("H", [2])}),
        tiff(np.arange(100).reshape(10, 10).astype(np.uint16), bits=10),
        tiff(np.arange(100).reshape(10, 10).astype(np.uint16), 3),
    ],
)
def test_unknown_kinds_of_tiff_are_named(tmp_path: Path, content: bytes) -> None:
    assert "a TIFF picture with" in few_numbers(tmp_path, content)


@pytest.mark.parametrize("pixels", [np.zeros((10, 10), np.uint8), np.zeros((10, 10, 3), np.uint16)])
def test_a_range_for_eight_bits_or_colours_is_refused(pixels: Pixels) -> None:
    pixels[0] = np.iinfo(pixels.dtype).max
    with pytest.raises(InputError, match=r"^value_range is only for grey pictures of more than 8 bits"):
        read_photograph(tiff(pixels, RGB if pixels.ndim == 3 else BLACK_IS_ZERO), 8, value_range=(0, 255))


@pytest.mark.parametrize(
    "value_range",
    [(1, 1), (5, 2), (0,), 7, "01", (0, True), (0, float("nan")), (0, float("inf")), (0, 10**400)],
)
def test_a_range_that_is_none_is_refused(value_range: Any) -> None:
    with pytest.raises(InputError, match=r"^value_range must be None or a pair of numbers"):
        read_photograph(tiff(np.eye(10, dtype=np.uint16)), 8, value_range=value_range)


WHOLE_FILES = [
    tiff(np.arange(400).reshape(20, 20).astype(np.int32) * 5_000_000, WHITE_IS_ZERO, ">"),
    tiff(np.arange(1200).reshape(20, 20, 3).astype(np.uint8), RGB, tags={274: ("H", [6])}),
    tiff(np.arange(400).reshape(20, 20).astype(np.uint16), bits=12),
    png(np.arange(400).reshape(20, 20).astype(np.uint16) * 160, chunks={b"tRNS": b"\0\1"}),
]


@tried(300)
@given(
    st.integers(0, len(WHOLE_FILES) - 1),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    st.floats(0.02, 1),
)
def test_damaged_files_give_a_picture_or_one_sentence_that_names_them(
    which: int, changes: list[tuple[float, int]], kept: float
) -> None:
    content = bytearray(WHOLE_FILES[which])
    for place, value in changes:
        content[int(place**3 * (len(content) - 1))] = (
            value  # more of them at the beginning, where the tags are
        )
    try:
        found = read_photograph(bytes(content[: int(kept * len(content))]), side=8)
    except InputError as refused:
        message = str(refused)
        assert "photograph" in message and "\n" not in message and len(message) < 400
    else:
        assert found.shape == (1, 8, 8) and bool(found.isfinite().all())
        assert float(found.min()) >= -1 and float(found.max()) <= 1


def test_every_refusal_of_a_file_names_it(tmp_path: Path) -> None:
    path = tmp_path / "holiday.tif"
    for content in (
        tiff(np.full((20, 20), 7, np.uint16)),
        tiff(np.arange(16).reshape(4, 4).astype(np.uint16) * 4000),
        b"nothing",
        WHOLE_FILES[0][:300],
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"holiday\.tif"):
            read_photograph(path, side=16)


def test_reading_a_file_leaves_it_closed_and_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    for content in WHOLE_FILES:
        path.write_bytes(content)
        stream = io.BytesIO(content)
        assert torch.equal(read_photograph(path, 16), read_photograph(stream.getvalue(), 16))
        assert path.read_bytes() == content
