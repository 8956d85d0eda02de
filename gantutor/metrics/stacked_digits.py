"""How many of the 1,000 modes of stacked digits a sample covers, and how evenly."""

from __future__ import annotations

from functools import cache
from statistics import median

import torch
from torch import Tensor

from gantutor._checks import check_tensors
from gantutor._errors import InputError, type_name
from gantutor.data.digits import digits
from gantutor.data.stacked_digits import mode_index
from gantutor.metrics.digit_classifier import classify_digits
from gantutor.metrics.score import Score, Scores

MODES = 1000


def stacked_scores(generated: Tensor) -> Scores:
    """``stacked_modes`` and ``stacked_kl`` of images (N, 3, 28, 28) in [−1, 1], read channel by channel.

    The digit classifier reads each channel. ``stacked_modes``: how many of the 1,000 triples occur.
    ``stacked_kl``: KL(q ‖ uniform) = Σ qᵢ log(1000 qᵢ) in nats of their shares q. The published protocol
    takes 26,000 samples (Lin et al. 2018, arXiv:1712.04086, section 4.2); with fewer, both are worse, and so
    are the floors: medians over 20 draws of as many stacks of real held-out digits, read alike. Raises
    InputError for other shapes, ranges or no samples.

    >>> scores = stacked_scores(torch.rand(64, 3, 28, 28) * 2 - 1)
    >>> sorted(scores)
    ['stacked_kl', 'stacked_modes']
    """
    right = isinstance(generated, Tensor) and generated.dim() == 4 and generated.shape[1:] == (3, 28, 28)
    if not right or not len(generated):
        given = tuple(generated.shape) if isinstance(generated, Tensor) else type_name(generated)
        raise InputError(f"stacked digits must have shape (count, 3, 28, 28), not {given}")
    check_tensors(generated=generated)
    read = torch.cat(
        [classify_digits(part.flatten(0, 1)[:, None])[1] for part in torch.split(generated, 1000)]
    )
    values, floors = spread_of(read.argmax(1).view(-1, 3)), _floors(len(generated))
    units = {"stacked_modes": ("modes", "higher"), "stacked_kl": ("nats", "lower")}
    return Scores(
        {
            name: Score(value, floors[name], *units[name], len(generated), "the digit classifier")
            for name, value in values.items()
        }
    )


def spread_of(triples: Tensor) -> dict[str, float]:
    """The two numbers of ``stacked_scores`` for triples of digits (N, 3).

    >>> spread_of(torch.tensor([[0, 0, 0], [9, 9, 9]]))["stacked_modes"]
    2.0
    """
    shares = mode_index(triples).bincount(minlength=MODES).double() / len(triples)
    kl = float(torch.xlogy(shares, shares * MODES).sum())
    return {"stacked_modes": float((shares > 0).sum()), "stacked_kl": kl}


@cache
def _floors(count: int) -> dict[str, float]:
    read = classify_digits(digits().held_out.tensors[0])[1].argmax(1)
    draw = torch.Generator().manual_seed(0)
    draws = [spread_of(read[torch.randint(len(read), (count, 3), generator=draw)]) for _ in range(20)]
    return {name: median(found[name] for found in draws) for name in draws[0]}
