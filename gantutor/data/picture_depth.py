"""Pictures of any depth: which of their numbers is black and which is white.

Pillow reads a grey picture of more than 8 bits as whole numbers and does not say what they mean. A TIFF file
says it in its tags: how many bits a number has, whether it has a sign, and whether 0 is white. It does not
say whether all of its bits are used. A camera of 12 bits often stores them in 16, so that its white is 4,095
of 65,535. Such a file cannot be told from a dark picture, and only its owner knows.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gantutor._errors import InputError

WIDTH, BITS, PHOTOMETRIC, SAMPLES, SAMPLE_FORMAT = 256, 258, 262, 277, 339
"""TIFF's tags of the width, the bits of a number, what 0 means, the channels, and the type of the numbers."""

MAX_VALUE, SIGNED_MIN, SIGNED_MAX = 281, 340, 341
"""TIFF's tags MaxSampleValue, SMinSampleValue and SMaxSampleValue."""

WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
"""Values of the photometric tag of grey pictures."""

UNSIGNED, SIGNED, FLOATING = 1, 2, 3
"""Values of the tag of the type."""

MIN_USED_SHARE = 1 / 16
"""A picture that uses a smaller share of its range is taken for one with fewer bits than it says."""


@dataclass(frozen=True)
class Depth:
    """What a file says about the numbers of its picture.

    Args:
        bits: bits of a number, for each channel.
        form: ``UNSIGNED``, ``SIGNED`` or ``FLOATING``.
        inverted: whether 0 is white and the decoder has not turned it yet.
        black_white: the numbers that are black and white, or None where the file does not say.
        channels: how many channels there are.
        scaled: whether the decoder has scaled white to 65,535.

    >>> Depth(12).full_range, Depth(16, SIGNED).full_range
    ((0, 4095), (-32768, 32767))
    """

    bits: int = 8
    form: int = UNSIGNED
    inverted: bool = False
    black_white: tuple[int, int] | None = None
    channels: int = 1
    scaled: bool = False

    @property
    def is_deep_grey(self) -> bool:
        """Whether Pillow gives the numbers of the file, and not shades of 8 bits."""
        return self.channels == 1 and (self.bits > 8 or self.form != UNSIGNED)

    @property
    def full_range(self) -> tuple[int, int]:
        """The smallest and the largest number that this number of bits can hold."""
        half = 2 ** (self.bits - 1)
        return (-half, half - 1) if self.form == SIGNED else (0, 2 * half - 1)


def tiff_depth(stream: Any) -> tuple[Any, Depth | None]:
    """Read what a TIFF file says about its numbers, and make it one that Pillow can decode.

    Pillow does not know some kinds, such as signed grey numbers with white as 0. For these a copy of the file
    is made in memory, whose tags name a kind that it knows. ``to_shades`` gives the numbers their meaning.

    Args:
        stream: a binary stream.

    Returns:
        The stream or the copy, at its beginning, and the depth; None if the file is no whole TIFF file.
    """
    start = stream.read(4)
    stream.seek(0)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(start)
    if order is None:
        return stream, None
    tags = _tags(stream, order)
    stream.seek(0)
    if WIDTH not in tags:
        return stream, None  # damaged, as Pillow will say
    depth = _depth({tag: value for tag, (value, _) in tags.items()})
    changes = {}
    if depth.inverted:
        changes[PHOTOMETRIC] = BLACK_IS_ZERO
    if (
        depth.channels == 1
        and (depth.bits, depth.form) == (32, UNSIGNED)
        and order == ">"
        and SAMPLE_FORMAT in tags
    ):
        changes[SAMPLE_FORMAT] = SIGNED
    if changes:
        content = bytearray(stream.read())
        for tag, value in changes.items():
            struct.pack_into(f"{order}H", content, tags[tag][1], value)
        stream = io.BytesIO(content)
    return stream, depth


def _depth(values: dict[int, int]) -> Depth:
    """What the tags of a TIFF file say, given their first values."""
    bits, form, channels = values.get(BITS, 1), values.get(SAMPLE_FORMAT, UNSIGNED), values.get(SAMPLES, 1)
    white_is_zero = values.get(PHOTOMETRIC, BLACK_IS_ZERO) == WHITE_IS_ZERO
    inverted = white_is_zero and channels == 1 and (bits > 8 or form != UNSIGNED)
    return Depth(bits, form, inverted, _stated(values, bits, form), channels)


def _stated(values: dict[int, int], bits: int, form: int) -> tuple[int, int] | None:
    """The numbers that are black and white by the tags of a TIFF file, or None.

    Of unsigned numbers the tags hold the largest one, which shows how many bits are used.
    """
    low, high = values.get(SIGNED_MIN), values.get(SIGNED_MAX)
    if form == SIGNED:
        return (low, high) if low is not None and high is not None and low < high else None
    top = values.get(MAX_VALUE, 0) if high is None else high
    return (0, 2 ** top.bit_length() - 1) if 0 < top < 2**bits - 1 else None


def pillow_depth(image: Any) -> Depth:
    """Return the depth of a picture for which ``tiff_depth`` gave none.

    Args:
        image: an image of Pillow that is not loaded yet.
    """
    if image.format == "TIFF":  # of the kind for large files
        first = {
            tag: value[0] if isinstance(value, tuple) and value else value
            for tag, value in image.tag_v2.items()
        }
        return _depth({tag: value for tag, value in first.items() if isinstance(value, int)})
    packing = image.tile[0].args if image.tile else ""
    if image.mode == "F":
        return Depth(32, FLOATING)
    if not image.mode.startswith("I"):
        deep = "16" in str(packing) or "65535" in str(packing)
        return Depth(16 if deep else 8, channels=len(image.getbands()) if deep else 1)
    if isinstance(packing, tuple) and isinstance(packing[-1], int):  # a PGM file names its white
        return Depth(packing[-1].bit_length(), black_white=(0, packing[-1]), scaled=True)
    return Depth(16)


def describe(depth: Depth) -> str:
    """Describe the numbers of a picture for an error message.

    Args:
        depth: what its file says.

    >>> describe(Depth(32, FLOATING, channels=3))
    '3 channels of 32-bit floating-point numbers'
    """
    kind = {UNSIGNED: "whole", SIGNED: "signed whole", FLOATING: "floating-point"}.get(depth.form, "other")
    return f"{depth.channels} channel{'s' * (depth.channels != 1)} of {depth.bits}-bit {kind} numbers"


def to_shades(
    numbers: NDArray[Any], depth: Depth, value_range: tuple[float, float] | None, name: str
) -> Tensor:
    """Convert the numbers of a grey picture to shades.

    Args:
        numbers: the numbers (H, W), as Pillow gives them.
        depth: what the file says about them.
        value_range: the numbers that are black and white, by the user's word; None for what the file says.
        name: the file, for error messages.

    Returns:
        Shades (H, W), float32, from 0 (black) to 1 (white).

    Raises:
        InputError: if the meaning of the numbers is not known: they are floating-point ones, or they use less
            than a sixteenth of their range.

    >>> to_shades(np.array([[0, 4095]]), Depth(16), (0, 4095), "scan.tif")
    tensor([[0., 1.]])
    """
    if depth.scaled and depth.black_white:
        numbers = np.rint(numbers * (depth.black_white[1] / 65535))
    elif depth.form == UNSIGNED and depth.bits == 32:
        numbers = numbers.astype(np.int64) & (2**32 - 1)
    elif depth.form == SIGNED and depth.bits == 8:
        numbers = numbers.view(np.int8)
    if not np.isfinite(numbers).all():
        raise InputError(f"{name} contains numbers that are not finite (NaN or infinity)")
    black, white = value_range or _black_white(numbers, depth, name)
    shades = ((numbers.astype(np.float64) - black) / (white - black)).clip(0, 1)
    tensor = torch.from_numpy(shades.astype(np.float32))
    return 1 - tensor if depth.inverted else tensor


def _black_white(numbers: NDArray[Any], depth: Depth, name: str) -> tuple[float, float]:
    if depth.form == FLOATING:
        raise InputError(
            f"{name} holds floating-point numbers, and its black and white are unknown: "
            "save it as PNG or JPEG, or pass them, as in value_range=(0.0, 1.0)"
        )
    lowest, highest = int(numbers.min()), int(numbers.max())
    if depth.black_white and depth.black_white[0] <= lowest and highest <= depth.black_white[1]:
        return depth.black_white  # otherwise, what the file says is wrong
    low, high = depth.full_range
    used = highest - (lowest if depth.form == SIGNED else 0)
    if depth.bits > 8 and lowest < highest and used < MIN_USED_SHARE * (high - low):
        guess = (lowest, highest) if depth.form == SIGNED else (0, 2 ** highest.bit_length() - 1)
        raise InputError(
            f"{name} uses only the numbers from {lowest:,} to {highest:,} of {low:,} to {high:,}, and would "
            f"become nearly one colour: pass its black and white, such as value_range={guess}"
        )
    return low, high


# --- the tags of a TIFF file --------------------------------------------------------------------------------

_FORMS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""Letters of ``struct`` for TIFF's types of whole numbers."""


def _tags(stream: Any, order: str) -> dict[int, tuple[int, int]]:
    """The first whole number of each tag of the first picture, and its place in the file."""

    def unpack(form: str, place: int) -> tuple[Any, ...]:
        stream.seek(place)
        return struct.unpack(order + form, stream.read(struct.calcsize(order + form)))

    tags: dict[int, tuple[int, int]] = {}
    with suppress(struct.error):  # of a damaged file
        (start,) = unpack("I", 4)
        (count,) = unpack("H", start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = unpack("HHI", entry)
            if kind in _FORMS and length:
                fits = length * struct.calcsize(_FORMS[kind]) <= 4
                place = entry + 8 if fits else unpack("I", entry + 8)[0]
                tags[tag] = unpack(_FORMS[kind], place)[0], place
    return tags
