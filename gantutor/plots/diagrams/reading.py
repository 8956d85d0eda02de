"""The diagram of a reader of lines: frames, merged letters, and the text (CTC)."""

from __future__ import annotations

from itertools import groupby

from gantutor._checks import checked, string
from gantutor._errors import InputError
from gantutor.plots.diagrams.canvas import SMALL_SIZE, Box, Canvas
from gantutor.plots.style import GENERATED, NEUTRAL, OTHER_PLAYERS, Figure

BLANK = "–"
"""How the blank of CTC is written."""

MOST_FRAMES = 14

READER = OTHER_PLAYERS[0]
"""The colour of the reader, which is neither a generator nor a discriminator."""


@checked(frames=string())
def ctc_reader(frames: str = "–hh–aann–d–") -> Figure:
    """Draw how a reader turns a line into a text: frames, repeats merged, blanks dropped (CTC).

    CTC is connectionist temporal classification (Graves et al. 2006, doi:10.1145/1143844.1143891).

    Args:
        frames: the best class of each frame, 2 to 14 characters; – is the blank.

    Returns:
        The figure.

    Raises:
        InputError: if there are fewer than two frames or more than 14.

    >>> ctc_reader().alternative_text[-34:]
    'Without the blanks the text: hand.'
    """
    if not 2 <= len(frames) <= MOST_FRAMES:
        raise InputError(f"frames must be 2 to {MOST_FRAMES} characters, not {frames!r:.60}")
    groups = [(character, len([*repeats])) for character, repeats in groupby(frames)]
    merged = "".join(character for character, _ in groups)
    text = merged.replace(BLANK, "")
    canvas = Canvas(
        4.1,
        "How a reader reads a line: CTC",
        "A line of 1×32×128 passes through convolutions to 64 frames, each with logits of 70 classes: 69 "
        f"characters and the blank. The best classes of {len(frames)} frames, for example: "
        f"{', '.join('blank' if frame == BLANK else frame for frame in frames)}. Repeats are merged. Without "
        f"the blanks the text: {text or 'none'}.",
    )
    line = canvas.box(1.1, 3.42, "line", GENERATED, shape="1×32×128", width=0.9, height=0.4)
    layers = canvas.box(3.1, 3.42, "convolutions", READER, width=1.2, height=0.4)
    logits = canvas.box(5.2, 3.42, "logits", NEUTRAL, shape="64 frames × 70", width=0.9, height=0.4)
    canvas.both_ways(line, layers, backward=False)
    canvas.both_ways(layers, logits, backward=False)
    side = 0.33
    left = 1.75
    rows = {"best class\nof each frame": 2.4, "repeats merged": 1.6, "blanks dropped": 0.8}
    for words, y in rows.items():
        canvas.text(0.3, y, words, ha="left")
    first, start = [], 0
    for character, count in groups:
        cells = [_cell(canvas, left + side * (start + i), 2.4, character) for i in range(count)]
        x = (cells[0].x + cells[-1].x) / 2
        middle = _cell(canvas, x, 1.6, character)
        canvas.arrow((x, cells[0].bottom()[1]), middle.top())
        first.append(middle)
        start += count
    for box, (character, _) in zip(first, groups, strict=True):
        if character != BLANK:
            canvas.arrow(box.bottom(), _cell(canvas, box.x, 0.8, character).top())
    canvas.text(left + side * (len(frames) - 1) / 2, 0.42, f"text: {text or 'none'}", size=SMALL_SIZE)
    return canvas.figure


def _cell(canvas: Canvas, x: float, y: float, character: str) -> Box:
    colour = NEUTRAL if character == BLANK else READER
    return canvas.box(x, y, character, colour, width=0.27, height=0.3)
