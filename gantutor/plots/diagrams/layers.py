"""The layers of a network as they are called: found by running it once with forward hooks.

Where a condition enters is found by running it again with another condition, and again with another input:
what changes with the condition alone is a branch beside the main path.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import evaluation_mode
from gantutor._errors import InputError
from gantutor._random import seeded

Shape = tuple[int, ...]

_NAMES = {
    "Linear": "linear",
    "Embedding": "embedding",
    "BatchNorm": "batch norm",
    "LayerNorm": "layer norm",
    "GroupNorm": "group norm",
    "InstanceNorm": "inst. norm",
    "LeakyReLU": "leaky ReLU",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Dropout": "dropout",
    "GRUCell": "GRU cell",
    "LSTMCell": "LSTM cell",
    "PixelUnshuffle": "pixel\nunshuffle",
    "PixelShuffle": "pixel\nshuffle",
    "MaxPool": "max pool",
    "AvgPool": "average\npool",
    "AdaptiveAvgPool": "average\npool",
    "Flatten": "flatten",
    "Unflatten": "reshape",
}
"""What layers are called in the diagram, by their classes without 1d, 2d or 3d; others keep their name."""


@dataclass(eq=False)
class Layer:
    """One call of a module that calls no other.

    Args:
        name: the module's name in the network, such as ``"blocks.2.0"``.
        module: the module.
        inputs: copies of the tensors that it was given.
        shape: the shape of its (first) output without the batch, or None if it returned no tensor.
    """

    name: str
    module: nn.Module
    inputs: list[Tensor]
    shape: Shape | None


@dataclass(eq=False)
class Block:
    """Layers that are drawn as one block.

    Args:
        words: what the layers are called, one line each.
        shape: the shape of the last layer's output, without the batch.
        layers: the layers.
    """

    words: list[str]
    shape: Shape
    layers: list[Layer] = field(default_factory=list)


@dataclass(eq=False)
class Trace:
    """What a network did in one call.

    Args:
        layers: its layers in the order of their calls, those of the branch of a condition left out.
        containers: the shapes of the outputs of all other modules, by name.
        shape: the shape of the network's output, without the batch.
        entries: for each place where the condition enters, the layer of the main path that takes it, or None
            for the network's output, and the layers of the branch that leads there.
    """

    layers: list[Layer]
    containers: dict[str, Shape]
    shape: Shape
    entries: list[tuple[Layer | None, list[Layer]]] = field(default_factory=list)


def trace(network: nn.Module, inputs: Sequence[Tensor], condition: Tensor | None = None) -> Trace:
    """Run a network and return its layers; weights, modes and random states are left as they were.

    Args:
        network: any network.
        inputs: its arguments before the condition, each with a batch as its first dimension.
        condition: a batch of conditions, or None.

    Raises:
        InputError: if the network returns no tensor.

    >>> layers = trace(nn.Sequential(nn.Linear(3, 5), nn.ReLU()), [torch.zeros(2, 3)]).layers
    >>> [(layer.name, layer.shape) for layer in layers]
    [('0', (5,)), ('1', (5,))]
    """
    given = [] if condition is None else [condition]
    layers, containers, output = _run(network, [*inputs, *given])
    shape = _without_batch(output, len(inputs[0])) or ()
    if condition is None:
        return Trace(layers, containers, shape)
    with_condition, _, changed_output = _run(network, [*inputs, _another(condition)])
    with_inputs, *_ = _run(network, [*map(_another, inputs), condition])
    if not len(layers) == len(with_condition) == len(with_inputs):
        return Trace(layers, containers, shape)
    by_condition = [not _equal(*pair) for pair in zip(layers, with_condition, strict=True)]
    by_inputs = [not _equal(*pair) for pair in zip(layers, with_inputs, strict=True)]
    entries: list[tuple[Layer | None, list[Layer]]] = []
    main: list[Layer] = []
    branch: list[Layer] = []
    has_entered = False
    for layer, by_c, by_x in zip(layers, by_condition, by_inputs, strict=True):
        if by_c and not by_x:
            branch.append(layer)
            continue
        main.append(layer)
        if branch or (by_c and not has_entered):
            entries.append((layer, branch))
            has_entered, branch = True, []
    if branch or (not has_entered and not torch.equal(output, changed_output)):
        entries.append((None, branch))
    return Trace(main, containers, shape, entries)


def blocks(network: nn.Module, found: Trace, shape: Shape, most: int) -> list[Block]:
    """Merge layers to blocks: a layer with weights, or one that changes the shape, begins a block.

    Activations, norms and the like join the block before them, and reshaping joins the block after it. A
    layer with weights that is called again, such as the cell of a recurrent network, is drawn once, with the
    number of its calls. If there are more blocks than ``most``, the modules that hold the layers are drawn in
    their place.

    Args:
        network: the network.
        found: what it did in one call.
        shape: the shape of one sample that it is given.
        most: the number of blocks up to which all layers are drawn.

    >>> network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
    >>> found = trace(network, [torch.zeros(2, 3)])
    >>> [block.words for block in blocks(network, found, (3,), most=8)]
    [['linear', 'ReLU'], ['linear']]
    """
    merged = _merged(found.layers, shape)
    depth = max((layer.name.count(".") + 1 for layer in found.layers), default=1)
    while len(merged) > most and depth > 1:
        depth -= 1
        merged = _containers(network, found, depth)
    return merged


def describe_shape(shape: Shape) -> str:
    """Return a shape as it is written below a block.

    >>> describe_shape((64, 7, 7)), describe_shape(())
    ('64×7×7', '1')
    """
    return "×".join(str(size) for size in shape) or "1"


def find_tensor(value: Any) -> Tensor | None:
    """Return the first tensor in an output, which may be a tuple or a dict.

    >>> find_tensor({"logits": (None, torch.zeros(2))})
    tensor([0., 0.])
    """
    if isinstance(value, Tensor):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return next((tensor for tensor in map(find_tensor, parts) if tensor is not None), None)


def words_of(module: nn.Module) -> str:
    """Return what a layer is called in the diagram.

    >>> words_of(nn.Conv2d(1, 1, 3, stride=2))
    'conv 3×3\\nstride 2'
    """
    name = type(module).__name__.removeprefix("Parametrized")
    if name.startswith("Conv") and isinstance(kernel_size := getattr(module, "kernel_size", None), tuple):
        kernel = "×".join(map(str, kernel_size))
        first = f"transposed\nconv {kernel}" if "Transpose" in name else f"conv {kernel}"
        (stride, *_) = getattr(module, "stride", (1,))
        return first if stride == 1 else f"{first}\nstride {stride}"
    if isinstance(module, nn.Upsample) and isinstance(module.scale_factor, int | float):
        return f"upsample\n{module.scale_factor:g}×"
    known = _NAMES.get(re.sub("[123]d$", "", name))
    return known or _wrapped(re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", name) or [name], "")


def _wrapped(parts: Sequence[str], joint: str) -> str:
    """The parts of a name in lines of at most ten letters where that is possible."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1] + joint + part) <= 10:
            lines[-1] += joint + part
        else:
            lines.append(part)
    return "\n".join(lines)


def _run(network: nn.Module, arguments: Sequence[Tensor]) -> tuple[list[Layer], dict[str, Shape], Tensor]:
    """The layers of one call in evaluation mode, the shapes that other modules returned, and the output."""
    batch = len(arguments[0])
    layers: list[Layer] = []
    containers: dict[str, Shape] = {}
    stack: list[list[Any]] = []  # for each module that is running: whether it called another; its inputs

    def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
        if stack:
            stack[-1][0] = True
        tensors = [value.detach().clone() for value in [*args, *kwargs.values()] if isinstance(value, Tensor)]
        stack.append([False, tensors])

    def leave(name: str, module: nn.Module, output: Any) -> None:
        has_called, tensors = stack.pop()
        tensor = find_tensor(output)
        shape = None if tensor is None else _without_batch(tensor, batch)
        if not has_called:
            layers.append(Layer(name, module, tensors, shape))
        elif shape is not None:
            containers[name] = shape

    handles = []
    for name, module in network.named_modules():
        if "parametrizations" in name.split("."):
            continue
        handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(
            module.register_forward_hook(lambda module, _, output, name=name: leave(name, module, output))
        )
    device = arguments[0].device
    try:
        with evaluation_mode(network), torch.no_grad(), seeded(device, 0):
            output = find_tensor(network(*arguments))
    finally:
        for handle in handles:
            handle.remove()
    if output is None:
        raise InputError("the network must return a tensor, or a tuple or dict that holds one")
    return layers, containers, output.clone()


def _another(values: Tensor) -> Tensor:
    """Other values of the same kind: those of the next sample of the batch, or larger ones."""
    rolled = values.roll(1, 0)
    return rolled if not torch.equal(rolled, values) or not values.is_floating_point() else values + 1


def _equal(one: Layer, other: Layer) -> bool:
    pairs = zip(one.inputs, other.inputs, strict=False)
    return len(one.inputs) == len(other.inputs) and all(
        a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in pairs
    )


def _without_batch(tensor: Tensor, batch: int) -> Shape:
    return tuple(tensor.shape[1:] if tensor.shape[:1] == (batch,) else tensor.shape)


def _merged(layers: Sequence[Layer], shape: Shape) -> list[Block]:
    merged: list[Block] = []
    reshaping: list[str] = []  # it belongs to the layer that follows
    calls = Counter(layer.module for layer in layers)
    seen: set[nn.Module] = set()
    is_repeat = False
    for layer in layers:
        has_weights = _has_weights(layer)
        is_repeat = layer.module in seen if has_weights else is_repeat
        seen.add(layer.module)
        if is_repeat or layer.shape is None or isinstance(layer.module, nn.Identity):
            continue
        reshaping += _reshaping(shape, _input_shape(layer))
        shape = layer.shape
        if isinstance(layer.module, nn.Flatten | nn.Unflatten):
            reshaping.append(words_of(layer.module))
            continue
        words, reshaping = [*reshaping, words_of(layer.module)], []
        if has_weights and calls[layer.module] > 1:
            words.append(f"{calls[layer.module]} calls")
        if not merged or _begins(layer):
            merged.append(Block([], shape))
        merged[-1].words += words
        merged[-1].layers.append(layer)
        merged[-1].shape = shape
    if reshaping and merged:
        merged[-1].words += reshaping
        merged[-1].shape = shape
    return merged


def _containers(network: nn.Module, trace: Trace, depth: int) -> list[Block]:
    """Blocks of the modules at a depth of the network's tree, in the order of their first calls."""
    found: dict[str, Block] = {}
    name = ""
    for layer in trace.layers:
        if layer.shape is None:
            continue
        is_alone = layer.name.count(".") < depth
        if is_alone and name and not _begins(layer):
            found[name].words += [words_of(layer.module)] if layer.name not in found else []
        else:
            name = ".".join(layer.name.split(".")[:depth])
            last = name.split(".")[-1]
            has_no_name = is_alone or last.isdigit()
            words = words_of(network.get_submodule(name)) if has_no_name else _wrapped(last.split("_"), " ")
            found.setdefault(name, Block([words], layer.shape))
        found[name].layers.append(layer)
        found[name].shape = layer.shape if is_alone else trace.containers.get(name, layer.shape)
    return list(found.values())


def _has_weights(layer: Layer) -> bool:
    return any(weight.dim() > 1 for weight in layer.module.parameters())


def _begins(layer: Layer) -> bool:
    """Whether a layer begins a block: it has weights, or it changes the shape."""
    return _has_weights(layer) or layer.shape != _input_shape(layer)


def _input_shape(layer: Layer) -> Shape:
    return tuple(layer.inputs[0].shape[1:]) if layer.inputs else ()


def _reshaping(before: Shape, after: Shape) -> list[str]:
    """What a network did between two layers, if it only arranged the numbers in another way."""
    if before == after or math.prod(before) != math.prod(after):
        return []
    is_transposed = len(before) == len(after) and sorted(before) == sorted(after)
    return ["transpose" if is_transposed else "reshape"]
