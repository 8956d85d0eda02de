"""Lines of text as images of 32 pixels: typeset, handwritten by a font with ink, and pairs of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import Rule, checked, integer, number, validate
from gantutor._errors import InputError
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits as load_digits
from gantutor.data.handwriting import MIN_CONTRAST
from gantutor.data.handwriting_fonts import ALPHABET, handwriting_fonts
from gantutor.data.ink import extract_ink, otsu_threshold, read_grey, to_grey
from gantutor.data.typefaces import PROBE_SIZE, Typeface, matplotlib_fonts, typefaces
from gantutor.data.words import check_text, check_texts, encode_text, random_texts

HEIGHT, WIDTH = 32, 128
"""Pixels of the image of a line."""

BASELINE = 22.5
"""Row of the baseline, from the top."""

OVERSAMPLING = 2
"""Lines are drawn and bent at twice the size, and averaged down."""

MARGIN = 4
"""Pixels left and right of the ink."""

NARROWEST, WIDEST = 0.75, 1.25
"""How wide a line of handwriting may be, relative to the same line in type; others are stretched."""

LONGEST_LINE = 200
"""Characters of a line at most."""

TYPEFACES = ("DejaVuSans.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansMono-Bold.ttf", "STIXGeneralItalic.ttf")
"""Four fonts of matplotlib that have every character."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class LinesDataset(Dataset):
    """Pairs of a handwritten and a typeset line of the same text.

    Both parts hold handwriting (N, 1, 32, 128), type (N, 1, 32, 128), both in [−1, 1], the writer (N,), the
    typeface (N,), and the text as numbers (N, 12).

    Attributes:
        writers: the handwriting fonts, in the order of their indices.
        typefaces: the typefaces, likewise.
    """

    writers: tuple[Typeface, ...]
    typefaces: tuple[Typeface, ...]

    def writing(self, part: str = "train") -> TensorDataset:
        """Return a part for writing: handwriting, and as condition (type, writer, text)."""
        written, typed, writer, _, codes = getattr(self, part).tensors
        return TensorDataset(written, typed, writer, codes)

    def reading(self, part: str = "train") -> TensorDataset:
        """Return a part for reading: type, and as condition (handwriting, typeface, text)."""
        written, typed, _, typeface, codes = getattr(self, part).tensors
        return TensorDataset(typed, written, typeface, codes)


def line_typefaces(font: str | Path | None = None) -> tuple[Typeface, ...]:
    """Return the typefaces of lines: four fonts of matplotlib, and a font of the user's own.

    Args:
        font: the path of a TTF or OTF file; None means none.

    Raises:
        InputError: if the file is not a font, or lacks a character of ``ALPHABET``.

    >>> [face.name for face in line_typefaces()][:2]
    ['DejaVu Sans', 'DejaVu Serif Bold']
    """
    paths = [matplotlib_fonts() / name for name in TYPEFACES]
    return typefaces([*paths, *([] if font is None else [font])], ALPHABET.strip())


@checked(count=integer(8, 1_000_000), seed=integer(0), with_digits=number(0, 1))
def handwritten_lines(
    writers: Sequence[str],
    count: int = 4000,
    seed: int = 0,
    faces: Sequence[Typeface] | None = None,
    with_digits: float = 0.0,
) -> LinesDataset:
    """Pair lines of handwriting with the same lines in type.

    Handwriting is drawn from fonts, slanted, bent, made thicker or thinner and paler at random (``ink``). A
    line of type is stretched to the width of its handwriting. Held-out lines have other words.

    Args:
        writers: names of handwriting fonts.
        count: lines to train on, at least 8; a quarter as many are held out.
        seed: seed of the random numbers.
        faces: typefaces; None means the first of ``line_typefaces()`` alone.
        with_digits: share of lines that are numbers of real MNIST digits instead, from 0 to 1; their writer
            has the index after the last font.

    Returns:
        The pairs.

    Raises:
        InputError: if there is no writer of a name, or an argument is out of range.

    >>> lines = handwritten_lines(["caveat"], count=8)
    >>> [tuple(tensor.shape) for tensor in lines.train.tensors]
    [(8, 1, 32, 128), (8, 1, 32, 128), (8,), (8,), (8, 12)]
    """
    fonts, chosen = handwriting_fonts(writers), tuple(faces or line_typefaces()[:1])
    parts = [
        _pairs(fonts, chosen, size, 2 * seed + index, with_digits, bool(index))
        for index, size in enumerate((count, max(8, count // 4)))
    ]
    mnist = f", and numbers of MNIST digits ({with_digits:.0%})" if with_digits else ""
    card = Card(
        "handwritten_lines",
        f"lines of up to 12 characters in the hands of {len(fonts)} handwriting fonts{mnist}, and in type",
        "handwriting fonts of data/handwriting_fonts.zip, with random ink; type from fonts of matplotlib",
        "of the fonts: OFL-1.1 and Apache-2.0 (data/handwriting_fonts_licences.txt)",
        f"{len(parts[0]):,} to train on and {len(parts[1]):,} held out with other words, {HEIGHT} × {WIDTH} "
        "grey pixels in [−1, 1]",
    )
    return LinesDataset(card.name, parts[0], parts[1], card, fonts, chosen)


def _pairs(
    fonts: tuple[Typeface, ...],
    faces: tuple[Typeface, ...],
    count: int,
    seed: int,
    with_digits: float,
    held_out: bool,
) -> TensorDataset:
    rng = torch.Generator().manual_seed(seed)
    writer = torch.randint(len(fonts), (count,), generator=rng)
    typeface = torch.randint(len(faces), (count,), generator=rng)
    numbers = round(with_digits * count)
    texts = random_texts(count - numbers, seed, held_out) if numbers < count else []
    drawn = [draw_text(text, fonts[index]) for text, index in zip(texts, writer.tolist(), strict=False)]
    if numbers:
        texts += random_texts(numbers, seed, held_out, digits=True)
        writer[count - numbers :] = len(fonts)
        drawn += [_mnist_number(text, rng, held_out) for text in texts[count - numbers :]]
    styles = [faces[index] for index in typeface.tolist()]
    written, typed = _written_and_typed(texts, drawn, styles, rng)
    return TensorDataset(written, typed, writer, typeface, encode_text(texts))


def _written_and_typed(
    texts: Sequence[str], drawn: Sequence[Pixels], styles: Sequence[Typeface], rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Give drawn lines ink, and set them in type of the same width."""
    hand, type_ = [], []
    for text, pixels, face in zip(texts, drawn, styles, strict=True):
        plain = draw_text(text, face)
        width = _target_width(pixels.shape[1], plain.shape[1])
        hand.append(_stretch(pixels, width))
        type_.append(_stretch(plain, width))
    written = torch.cat([ink(_to_tensor(chunk), rng) for chunk in _chunks(hand)])
    return written, torch.cat([_downsample(_to_tensor(chunk)) for chunk in _chunks(type_)])


@checked(seed=integer(0))
def write_lines(
    texts: Sequence[str], writers: Sequence[Typeface], face: Typeface | None = None, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Write texts with fonts and random ink, and typeset each at the same width.

    Args:
        texts: N texts of at most 12 characters of ``ALPHABET``.
        writers: N handwriting fonts.
        face: the typeface; None means the first of ``line_typefaces()``.
        seed: seed of the ink.

    Returns:
        Handwriting and type, both (N, 1, 32, 128) in [−1, 1].

    Raises:
        InputError: if a text cannot be written.

    >>> write_lines(["ink"], handwriting_fonts(["caveat"]))[0].shape
    torch.Size([1, 1, 32, 128])
    """
    check_texts(texts=texts)
    _check_faces(texts, writers=writers)
    encode_text([*texts])
    drawn = [draw_text(text, writer) for text, writer in zip(texts, writers, strict=True)]
    styles = [face or line_typefaces()[0]] * len(drawn)
    return _written_and_typed(texts, drawn, styles, torch.Generator().manual_seed(seed))


def draw_text(text: str, face: Typeface) -> Pixels:
    """Draw a text at twice the size of a line's image.

    Args:
        text: characters that the typeface has.
        face: the typeface.

    Returns:
        Pixels (64, W) from 0 to 255, W ≥ 1, from the first to the last column with ink.

    >>> draw_text("hand", line_typefaces()[0]).shape[0]
    64
    """
    from PIL import Image, ImageDraw

    font = face.font(line_size(face))
    left, _, right, _ = font.getbbox(text, anchor="ls")
    canvas = Image.new("L", (max(1, round(right - left)) + 2, HEIGHT * OVERSAMPLING), 0)
    place = (1 - left, round(BASELINE * OVERSAMPLING))
    ImageDraw.Draw(canvas).text(place, text, font=font, fill=255, anchor="ls")
    return np.asarray(canvas)


@lru_cache(maxsize=256)
def line_size(face: Typeface) -> int:
    """Return the size per em at which x is 9.5 pixels high, or less so that tall letters fit the line.

    >>> 20 < line_size(line_typefaces()[0]) < 50
    True
    """
    font = face.font(PROBE_SIZE)
    (_, x, _, _), (_, top, _, _), (_, _, _, below) = (
        font.getbbox(text, anchor="ls") for text in ("x", "Tdl", "gpy")
    )
    room: float = min(-9.5 / x, -19 / top, 8.5 / max(below, 1))
    return max(8, round(OVERSAMPLING * PROBE_SIZE * room))


def _target_width(written: int, typed: int) -> int:
    width = min(max(written, NARROWEST * typed), WIDEST * typed)
    return max(2, min(round(width), (WIDTH - 2 * MARGIN) * OVERSAMPLING))


def _stretch(pixels: Pixels, width: int) -> Pixels:
    from PIL import Image

    if pixels.shape[1] == width:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, pixels.shape[0]), Image.Resampling.BILINEAR))


def _chunks(drawn: list[Pixels]) -> list[list[Pixels]]:
    return [drawn[start : start + 250] for start in range(0, len(drawn), 250)]


def _to_tensor(drawn: Sequence[Pixels], width: int = WIDTH) -> Tensor:
    """Put drawn lines on a canvas, (N, 1, 64, 2 · width) in [0, 1]."""
    canvas = np.zeros((len(drawn), HEIGHT * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    for row, pixels in zip(canvas, drawn, strict=True):
        row[:, MARGIN * OVERSAMPLING :][:, : pixels.shape[1]] = pixels
    return torch.from_numpy(canvas)[:, None].float() / 255


def _downsample(shades: Tensor) -> Tensor:
    return F.avg_pool2d(shades, OVERSAMPLING) * 2 - 1


def _mnist_number(text: str, rng: torch.Generator, held_out: bool) -> Pixels:
    """Join MNIST digits to a number, at the size of handwriting."""
    images, pools = _digits_by_class(held_out)
    columns = []
    for character in text:
        pool = pools[int(character)]
        image = images[pool[int(torch.randint(len(pool), (1,), generator=rng))]]
        ink_columns = (image > 0.2).any(0).nonzero()[:, 0]
        columns += [image[:, int(ink_columns[0]) : int(ink_columns[-1]) + 1], torch.zeros(28, 2)]
    line = torch.cat(columns[:-1], 1)
    size = (round(28 * 1.75), round(line.shape[1] * 1.75))
    large = F.interpolate(line[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    top = round(BASELINE * OVERSAMPLING - 24 * 1.75)  # MNIST's box of 20 pixels ends at row 24
    canvas = torch.zeros(HEIGHT * OVERSAMPLING, size[1])
    canvas[top : top + size[0]] = large[: HEIGHT * OVERSAMPLING - top]
    return (canvas * 255).round().byte().numpy()


@lru_cache(maxsize=2)
def _digits_by_class(held_out: bool) -> tuple[Tensor, list[Tensor]]:
    data = load_digits()
    images, labels = (data.held_out if held_out else data.train).tensors
    return (images[:, 0] + 1) / 2, [(labels == digit).nonzero()[:, 0] for digit in range(10)]


@checked(slant=number(0, 1), bend=number(0, 10), strength=number(0, 1))
def ink(
    shades: Tensor,
    rng: torch.Generator | None = None,
    slant: float = 0.22,
    bend: float = 2.5,
    strength: float = 1.0,
) -> Tensor:
    """Write lines with a pen: slant, scale and bend them, change the stroke width, make the ink paler.

    Args:
        shades: drawn lines (N, 1, 64, 2 W) in [0, 1].
        rng: the source of random numbers.
        slant: largest shear, to either side.
        bend: scale of the smooth displacements, in pixels of ``shades``.
        strength: how much scale, stroke width and paleness vary, from 0 to 1.

    Returns:
        Images (N, 1, 32, W) in [−1, 1].

    >>> ink(torch.zeros(2, 1, 64, 256)).shape
    torch.Size([2, 1, 32, 128])
    """
    count, _, height, width = shades.shape

    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(count, *shape, generator=rng) - 1

    shear, scale = slant * uniform(1, 1), 1 + 0.1 * strength * uniform(1, 1)
    rows = torch.arange(height).float().view(1, height, 1)
    columns = torch.arange(width).float().view(1, 1, width)
    from_baseline = (rows - BASELINE * OVERSAMPLING) / scale
    field = bend * uniform(2, 3, 9) * 0.7
    smooth = F.interpolate(field, (height, width), mode="bicubic", align_corners=True)
    x = columns + shear * from_baseline + smooth[:, 0]
    y = BASELINE * OVERSAMPLING + from_baseline + 0.6 * smooth[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], 3)
    bent = F.grid_sample(shades, grid, align_corners=False)
    share = strength * uniform(1, 1, 1)
    thick, thin = F.max_pool2d(bent, 3, 1, 1), -F.max_pool2d(-bent, 3, 1, 1)
    bent = torch.where(share > 0, bent + 0.8 * share * (thick - bent), bent + 0.35 * share * (bent - thin))
    pale = 1 - 0.2 * strength * (0.5 + 0.5 * uniform(1, 1, 1))
    return (F.avg_pool2d(bent, OVERSAMPLING) * pale) * 2 - 1


def typeset_lines(texts: Sequence[str], faces: Sequence[Typeface], widths: Sequence[float]) -> Tensor:
    """Typeset lines, each as wide as a writer writes it.

    Args:
        texts: N texts of characters of ``ALPHABET``, at most 200 each.
        faces: N typefaces.
        widths: N widths, relative to that of the type: see ``writer_width``.

    Returns:
        Images (N, 1, 32, W) in [−1, 1]; W is 128, or the multiple of 8 that the longest line needs.

    Raises:
        InputError: if a text is empty, too long, or has another character.

    >>> typeset_lines(["A hand"], line_typefaces()[:1], [1.0]).shape
    torch.Size([1, 1, 32, 128])
    """
    _check_faces(texts, faces=faces)
    validate({"widths": widths}, widths=_widths(len(texts)))
    drawn = []
    for text, face, width in zip(texts, faces, widths, strict=True):
        pixels = draw_text(check_text(text, LONGEST_LINE), face)
        drawn.append(_stretch(pixels, max(2, round(width * pixels.shape[1]))))
    widest = max(pixels.shape[1] for pixels in drawn) / OVERSAMPLING + 2 * MARGIN
    return _downsample(_to_tensor(drawn, max(WIDTH, 8 * -(-int(widest + 1) // 8))))


def _widths(count: int) -> Rule:
    """The rule for a list of ``count`` relative widths."""
    rule = number(0.1, 10)

    def check(values: Any) -> Any:
        if not isinstance(values, list | tuple) or len(values) != count:
            raise ValueError(f"a list of {count} numbers, one for each text")
        return [rule(value) for value in values]

    return check


def _check_faces(texts: Any, **lists: Any) -> None:
    """Check that each argument is a list of typefaces, one for each text of a list."""
    if not isinstance(texts, list | tuple) or not texts:
        raise InputError(f"texts must be a list with at least one text, not {texts!r:.60}")
    for name, faces in lists.items():
        if not isinstance(faces, list | tuple) or not all(isinstance(face, Typeface) for face in faces):
            raise InputError(f"{name} must be a list of typefaces, not {faces!r:.60}")
        if len(faces) != len(texts):
            raise InputError(f"there must be one of {name} for each of {len(texts)} texts, not {len(faces)}")


@lru_cache(maxsize=256)
def writer_width(writer: Typeface, face: Typeface) -> float:
    """Return how wide a writer writes, relative to type: the median over a few words.

    >>> 0.7 < writer_width(handwriting_fonts(["caveat"])[0], line_typefaces()[0]) < 1.3
    True
    """
    words = ("The quick", "brown fox", "jumps over", "a lazy dog", "quartz", "Sphinx")
    ratios = sorted(draw_text(word, writer).shape[1] / draw_text(word, face).shape[1] for word in words)
    middle: float = (ratios[2] + ratios[3]) / 2
    return min(max(middle, NARROWEST), WIDEST)


def read_line(source: str | Path | bytes | Tensor) -> Tensor:
    """Read a picture of one handwritten line as an image of 32 pixels, white on black.

    Args:
        source: the path of a picture file or its content; or an image (1, H, W) in [−1, 1]. It is dark on
            light or light on dark, as its border shows, with one line on plain paper.

    Returns:
        The image (1, 1, 32, W) in [−1, 1], W a multiple of 8.

    Raises:
        InputError: if the source is not a picture, has no writing, or has several lines.

    >>> read_line(b"some text")
    Traceback (most recent call last):
    ...
    gantutor.InputError: the picture cannot be opened: use PNG, JPEG or another common format
    """
    shades = extract_ink(to_grey(source) if isinstance(source, Tensor) else read_grey(source))
    threshold, contrast = otsu_threshold(shades)
    mask = shades > threshold
    if contrast < MIN_CONTRAST or int(mask.sum()) < 12:
        raise InputError(
            f"there is no writing on the picture: ink and paper differ by {contrast:.0%} of the range from "
            f"black to white, and at least {MIN_CONTRAST:.0%} are needed"
        )
    rows = _check_one_line(mask)
    columns = mask[rows[0] : rows[1]].any(0).nonzero()[:, 0]
    left, right = int(columns[0]), int(columns[-1]) + 1
    crop = (shades * F.max_pool2d(mask[None, None].float(), 3, 1, 1)[0, 0])[rows[0] : rows[1], left:right]
    full = float(crop[crop > threshold].quantile(0.5)) if crop.numel() < 1_000_000 else float(crop.max())
    return _fit_line((crop / max(full, 1e-6)).clamp(0, 1))


def _check_one_line(mask: Tensor) -> tuple[int, int]:
    """Return the first row of the line and the row after its last; raise InputError if there are several."""
    amount = mask.float().sum(1)
    filled = (amount > 0).nonzero()[:, 0]
    bands, start, last = [], int(filled[0]), int(filled[0])
    for row in [*filled.tolist()[1:], 10**9]:
        if row > last + 1:
            bands.append((start, last + 1, float(amount[start : last + 1].sum())))
            start = row
        last = row
    total = sum(band[2] for band in bands)
    tall = max(band[1] - band[0] for band in bands)
    large = [band for band in bands if band[2] > 0.2 * total and band[1] - band[0] > 0.4 * tall]
    if len(large) > 1:
        raise InputError(f"the picture has {len(large)} lines of writing: cut out one line")
    kept = [band for band in bands if band[2] > 0.01 * total]
    return kept[0][0], kept[-1][1]


def _fit_line(crop: Tensor) -> Tensor:
    """Scale a line's ink (H, W) in [0, 1] to the height of the course's lines."""
    top, bottom, is_low = _middle_zone(crop)
    # The zone of x is 9.5 pixels high in the course's lines, with the stroke about 10.5.
    scale = min((10.5 if is_low else 14.0) / (bottom - top), 31.0 / crop.shape[0])
    height, width = max(1, round(crop.shape[0] * scale)), max(1, round(crop.shape[1] * scale))
    if width > 2048:
        raise InputError("the line is too long for its height: cut out a part of it")
    small = F.interpolate(crop[None, None], (height, width), mode="bilinear", antialias=True)[0, 0]
    small = small / small.max().clamp(min=1e-6)
    first = min(max(0, round(BASELINE + 0.5 - bottom * scale)), HEIGHT - height)
    total = max(WIDTH, 8 * -(-(width + 2 * MARGIN) // 8))
    image = torch.zeros(1, 1, HEIGHT, total)
    image[0, 0, first : first + height, MARGIN : MARGIN + width] = small.clamp(0, 1)
    return 2 * image - 1


def _middle_zone(crop: Tensor) -> tuple[int, int, bool]:
    """Return the rows between which most ink lies, and whether tall letters or tails leave them."""
    rows = len(crop)
    window = 2 * (rows // 24) + 1
    amount = F.avg_pool1d(crop.sum(1)[None, None], window, 1, window // 2)[0, 0]
    dense = (amount > 0.45 * amount.max()).tolist()
    top = bottom = int(amount.argmax())
    while top > 0 and dense[top - 1]:
        top -= 1
    while bottom < rows and dense[bottom]:
        bottom += 1
    return top, bottom, bottom - top < 0.72 * rows


def line_pixels(images: Any) -> Pixels:
    """Return lines (N, 1, 32, W) in [−1, 1] as a page of dark ink on white, pixels (H, W) from 0 to 255.

    >>> line_pixels(torch.full((2, 1, 32, 40), -1.0)).shape
    (64, 40)
    """
    page = torch.cat(list(images[:, 0].detach().cpu().float()), 0)
    return ((1 - page.clamp(-1, 1)) * 127.5).round().byte().numpy()
