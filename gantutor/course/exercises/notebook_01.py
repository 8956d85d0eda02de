"""Exercises of notebook 01: a constant loss, the best discriminator, two generator losses, reverse KL."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from gantutor.course.exercises.checking import (
    WrongAnswer,
    as_numbers,
    as_tensor,
    call,
    check_letters,
    is_close,
    is_same,
    loss_gradient,
)
from gantutor.course.exercises.exercise import Exercise

# --- 01.1 ---------------------------------------------------------------------------------------------------


def check_plateau(answer: Any) -> None:
    """Check an answer to exercise 01.1."""
    check_letters(
        answer,
        "ab",
        {
            "a": "Which probability does the optimal discriminator give if p = q?",
            "b": "What is the loss of a discriminator that gives every sample the logit 0?",
            "c": "a discriminator that tells the two apart has a loss near 0.",
            "d": "a generator that does not change is easy to recognise: the discriminator's loss falls.",
        },
    )


PLATEAU = Exercise(
    number="01.1",
    title="A loss of 1.386",
    question="A discriminator's loss stays at 1.386 = 2 log 2 from step 300 on. Which of these explain it? "
    'Answer with letters, such as "cd".\n'
    "a: The generator's distribution equals that of the data.\n"
    "b: The discriminator learns nothing, because its penalty is far too strong.\n"
    "c: The discriminator tells real from generated without a mistake.\n"
    "d: The generator's learning rate is 0, and it makes noise.",
    hints=(
        "2 log 2 is the loss of a discriminator that always gives the probability ½.",
        "A probability of ½ everywhere can have two causes: one in the generator, one in the discriminator.",
    ),
    solution="ab",
    explanation="2 log 2 means that the discriminator cannot tell real from generated samples: because the "
    "distributions are equal, or because it has learnt nothing.",
    check=check_plateau,
    wrong=(("abc", "near 0"), ("abd", "easy to recognise"), ("a", "the logit 0"), ("b", "if p = q")),
)

# --- 01.2 ---------------------------------------------------------------------------------------------------


def uniforms() -> tuple[float, float, float]:
    """p = 1 on [0, 1]; q = ½ on [0, 2]; m = (p + q)/2 is ¾ on [0, 1] and ¼ on (1, 2]."""
    left, right = 1 / (1 + 1 / 2), 0 / (0 + 1 / 2)
    from_p = math.log(1 / (3 / 4))
    from_q = 1 / 2 * math.log((1 / 2) / (3 / 4)) + 1 / 2 * math.log((1 / 2) / (1 / 4))
    return left, right, 1 / 2 * from_p + 1 / 2 * from_q


def check_uniforms(answer: Any) -> None:
    """Check an answer to exercise 01.2."""
    left, right, js = as_numbers(
        answer, ("the probability on [0, 1]", "the probability on (1, 2]", "the JS divergence")
    )
    if is_close(left, 1 / 3) and is_close(right, 1):
        raise WrongAnswer("This is the probability of being generated: the numerator should be p, not q.")
    if not is_close(left, 2 / 3):
        raise WrongAnswer(f"On [0, 1] it is not {left:.3g}: insert the two densities there into p / (p + q).")
    if not is_close(right, 0):
        raise WrongAnswer(f"On (1, 2] it is not {right:.3g}: how often does a real sample come from there?")
    divergence = uniforms()[2]
    mistakes = {
        divergence / math.log(2): "is measured in bits: take the natural logarithm for nats.",
        2 * divergence: "is twice too large: each of its two parts has the weight ½.",
        math.log(4 / 3) / 2: "contains only the part from p: add the part from q.",
        math.log(4 / 3): "is KL(p ‖ m), from p alone: JS is the mean of it and of KL(q ‖ m).",
        math.log(2): "is KL(p ‖ q): JS compares both with their mean, m = (p + q) / 2.",
        2 * math.log(2) - 2 * divergence: "is the discriminator's loss: JS is log 2 minus half of it.",
    }
    for value, mistake in mistakes.items():
        if is_close(js, value):
            raise WrongAnswer(f"The probabilities are right. Your JS divergence {mistake}")
    if not is_close(js, divergence):
        raise WrongAnswer(
            f"The probabilities are right. JS is not {js:.4g} nats: it is ½ KL(p ‖ m) + ½ KL(q ‖ m), "
            "m = (p + q) / 2."
        )


UNIFORMS = Exercise(
    number="01.2",
    title="The optimal discriminator, by hand",
    question="p is uniform on [0, 1] and q uniform on [0, 2]. Give three numbers in brackets: the "
    "probability σ(D*) on [0, 1], the same on (1, 2], and the Jensen-Shannon divergence JS(p, q) in nats.",
    hints=(
        "A uniform density is 1 over the length of its interval.",
        "With m = (p + q)/2, JS = ½ KL(p ‖ m) + ½ KL(q ‖ m), and m is constant on each of the two intervals.",
    ),
    solution=uniforms(),
    explanation="On [0, 1] two samples of three are real, and above 1 none. JS gives p and q equal weight.",
    check=check_uniforms,
    wrong=(
        ((1 / 3, 1, 0.2158), "probability of being generated"),
        ((1 / 2, 0, 0.2158), "On [0, 1] it is not 0.5"),
        ((2 / 3, 1 / 3, 0.2158), "On (1, 2] it is not 0.333"),
        ((2 / 3, 0, 0.3113), "in bits"),
        ((2 / 3, 0, 0.4315), "twice too large"),
        ((2 / 3, 0, 0.1438), "only the part from p"),
        ((2 / 3, 0, 0.2877), "from p alone"),
        ((2 / 3, 0, 0.6931), "KL(p ‖ q)"),
        ((2 / 3, 0, 0.9548), "discriminator's loss"),
        ((2 / 3, 0, 0.5), "JS is not 0.5"),
    ),
    derivation=uniforms,
)

# --- 01.3 ---------------------------------------------------------------------------------------------------


def logit_gradients() -> tuple[float, float]:
    logit = torch.tensor([-6.0, -6.0], requires_grad=True)
    minimax, non_saturating = -softplus(logit[0]), softplus(-logit[1])
    (slope,) = torch.autograd.grad(minimax + non_saturating, logit)
    return slope[0].item(), slope[1].item()


def check_logit_gradients(answer: Any) -> None:
    """Check an answer to exercise 01.3."""
    names = ("the minimax loss's derivative", "the non-saturating loss's derivative")
    minimax, non_saturating = as_numbers(answer, names)
    small, large = logit_gradients()
    correct = [abs(minimax / small - 1) < 0.02, abs(non_saturating / large - 1) < 0.002]
    if all(correct):
        return
    if abs(minimax / large - 1) < 0.002 and abs(non_saturating / small - 1) < 0.02:
        raise WrongAnswer(
            "These are the two derivatives in the other order: which loss is flat where D is sure?"
        )
    if abs(minimax / small + 1) < 0.02 and abs(non_saturating / large + 1) < 0.002:
        raise WrongAnswer(
            "The sizes are right, but both signs are wrong: does each loss rise or fall as the logit grows?"
        )
    if is_close(minimax, -1.0025, 1e-4) or is_close(non_saturating, -404.4, 1e-2):
        raise WrongAnswer(
            "These are derivatives with respect to the probability. The gradient also passes through the "
            "sigmoid: differentiate with respect to the logit."
        )
    if correct[0] or correct[1]:
        raise WrongAnswer(f"One of the two is right; {names[int(correct[0])]} is not.")
    raise WrongAnswer(
        "Neither of the two is right yet: differentiate log(1 − σ(t)) and −log σ(t) with respect to t, at "
        "t = −6."
    )


LOGIT_GRADIENTS = Exercise(
    number="01.3",
    title="The gradients of two generator losses",
    question="The discriminator is sure that a sample is generated: the logit is t = −6. Give two numbers in "
    "brackets, the derivatives with respect to t of log(1 − σ(t)) and of −log σ(t), to three digits. "
    "(Autograd may help.)",
    hints=(
        "log(1 − σ(t)) = −softplus(t), and the derivative of softplus is σ.",
        "For each loss: `t = torch.tensor(-6.0, requires_grad=True)`, compute it, `backward()`, `t.grad`.",
    ),
    solution=logit_gradients(),
    explanation="They are −σ(t) and −(1 − σ(t)). Where D is sure, the first is about 400 times smaller.",
    check=check_logit_gradients,
    wrong=(
        ((-0.9975, -0.00247), "other order"),
        ((0.00247, 0.9975), "both signs are wrong"),
        ((-1.00248, -404.43), "respect to the logit"),
        ((-0.00247, -0.5), "the non-saturating loss's derivative is not"),
        ((-0.5, -0.9975), "the minimax loss's derivative is not"),
        ((-0.5, -0.5), "Neither"),
    ),
    derivation=logit_gradients,
)

# --- 01.4 ---------------------------------------------------------------------------------------------------


def generator_loss(fake_logits: Tensor) -> Tensor:
    return softplus(-fake_logits).mean()


def check_generator_loss(answer: Any) -> None:
    """Check an answer to exercise 01.4."""
    usage = "generator_loss(fake_logits)"
    logits = torch.tensor([-3.0, -1.0, 0.5, 2.0], requires_grad=True)
    loss = call(answer, logits, usage=usage)
    value = as_tensor(loss, ())
    expected, minimax = softplus(-logits).mean(), -softplus(logits).mean()
    mistakes = {
        "is E log σ(t): minimising it would make samples look more generated. Check the sign.": -expected,
        "is E log(1 − σ(t)), the minimax loss, which saturates where D is sure.": minimax,
        "is −E log(1 − σ(t)), the discriminator's loss for generated samples.": -minimax,
        "is the sum over the samples, so that it grows with the batch: take the mean.": 4 * expected,
    }
    for mistake, wrong_value in mistakes.items():
        if is_same(value, wrong_value.detach()):
            raise WrongAnswer(f"What you return {mistake}")
    if not is_same(value, expected.detach()):
        raise WrongAnswer(
            f"For the logits −3, −1, 0.5 and 2 the loss should not be {value:.4f}: it is the mean of −log "
            "sigmoid(logit)."
        )
    loss_gradient(loss, logits)
    for extreme in (-200.0, 200.0):
        logit = torch.full((3,), extreme, requires_grad=True)
        loss = call(answer, logit, usage=usage)
        gradient, loss_value = float(loss_gradient(loss, logit).sum()), float(loss.detach())
        if not math.isfinite(loss_value) or not math.isfinite(gradient):
            where = "−200" if extreme < 0 else "200"
            raise WrongAnswer(
                f"At a logit of {where} the loss or its gradient is not finite: the sigmoid is rounded to "
                "0 or 1 before the logarithm is taken."
            )
        if extreme < 0 and (abs(loss_value - 200) > 1 or abs(gradient + 1) > 0.01):
            raise WrongAnswer(
                f"At a logit of −200 the loss is {loss_value:.4g} with gradient {gradient:.2g}, "
                "where it should be 200 with gradient −1: adding a constant or clipping removes the "
                "gradient."
            )


GENERATOR_LOSS = Exercise(
    number="01.4",
    title="A stable non-saturating loss",
    question="Write `generator_loss(fake_logits)`, the non-saturating loss −E log σ(t) of the logits t (N,) "
    "of generated samples. It and its gradient must stay exact at logits of ±200.",
    hints=(
        "What is −log σ(t), written with softplus?",
        "−log σ(t) = softplus(−t), and E is the mean over the batch.",
    ),
    solution=generator_loss,
    explanation="−log σ(t) = log(1 + e^(−t)) = softplus(−t), which PyTorch computes without overflow.",
    check=check_generator_loss,
    wrong=(
        (lambda logits: -softplus(logits).mean(), "saturates"),
        (lambda logits: softplus(logits).mean(), "the discriminator's loss for"),
        (lambda logits: logsigmoid(logits).mean(), "Check the sign"),
        (lambda logits: softplus(-logits).sum(), "sum over the samples"),
        (lambda logits: -torch.sigmoid(logits).log().mean(), "not finite"),
        (lambda logits: -(torch.sigmoid(logits) + 1e-8).log().mean(), "removes the gradient"),
        (lambda logits: softplus(-logits), "single number"),
        (lambda logits: softplus(-logits.detach()).mean(), "No gradient"),
        (lambda logits: torch.sigmoid(-logits).mean(), "should not be"),
    ),
)

# --- 01.5 ---------------------------------------------------------------------------------------------------


def buggy_reverse_kl(samples: Tensor, centres: Tensor) -> Tensor:
    """Σ qᵢ log(K qᵢ) of the shares qᵢ of samples nearest to each of K centres; 0 for equal shares."""
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
    """Check an answer to exercise 01.5."""
    usage = "reverse_kl(samples, centres)"
    angle = torch.arange(8) * math.pi / 4
    centres = torch.stack([angle.cos(), angle.sin()], 1)
    visits = {
        "spread unequally over all eight": torch.tensor([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 7]),
        "on three of the eight": torch.tensor([0, 0, 2, 5, 5, 5]),
        "on one of the eight": torch.zeros(6, dtype=torch.long),
    }
    for description, indices in visits.items():
        samples = centres[indices] + 0.01
        output = call(answer, samples.clone(), centres.clone(), usage=usage)
        if isinstance(output, Tensor) and output.shape == () and bool(output.isnan()):
            raise WrongAnswer("If a Gaussian gets no sample your result is NaN: 0 · log 0 must count as 0.")
        value, expected = as_tensor(output, ()), reverse_kl(samples, centres)
        if is_same(value, expected):
            continue
        if is_same(value, expected / math.log(2)):
            raise WrongAnswer("The result is in bits: use the natural logarithm, which gives nats.")
        if is_same(value, forward_kl(samples, centres)):
            raise WrongAnswer(
                "This is the forward KL, Σ 1/K log(1/(K qᵢ)), which averages over the equal shares."
            )
        if is_same(value, buggy_reverse_kl(samples, centres)):
            raise WrongAnswer(
                f"With samples {description} Gaussians the result is {value:.3f}, as if they were balanced "
                "perfectly or nearly so: which shares does the function compare with each other?"
            )
        raise WrongAnswer(
            f"With samples {description} Gaussians the result is {value:.3f}, which is not Σ qᵢ log(K qᵢ)."
        )


REVERSE_KL = Exercise(
    number="01.5",
    title="Find the bug: a score that misses collapse",
    question="The function below measures how unequally a generator visits K Gaussians. A generator that "
    "visits only one of them gets a perfect 0. Write `reverse_kl(samples, centres)` without the bug.",
    hints=(
        "What does `unique` return for a Gaussian that got no sample?",
        "`bincount(minlength=…)` counts the empty ones too, and `torch.xlogy(0, 0)` is 0.",
    ),
    solution=reverse_kl,
    explanation="K is the number of all Gaussians, not only of those that are visited. Each of them has an "
    "equal share in the reference.",
    check=check_reverse_kl,
    wrong=(
        (buggy_reverse_kl, "which shares"),
        (naive_reverse_kl, "is NaN"),
        (forward_kl, "forward KL"),
        (lambda samples, centres: reverse_kl(samples, centres) / math.log(2), "in bits"),
        (lambda samples, centres: reverse_kl(samples, centres) / len(centres), "which is not"),
    ),
    listings=(buggy_reverse_kl,),
)

EXERCISES = (
    PLATEAU,
    UNIFORMS,
    LOGIT_GRADIENTS,
    GENERATOR_LOSS,
    REVERSE_KL,
)
