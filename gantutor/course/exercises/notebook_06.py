"""Exercises of notebook 06: memorisation, augmentation, rejection sampling, kernel distance, FiLM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantutor.course.exercises.checking import (
    WrongAnswer,
    as_numbers,
    as_tensor,
    call,
    describe,
    is_close,
    is_same,
)
from gantutor.course.exercises.exercise import Exercise

# --- 06.1 ---------------------------------------------------------------------------------------------------


def remembered() -> tuple[float, ...]:
    """The gap of the means, and the share of pairs in which the training photograph has the larger logit."""
    known, new, generated = 2.1, 0.3, -0.9
    train, held_out = (3.0, 1.0, 2.0), (0.0, 1.5)
    pairs = [t > h for t in train for h in held_out]
    return (known - new) / (known - generated), sum(pairs) / len(pairs)


MEMORY_MISTAKES: tuple[dict[float, str], ...] = (
    {
        1.8: "is how far held-out people lie below training photographs: which share of the way down to "
        "generated faces is that?",
        0.4: "is the share of the way that is left, from held-out people down to generated faces.",
        1.5: "divides by the way from held-out people to generated faces: the whole way begins at the "
        "training photographs.",
        3: "is the whole way, from training photographs down to generated faces.",
        1.2: "is the way from held-out people to generated faces.",
        1 / 0.6: "is the other way up: a part over the whole.",
        1.8
        / 2.1: "divides by the logit of the training photographs: the way goes on to the generated faces, "
        "below zero.",
        60: "is a percentage: give a share between 0 and 1.",
        -0.6: "has the sign turned: training photographs have the larger logit.",
    },
    {
        1 / 6: "is the share of pairs in which the held-out photograph has the larger logit.",
        5: "is how many pairs there are of the kind: of how many?",
        6: "is how many pairs there are.",
        2 / 3: "is the share of training photographs that lie above all held-out ones: take the pairs one by "
        "one.",
        1: "compares the means: take the pairs one by one.",
        0.5: "would be chance: take the pairs one by one.",
        100 * 5 / 6: "is a percentage: give a share between 0 and 1.",
    },
)


def check_remembered(answer: Any) -> None:
    """Check an answer to exercise 06.1."""
    names = ("the share of the way", "the share of pairs")
    values = as_numbers(answer, names)
    for name, value, expected, mistakes in zip(names, values, remembered(), MEMORY_MISTAKES, strict=True):
        if is_close(value, expected):
            continue
        label = name[0].upper() + name[1:]
        for wrong_value, mistake in mistakes.items():
            if is_close(value, wrong_value):
                raise WrongAnswer(f"{label}: {value:g} {mistake}")
        raise WrongAnswer(
            f"{label}: not {value:g}. Draw the three means on a line, and write the pairs below one another."
        )


REMEMBERED = Exercise(
    number="06.1",
    title="What a discriminator remembers",
    question="A discriminator's mean logits are 2.1 on training photographs, 0.3 on new people and −0.9 on "
    "generated faces. Which share of the way from training photographs to generated faces have new people "
    "gone? Another one gives three training photographs 3, 1 and 2, and two of new people 0 and 1.5: in "
    "which share of the pairs has the training photograph the larger logit? Two numbers in brackets.",
    hints=(
        "The first is a difference of two means over another; three photographs and two make six pairs.",
        "(2.1 − 0.3) over (2.1 + 0.9); and in all pairs but one, 1 against 1.5.",
    ),
    solution=remembered(),
    explanation="The first is the gap of Karras et al. (2020): 0 where new people are treated like known "
    "ones, 1 where they are taken for generated. The second is ½ where nothing is remembered.",
    check=check_remembered,
    wrong=(
        ((1.8, 0.833), "which share of the way"),
        ((0.4, 0.833), "that is left"),
        ((1.5, 0.833), "the whole way begins"),
        ((3, 0.833), "is the whole way"),
        ((1.2, 0.833), "from held-out people to generated faces."),
        ((1.667, 0.833), "other way up"),
        ((0.857, 0.833), "below zero"),
        ((60, 0.833), "percentage"),
        ((-0.6, 0.833), "sign turned"),
        ((0.1, 0.833), "on a line"),
        ((0.6, 0.167), "the held-out photograph has"),
        ((0.6, 5), "of how many"),
        ((0.6, 0.667), "above all held-out ones"),
        ((0.6, 1), "compares the means"),
        ((0.6, 0.5), "would be chance"),
        ((0.6,), "should be 2 numbers"),
    ),
    derivation=remembered,
)

# --- 06.2 ---------------------------------------------------------------------------------------------------


def buggy_losses(discriminator: Any, augment: Any, real: Tensor, fake: Tensor) -> Any:
    """The discriminator's loss and the generator's, on augmented pictures."""
    real_logits = discriminator(augment(real))
    fake_logits = discriminator(fake.detach())
    for_discriminator = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    with torch.no_grad():
        shown = augment(fake)
    for_generator = F.softplus(-discriminator(shown)).mean()
    return for_discriminator, for_generator


def losses(discriminator: Any, augment: Any, real: Tensor, fake: Tensor) -> Any:
    real_logits = discriminator(augment(real))
    fake_logits = discriminator(augment(fake.detach()))
    for_discriminator = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    for_generator = F.softplus(-discriminator(augment(fake))).mean()
    return for_discriminator, for_generator


ImageFunction = Callable[[Any], Any]


def losses_with(
    on_real: bool = True,
    on_fake: bool = True,
    for_generator: bool = True,
    detach: bool = True,
    flows: bool = True,
    sign: float = -1.0,
) -> Callable[..., Any]:
    """Return the right function with other parts.

    Args:
        on_real: whether real images are augmented for the discriminator.
        on_fake: whether generated images are augmented for the discriminator.
        for_generator: whether images are augmented in the generator's loss.
        detach: whether the generator is cut off from the discriminator's loss.
        flows: whether the generator's gradient flows through the augmentation.
        sign: of the logits in the generator's loss.
    """

    def wrong_losses(discriminator: Any, augment: Any, real: Tensor, fake: Tensor) -> Any:
        fake_input = fake.detach() if detach else fake
        real_logits = discriminator(augment(real) if on_real else real)
        fake_logits = discriminator(augment(fake_input) if on_fake else fake_input)
        generator_input = augment(fake) if for_generator else fake
        logits = discriminator(generator_input if flows else generator_input.detach())
        return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean(), F.softplus(
            sign * logits
        ).mean()

    return wrong_losses


UNEVEN_AUGMENTATIONS = {
    (True, False): "In the discriminator's loss real pictures are augmented and generated ones are not: it "
    "would tell the two by that.",
    (False, True): "In the discriminator's loss generated pictures are augmented and real ones are not: it "
    "would tell the two by that.",
    (False, False): "In the discriminator's loss nothing is augmented: it can still learn the real pictures "
    "by heart.",
}


def check_losses(answer: Any) -> None:
    """Check an answer to exercise 06.2."""
    real, weights = torch.randn(6, 1, 4, 4), torch.randn(1, 4, 4)
    fake = torch.randn(6, 1, 4, 4, requires_grad=True)

    def discriminator(images: Tensor) -> Tensor:
        return (images * weights).flatten(1).sum(1)

    def augment(images: Tensor) -> Tensor:
        return 0.5 * images.flip(3) + 0.3

    usage = "losses(discriminator, augment, real, fake)"
    results = call(answer, discriminator, augment, real, fake, usage=usage)
    if not isinstance(results, (tuple, list)) or len(results) != 2:
        raise WrongAnswer(f"Your function should return two losses, not {describe(results)}.")
    names = "The discriminator's loss", "The generator's loss"
    first, second = (as_tensor(part, (), name) for part, name in zip(results, names, strict=True))

    def expected(**parts: Any) -> tuple[Tensor, Tensor]:
        discriminator_loss, generator_loss = losses_with(**parts)(discriminator, augment, real, fake)
        return discriminator_loss.detach(), generator_loss.detach()

    for (on_real, on_fake), mistake in UNEVEN_AUGMENTATIONS.items():
        if is_same(first, expected(on_real=on_real, on_fake=on_fake)[0]):
            raise WrongAnswer(mistake)
    if not is_same(first, expected()[0]):
        raise WrongAnswer(
            "The discriminator's loss is another: softplus of minus the logits of augmented real "
            "pictures, and of the logits of augmented generated ones, each as a mean."
        )
    if is_same(second, expected(for_generator=False)[1]):
        raise WrongAnswer(
            "In the generator's loss its pictures are not augmented: the discriminator has never "
            "learnt to judge such ones."
        )
    if is_same(second, expected(sign=1.0)[1]):
        raise WrongAnswer("The generator's loss has the other sign: it would learn to be found out.")
    if not is_same(second, expected()[1]):
        raise WrongAnswer(
            "The generator's loss is another: softplus of minus the logits of its augmented "
            "pictures, as a mean."
        )
    check_slopes(results, fake, discriminator, augment)


def check_slopes(results: Any, fake: Tensor, discriminator: ImageFunction, augment: ImageFunction) -> None:
    """Raise WrongAnswer if the losses have other gradients than the right ones.

    Args:
        results: the two losses that the answer returned.
        fake: generated images, shape (N, C, H, W).
        discriminator: the discriminator.
        augment: the augmentation.
    """

    def gradient_of(loss: Tensor) -> Tensor:
        if not loss.requires_grad:
            return torch.zeros_like(fake)
        (gradient,) = torch.autograd.grad(loss, fake, retain_graph=True, allow_unused=True)
        return torch.zeros_like(fake) if gradient is None else gradient

    expected = gradient_of(F.softplus(-discriminator(augment(fake))).mean())
    generator_gradient = gradient_of(results[1])
    if not bool(generator_gradient.any()):
        raise WrongAnswer(
            "Both losses have the right value, but no gradient comes from the second one to the "
            "generator: it has to flow back through the augmentation."
        )
    if bool(gradient_of(results[0]).any()):
        raise WrongAnswer(
            "Both losses have the right value, but the gradient of the first one flows into the "
            "generator: detach what only the discriminator should learn from."
        )
    if not is_same(generator_gradient, expected):
        raise WrongAnswer(
            "Both losses have the right value, but the gradient of the second one is another than "
            "that through the augmentation."
        )


LOSSES = Exercise(
    number="06.2",
    title="Find the bugs: augmentation on one side",
    question="What is printed augments what the discriminator sees, and has two bugs: its discriminator can "
    "tell real from generated pictures by something that says nothing of faces, and its generator learns "
    "nothing. Write `losses(discriminator, augment, real, fake)`, which returns both losses.",
    hints=(
        "Which of the pictures, in which of the two losses, are augmented? And where does the gradient stop?",
        "Both kinds of pictures are augmented wherever they are judged, and only the discriminator's loss "
        "is cut off from the generator.",
    ),
    solution=losses,
    explanation="Augmented on one side alone, the change itself becomes what tells real from generated. And "
    "a differentiable augmentation is of use only where the gradient goes through it.",
    check=check_losses,
    wrong=(
        (buggy_losses, "generated ones are not"),
        (losses_with(on_real=False), "real ones are not"),
        (losses_with(on_real=False, on_fake=False), "nothing is augmented"),
        (losses_with(for_generator=False), "its pictures are not augmented"),
        (losses_with(flows=False), "no gradient comes"),
        (losses_with(detach=False), "flows into the generator"),
        (losses_with(sign=1.0), "found out"),
        (lambda d, a, real, fake: losses(d, a, real, fake)[0], "two losses"),
        (
            lambda d, a, real, fake: losses(d, a, real, fake)[::-1],
            "loss is another: softplus of minus the logits of augmented",
        ),
        (
            lambda d, a, real, fake: (losses(d, a, real, fake)[0], 2 * losses(d, a, real, fake)[1]),
            "of its augmented",
        ),
    ),
    listings=(buggy_losses,),
)

# --- 06.3 ---------------------------------------------------------------------------------------------------


def keep(logits: Tensor, uniform: Tensor) -> Tensor:
    ratio = (logits - logits.max()).exp()
    return uniform < ratio


KEEP_MISTAKES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Kept with the probability D that a sample is real: rejection asks for the ratio of the densities, and "
    "for its largest value.": lambda logits, uniform: uniform < logits.sigmoid(),
    "All samples with a positive logit are kept, and no other: that is a threshold, and leaves out what is "
    "rare.": lambda logits, uniform: logits > 0,
    "The ratio is that of the densities, but not yet divided by its largest value: a probability may not be "
    "above 1.": lambda logits, uniform: uniform < logits.exp(),
    "You keep just the others.": lambda logits, uniform: ~keep(logits, uniform),
    "Only the one with the largest logit is kept.": lambda logits, uniform: logits == logits.max(),
    "Divided by the sum of the ratios, nearly all probabilities are next to nothing: divide by their largest "
    "value.": lambda logits, uniform: uniform < logits.softmax(0),
    "Divided by the largest logit: the ratio of the densities is its exponential.": lambda logits, uniform: (
        uniform < logits / logits.max()
    ),
    "Kept as often as D is of its largest value: the ratio of the densities is D / (1 "
    "− D).": lambda logits, uniform: uniform < logits.sigmoid() / logits.max().sigmoid(),
    "All of them are kept.": lambda logits, uniform: torch.ones_like(logits) > 0,
}


def check_keep(answer: Any) -> None:
    """Check an answer to exercise 06.3."""
    for shift in (0.0, 1.5):
        logits, uniform = 1.3 * torch.randn(400) + shift, torch.rand(400)
        copies = logits.clone(), uniform.clone()
        result = call(answer, *copies, usage="keep(logits, uniform)")
        value = as_tensor(result, (400,))
        if not (torch.equal(copies[0], logits) and torch.equal(copies[1], uniform)):
            raise WrongAnswer("The numbers that your function was given are changed.")
        if not bool(((value == 0) | (value == 1)).all()):
            raise WrongAnswer("For each sample True or False is asked for: is it kept?")
        expected = keep(logits, uniform).double()
        if torch.equal(value, expected):
            continue
        for mistake, mistaken in KEEP_MISTAKES.items():
            if torch.equal(value, mistaken(logits, uniform).double()):
                raise WrongAnswer(mistake)
        raise WrongAnswer(
            f"Of 400 samples {int((value != expected).sum())} are treated otherwise than they should "
            "be, and for the one with the largest logit the probability should be 1."
        )


KEEP = Exercise(
    number="06.3",
    title="Rejection sampling",
    question="The best discriminator's logit is the logarithm of the density of the data over that of the "
    "generator. Write `keep(logits, uniform)`: each sample is kept with the probability of this ratio over "
    "the largest of the ratios, by its own number of `uniform` between 0 and 1. Return True or False for "
    "each, (N,).",
    hints=(
        "Which function turns a logit, a logarithm, back into a ratio? And how large is the largest of them?",
        "Something happens with probability p where a uniform number lies below p. Subtract before you take "
        "the exponential.",
    ),
    solution=keep,
    explanation="Where the generator makes something twice as often as it occurs, half of it is thrown away "
    "more than elsewhere: what is left has the proportions of the data, as far as the logits are right.",
    check=check_keep,
    wrong=(
        *((answer, mistake[:40]) for mistake, answer in KEEP_MISTAKES.items()),
        (lambda logits, uniform: (logits - logits.max()).exp(), "True or False is asked for"),
        (lambda logits, uniform: keep(logits / 2, uniform), "treated otherwise"),
        (lambda logits, uniform: keep(logits, uniform).nonzero().flatten()[:3], "of shape (400,)"),
        (lambda logits, uniform: keep(logits.add_(1), uniform), "are changed"),
    ),
)

# --- 06.4 ---------------------------------------------------------------------------------------------------


def kernel_distance(x: Tensor, y: Tensor) -> Tensor:
    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3  # type: ignore[no-any-return]

    def within(a: Tensor) -> Tensor:
        pairs = kernel(a, a)
        return (pairs.sum() - pairs.diagonal().sum()) / (len(a) * (len(a) - 1))

    return within(x) + within(y) - 2 * kernel(x, y).mean()


def distance_with(
    power: int = 3,
    one: float = 1.0,
    by: Callable[[int], float] = float,
    diagonal: bool = False,
    pairs: Callable[[int], int] = lambda n: n * (n - 1),
    between: float = 2.0,
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the right function with other parts.

    Args:
        power: of the kernel.
        one: the constant in the kernel.
        by: what the product is divided by, from the number of features.
        diagonal: whether a sample is compared with itself.
        pairs: how many pairs of N samples the sum is divided by.
        between: the weight of pairs between the sets.
    """

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        values: Tensor = (a @ b.T / by(a.shape[1]) + one) ** power
        return values

    def within(a: Tensor) -> Tensor:
        values = kernel(a, a)
        if diagonal:
            return values.mean()
        return (values.sum() - values.diagonal().sum()) / pairs(len(a))

    return lambda x, y: within(x) + within(y) - between * kernel(x, y).mean()


DISTANCE_MISTAKES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Each sample is compared with itself too, which makes a distance of two small clouds too large: leave "
    "out these pairs.": distance_with(diagonal=True),
    "The pairs of a sample with itself are left out of the sum, and still counted: of N samples there are "
    "N (N − 1) other pairs.": distance_with(pairs=lambda n: n * n),
    "Pairs between the clouds count once: their mean should be taken off twice.": distance_with(between=1.0),
    "The pairs between the clouds are added: what is alike between them makes the "
    "distance smaller.": distance_with(between=-2.0),
    "The power is another: it should be the third.": distance_with(power=2),
    "The product is not divided by D, the number of features.": distance_with(by=lambda d: 1.0),
    "Divided by the root of D: divide by D, the number of features.": distance_with(by=lambda d: d**0.5),
    "The 1 in the kernel is missing: without it only the third moments are compared.": distance_with(one=0.0),
    "A root is taken: asked for is the squared distance, which may be below 0.": lambda x, y: (
        kernel_distance(x, y).abs().sqrt()
    ),
    "The sign is the other one: pairs within a cloud count positive.": lambda x, y: -kernel_distance(x, y),
}


def check_kernel_distance(answer: Any) -> None:
    """Check an answer to exercise 06.4."""
    x, y = torch.randn(7, 4).double(), 0.7 * torch.randn(5, 4).double() + 0.5
    for first, second in ((x, y), (y, x)):
        copies = first.clone(), second.clone()
        value = as_tensor(call(answer, *copies, usage="kernel_distance(x, y)"), ())
        if not (torch.equal(copies[0], first) and torch.equal(copies[1], second)):
            raise WrongAnswer("The features that your function was given are changed.")
        if is_same(value, kernel_distance(first, second)):
            continue
        for mistake, mistaken in DISTANCE_MISTAKES.items():
            if is_same(value, mistaken(first, second)):
                raise WrongAnswer(mistake)
        raise WrongAnswer(
            f"For two small clouds {float(value):.4g} is not the distance: try x and y with a single "
            "feature and two samples each, by hand."
        )


KERNEL = Exercise(
    number="06.4",
    title="A distance without bias",
    question="Write the squared kernel distance of features x (N, D) and y (M, D) with "
    "k(a, b) = (a·b / D + 1)³: the mean of k over pairs of different samples of x, plus that of y, minus "
    "twice the mean over all pairs of one of x and one of y. Double precision, a single number.",
    hints=(
        "`x @ x.T` holds the products of all pairs; which of its entries are those of a sample with itself?",
        "Take the diagonal off the sum, and divide by how many pairs are left: N (N − 1).",
    ),
    solution=kernel_distance,
    explanation="Without the pairs of a sample with itself the expectation is the true one for any number of "
    "samples, which matters where there are only 80.",
    check=check_kernel_distance,
    wrong=(
        *((answer, mistake[:40]) for mistake, answer in DISTANCE_MISTAKES.items()),
        (lambda x, y: kernel_distance(x, y) + 1, "is not the distance"),
        (lambda x, y: kernel_distance(x, y.mul_(2)), "are changed"),
        (lambda x, y: (x @ y.T / 4 + 1) ** 3, "a single number"),
    ),
)

# --- 06.5 ---------------------------------------------------------------------------------------------------


def modulate(x: Tensor, w: Tensor, film: Any) -> Tensor:
    gamma, beta = film(w)[:, :, None, None].chunk(2, 1)
    return (1 + gamma) * x + beta  # type: ignore[no-any-return]


MODULATION_MISTAKES: dict[str, Callable[[Tensor, Tensor, Any], Tensor]] = {
    "The 1 is missing: without it, features vanish where γ is 0.": lambda x, w, film: (
        film(w)[:, : x.shape[1], None, None] * x + film(w)[:, x.shape[1] :, None, None]
    ),
    "γ and β are exchanged: the first C numbers are γ.": lambda x, w, film: (
        (1 + film(w)[:, x.shape[1] :, None, None]) * x + film(w)[:, : x.shape[1], None, None]
    ),
    "β is not added.": lambda x, w, film: (1 + film(w)[:, : x.shape[1], None, None]) * x,
    "The features are not scaled.": lambda x, w, film: x + film(w)[:, x.shape[1] :, None, None],
    "Every second number was taken for γ: the first C numbers are γ, and the last C are β.": (
        lambda x, w, film: (1 + film(w)[:, ::2, None, None]) * x + film(w)[:, 1::2, None, None]
    ),
    "Scale the shifted features, or shift the scaled ones? The shift comes last.": lambda x, w, film: (
        (1 + film(w)[:, : x.shape[1], None, None]) * (x + film(w)[:, x.shape[1] :, None, None])
    ),
}


def check_modulate(answer: Any) -> None:
    """Check an answer to exercise 06.5."""
    film = torch.nn.Linear(128, 2 * 6)
    x, w = torch.randn(4, 6, 3, 5), torch.randn(4, 128)
    usage = "modulate(x, w, film)"
    result = as_tensor(call(answer, x, w, film, usage=usage), (4, 6, 3, 5), "Your function's result")
    for mistake, wrong in MODULATION_MISTAKES.items():
        if is_same(result, wrong(x, w, film).detach()):
            raise WrongAnswer(mistake)
    if not is_same(result, modulate(x, w, film).detach()):
        raise WrongAnswer(
            "The result has other values: split film(w) into γ and β, each (N, C), and give both a height "
            "and a width of 1, so that they act on whole channels."
        )


MODULATE = Exercise(
    number="06.5",
    title="Let the attributes in",
    question="Write FiLM: the features x (N, C, H, W), the style w (N, 128) and the linear layer `film` from "
    "128 to 2C numbers, of which the first C are γ. Return (1 + γ(w)) · x + β(w).",
    hints=(
        "film(w) is (N, 2C). To act on all pixels of a channel, γ and β need the shape (N, C, 1, 1).",
        "`film(w)[:, :, None, None].chunk(2, 1)` gives both.",
    ),
    solution=modulate,
    explanation="With γ = β = 0 nothing is changed, which is why the 1 is there. Each channel is scaled and "
    "shifted as a whole, so w chooses what is drawn, and the convolutions where.",
    check=check_modulate,
    wrong=(
        *((wrong, mistake[:20]) for mistake, wrong in MODULATION_MISTAKES.items()),
        (lambda x, w, film: 2 * modulate(x, w, film), "other values"),
    ),
)

EXERCISES = (
    REMEMBERED,
    LOSSES,
    KEEP,
    KERNEL,
    MODULATE,
)
