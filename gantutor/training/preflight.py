"""A look at the data and a rehearsal of the game before training: what does not fit ends in one sentence."""

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
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Turn
from gantutor.networks.packing import PackedDiscriminator
from gantutor.training.batches import batches_of
from gantutor.training.memory import ran_out


def check_data(
    data: Any, batch_size: int, device: torch.device, value_range: tuple[float, float] | None
) -> tuple[Any, Any, Any]:
    """A first batch, its conditions, and up to 1,000 conditions of the whole; raises InputError where the
    data cannot be learnt from.

    It draws with a random state of its own, so that the order of the training is not touched.
    """
    batches = batches_of(data, batch_size, seed=0, device=device)
    resident = getattr(batches, "tensors", None)
    if resident is not None:
        check_samples(resident[0], value_range)
    real, condition = batches.next()
    for part in real if isinstance(real, tuple) else (real,):
        check_samples(part, value_range)
    if resident is None:
        return real, condition, condition
    chosen = torch.randperm(len(resident[0]), generator=torch.Generator().manual_seed(0))[:1000].to(device)
    kept = tuple(tensor[chosen] for tensor in resident[1:])
    return real, condition, join(kept)


def is_range(value: Any) -> bool:
    """Whether this is a pair of numbers, the first the smaller.

    >>> is_range((0, 255)), is_range((1, -1))
    (True, False)
    """
    pair = isinstance(value, tuple | list) and len(value) == 2
    return pair and all(isinstance(end, int | float) for end in value) and bool(value[0] < value[1])


def check_samples(samples: Any, value_range: tuple[float, float] | None = (-1.0, 1.0)) -> None:
    """Raise InputError unless these are finite floats of rank 2 or more, and images lie in ``value_range``.

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
    """Let copies of a pair on the CPU see the smallest and the largest label of all samples; raise
    InputError where one is out of their range.

    On a GPU such a label would end in an error that no later call of the process survives.
    """
    if not isinstance(real, Tensor) or not {"generator", "discriminator"} <= set(gan.networks):
        return
    every = getattr(batches, "tensors", (real, *parts_of(condition)))[1:]
    if all(part.is_floating_point() for part in every):
        return
    shown = join(tuple(map(_with_ends, parts_of(condition), every)))
    latent = gan.draw_latent(len(real), torch.Generator().manual_seed(0), torch.device("cpu"))
    for name, inputs in (("generator", latent), ("discriminator", real.cpu())):
        network = copy.deepcopy(gan.networks[name]).cpu()
        _attempt(lambda net=network, given=inputs: apply(net, given, shown), f"{name} with these conditions")


def _with_ends(some: Tensor, everything: Tensor) -> Tensor:
    """Conditions on the CPU, the first two of them the smallest and the largest of all where these are whole
    numbers.

    >>> _with_ends(torch.tensor([3, 3, 3]), torch.tensor([1, 3, 7]))
    tensor([1, 7, 3])
    """
    some = some.cpu().clone()
    if everything.dim() == 1 and not everything.is_floating_point():
        some[: min(2, len(some))] = torch.stack([everything.min(), everything.max()]).cpu()[: len(some)]
    return some


@torch.no_grad()
def check_game(gan: GAN, real: Any, condition: Any, draw: torch.Generator) -> None:
    """Rehearse every network and every turn on a first batch; raise InputError where shapes or calls do not
    fit.

    Networks that only view tensors laid out as torch does by itself are put back to that layout.
    """
    first = real[0] if isinstance(real, tuple) else real
    try:
        try:
            _try_game(gan, real, condition, draw)
        except InputError as error:
            if "view size is not compatible" not in str(error):
                raise
            gan.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
            _try_game(gan, real, condition, draw)
    except InputError:
        weights = next((p.dtype for p in gan.parameters() if p.is_floating_point()), first.dtype)
        if weights != first.dtype:
            kinds = f"the samples are {first.dtype} and the weights {weights}".replace("torch.", "")
            raise InputError(f"{kinds}: convert the samples, as in x.float()") from None
        raise


def _try_game(gan: GAN, real: Any, condition: Any, draw: torch.Generator) -> None:
    first = real[0] if isinstance(real, tuple) else real
    count = len(first)
    batch = Batch(
        gan, real, condition, _attempt(lambda: gan.draw_latent(count, draw, first.device), "the latent")
    )
    if {"generator", "discriminator"} <= set(gan.networks) and isinstance(real, Tensor):
        _try_networks(gan, batch, count)
    for turn in gan.turns:
        with torch.enable_grad():
            _try_turn(gan, turn, batch)


def _try_turn(gan: GAN, turn: Turn, batch: Batch) -> None:
    what = f"the loss of the turn of the {turn.name}"
    losses = _attempt(lambda: turn.loss(gan, batch), what)
    if not isinstance(losses, dict) or "total" not in losses:
        raise InputError(f"{what} must return a dict with a 'total'")
    penalties = {
        name: _attempt(partial(each.loss, gan, batch), f"{name} of the {turn.name}")
        for name, each in turn.penalties.items()
    }
    for name, value in (losses | penalties).items():
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise InputError(f"{name!r} in {what} must be a tensor with one number")
    for name in turn.updates:
        weights = [weight for weight in gan.networks[name].parameters() if weight.requires_grad]
        if weights and not _depends(losses["total"], weights):
            raise InputError(f"{what} does not depend on the weights of the {name}, which it is to update")


def _depends(loss: Tensor, weights: list[Parameter]) -> bool:
    if not loss.requires_grad:
        return False
    gradients = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    return any(gradient is not None for gradient in gradients)


def _try_networks(gan: GAN, batch: Batch, count: int) -> None:
    condition = "" if batch.condition is None else ", condition"
    latent = tuple(batch.latent.shape) if batch.latent is not None else ()
    with torch.no_grad():
        fake = _attempt(
            lambda: apply(gan.networks["generator"], batch.latent, batch.condition),
            f"generator(z{condition}) with z of shape {latent}",
        )
        if not isinstance(fake, Tensor) or fake.shape != batch.real.shape:
            made = tuple(fake.shape) if isinstance(fake, Tensor) else type_name(fake)
            single = isinstance(fake, Tensor) and fake.shape[1:] == batch.real.shape
            hint = "; a list is read as batches: torch.stack(list) makes a batch of single samples"
            raise InputError(
                f"the generator makes samples of shape {made}, and the data have {tuple(batch.real.shape)}"
                + (hint if single else "")
            )
        logits = _attempt(
            lambda: apply(gan.networks["discriminator"], batch.real, batch.condition),
            f"discriminator(x{condition}) with x of shape {tuple(batch.real.shape)}",
        )
    discriminator = gan.networks["discriminator"]
    judged = count // discriminator.packing if isinstance(discriminator, PackedDiscriminator) else count
    for head in logits if isinstance(logits, tuple) else (logits,):
        if not isinstance(head, Tensor) or head.shape[:1] != (judged,):
            got = tuple(head.shape) if isinstance(head, Tensor) else type_name(head)
            raise InputError(
                f"the discriminator must give one logit a sample, shape ({judged}, …), and gives {got}"
            )


def _attempt(call: Any, what: str) -> Any:
    try:
        return call()
    except InputError:
        raise
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        if ran_out(error):
            raise
        raise InputError(f"{what} failed: {first_line(error)}") from error
