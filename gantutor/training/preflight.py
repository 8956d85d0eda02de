"""Preflight checks: the data are inspected and every turn is tried once before a training begins."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from gantutor._calling import apply
from gantutor._conditions import join, parts_of
from gantutor._errors import InputError, first_line, type_name
from gantutor._tree import tree_split
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Turn
from gantutor.networks.packing import PackedDiscriminator
from gantutor.training.batches import Batches
from gantutor.training.memory import is_out_of_memory


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
    conditions = condition
    if resident is not None:
        rng = torch.Generator().manual_seed(0)
        indices = torch.randperm(len(resident[0]), generator=rng)[:1000].to(resident[0].device)
        conditions = join(tuple(tensor[indices] for tensor in resident[1:]))
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
        raise InputError(f"samples must be floating-point numbers, not {dtype}; bytes become x / 127.5 - 1")
    if not samples.numel():
        raise InputError(f"samples must hold at least one number, and are of shape {tuple(samples.shape)}")
    if not bool(samples.isfinite().all()):
        raise InputError(
            "the samples contain values that are not finite (NaN or infinity): remove or replace them"
        )
    low, high = float(samples.min()), float(samples.max())
    if (
        value_range is not None
        and samples.dim() == 4
        and not (value_range[0] <= low and high <= value_range[1])
    ):
        raise InputError(
            f"images must lie in [{value_range[0]:g}, {value_range[1]:g}], "
            f"and these lie in [{low:g}, {high:g}]: scale them, or say which range you mean with value_range="
        )


@torch.no_grad()
def check_labels(gan: GAN, real: Any, condition: Any, batches: Any) -> None:
    """Try the smallest and the largest label of the data on copies of a classical pair on the CPU.

    On a GPU a label out of range ends in an error that no later call of the process survives. Games with
    other networks, and conditions that are not whole numbers, are not checked.

    Args:
        gan: the game.
        real: a first batch of samples.
        condition: its conditions.
        batches: the source of the batches; all labels are known only if it holds its data in memory.

    Raises:
        InputError: if a network cannot use these labels.
    """
    if not isinstance(real, Tensor) or gan.pair is None:
        return
    all_conditions = getattr(batches, "tensors", (real, *parts_of(condition)))[1:]
    if all(part.is_floating_point() for part in all_conditions):
        return
    extreme_conditions = join(tuple(map(_with_extreme_labels, parts_of(condition), all_conditions)))
    latent = gan.draw_latent(len(real), torch.Generator().manual_seed(0), torch.device("cpu"))
    for name, inputs in zip(gan.pair, (latent, real.cpu()), strict=True):
        network = copy.deepcopy(gan.networks[name]).cpu()
        _attempt(
            lambda net=network, x=inputs: apply(net, x, extreme_conditions), f"{name} with these conditions"
        )


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
def check_game(gan: GAN, real: Any, condition: Any, rng: torch.Generator) -> None:
    """Run every network and every turn once on a first batch, without changing a weight.

    Networks that call ``view`` on tensors and so do not support the channels-last memory format are put back
    to torch's default format.

    Args:
        gan: the game.
        real: a batch of samples, or a tuple of them.
        condition: their conditions, or None.
        rng: random generator of the latents.

    Raises:
        InputError: if shapes, types or calls do not fit; the message names the network or the turn.
    """
    first = real[0] if isinstance(real, tuple) else real
    try:
        try:
            _run_game(gan, real, condition, rng)
        except InputError as error:
            if "view size is not compatible" not in str(error):
                raise
            gan.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
            _run_game(gan, real, condition, rng)
    except InputError:
        weights = next((p.dtype for p in gan.parameters() if p.is_floating_point()), first.dtype)
        if weights != first.dtype:
            dtypes = f"the samples are {first.dtype} and the weights {weights}".replace("torch.", "")
            raise InputError(f"{dtypes}: convert the samples, as in x.float()") from None
        raise


def _run_game(gan: GAN, real: Any, condition: Any, rng: torch.Generator) -> None:
    first = real[0] if isinstance(real, tuple) else real
    count = len(first)
    batch = Batch(
        gan, real, condition, _attempt(lambda: gan.draw_latent(count, rng, first.device), "the latent")
    )
    if gan.pair is not None and isinstance(real, Tensor):
        _run_pair(gan, batch, count, *gan.pair)
    for turn in gan.turns:
        with torch.enable_grad():
            _run_turn(gan, turn, batch)


def _run_turn(gan: GAN, turn: Turn, batch: Batch) -> None:
    what = f"the loss of the turn of the {turn.name}"
    losses = _attempt(lambda: turn.loss(gan, batch), what)
    if not isinstance(losses, dict) or "total" not in losses:
        raise InputError(f"{what} must return a dict with a 'total'")
    penalties = {
        name: _attempt(partial(penalty.loss, gan, batch), f"{name} of the {turn.name}")
        for name, penalty in turn.penalties.items()
    }
    for name, value in (losses | penalties).items():
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise InputError(f"{name!r} in {what} must be a tensor with one number")
    for name in turn.updates:
        weights = [weight for weight in gan.networks[name].parameters() if weight.requires_grad]
        if weights and not _depends_on(losses["total"], weights):
            raise InputError(f"{what} does not depend on the weights of the {name}, which it is to update")


def _depends_on(loss: Tensor, weights: list[Parameter]) -> bool:
    """Return whether a loss has a gradient with respect to any of these weights."""
    if not loss.requires_grad:
        return False
    gradients = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    return any(gradient is not None for gradient in gradients)


def _run_pair(gan: GAN, batch: Batch, count: int, generator: str, discriminator: str) -> None:
    """Call the two networks of a classical game by themselves, which finds out what does not fit."""
    condition = "" if batch.condition is None else ", condition"
    latent = tuple(batch.latent.shape) if batch.latent is not None else ()
    with torch.no_grad():
        fake = _attempt(
            lambda: apply(gan.networks[generator], batch.latent, batch.condition),
            f"{generator}(z{condition}) with z of shape {latent}",
        )
        if not isinstance(fake, Tensor) or fake.shape != batch.real.shape:
            shape = tuple(fake.shape) if isinstance(fake, Tensor) else type_name(fake)
            one_sample = isinstance(fake, Tensor) and fake.shape[1:] == batch.real.shape
            hint = "; a list is read as batches: torch.stack(list) makes a batch of single samples"
            raise InputError(
                f"the {generator} makes samples of shape {shape}, and the data have {tuple(batch.real.shape)}"
                + (hint if one_sample else "")
            )
        logits = _attempt(
            lambda: apply(gan.networks[discriminator], batch.real, batch.condition),
            f"{discriminator}(x{condition}) with x of shape {tuple(batch.real.shape)}",
        )
    network = gan.networks[discriminator]
    logit_count = count // network.packing if isinstance(network, PackedDiscriminator) else count
    for head in logits if isinstance(logits, tuple) else (logits,):
        if not isinstance(head, Tensor) or head.shape[:1] != (logit_count,):
            shape = tuple(head.shape) if isinstance(head, Tensor) else type_name(head)
            raise InputError(
                f"the {discriminator} must give one logit a sample, shape ({logit_count}, …), "
                f"and gives {shape}"
            )


def _attempt(function: Any, what: str) -> Any:
    """Call a function; turn its errors, except for lack of memory, into one sentence."""
    try:
        return function()
    except InputError:
        raise
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        if is_out_of_memory(error):
            raise
        raise InputError(f"{what} failed: {first_line(error)}") from error
