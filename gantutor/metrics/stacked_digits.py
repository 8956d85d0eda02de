"""Scores of stacked digits: how many of the 1,000 modes the samples cover, and how evenly."""

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
"""Triples of digits, one digit in each of the three channels."""


def stacked_scores(generated: Tensor) -> Scores:
    """Score how many of the 1,000 modes of stacked digits the samples cover, and how evenly.

    The digit classifier classifies each channel; the three digits are the mode. The published protocol takes
    26,000 samples (Lin et al. 2018, arXiv:1712.04086, section 4.2). With fewer, both scores are worse, and so
    are their real-data values: medians over 20 draws of as many stacks of real held-out digits, classified
    alike.

    Args:
        generated: images (N, 3, 28, 28) in [−1, 1], N ≥ 1.

    Returns:
        ``stacked_modes``, how many of the 1,000 triples occur, and ``stacked_kl``, KL(q ‖ uniform) =
        Σ qᵢ log(1000 qᵢ) in nats of their shares q.

    Raises:
        InputError: for other types, shapes or ranges, or no samples.

    >>> scores = stacked_scores(torch.rand(64, 3, 28, 28) * 2 - 1)
    >>> sorted(scores)
    ['stacked_kl', 'stacked_modes']
    """
    valid = isinstance(generated, Tensor) and generated.dim() == 4 and generated.shape[1:] == (3, 28, 28)
    if not valid or not len(generated):
        shape = tuple(generated.shape) if isinstance(generated, Tensor) else type_name(generated)
        raise InputError(f"stacked digits must have shape (count, 3, 28, 28), not {shape}")
    check_tensors(generated=generated)
    probabilities = torch.cat(
        [classify_digits(chunk.flatten(0, 1)[:, None])[1] for chunk in torch.split(generated, 1000)]
    )  # (3 N, 10)
    values = measure_stacked_modes(probabilities.argmax(1).view(-1, 3))
    real = _real_data_values(len(generated))
    units = {"stacked_modes": ("modes", "higher"), "stacked_kl": ("nats", "lower")}
    return Scores(
        {
            name: Score(value, real[name], *units[name], len(generated), "the digit classifier")
            for name, value in values.items()
        }
    )


def measure_stacked_modes(triples: Tensor) -> dict[str, float]:
    """Return the two numbers of ``stacked_scores`` by name, without their real-data values.

    Args:
        triples: the digits of each sample (N, 3), from 0 to 9.

    >>> measure_stacked_modes(torch.tensor([[0, 0, 0], [9, 9, 9]]))["stacked_modes"]
    2.0
    """
    shares = mode_index(triples).bincount(minlength=MODES).double() / len(triples)
    kl = float(torch.xlogy(shares, shares * MODES).sum())
    return {"stacked_modes": float((shares > 0).sum()), "stacked_kl": kl}


@cache
def _real_data_values(count: int) -> dict[str, float]:
    predicted = classify_digits(digits().held_out.tensors[0])[1].argmax(1)
    rng = torch.Generator().manual_seed(0)
    draws = [
        measure_stacked_modes(predicted[torch.randint(len(predicted), (count, 3), generator=rng)])
        for _ in range(20)
    ]
    return {name: median(draw[name] for draw in draws) for name in draws[0]}
