"""Exercises of notebook 01 in code: the non-saturating loss, and a measure of collapse with a bug."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, same, slope

# --- 01.4 ---------------------------------------------------------------------------------------------------


def generator_loss(fake_logits: Tensor) -> Tensor:
    return softplus(-fake_logits).mean()


def check_generator_loss(answer: Any) -> None:
    usage = "generator_loss(fake_logits)"
    logits = torch.tensor([-3.0, -1.0, 0.5, 2.0], requires_grad=True)
    loss = call(answer, logits, usage=usage)
    value = as_tensor(loss, ())
    right, minimax = softplus(-logits).mean(), -softplus(logits).mean()
    slips = {
        "is E log D(G(z)): to minimise it, the generator would make D smaller. Mind the sign.": -right,
        "is E log(1 − D(G(z))), the loss that stops teaching where D is sure.": minimax,
        "is −E log(1 − D(G(z))), the discriminator's: the generator would learn to be found out.": -minimax,
        "is the sum over the samples, so that it grows with the batch: take the mean.": 4 * right,
    }
    for slip, other in slips.items():
        if same(value, other.detach()):
            raise Wrong(f"What you return {slip}")
    if not same(value, right.detach()):
        raise Wrong(f"For logits −3, −1, 0.5, 2 the loss is {value:.4f}, and it should be another number: "
                    "write D as sigmoid(logit) and take −log.")  # fmt: skip
    slope(loss, logits)
    for far in (-200.0, 200.0):
        logit = torch.full((3,), far, requires_grad=True)
        loss = call(answer, logit, usage=usage)
        pull, height = float(slope(loss, logit).sum()), float(loss.detach())
        if not math.isfinite(height) or not math.isfinite(pull):
            where = "−200" if far < 0 else "200"
            raise Wrong(f"At a logit of {where} the loss or its gradient is not finite: the sigmoid there is "
                        "0 or 1 to the computer, and a logarithm of it is lost.")  # fmt: skip
        if far < 0 and (abs(height - 200) > 1 or abs(pull + 1) > 0.01):
            raise Wrong(f"At a logit of −200 the loss is {height:.4g} with gradient {pull:.2g}, "
                        "where it should be 200 with gradient −1: something added or clipped hides the "
                        "slope.")  # fmt: skip


GENERATOR_LOSS = Exercise(
    number="01.4",
    title="The loss that goes on teaching",
    question="Write `generator_loss(fake_logits)`, the non-saturating loss −E log D(G(z)), of logits (N,). "
    "It must stay exact, with its gradient, at logits of ±200.",
    hints=(
        "D = sigmoid(logit). What is −log sigmoid(l), written with softplus?",
        "−log sigmoid(l) = softplus(−l); E is the mean over the batch.",
    ),
    solution=generator_loss,
    why="−log σ(l) = log(1 + e^(−l)) = softplus(−l), which PyTorch computes without overflow.",
    check=check_generator_loss,
    wrong=(
        (lambda logits: -softplus(logits).mean(), "stops teaching"),
        (lambda logits: softplus(logits).mean(), "to be found out"),
        (lambda logits: logsigmoid(logits).mean(), "Mind the sign"),
        (lambda logits: softplus(-logits).sum(), "sum over the samples"),
        (lambda logits: -torch.sigmoid(logits).log().mean(), "not finite"),
        (lambda logits: -(torch.sigmoid(logits) + 1e-8).log().mean(), "hides the slope"),
        (lambda logits: softplus(-logits), "single number"),
        (lambda logits: softplus(-logits.detach()).mean(), "No gradient"),
        (lambda logits: torch.sigmoid(-logits).mean(), "another number"),
    ),
)

# --- 01.5 ---------------------------------------------------------------------------------------------------


def buggy_reverse_kl(samples: Tensor, centres: Tensor) -> Tensor:
    """Σ qᵢ log(K qᵢ) of the shares qᵢ of samples by nearest centre, against K equal shares: 0 is perfect."""
    nearest = torch.cdist(samples, centres).argmin(1)
    _, counts = nearest.unique(return_counts=True)  # type: ignore[no-untyped-call]
    shares = counts / len(samples)
    return (shares * (len(shares) * shares).log()).sum()  # type: ignore[no-any-return]


def reverse_kl(samples: Tensor, centres: Tensor) -> Tensor:
    nearest = torch.cdist(samples, centres).argmin(1)
    shares = nearest.bincount(minlength=len(centres)) / len(samples)
    return torch.xlogy(shares, len(centres) * shares).sum()


def naive_reverse_kl(samples: Tensor, centres: Tensor) -> Tensor:
    shares = torch.cdist(samples, centres).argmin(1).bincount(minlength=len(centres)) / len(samples)
    return (shares * (len(centres) * shares).log()).sum()


def forward_kl(samples: Tensor, centres: Tensor) -> Tensor:
    shares = torch.cdist(samples, centres).argmin(1).bincount(minlength=len(centres)) / len(samples)
    return -(len(centres) * shares.clamp(min=1e-6)).log().mean()


def check_reverse_kl(answer: Any) -> None:
    usage = "reverse_kl(samples, centres)"
    angle = torch.arange(8) * math.pi / 4
    centres = torch.stack([angle.cos(), angle.sin()], 1)
    visits = {
        "spread unequally over all eight": torch.tensor([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 7]),
        "on three of the eight": torch.tensor([0, 0, 2, 5, 5, 5]),
        "on one of the eight": torch.zeros(6, dtype=torch.long),
    }
    for words, which in visits.items():
        samples = centres[which] + 0.01
        raw = call(answer, samples.clone(), centres.clone(), usage=usage)
        if isinstance(raw, Tensor) and raw.shape == () and bool(raw.isnan()):
            raise Wrong("Where a Gaussian gets no sample your result is NaN: 0 · log 0 must count as 0.")
        value, right = as_tensor(raw, ()), reverse_kl(samples, centres)
        if same(value, right):
            continue
        if same(value, right / math.log(2)):
            raise Wrong("The result is in bits: the course measures in nats, by the natural logarithm.")
        if same(value, forward_kl(samples, centres)):
            raise Wrong("This is the forward KL, Σ 1/K log(1/(K qᵢ)), which averages over the equal shares.")
        if same(value, buggy_reverse_kl(samples, centres)):
            raise Wrong(f"With samples {words} Gaussians the result is {value:.3f}, as if they kept a "
                        "perfect balance or nearly so: what are the shares compared with?")  # fmt: skip
        raise Wrong(f"With samples {words} Gaussians the result is {value:.3f}, which is not Σ qᵢ log(K qᵢ).")


REVERSE_KL = Exercise(
    number="01.5",
    title="Find the bug: collapse goes unseen",
    question="The function below measures how unequally a generator visits K Gaussians. A generator that "
    "visits only one of them gets a perfect 0. Find the bug, and write a `reverse_kl(samples, centres)` "
    "without it.",
    hints=(
        "What does `unique` return for a Gaussian that got no sample?",
        "`bincount(minlength=…)` counts the empty ones too, and `torch.xlogy` knows that 0 · log 0 is 0.",
    ),
    solution=reverse_kl,
    why="K is the number of Gaussians there are, not of those visited: the reference must count in full.",
    check=check_reverse_kl,
    wrong=(
        (buggy_reverse_kl, "compared with"),
        (naive_reverse_kl, "is NaN"),
        (forward_kl, "forward KL"),
        (lambda samples, centres: reverse_kl(samples, centres) / math.log(2), "in bits"),
        (lambda samples, centres: reverse_kl(samples, centres) / len(centres), "which is not"),
    ),
    shown=(buggy_reverse_kl,),
)

EXERCISES = (GENERATOR_LOSS, REVERSE_KL)
