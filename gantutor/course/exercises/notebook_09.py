"""Exercises of notebook 09: scores that lie, relativistic losses, packing, bias of a distance, diagnoses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor.course.exercises.checking import (
    Unanswered,
    WrongAnswer,
    as_number,
    as_tensor,
    call,
    check_letters,
    describe,
    is_close,
    is_same,
    loss_gradient,
)
from gantutor.course.exercises.exercise import Exercise
from gantutor.doctor import ILLNESSES

# --- 09.1 ---------------------------------------------------------------------------------------------------

LIES_REASONS = {
    "a": "With more samples, means and covariances are estimated better. The bias, which is always positive, "
    "becomes smaller.",
    "b": "A generator that memorises is closer to its training data than to new data.",
    "c": "The least of ten noisy numbers lies below their mean, although the generator is the same.",
    "d": "the mean of ten distances is on average as large as one of them. It is only less noisy.",
    "e": "a ratio to the real-data value is another quantity. The distance itself stays the same.",
}


def check_lies(answer: Any) -> None:
    """Check an answer to exercise 09.1."""
    check_letters(answer, "abc", LIES_REASONS)


LIES = Exercise(
    number="09.1",
    title="How to improve a score without improving anything",
    question="The generator does not change. Which of these make its Fréchet distance smaller on average? "
    "a: score twice as many samples against twice as many real ones. b: use the training data as the "
    "reference. c: score ten times with other latents, and report the least. d: score ten times, and report "
    "the mean. e: divide by the real-data value. Answer with letters in quotes.",
    hints=(
        "For each, ask: would the number also fall for new real samples in place of generated ones?",
        "Think of the bias (number of samples), of memorising (which reference), and of selection (which "
        "result).",
    ),
    solution="abc",
    explanation="Report a distance together with the number of samples, the reference, how the run was "
    "chosen, and the value of real data in the same measurement.",
    check=check_lies,
    wrong=(
        ("ab", "The least of ten"),
        ("ac", "closer to its training data"),
        ("bc", "estimated better"),
        ("abcd", "only less noisy"),
        ("abce", "another quantity"),
        ("f", "There is no option"),
        ("", "Answer with letters"),
    ),
)

# --- 09.2 ---------------------------------------------------------------------------------------------------

Losses = Callable[[Tensor, Tensor], Any]


def relativistic(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    discriminator = F.softplus(fake_logits - real_logits).mean()
    generator = F.softplus(real_logits - fake_logits).mean()
    return discriminator, generator


def of_means(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return F.softplus(fake.mean() - real.mean()), F.softplus(real.mean() - fake.mean())


def every_pair(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    differences = fake[:, None] - real[None]
    return F.softplus(differences).mean(), F.softplus(-differences).mean()


def non_saturating(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return F.softplus(-real).mean() + F.softplus(fake).mean(), F.softplus(-fake).mean()


def linear(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return (fake - real).mean(), (real - fake).mean()


def one_sided(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return relativistic(real, fake)[0], F.softplus(real.detach() - fake).mean()


RELATIVISTIC_MISTAKES: dict[str, Losses] = {
    "The two losses are exchanged: the discriminator's loss is small if the real sample has the "
    "larger logit.": lambda real, fake: relativistic(fake, real),
    "The means are compared: take the softplus of each pair of a real and a generated logit first, then "
    "the mean.": of_means,
    "Every real sample is paired with every generated one: pair them one to one, in order.": every_pair,
    "That is the non-saturating loss: it uses real and generated logits separately and does not "
    "compare them.": non_saturating,
    "The softplus is missing: without it, pairs that are already separated keep their full gradient.": linear,
    "The losses are sums over the pairs: take the mean.": lambda real, fake: tuple(
        len(real) * loss for loss in relativistic(real, fake)
    ),
    "The generator's loss has the wrong sign: minimising it helps the discriminator.": lambda real, fake: (
        relativistic(real, fake)[0],
        -relativistic(real, fake)[0],
    ),
}


def check_relativistic(answer: Any) -> None:
    """Check an answer to exercise 09.2."""
    real = torch.tensor([1.5, -0.3, 0.2, 2.4, -1.0], requires_grad=True)
    fake = torch.tensor([0.4, 0.9, -2.0, 1.1, 0.3], requires_grad=True)
    result = call(answer, real, fake, usage="relativistic(real_logits, fake_logits)")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise WrongAnswer(
            "The function should return two losses, the discriminator's and the generator's, not "
            f"{describe(result)}."
        )
    names = "The discriminator's loss", "The generator's loss"
    values = [as_tensor(loss, (), name) for loss, name in zip(result, names, strict=True)]
    expected = [loss.detach() for loss in relativistic(real, fake)]
    if not all(map(is_same, values, expected)):
        for mistake, wrong_losses in RELATIVISTIC_MISTAKES.items():
            if all(map(is_same, values, (loss.detach() for loss in wrong_losses(real, fake)))):
                raise WrongAnswer(mistake)
        index = next(i for i in (0, 1) if not is_same(values[i], expected[i]))
        raise WrongAnswer(f"{names[index]} of our five pairs should not be {float(values[index]):.4f}.")
    for position, name in enumerate(names):
        for logits in (real, fake):
            loss = answer(real, fake)[position]
            if not bool(loss_gradient(loss, logits).any()):
                raise WrongAnswer(f"{name} has the right value, but no gradient reaches one kind of logits.")


RELATIVISTIC = Exercise(
    number="09.2",
    title="Write the relativistic losses",
    question="Write `relativistic(real_logits, fake_logits)` of logits (N,) and (N,), paired in this order. "
    "It returns two losses: the discriminator's, E log(1 + exp(−(D(x) − D(G(z))))), and the generator's, "
    "E log(1 + exp(−(D(G(z)) − D(x)))).",
    hints=(
        "`torch.nn.functional.softplus` is log(1 + exp(·)), for each element.",
        "Both losses are the same function of D(x) − D(G(z)) or its negative; then take the mean over pairs.",
    ),
    solution=relativistic,
    explanation="Only the difference of a generated and a real logit counts. If a mode is missing, its real "
    "samples have the larger logit in all their pairs, and the generator gets a gradient from them.",
    check=check_relativistic,
    wrong=(
        *((answer, mistake[:40]) for mistake, answer in RELATIVISTIC_MISTAKES.items()),
        (lambda real, fake: relativistic(real, fake)[0], "two losses"),
        (lambda real, fake: relativistic(2 * real, fake), "should not be"),
        (lambda real, fake: relativistic(real.detach(), fake.detach()), "No gradient"),
        (one_sided, "no gradient reaches"),
    ),
)

# --- 09.3 ---------------------------------------------------------------------------------------------------

Discriminator = Callable[[Tensor], Tensor]

PackedLogits = Callable[[Discriminator, Tensor, Tensor, int], Any]


def buggy_packed(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    """Logits of packs of real and of generated samples."""
    both = torch.stack([real, fake], dim=1).flatten(0, 1)
    packs = both.view(-1, packing * both.shape[1])
    real_logits, fake_logits = discriminator(packs).chunk(2)
    return real_logits, fake_logits


def packed(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    real_logits = discriminator(real.view(-1, packing * real.shape[1]))
    fake_logits = discriminator(fake.view(-1, packing * fake.shape[1]))
    return real_logits, fake_logits


def repeated(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    one = [part.repeat(1, packing) for part in (real, fake)]
    return discriminator(one[0]), discriminator(one[1])


def averaged(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    means = [p.view(-1, packing, p.shape[1]).mean(1).repeat(1, packing) for p in (real, fake)]
    return discriminator(means[0]), discriminator(means[1])


def exchanged(discriminator: Any, real: Tensor, fake: Tensor, packing: int) -> Any:
    return packed(discriminator, fake, real, packing)


PACKING_MISTAKES: dict[str, PackedLogits] = {
    "Real and generated samples lie in the same packs: such a pack is neither real nor generated, but it "
    "gets one of these labels.": buggy_packed,
    "The same sample is repeated to fill a pack: then no pack shows variety, not even a real one.": repeated,
    "The samples of a pack are averaged before the discriminator: their variety is lost.": averaged,
    "Real and generated logits are exchanged.": exchanged,
}


def check_packed(answer: Any) -> None:
    """Check an answer to exercise 09.3."""
    real, fake = torch.randn(12, 3), torch.randn(12, 3) + 0.5
    for packing in (2, 4):
        weights = torch.randn(3 * packing, 5), torch.randn(5)
        shapes: list[tuple[int, ...]] = []

        def discriminator(packs: Tensor, weights: Any = weights, shapes: Any = shapes) -> Tensor:
            shapes.append(tuple(packs.shape))
            return (packs @ weights[0]).tanh() @ weights[1]  # type: ignore[no-any-return]

        copies = real.clone(), fake.clone()
        usage = "packed(discriminator, real, fake, packing)"
        result = call(answer, discriminator, *copies, packing, usage=usage)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise WrongAnswer(f"The function should return the logits of both kinds, not {describe(result)}.")
        count = 12 // packing
        values = [
            as_tensor(
                logits, (len(logits),) if isinstance(logits, Tensor) and logits.dim() == 1 else (count,)
            )
            for logits in result
        ]
        expected = packed(discriminator, real, fake, packing)
        if [len(value) for value in values] == [count, count] and all(map(is_same, values, expected)):
            continue
        for mistake, wrong_packed in PACKING_MISTAKES.items():
            wrong_logits = wrong_packed(discriminator, real, fake, packing)
            if all(a.shape == b.shape and is_same(a, b) for a, b in zip(values, wrong_logits, strict=True)):
                raise WrongAnswer(mistake)
        if [len(value) for value in values] != [count, count]:
            raise WrongAnswer(
                f"Twelve samples make {count} packs of {packing}, with one logit for each pack: you return "
                f"{len(values[0])} and {len(values[1])}."
            )
        raise WrongAnswer(
            "The logits are not those of packs of successive samples: each pack is one row, with its "
            "samples side by side."
        )


PACKED = Exercise(
    number="09.3",
    title="Find the bugs: packs",
    question="This discriminator should read packs of `packing` successive samples, each (F,), side by side "
    "in one row of `packing` · F numbers. It learns nothing, because its packs are wrong, and so are their "
    "labels. Write `packed(discriminator, real, fake, packing)`, which returns the logits of the real packs "
    "and those of the generated packs.",
    hints=(
        "Which samples are in the first pack if `packing` is 2? Write down their indices.",
        "A pack contains samples of one kind. `view` places successive rows side by side.",
    ),
    solution=packed,
    explanation="A pack of equal generated samples is easy to distinguish from a pack of real ones. So the "
    "discriminator's gradient favours variety (Lin et al. 2018).",
    check=check_packed,
    listings=(buggy_packed,),
    wrong=(
        *((answer, mistake[:40]) for mistake, answer in PACKING_MISTAKES.items()),
        (lambda d, real, fake, packing: d(real.view(-1, packing * 3)), "both kinds"),
        (
            lambda d, real, fake, packing: [logits.repeat(2) for logits in packed(d, real, fake, packing)],
            "one logit for each",
        ),
        (lambda d, real, fake, packing: packed(d, real.flip(0), fake.flip(0), packing), "successive samples"),
    ),
)

# --- 09.4 ---------------------------------------------------------------------------------------------------

Extrapolate = Callable[[Sequence[int], Sequence[float]], float]


def without_bias(counts: Sequence[int], distances: Sequence[float]) -> float:
    x = torch.tensor([1 / count for count in counts], dtype=torch.float64)
    y = torch.tensor(distances, dtype=torch.float64)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return float(y.mean() - slope * x.mean())


def fit_line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Return the slope, and the value at 0, of the line of least squares.

    Args:
        x: N numbers.
        y: N numbers.
    """
    x_values, y_values = (torch.tensor(values, dtype=torch.float64) for values in (x, y))
    centred = x_values - x_values.mean()
    slope = (centred * (y_values - y_values.mean())).sum() / centred.square().sum()
    return float(slope), float(y_values.mean() - slope * x_values.mean())


def fitted_over(shape: Callable[[int], float]) -> Extrapolate:
    """Return a function that fits a line over another function of the number of samples.

    Args:
        shape: the function of the number of samples.
    """
    return lambda counts, distances: fit_line([shape(count) for count in counts], distances)[1]


def slope_of_line(counts: Sequence[int], distances: Sequence[float]) -> float:
    return fit_line([1 / count for count in counts], distances)[0]


def two_ends(counts: Sequence[int], distances: Sequence[float]) -> float:
    (n, m), (a, b) = (counts[0], counts[-1]), (distances[0], distances[-1])
    return (m * b - n * a) / (m - n)


EXTRAPOLATION_MISTAKES: dict[str, Extrapolate] = {
    "is the distance at the largest number of samples, which still has a bias: follow the line to "
    "1/N = 0.": lambda counts, distances: distances[counts.index(max(counts))],
    "is the mean of the distances.": lambda counts, distances: sum(distances) / len(distances),
    "is the least of the distances.": lambda counts, distances: min(distances),
    "is the value of a line over N itself: the bias falls as 1/N.": fitted_over(float),
    "is the value of a line over 1/√N: the bias falls as 1/N.": fitted_over(lambda count: count**-0.5),
    "is the slope of the line: return its value at 1/N = 0.": slope_of_line,
    "comes from the first and the last distance alone: use all of them, by least squares.": two_ends,
}


def check_without_bias(answer: Any) -> None:
    """Check an answer to exercise 09.4."""
    counts = [100, 200, 500, 1000, 2500]
    noise = (0.05, -0.2, 0.16, -0.3, 0.05)
    for truth, bias in ((3.0, 400.0), (0.5, 900.0)):
        distances = [truth + bias / count + deviation for count, deviation in zip(counts, noise, strict=True)]
        copies = list(counts), list(distances)
        value = as_number(call(answer, *copies, usage="without_bias(counts, distances)"), "What is returned")
        if copies != (counts, distances):
            raise WrongAnswer("The lists, arguments of your function, are changed.")
        if is_close(value, without_bias(counts, distances), 1e-4):
            continue
        for mistake, wrong_function in EXTRAPOLATION_MISTAKES.items():
            if is_close(value, wrong_function(counts, distances), 1e-4):
                raise WrongAnswer(f"{value:.4g} {mistake}")
        raise WrongAnswer(
            f"For distances {truth:g} + {bias:g}/N with noise your function returns {value:.4g}: fit a "
            "line to the distances over 1/N by least squares."
        )


WITHOUT_BIAS = Exercise(
    number="09.4",
    title="A distance from infinitely many samples",
    question="The Fréchet distance of N samples is too large by about c/N. Write `without_bias(counts, "
    "distances)`: fit a straight line to the distances over 1/N by least squares, and return its value at "
    "1/N = 0.",
    hints=(
        "`torch.linalg.lstsq`, `numpy.polyfit`, or the formula of the slope, Σ(x − x̄)(y − ȳ) / Σ(x − x̄)².",
        "With x = 1/N the value at 0 is ȳ − slope · x̄.",
    ),
    solution=without_bias,
    explanation="Chong & Forsyth (2020) call it FID∞. It removes the bias, which differs from one generator "
    "to another. It still depends on the features and on the reference.",
    check=check_without_bias,
    wrong=(
        *((answer, mistake[:30]) for mistake, answer in EXTRAPOLATION_MISTAKES.items()),
        (lambda counts, distances: without_bias(counts, distances) + 1, "by least squares"),
        (lambda counts, distances: without_bias(counts, [2 * d for d in distances]), "by least squares"),
        (lambda counts, distances: str(distances), "should be a number"),
    ),
)

# --- 09.5 ---------------------------------------------------------------------------------------------------


def diagnoses() -> dict[str, str]:
    return {
        "A": "oscillation",
        "B": "mode collapse",
        "C": "discriminator too weak",
        "D": "discriminator overfitting",
        "E": "discriminator too strong",
    }


DIAGNOSES = diagnoses()

ROUNDS_REASONS = {
    "A": "the samples approach the data and leave them again, and the losses rise and fall like waves.",
    "B": "all pictures are equal.",
    "C": "the losses are constant at log 2 and 2 log 2: the discriminator gives everything the same logit.",
    "D": "the logits of held-out digits differ from those of the digits that it was trained on.",
    "E": "the discriminator's loss goes to 0, and the samples do not change.",
}


def check_rounds(answer: Any) -> None:
    """Check an answer to exercise 09.5."""
    if not isinstance(answer, Mapping):
        raise WrongAnswer(f"Answer with a dict from letters to problems, not {describe(answer)}.")
    if letters := sorted(map(str, set(answer) - set(DIAGNOSES))):
        raise WrongAnswer(f"There is no run {letters[0]!r}: the runs are A to E.")
    if unknown := [illness for illness in answer.values() if illness not in ILLNESSES and illness is not ...]:
        raise WrongAnswer(f"{unknown[0]!r} is not a problem that the doctor knows: {', '.join(ILLNESSES)}.")
    if not answer or all(illness is ... for illness in answer.values()):
        raise Unanswered
    if missing := [letter for letter in DIAGNOSES if answer.get(letter, ...) is ...]:
        raise WrongAnswer(f"Not answered yet: {', '.join(missing)}.")
    for letter, illness in DIAGNOSES.items():
        if answer[letter] != illness:
            raise WrongAnswer(f"{letter} is not {answer[letter]!r}. Look again: {ROUNDS_REASONS[letter]}")


def diagnoses_with(**changes: Any) -> dict[str, Any]:
    return {**DIAGNOSES, **changes}


ROUNDS = Exercise(
    number="09.5",
    title="The doctor's rounds",
    question="Five runs failed, each in one way. Look at their pictures, and name the problem of each: mode "
    "collapse, oscillation, discriminator too strong, discriminator too weak, or discriminator "
    "overfitting.",
    hints=(
        "Which losses are constant, and at which value? log 2 ≈ 0.693 is the generator's loss if the "
        "probability is always ½.",
        "Two can be recognised by the samples alone. In one, compare training digits with held-out ones.",
    ),
    solution=DIAGNOSES,
    explanation='`print(patients["A"].doctor)` shows the doctor\'s evidence, with the numbers.',
    check=check_rounds,
    derivation=diagnoses,
    wrong=(
        (diagnoses_with(A="mode collapse"), "approach the data"),
        (diagnoses_with(B="oscillation"), "are equal"),
        (diagnoses_with(C="discriminator too strong", E="discriminator too weak"), "are constant"),
        (diagnoses_with(D="mode collapse"), "logits of held-out"),
        (diagnoses_with(E="discriminator overfitting"), "goes to 0"),
        (diagnoses_with(A=...), "Not answered yet: A"),
        (diagnoses_with(F="oscillation"), "no run 'F'"),
        (diagnoses_with(A="flu"), "not a problem"),
        ("oscillation", "a dict from letters"),
    ),
)

EXERCISES = (
    LIES,
    RELATIVISTIC,
    PACKED,
    WITHOUT_BIAS,
    ROUNDS,
)
