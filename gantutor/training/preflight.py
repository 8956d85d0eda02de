"""Preflight checks: the data are inspected and every turn is tried once before a training begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.nn.parameter import is_lazy

from gantutor._calling import apply
from gantutor._conditions import join, parts_of
from gantutor._errors import InputError, type_name
from gantutor._random import seeded
from gantutor._tree import tree_split
from gantutor._user_errors import explain_mismatch, is_out_of_memory, warn
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Turn
from gantutor.networks.packing import PackedDiscriminator
from gantutor.training.batches import Batches
from gantutor.training.device import set_memory_format
from gantutor.training.ema import buffer_places, copy_network


def check_data(batches: Batches, parts: int, value_range: tuple[float, float] | None) -> tuple[Any, Any, Any]:
    """Inspect the first batch, and all data that are held in memory.

    Args:
        batches: the batches of the training; none is taken.
        parts: the number of parts in which a batch is worked through.
        value_range: (low, high) that images must lie in, or None.

    Returns:
        The samples of the first part of a batch, their conditions or None, and conditions of up to 1,000
        samples or None.

    Raises:
        InputError: if the data cannot be used, for instance if samples are not finite floats.

    >>> from gantutor.training.batches import make_batches
    >>> check_data(make_batches(torch.zeros(8, 2), 4, 0, torch.device("cpu")), 2, None)[0].shape
    torch.Size([2, 2])
    """
    resident = getattr(batches, "tensors", None)
    if resident is not None:
        check_samples(resident[0], value_range)
    real, condition = batches.peek()
    for samples in real if isinstance(real, tuple) else (real,):
        check_samples(samples, value_range)
    conditions = batches.conditions()
    if parts > 1:
        real, condition = tree_split(real, parts)[0], tree_split(condition, parts)[0]
    return real, condition, conditions


def is_range(value: Any) -> bool:
    """Return whether a value is a pair of numbers (low, high) with low < high.

    >>> is_range((0, 255)), is_range((1, -1))
    (True, False)
    """
    pair = isinstance(value, tuple | list) and len(value) == 2
    return pair and all(isinstance(end, int | float) for end in value) and bool(value[0] < value[1])


def check_samples(samples: Any, value_range: tuple[float, float] | None = (-1.0, 1.0)) -> None:
    """Check that samples are finite floats and that images have the expected range.

    Args:
        samples: a tensor (N, …) with at least one more dimension; one of shape (N, C, H, W) holds images.
        value_range: (low, high) that images must lie in, or None for any values.

    Raises:
        InputError: if they are something else; the message says what to do.

    >>> check_samples(torch.zeros(4, 1, 28, 28))
    """
    if not isinstance(samples, Tensor):
        raise InputError(f"samples must be tensors, not {type_name(samples)}")
    if samples.dim() < 2:
        raise InputError(
            f"samples must have shape (count, …) with at least one more dimension, not {tuple(samples.shape)}"
        )
    if not samples.is_floating_point():
        dtype = str(samples.dtype).removeprefix("torch.")
        raise InputError(
            f"samples must be floating-point numbers, not {dtype}: convert bytes by x / 127.5 - 1"
        )
    if not samples.numel():
        raise InputError(f"samples must hold at least one number, but have shape {tuple(samples.shape)}")
    if not bool(samples.isfinite().all()):
        sample = int((~samples.isfinite()).flatten(1).any(1).nonzero()[0])
        raise InputError(
            f"the samples contain values that are not finite (NaN or infinity), first in sample {sample}: "
            "remove or replace them"
        )
    low, high = float(samples.min()), float(samples.max())
    if (
        value_range is not None
        and samples.dim() == 4
        and not (value_range[0] <= low and high <= value_range[1])
    ):
        raise InputError(
            f"images must lie in [{value_range[0]:g}, {value_range[1]:g}], "
            f"but these lie in [{low:g}, {high:g}]: scale them, or pass their range as value_range="
        )


@torch.no_grad()
def check_labels(gan: GAN, real: Any, condition: Any, batches: Any) -> None:
    """Test the smallest and the largest label of the data on copies of the networks on the CPU.

    A label out of range would end the training at the first batch that holds it; on a GPU no later call of
    the process survives that error. Tested are the networks of a classical game and the outputs of others;
    conditions that are not whole numbers are not tested.

    Args:
        gan: the game.
        real: a first batch of samples.
        condition: its conditions.
        batches: the source of the batches; all labels are known only if it holds its data in memory.

    Raises:
        InputError: if a network cannot use these labels.
    """
    if not isinstance(real, Tensor):
        return
    all_conditions = getattr(batches, "tensors", (real, *parts_of(condition)))[1:]
    if all(part.is_floating_point() for part in all_conditions):
        return
    extreme_conditions = join(tuple(map(_with_extreme_labels, parts_of(condition), all_conditions)))
    latent = gan.draw_latent(len(real), torch.Generator().manual_seed(0), torch.device("cpu"))
    calls = [(name, latent) for name in gan.outputs]
    calls += [(name, real.cpu()) for name in (gan.pair or ())[1:]]
    for name, inputs in calls:
        network = copy_network(gan.networks[name]).cpu()
        with explain_mismatch(f"{name} with these conditions failed"), seeded(torch.device("cpu"), 0):
            apply(network, inputs, extreme_conditions)


def _with_extreme_labels(conditions: Tensor, all_conditions: Tensor) -> Tensor:
    """Return conditions on the CPU, of which the first two are the smallest and the largest label of all.

    Conditions that are not labels (whole numbers) stay as they are.

    >>> _with_extreme_labels(torch.tensor([3, 3, 3]), torch.tensor([1, 3, 7]))
    tensor([1, 7, 3])
    """
    conditions = conditions.cpu().clone()
    if all_conditions.dim() == 1 and not all_conditions.is_floating_point():
        conditions[: min(2, len(conditions))] = torch.stack(
            [all_conditions.min(), all_conditions.max()]
        ).cpu()[: len(conditions)]
    return conditions


@torch.no_grad()
def check_game(gan: GAN, real: Any, condition: Any, rng: torch.Generator, channels_last: bool) -> bool:
    """Run every network and every turn once on a first batch, without changing a weight or a buffer.

    Networks that do not work in the channels-last memory format, such as those that call ``view`` after a
    convolution, are changed back to torch's default format.

    Args:
        gan: the game.
        real: a batch of samples, or a tuple of them.
        condition: their conditions, or None.
        rng: random generator of the latents.
        channels_last: whether the networks are in the channels-last format.

    Returns:
        Whether they are in it now.

    Raises:
        InputError: if shapes, types or calls do not fit; the message names the network or the turn.
    """
    with _restored_buffers(gan):
        return _try_game(gan, real, condition, rng, channels_last)


@contextmanager
def _restored_buffers(network: nn.Module) -> Iterator[None]:
    """Restore the buffers of a network at the end, such as running means, which every call changes."""
    kept = [
        (buffers, name, buffer, buffer.clone())
        for buffers, name in buffer_places(network)
        if (buffer := buffers[name]) is not None and not is_lazy(buffer)
    ]
    yield
    for buffers, name, buffer, values in kept:
        buffer.copy_(values)
        buffers[name] = buffer


def _try_game(gan: GAN, real: Any, condition: Any, rng: torch.Generator, channels_last: bool) -> bool:
    if channels_last:
        try:
            _run_game(gan, real, condition, rng)
            set_memory_format(gan, channels_last=True)  # lazy modules have their weights only now
            return True
        except Exception as error:
            if is_out_of_memory(error):
                raise
        set_memory_format(gan, channels_last=False)
    try:
        _run_game(gan, real, condition, rng)
    except InputError:
        first = real[0] if isinstance(real, tuple) else real
        weights = next((p.dtype for p in gan.parameters() if p.is_floating_point()), first.dtype)
        if weights != first.dtype:
            dtypes = f"the samples are {first.dtype} and the weights {weights}".replace("torch.", "")
            raise InputError(f"{dtypes}: convert the samples, as in x.float()") from None
        raise
    return False


def _run_game(gan: GAN, real: Any, condition: Any, rng: torch.Generator) -> None:
    first = real[0] if isinstance(real, tuple) else real
    with explain_mismatch("the latent failed"):
        latent = gan.draw_latent(len(first), rng, first.device)
    batch = Batch(gan, real, condition, latent, rng)
    if gan.pair is not None and isinstance(real, Tensor):
        _run_pair(gan, batch, len(first), *gan.pair)
    trained: set[int] = set()
    with torch.enable_grad():
        for turn in gan.turns:
            trained |= _run_turn(gan, turn, batch)
    for name in dict.fromkeys(name for turn in gan.turns for name in turn.updates):
        parameters = gan.networks[name].named_parameters()
        idle = [key for key, weight in parameters if weight.requires_grad and id(weight) not in trained]
        if idle:
            more = f" and {len(idle) - 1} more" if len(idle) > 1 else ""
            warn(
                f"no loss gives the weight {idle[0]}{more} of the {name} a gradient, so it will not be "
                "trained: set its requires_grad to False if this is intended"
            )


def _run_turn(gan: GAN, turn: Turn, batch: Batch) -> set[int]:
    """Run a turn; return the ids of the weights that it gives a gradient."""
    what = f"the loss of the turn of the {turn.name}"
    with explain_mismatch(f"{what} failed"):
        losses = turn.loss(gan, batch)
    if not isinstance(losses, dict) or "total" not in losses:
        raise InputError(f"{what} must return a dict with a 'total'")
    penalties = {}
    for name, penalty in turn.penalties.items():
        with explain_mismatch(f"{name} of the {turn.name} failed"):
            penalties[name] = penalty.loss(gan, batch)
    for name, value in (losses | penalties).items():
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise InputError(f"{name!r} in {what} must be a tensor with one number")
    weights = {
        name: [weight for weight in gan.networks[name].parameters() if weight.requires_grad]
        for name in turn.updates
    }
    total = losses["total"] + sum(penalty.sum() for penalty in penalties.values())
    trained = [weight for some in weights.values() for weight in some]
    with explain_mismatch(f"the gradient of {what} failed"):
        gradients = _gradients(total.sum(), trained)
    if any(gradients.get(id(weight)) is None for weight in trained) and _is_checkpointed(total):
        raise InputError(
            "a network uses activation checkpointing with use_reentrant=True, which computes no "
            "gradient for its weights when only some networks are differentiated: pass use_reentrant=False"
        )
    for name, some in weights.items():
        if some and all(gradients.get(id(weight)) is None for weight in some):
            raise InputError(f"{what} does not depend on the weights of the {name}, which the turn updates")
    batch.forget(gan.depending_on(turn.updates))
    return {key for key, gradient in gradients.items() if gradient is not None}


def _is_checkpointed(total: Tensor) -> bool:
    """Whether torch.utils.checkpoint was used, in its re-entrant form, to compute a loss."""
    seen, nodes = set(), [total.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        if type(node).__name__ == "CheckpointFunctionBackward":
            return True
        seen.add(node)
        nodes.extend(parent for parent, _ in node.next_functions)
    return False


def _gradients(total: Tensor, weights: list[Parameter]) -> dict[int, Tensor | None]:
    """The gradient for each weight by its id, or None where the total does not depend on it."""
    unique = list({id(weight): weight for weight in weights}.values())
    if not total.requires_grad or not unique:
        return {}
    gradients = torch.autograd.grad(total, unique, allow_unused=True)
    return {id(weight): gradient for weight, gradient in zip(unique, gradients, strict=True)}


def _run_pair(gan: GAN, batch: Batch, count: int, generator: str, discriminator: str) -> None:
    """Call the two networks of a classical game separately, so that an error names the network."""
    condition = "" if batch.condition is None else ", condition"
    latent = tuple(batch.latent.shape) if batch.latent is not None else ()
    with explain_mismatch(f"{generator}(z{condition}) with z of shape {latent} failed"):
        fake = apply(gan.networks[generator], batch.latent, batch.condition)
    if not isinstance(fake, Tensor) or fake.shape != batch.real.shape:
        shape = tuple(fake.shape) if isinstance(fake, Tensor) else type_name(fake)
        one_sample = isinstance(fake, Tensor) and fake.shape[1:] == batch.real.shape
        hint = "; a list is read as a list of batches: torch.stack(list) makes one tensor of single samples"
        hint = hint if one_sample else "" if isinstance(fake, Tensor) else f"; {_ADAPT}"
        raise InputError(
            f"the {generator} makes samples of shape {shape}, but the data have "
            f"{tuple(batch.real.shape)}{hint}"
        )
    called = f"{discriminator}(x{condition}) with x of shape {tuple(batch.real.shape)}"
    with explain_mismatch(f"{called} failed"), torch.enable_grad():
        logits = apply(gan.networks[discriminator], batch.real, batch.condition)
    network = gan.networks[discriminator]
    logit_count = count // network.packing if isinstance(network, PackedDiscriminator) else count
    heads = logits if isinstance(logits, tuple) else (logits,)
    for head in heads:
        if not isinstance(head, Tensor) or head.shape[:1] != (logit_count,):
            shape = tuple(head.shape) if isinstance(head, Tensor) else type_name(head)
            hint = f"; {_ADAPT}" if isinstance(logits, tuple | list | dict) else ""
            raise InputError(
                f"the {discriminator} must return one logit for each sample, shape ({logit_count}, …), "
                f"but returns {shape}{hint}"
            )
    warn_of_outputs(heads, discriminator)


_ADAPT = "gantutor.networks.AdaptedNetwork(network, call) can select a part of what a network returns"


def warn_of_outputs(heads: tuple[Tensor, ...], discriminator: str) -> None:
    """Warn if the outputs of a discriminator may not be logits, but class scores or bounded numbers.

    Args:
        heads: its outputs, (N, …) each, with their gradient history.
        discriminator: its name.
    """
    columns = [head.shape[1] if head.dim() == 2 else 1 for head in heads]
    if (
        len(heads) == 2
        and min(columns) == 1
        and any(head.dim() == 2 and count > 1 for head, count in zip(heads, columns, strict=True))
    ):
        shapes = " and ".join(str(tuple(head.shape)) for head in heads)
        warn(
            f"the {discriminator} returns {len(heads)} outputs, {shapes}, and all are used as logits of real "
            "or generated: if one holds class scores or features, select the logits with "
            "gantutor.networks.AdaptedNetwork, or use gantutor.games.acgan"
        )
    for head in heads:
        if function := _squashed_by(head):
            warn(
                f"the {discriminator} ends in a {function}, but the losses expect logits, any real numbers, "
                "and apply the sigmoid themselves: remove it"
            )
            break


_SQUASHING = {
    "SigmoidBackward": "sigmoid",
    "HardsigmoidBackward": "sigmoid",
    "SoftmaxBackward": "softmax",
    "LogSoftmaxBackward": "log-softmax",
    "LogSigmoidBackward": "log-sigmoid",
    "TanhBackward": "tanh",
    "HardtanhBackward": "hard tanh",
    "ClampBackward": "clamp",
}
_RESHAPING = {
    "ViewBackward",
    "UnsafeViewBackward",
    "ReshapeAliasBackward",
    "SqueezeBackward",
    "UnsqueezeBackward",
    "ToCopyBackward",
    "SelectBackward",
    "SliceBackward",
    "PermuteBackward",
    "TransposeBackward",
    "TBackward",
    "CloneBackward",
}


def _squashed_by(logits: Tensor) -> str:
    """The name of the function that made the outputs, if it limits them, or an empty string."""
    node = logits.grad_fn
    for _ in range(8):
        name = type(node).__name__.rstrip("0123456789")
        if name in _SQUASHING:
            return _SQUASHING[name]
        if node is None or name not in _RESHAPING:
            break
        node = node.next_functions[0][0]
    is_compiled = "CompiledFunction" in type(logits.grad_fn).__name__
    values = logits.detach()
    if is_compiled and values.numel() >= 8 and bool(((values > 0) & (values < 1)).all()):
        return "function whose values lie between 0 and 1"
    return ""
