"""Picture files of any depth, written byte by byte: Pillow writes only some of those that it reads."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]

UNSIGNED, SIGNED, FLOATING = 1, 2, 3
"""Values of the TIFF tag SampleFormat."""

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, SEPARATED = 0, 1, 2, 5
"""Values of the TIFF tag PhotometricInterpretation."""

_KINDS = {"B": 1, "H": 3, "I": 4, "h": 8, "i": 9, "f": 11, "d": 12}
"""TIFF's numbers of types, by the letters of ``struct``."""


def tiff(
    pixels: Pixels,
    photometric: int = BLACK_IS_ZERO,
    order: str = "<",
    bits: int | None = None,
    tags: dict[int, tuple[str, list[Any]]] | None = None,
    big: bool = False,
) -> bytes:
    """A TIFF file of pixels (H, W) or (H, W, C), in one strip without compression.

    ``order`` is ``"<"`` or ``">"``; ``bits`` is given where the samples are packed more densely than numpy
    holds them (1 to 12 bits, whole numbers from 0); ``tags`` are further ones, by number: type and values.
    """
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    depth = bits or pixels.dtype.itemsize * 8
    form = {"u": UNSIGNED, "i": SIGNED, "f": FLOATING}[pixels.dtype.kind]
    data = packed(pixels, bits) if bits else pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    entries: dict[int, tuple[str, list[Any]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [depth] * channels),
        259: ("H", [1]),
        262: ("H", [photometric]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", [len(data)]),
        284: ("H", [1]),
        339: ("H", [form] * channels),
    } | (tags or {})
    entries[273] = ("I", [0])
    # The kind for large files (BigTIFF) has places of 64 bits.
    head, place_letter, row = (16, "Q", 20) if big else (8, "I", 12)
    room = row - 4 - struct.calcsize(place_letter)  # of the tag, the type and the number of values
    place = head + struct.calcsize(place_letter if big else "H") + row * len(entries) + (row - 4 - room)

    def contents() -> tuple[bytes, bytes]:
        rows, extra = b"", b""
        for tag, (kind, values) in sorted(entries.items()):
            content = struct.pack(f"{order}{len(values)}{kind}", *values)
            if len(content) > struct.calcsize(place_letter):
                field = struct.pack(order + place_letter, place + len(extra))
                extra += content
            else:
                field = content.ljust(struct.calcsize(place_letter), b"\0")
            rows += struct.pack(f"{order}HH{place_letter}", tag, _KINDS[kind], len(values)) + field
        return rows, extra

    entries[273] = ("I", [place + len(contents()[1])])
    rows, extra = contents()
    mark = b"II" if order == "<" else b"MM"
    start = struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if big else struct.pack(f"{order}HI", 42, 8)
    count = struct.pack(order + ("Q" if big else "H"), len(entries))
    return mark + start + count + rows + struct.pack(order + place_letter, 0) + extra + data


def packed(pixels: Pixels, bits: int) -> bytes:
    """Samples of a few bits each, the highest bit first, each row filled up to whole bytes."""
    rows = pixels.reshape(len(pixels), -1).astype(np.int64)
    flags = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(flags.reshape(len(pixels), -1).astype(np.uint8), axis=1).tobytes()


def png(pixels: Pixels, bits: int = 16, chunks: dict[bytes, bytes] | None = None) -> bytes:
    """A PNG file of pixels (H, W), (H, W, 2), (H, W, 3) or (H, W, 4), with further chunks before the data."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    if bits == 16:
        rows = pixels.astype(">u2").reshape(len(pixels), -1).view(np.uint8)
    elif bits == 8:
        rows = pixels.astype(np.uint8).reshape(len(pixels), -1)
    else:
        rows = np.frombuffer(packed(pixels, bits), np.uint8).reshape(len(pixels), -1)
    lines = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows], 1)
    parts = {b"IHDR": struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, kind, 0, 0, 0)}
    parts |= (chunks or {}) | {b"IDAT": zlib.compress(lines.tobytes()), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts.items()
    )
