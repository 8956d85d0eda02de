"""The diagram of any network: its layers as blocks, with the shapes of their outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._checks import MAX_SIDE, check_tensors, checked, one_of, optional, string
from gantutor._errors import InputError, type_name
from gantutor._user_errors import explain_mismatch
from gantutor.plots.diagrams.canvas import INK, LINE, MARGIN, SMALL_SIZE, Box, Canvas
from gantutor.plots.diagrams.layers import Layer, Shape, Trace, blocks, describe_shape, trace, words_of
from gantutor.plots.style import DISCRIMINATOR, GENERATED, GENERATOR, NEUTRAL, Figure

MAX_BLOCKS = 16
"""The number of blocks up to which every layer is drawn, and not the modules that hold them."""

PER_ROW = 8
"""The number of blocks in a row at most."""

_BATCH = 4
"""Samples in the batch that a network is run with when only a shape is given."""

_ENDS = {
    "generator": ("noise z", NEUTRAL, "sample", GENERATED, GENERATOR),
    "discriminator": ("sample", NEUTRAL, "logit", NEUTRAL, DISCRIMINATOR),
    None: ("input", NEUTRAL, "output", NEUTRAL, NEUTRAL),
}
"""For each role: name and colour of the input, name and colour of the output, colour of the layers."""

_HIGHEST = 0.86
_NARROWEST, _WIDEST = 0.18, 0.44
_COLUMN = 1.25


@checked(role=optional(one_of("generator", "discriminator")), condition_name=string())
def network(
    module: nn.Module,
    inputs: tuple[int, ...] | Tensor | Sequence[Tensor],
    condition: Tensor | None = None,
    title: str = "",
    role: str | None = None,
    condition_name: str = "label",
) -> Figure:
    """Draw the layers of a network as blocks, with the shapes that one call gives.

    Layers stand in the order of their calls; branches such as skip connections are not drawn. A block is the
    higher the larger the resolution, and the wider the more channels. Shapes leave the batch out. The network
    runs in evaluation mode; its weights and modes and the random state stay as they were.

    Args:
        module: any network.
        inputs: the shape of one sample, such as ``(64,)``; or a batch (N, …); or several batches, one for
            each argument.
        condition: a batch of conditions (N, …), such as labels (N,), the last argument of the network. Values
            should differ, because where they enter is found by exchanging them.
        title: the title; the number of weights is added.
        role: ``"generator"`` or ``"discriminator"``, which sets the colours and the names of both ends.
        condition_name: what the condition is called.

    Returns:
        The figure.

    Raises:
        InputError: if ``module`` is not a network, or it cannot take the inputs.

    >>> layers = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> network(layers, (2,), title="Two layers").alternative_text
    'Two layers: 33 weights. From input 2 to linear, ReLU 8 to linear 1 to output 1.'
    """
    if not isinstance(module, nn.Module):
        raise InputError(f"module must be a network (torch.nn.Module), not {type_name(module)}")
    if condition is not None:
        check_tensors(condition=condition)
        if not condition.dim() or not len(condition):
            raise InputError(f"condition must be a batch (N, …), not of shape {tuple(condition.shape)}")
        condition = condition.to(_like(module).device)
    batches = _batches(module, inputs, _BATCH if condition is None else len(condition))
    with explain_mismatch("the network cannot take these inputs"):
        found = trace(module, batches, condition)
    items = _items(module, found, tuple(batches[0].shape[1:]), role)
    entries = {} if condition is None else _entries(items, found)
    count = sum(weight.numel() for weight in module.parameters())
    heading = f"{title}: {count:,} weights" if str(title) else f"{count:,} weights"
    path = " to ".join(f"{item.name} {describe_shape(item.shape)}" for item in items)
    words = f"{heading}. From {path}."
    if condition is not None:
        words += _describe_entries(items, entries, condition_name)
    return _draw(items, entries, heading, words, condition_name if condition is not None else "")


@dataclass(frozen=True)
class _Item:
    """One box: an end of the network, or a block of layers."""

    words: list[str]
    shape: Shape
    colour: str
    layers: list[Layer]

    @property
    def name(self) -> str:
        return ", ".join(word.replace("\n", " ") for word in self.words)

    @property
    def lines(self) -> list[str]:
        return "\n".join(self.words).split("\n")


Entries = dict[int, list[Layer]]
"""Items before which the condition enters, by their index, and the layers of the branch that leads there."""


def _items(module: nn.Module, found: Trace, shape: Shape, role: str | None) -> list[_Item]:
    first, first_colour, last, last_colour, colour = _ENDS[role]
    middle = [
        _Item(block.words, block.shape, colour, block.layers)
        for block in blocks(module, found.layers, shape, MAX_BLOCKS)
    ]
    return [_Item([first], shape, first_colour, []), *middle, _Item([last], found.shape, last_colour, [])]


def _entries(items: Sequence[_Item], found: Trace) -> Entries:
    """The first entry before each item; a layer that is not drawn stands for the next that is."""
    places = {id(layer): index for index, item in enumerate(items) for layer in item.layers}
    order = [id(layer) for layer in found.layers]
    entries: Entries = {}
    for layer, branch in found.entries:
        later = order[order.index(id(layer)) :] if layer is not None else []
        place = next((places[key] for key in later if key in places), len(items) - 1)
        entries.setdefault(place, branch)
    return entries


def _describe_entries(items: Sequence[_Item], entries: Entries, name: str) -> str:
    if not entries:
        return f" The {name} changes nothing."
    ways = []
    for place, branch in entries.items():
        through = f" through {_branch_words(branch)}".replace("\n", " ") if branch else ""
        ways.append(f"before {items[place].name}{through}")
    return f" The {name} enters {'; '.join(ways)}."


def _branch_words(branch: Sequence[Layer]) -> str:
    """The layers with weights of a branch, or all if none has weights."""
    names = [words_of(layer.module) for layer in branch if [*layer.module.parameters()]]
    return "\n".join(dict.fromkeys(names or [words_of(layer.module) for layer in branch]))


def _like(module: nn.Module) -> Tensor:
    """A tensor of the device and the type that the network's inputs have."""
    weights = (weight for weight in module.parameters() if weight.is_floating_point())
    return next(weights, torch.zeros(()))


def _batches(module: nn.Module, inputs: Any, count: int) -> list[Tensor]:
    like = _like(module)
    if isinstance(inputs, Tensor):
        inputs = [inputs]
    is_sequence = isinstance(inputs, list | tuple) and len(inputs) > 0
    if is_sequence and all(type(size) is int and 1 <= size <= MAX_SIDE for size in inputs):
        noise = torch.randn(count, *inputs, generator=torch.Generator().manual_seed(0))
        return [noise.to(like.device, like.dtype)]
    if is_sequence and all(isinstance(batch, Tensor) and batch.dim() and len(batch) for batch in inputs):
        return [batch.detach().to(like.device) for batch in inputs]
    raise InputError(
        f"inputs must be the shape of one sample, such as (64,), or one or more batches, not {inputs!r:.60}"
    )


# --- the picture --------------------------------------------------------------------------------------------


def _draw(items: list[_Item], entries: Entries, title: str, words: str, condition: str) -> Figure:
    count = -(-len(items) // PER_ROW)  # of rows
    per_row = -(-len(items) // count)
    rows = [range(start, min(start + per_row, len(items))) for start in range(0, len(items), per_row)]
    spaces = [_space(items, row, entries, condition) for row in rows]
    canvas = Canvas(0.5 + sum(above + below for above, below in spaces), title, words)
    column = min(_COLUMN, (canvas.width - 2 * MARGIN) / per_row)
    left = (canvas.width - column * per_row) / 2
    sizes = _sizes([item.shape for item in items])
    boxes: list[Box] = []
    y = canvas.height - 0.42
    for row, (above, below) in zip(rows, spaces, strict=True):
        for index in row:
            x = left + column * (index - row.start + 0.5)
            boxes.append(_draw_item(canvas, items[index], x, y - above, sizes[index]))
        if row.start:
            turn = y + 0.02
            canvas.arrow(
                boxes[row.start - 1].right(),
                (canvas.width - 0.24, boxes[row.start - 1].y),
                (canvas.width - 0.24, turn),
                (0.24, turn),
                (0.24, y - above),
                boxes[row.start].left(),
            )
        for index in row[1:]:
            canvas.both_ways(boxes[index - 1], boxes[index], backward=False)
        inside = {place: entries[place] for place in row if place in entries}
        if inside or (condition and not entries and not row.start):
            _draw_condition(canvas, boxes, inside, row, y - above - below + 0.5, condition, items[1].colour)
        y -= above + below
    return canvas.figure


def _space(items: Sequence[_Item], row: range, entries: Entries, condition: str) -> tuple[float, float]:
    """Inches from the top of a row to the middle of its boxes, and from there to the foot of the row."""
    lines = max(len(items[index].lines) for index in row)
    has_condition = any(index in entries for index in row) or (condition and not entries and not row.start)
    return _HIGHEST / 2 + 0.16 + LINE * lines, _HIGHEST / 2 + 0.42 + (0.8 if has_condition else 0.0)


def _sizes(shapes: Sequence[Shape]) -> list[tuple[float, float]]:
    """Width and height of each box in inches, by the logarithms of channels and of resolution."""
    channels = max([shape[0] for shape in shapes if len(shape) > 1], default=1)
    sides = max([shape[-1] for shape in shapes if len(shape) > 1], default=1)
    numbers = max([16, *(shape[0] for shape in shapes if len(shape) == 1)])

    def between(low: float, high: float, value: int, largest: int) -> float:
        return low + (high - low) * math.log2(1 + value) / math.log2(1 + largest)

    return [
        (between(_NARROWEST, _WIDEST, shape[0], channels), between(0, _HIGHEST, shape[-1], sides))
        if len(shape) > 1
        else (_NARROWEST, between(0.1, _HIGHEST, shape[0] if shape else 1, numbers))
        for shape in shapes
    ]


def _draw_item(canvas: Canvas, item: _Item, x: float, y: float, size: tuple[float, float]) -> Box:
    box = canvas.box(x, y, "", item.colour, *size)
    colour = item.colour if item.colour == GENERATED else INK
    canvas.text(x, y + _HIGHEST / 2 + 0.08, "\n".join(item.lines), colour, va="bottom", linespacing=1.15)
    canvas.text(x, y - _HIGHEST / 2 - LINE, describe_shape(item.shape), NEUTRAL, va="baseline")
    return box


def _draw_condition(
    canvas: Canvas, boxes: Sequence[Box], entries: Entries, row: range, y: float, name: str, colour: str
) -> None:
    """Draw the condition below a row, with an arrow up to each place where it enters."""
    if not entries:
        canvas.box(boxes[row.start].x + 0.2, y, f"{name}: not used", width=1.2, height=0.36, size=SMALL_SIZE)
        return
    ways = {place: _gap(boxes, row, place) for place in entries}
    (first, x), *others = ways.items()
    words = _branch_words(entries[first]) if len(entries) == 1 else ""
    small: dict[str, Any] = {"height": 0.36, "size": SMALL_SIZE}
    entry = canvas.box(x, y, words or name, colour if words else NEUTRAL, width=0.86, **small)
    canvas.arrow(entry.top(), (x, boxes[first].y - 0.02))
    for place, way in others:
        canvas.arrow(entry.right(), (way, y), (way, boxes[place].y - 0.02))
    if words:
        shape = entries[first][-1].shape or ()
        canvas.below(entry, describe_shape(shape))
        side = -1 if x > 1.6 else 1
        source = canvas.box(x + side * 1.1, y, name, width=0.7, **small)
        ends = (source.right(), entry.left()) if side < 0 else (source.left(), entry.right())
        canvas.arrow(*ends)


def _gap(boxes: Sequence[Box], row: range, place: int) -> float:
    """Inches from the left to the middle of the arrow that leads to a box."""
    before = boxes[place - 1].right()[0] if place > row.start else 0.24
    return (before + boxes[place].left()[0]) / 2 - 0.03
