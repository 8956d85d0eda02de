"""Exercises of notebook 02: reading scores, the discriminator's turn, a NaN, a gradient penalty."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gantutor.course.exercises.checking import (
    WrongAnswer,
    as_number,
    as_tensor,
    call,
    check_letters,
    is_close,
    is_same,
    loss_gradient,
)
from gantutor.course.exercises.exercise import Exercise

# --- 02.1 ---------------------------------------------------------------------------------------------------


def check_conclusions(answer: Any) -> None:
    """Check an answer to exercise 02.1."""
    check_letters(
        answer,
        "bd",
        {
            "a": "a distance below that of real data does not mean better samples: something is wrong with "
            "the measurement.",
            "b": "What would a set score that contains the reference itself?",
            "c": "an accuracy of one half may come from a discriminator that has learnt nothing.",
            "d": "How does the distance between two sets of real digits change with their size?",
            "e": "the distance is measured against held-out digits, so copies of training digits score as "
            "well as real ones.",
        },
    )


CONCLUSIONS = Exercise(
    number="02.1",
    title="What do these scores say?",
    question="4,000 generated digits have a digit FID of 2.1 against 1,000 held-out ones; real data have "
    "3.9. The discriminator's accuracy is ½. Which of these statements follow? Answer with letters, such as "
    '"ce".\n'
    "a: The generated digits are better than real ones.\n"
    "b: Held-out digits may have leaked into the training data.\n"
    "c: No discriminator could tell them from real digits.\n"
    "d: 500 of them would have a larger FID.\n"
    "e: The generator has not copied its training data.",
    hints=(
        "For each number, ask what else could have caused it.",
        "Two are right: one is about the reference, the other about the number of samples.",
    ),
    solution="bd",
    explanation="A score below that of real data points to a leak, and fewer samples give a larger distance.",
    check=check_conclusions,
    wrong=(
        ("abd", "measurement"),
        ("bcd", "learnt nothing"),
        ("bde", "copies of training digits"),
        ("d", "reference itself"),
        ("b", "with their size"),
    ),
)

# --- 02.2 ---------------------------------------------------------------------------------------------------

Network = Callable[[Tensor], Tensor]


def buggy_turn(
    generator: Network, discriminator: Network, optimizer: torch.optim.Optimizer, real: Tensor, latent: Tensor
) -> None:
    """The discriminator's turn; the optimizer holds the discriminator's weights."""
    fake = generator(latent)
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def discriminator_turn(
    generator: Network, discriminator: Network, optimizer: torch.optim.Optimizer, real: Tensor, latent: Tensor
) -> None:
    fake = generator(latent).detach()
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def detaches_too_much(
    generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor
) -> None:
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(generator(latent)).detach()).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def forgets_to_zero(generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor) -> None:
    fake = generator(latent).detach()
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def takes_the_other_side(
    generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor
) -> None:
    optimizer.zero_grad()
    fake = generator(latent).detach()
    loss = softplus(discriminator(real)).mean() + softplus(-discriminator(fake)).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def never_steps(generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor) -> None:
    optimizer.zero_grad()
    fake = generator(latent).detach()
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    loss.backward()  # type: ignore[no-untyped-call]


def freezes_the_generator(
    generator: Any, discriminator: Any, optimizer: Any, real: Tensor, latent: Tensor
) -> None:
    generator.requires_grad_(False)
    buggy_turn(generator, discriminator, optimizer, real, latent)


def check_turn(answer: Any) -> None:
    """Check an answer to exercise 02.2."""
    generator, discriminator = nn.Linear(2, 2), nn.Linear(2, 1)
    real, latent = torch.randn(8, 2) + 1, torch.randn(8, 2)
    weight, start = discriminator.weight, generator.weight.detach().clone()
    with torch.no_grad():
        fake = generator(latent)

    def gradient_of(loss: Tensor) -> Tensor:
        return torch.autograd.grad(loss.mean(), weight)[0]

    from_real, from_fake = (
        gradient_of(softplus(-discriminator(real))),
        gradient_of(softplus(discriminator(fake))),
    )
    other_side = gradient_of(softplus(discriminator(real))) + gradient_of(softplus(-discriminator(fake)))
    for parameter in discriminator.parameters():  # as left by the generator's turn
        parameter.grad = torch.ones_like(parameter)
    before = weight.detach().clone()
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=0.5)
    # PyTorch loads some of its parts at the first step, which should not count as the answer's time.
    torch.optim.SGD(nn.Linear(1, 1).parameters()).step()
    usage = "discriminator_turn(generator, discriminator, optimizer, real, latent)"
    call(answer, generator, discriminator, optimizer, real.clone(), latent.clone(), usage=usage)
    update = (before - weight.detach()) / 0.5
    mistakes = {
        "did not change: call the optimiser's `step()`.": 0 * update,
        "followed old gradients too, which the generator's turn had left: set them to zero first.": from_real
        + from_fake
        + 1,
        "learnt from the real samples only: detach the generated samples, not their logits.": from_real,
        "moved in the wrong direction: it learns to call generated samples real.": other_side,
    }
    for mistake, wrong_update in mistakes.items():
        if is_same(update, wrong_update):
            raise WrongAnswer(f"The discriminator {mistake}")
    if not is_same(update, from_real + from_fake):
        raise WrongAnswer(
            "The discriminator changed, but not along −∇ of its loss, −E log σ(D(x)) − E log(1 − σ(D(G(z))))."
        )
    if any(bool(w.grad is not None and w.grad.any()) for w in generator.parameters()):
        raise WrongAnswer(
            "The discriminator changes correctly, but gradients are left in the generator's weights."
        )
    if not is_same(generator.weight.detach(), start):
        raise WrongAnswer("The generator has changed in the discriminator's turn.")
    if not all(w.requires_grad for w in generator.parameters()):
        raise WrongAnswer(
            "After this turn the generator's weights no longer require gradients, so its own turn would fail."
        )


TURN = Exercise(
    number="02.2",
    title="Find the bug: gradients in the wrong network",
    question="The turn below trains the discriminator, but it also leaves gradients in the generator. An "
    "optimiser that holds both networks would then make the generator worse. Write "
    "`discriminator_turn(generator, discriminator, optimizer, real, latent)` without the bug.",
    hints=(
        "The discriminator's loss depends on the generator's weights, through one variable.",
        "`detach()` returns the tensor without its connection to the network that computed it.",
    ),
    solution=discriminator_turn,
    explanation="After `detach()` the generated samples are constants. `backward()` stops at them, which "
    "also saves time.",
    check=check_turn,
    wrong=(
        (buggy_turn, "left in the generator"),
        (detaches_too_much, "real samples only"),
        (forgets_to_zero, "old gradients"),
        (takes_the_other_side, "wrong direction"),
        (never_steps, "did not change"),
        (freezes_the_generator, "no longer require"),
    ),
    listings=(buggy_turn,),
)

# --- 02.3 ---------------------------------------------------------------------------------------------------

Step = Callable[[], Tensor]


def buggy_guard(step: Step, network: nn.Module, steps: int) -> int:
    """Train until a loss is not finite, restore the weights before it, and count the good steps."""
    for done in range(steps):
        good = network.state_dict()
        loss = step()
        if loss.isnan():
            network.load_state_dict(good)
            return done
    return steps


def guard(step: Step, network: nn.Module, steps: int) -> int:
    for done in range(steps):
        good = copy.deepcopy(network.state_dict())
        loss = step()
        finite = [loss.isfinite(), *(w.isfinite().all() for w in network.parameters())]
        if not all(finite):
            network.load_state_dict(good)
            return done
    return steps


def guard_with(
    infinite: bool = True, weights: bool = True, start: bool = False, count: int = 0
) -> Callable[[Step, nn.Module, int], int]:
    """Return the guard with one mistake.

    Args:
        infinite: whether an infinite loss counts, or only a NaN.
        weights: whether the weights are checked.
        start: whether it goes back to the weights of the start.
        count: what is added to the number of good steps.
    """

    def play(step: Step, network: nn.Module, steps: int) -> int:
        good = copy.deepcopy(network.state_dict())
        for done in range(steps):
            good = good if start else copy.deepcopy(network.state_dict())
            loss = step()
            bad = bool(loss.isnan()) or (infinite and bool(loss.isinf()))
            bad |= weights and not all(bool(w.isfinite().all()) for w in network.parameters())
            if bad:
                network.load_state_dict(good)
                return done + count
        return steps

    return play


def check_guard(answer: Any) -> None:
    """Check an answer to exercise 02.3."""
    nan, inf = float("nan"), float("inf")

    def run_until(failing: int, loss: float, weight: float) -> tuple[float, nn.Linear, int]:
        """Play 6 steps, each of which adds 1 to the weights; one of them gives this loss and weight."""
        network, calls = nn.Linear(2, 1), [0]
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.zero_()

        def step() -> Tensor:
            calls[0] += 1
            bad = calls[0] == failing
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(weight if bad else 1.0)
            return torch.tensor(loss if bad else 1 / calls[0])

        result = call(answer, step, network, 6, usage="guard(step, network, steps)")
        return as_number(result, "What your function returns"), network, calls[0]

    done, _, calls = run_until(7, 1.0, 1.0)
    if calls != 6 or done != 6:
        raise WrongAnswer(
            f"All six steps were good: your function took {calls} of them and returned {done:g}."
        )
    cases = (
        (4, nan, nan, "a loss of NaN"),
        (3, inf, 1.0, "an infinite loss"),
        (5, 0.2, inf, "a finite loss with infinite weights"),
    )
    for failing, loss, weight, words in cases:
        done, network, calls = run_until(failing, loss, weight)
        if calls > failing:
            raise WrongAnswer(f"Your function continues after {words} in step {failing}.")
        if done != failing - 1:
            raise WrongAnswer(f"Step {failing} gave {words}: {failing - 1} steps were good, not {done:g}.")
        values = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
        if not bool(values.isfinite().all()):
            raise WrongAnswer(
                f"After {words} the weights are not finite: are the saved ones a copy, or the same tensors?"
            )
        if not is_same(values, torch.full_like(values, failing - 1.0)):
            raise WrongAnswer(
                f"After {words} in step {failing} the weights are not those from before this step."
            )


GUARD = Exercise(
    number="02.3",
    title="Find the bugs: restore the weights after a NaN",
    question="The guard below has three bugs. Write `guard(step, network, steps)`: it calls `step()` up to "
    "`steps` times, each of which changes the weights of `network` and returns a loss (a tensor). After a "
    "step whose loss or weights are not finite, it restores the weights from before this step, stops, and "
    "returns the number of good steps.",
    hints=(
        "What happens to the tensors of a `state_dict()` while the network trains?",
        "`isfinite()` is false for NaN and for infinity. Weights may become infinite before the loss does.",
    ),
    solution=guard,
    explanation="The saved weights must be a copy, an infinite loss counts too, and weights can become "
    "infinite while the loss is still finite.",
    check=check_guard,
    wrong=(
        (buggy_guard, "the same tensors"),
        (guard_with(infinite=False), "continues after an infinite loss"),
        (guard_with(weights=False), "with infinite weights in step 5"),
        (guard_with(start=True), "not those from before"),
        (guard_with(count=1), "3 steps were good, not 4"),
        (lambda step, network, steps: [step() for _ in range(steps)][-1], "returned 0.16"),
    ),
    listings=(buggy_guard,),
)

# --- 02.4 ---------------------------------------------------------------------------------------------------

Critic = Callable[[Tensor], Tensor]


def buggy_penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """E (‖∇D(x̂)‖ − 1)² for images (N, 1, H, W), x̂ random on the line from a generated to a real image."""
    epsilon = torch.rand_like(real)
    between = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.norm(dim=1) - 1).square().mean()  # type: ignore[no-any-return]


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    epsilon = torch.rand(len(real), 1, 1, 1)
    between = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()  # type: ignore[no-any-return]


def variant(
    epsilon: Callable[[Tensor], Tensor] = lambda real: torch.rand(len(real), 1, 1, 1),
    size: Callable[[Tensor], Tensor] = lambda gradient: gradient.flatten(1).norm(dim=1),
    deviation: Callable[[Tensor], Tensor] = lambda norm: (norm - 1).square(),
    graph: bool = True,
) -> Callable[[Critic, Tensor, Tensor], Tensor]:
    """Return the gradient penalty with one part replaced.

    Args:
        epsilon: draws ε for real images (N, 1, H, W).
        size: the norm of gradients (N, 1, H, W).
        deviation: the penalty of a norm.
        graph: whether the penalty can be differentiated.
    """

    def penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        between = torch.lerp(fake, real, epsilon(real)).requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=graph)
        return deviation(size(gradient)).mean()  # type: ignore[no-any-return]

    return penalty


def check_penalty(answer: Any) -> None:
    """Check an answer to exercise 02.4."""
    real, fake = torch.rand(64, 1, 4, 4) + 0.5, torch.rand(64, 1, 4, 4) - 1.5
    direction = torch.randn(1, 4, 4)
    queries: list[Tensor] = []

    def run_with_slope(length: float) -> tuple[Any, Tensor]:
        """The penalty of a linear critic whose gradient has this length everywhere, and its weights."""
        weight = (length * direction / direction.norm()).requires_grad_(True)

        def critic(images: Tensor) -> Tensor:
            queries.append(images.detach())
            logits: Tensor = (images * weight).flatten(1).sum(1)
            return logits

        return call(
            answer, critic, real.clone(), fake.clone(), usage="gradient_penalty(critic, real, fake)"
        ), weight

    loss, weight = run_with_slope(5.0)
    value = float(as_tensor(loss, (), "The penalty"))
    if not queries or queries[-1].shape != real.shape:
        raise WrongAnswer("Call the critic with interpolated images, one for each real image.")
    check_epsilon((queries[-1] - fake) / (real - fake))
    check_norm(value, weight.detach().expand(64, 1, 4, 4), real, fake)
    if abs(value - 16) > 1e-2:
        raise WrongAnswer(
            f"With a critic whose slope is 5 everywhere the penalty is {value:.4g}, not (5 − 1)²."
        )
    if not loss.requires_grad:
        raise WrongAnswer("The value is right, but it has no gradient: let `autograd.grad` create a graph.")
    loss_gradient(loss, weight)
    if abs(float(as_tensor(run_with_slope(0.5)[0], (), "The penalty")) - 0.25) > 1e-3:
        raise WrongAnswer("A slope above 1 is penalised, but one of 0.5 is not: the penalty has two sides.")


def check_norm(value: float, slopes: Tensor, real: Tensor, fake: Tensor) -> None:
    """Raise WrongAnswer if the penalty is that of a known mistake.

    Args:
        value: the penalty of the answer.
        slopes: the critic's gradient at each sample, shape (N, 1, H, W).
        real: real images, shape (N, 1, H, W).
        fake: generated images, shape (N, 1, H, W).
    """
    mistakes = {
        "the norm runs over the colour channel, dimension 1: take it over all pixels of a sample.": variant(
            size=lambda g: g.norm(dim=1)
        ),
        "the norm runs over the batch: take one norm for each sample.": variant(size=lambda g: g.norm(dim=0)),
        "a single norm was taken of all samples together.": variant(size=lambda g: g.norm()),
        "the square of the norm is compared with 1: take the root.": variant(
            size=lambda g: g.flatten(1).square().sum(1)
        ),
        "nothing is subtracted from the norm: this penalty makes the slope 0 instead of 1.": variant(
            deviation=lambda n: n.square()
        ),
        "the distance to 1 is not squared.": variant(deviation=lambda n: (n - 1).abs()),
        "it is the sum over the samples: take the mean.": variant(deviation=lambda n: (n - 1).square().sum()),
        "it is ten times too large: λ is left out here.": variant(deviation=lambda n: 10 * (n - 1).square()),
    }
    for mistake, wrong_penalty in mistakes.items():
        wrong_value = float(
            wrong_penalty(lambda images: (images * slopes).flatten(1).sum(1), real, fake).detach()
        )
        if is_close(value, wrong_value, 1e-3):
            raise WrongAnswer(f"The interpolated images are right, but {mistake}")


def check_epsilon(epsilon: Tensor) -> None:
    """Raise WrongAnswer if the critic was not called at random points on the lines between the images.

    Args:
        epsilon: the position on the line from generated (0) to real (1), pixel by pixel, (N, 1, H, W).
    """
    epsilon = epsilon.flatten(1)
    if float((epsilon.amax(1) - epsilon.amin(1)).max()) > 1e-3:
        raise WrongAnswer(
            "The pixels of one image are mixed in different shares, so the image does not lie on the line "
            "between the two: ε is one number for each sample."
        )
    for end, name in ((1.0, "real"), (0.0, "generated")):
        if float((epsilon - end).abs().max()) < 1e-3:
            raise WrongAnswer(f"The slope is taken at the {name} images only, not between the two kinds.")
    if float(epsilon.min()) < -1e-3 or float(epsilon.max()) > 1 + 1e-3:
        raise WrongAnswer("Some points lie beyond the two ends of the line: draw ε uniformly from 0 to 1.")
    if float(epsilon.max() - epsilon.min()) < 1e-3:
        raise WrongAnswer("All samples are mixed in the same share: draw one ε for each sample.")


PENALTY = Exercise(
    number="02.4",
    title="Find the bugs: a gradient penalty",
    question="The WGAN-GP penalty below (without its λ) has two bugs, which published scripts contain too. "
    "Write `gradient_penalty(critic, real, fake)` without them.",
    hints=(
        "What is the shape of `epsilon`? Does it give a point on the line between two images?",
        "An image (1, H, W) is one point: how many norms are there for N of them, and over which dimensions?",
    ),
    solution=gradient_penalty,
    explanation="One ε for each sample places x̂ on the line. The norm over all pixels of a sample is the "
    "length of its gradient.",
    check=check_penalty,
    wrong=(
        (buggy_penalty, "different shares"),
        (variant(epsilon=lambda real: torch.ones(len(real), 1, 1, 1)), "at the real images only"),
        (variant(epsilon=lambda real: torch.zeros(len(real), 1, 1, 1)), "at the generated images only"),
        (variant(epsilon=lambda real: torch.rand(1, 1, 1, 1)), "same share"),
        (variant(epsilon=lambda real: torch.randn(len(real), 1, 1, 1)), "beyond the two ends"),
        (variant(size=lambda gradient: gradient.norm(dim=1)), "the colour channel"),
        (variant(size=lambda gradient: gradient.norm(dim=0)), "over the batch"),
        (variant(size=lambda gradient: gradient.norm()), "all samples together"),
        (variant(size=lambda gradient: gradient.flatten(1).square().sum(1)), "take the root"),
        (variant(deviation=lambda norm: norm.square()), "nothing is subtracted"),
        (variant(deviation=lambda norm: torch.relu(norm - 1).square()), "two sides"),
        (variant(graph=False), "create a graph"),
    ),
    listings=(buggy_penalty,),
)

EXERCISES = (
    CONCLUSIONS,
    TURN,
    GUARD,
    PENALTY,
)
