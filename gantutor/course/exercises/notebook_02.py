"""Exercises of notebook 02: batch norm, the discriminator's turn, a score, hinge losses, gradient penalty."""

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
    describe,
    is_close,
    is_same,
    loss_gradient,
)
from gantutor.course.exercises.exercise import Exercise

# --- 02.1 ---------------------------------------------------------------------------------------------------


def buggy_layer() -> nn.Module:
    """Batch norm of 100 features whose running averages go 0.8 of the way to each new batch."""
    return nn.BatchNorm1d(100, 0.8)


def layer() -> nn.Module:
    return nn.BatchNorm1d(100, momentum=0.8)


def check_layer(answer: Any) -> None:
    """Check an answer to exercise 02.1."""
    if callable(answer) and not isinstance(answer, nn.Module):
        answer = call(answer, usage="layer()")
    if not isinstance(answer, nn.Module):
        raise WrongAnswer(
            f"The answer should be a layer, such as nn.BatchNorm1d makes, not {describe(answer)}."
        )
    layer_copy = copy.deepcopy(answer).cpu().train()
    means = [getattr(module, "running_mean", None) for module in layer_copy.modules()]
    running_means = [mean for mean in means if isinstance(mean, Tensor)]
    if not running_means:
        raise WrongAnswer(
            "This layer keeps no running averages of what it saw, as batch norm does for later use."
        )
    mean_before, batch = running_means[0].clone(), 3 + 0.5 * torch.randn(64, 100)
    normed = as_tensor(call(layer_copy, batch, usage="layer(batch of shape (64, 100))"), (64, 100))
    if abs(float(normed.std(0, unbiased=False).mean()) - 1) > 0.02:
        raise WrongAnswer(
            f"Features of standard deviation 0.5 come out with {normed.std(0).mean():.2f} and not with 1: "
            "the second argument of BatchNorm1d is eps, which is added to their variance."
        )
    share = float(((running_means[0] - mean_before) / (batch.mean(0) - mean_before)).mean())
    if is_close(share, 0.1):
        raise WrongAnswer(
            "The running mean goes 0.1 of the way to a new batch: that is the momentum by default."
        )
    if is_close(share, 0.2):
        raise WrongAnswer(
            "The running mean goes 0.2 of the way: in other frameworks momentum is the share that "
            "is kept, and in PyTorch the share of the new batch."
        )
    if not is_close(share, 0.8):
        raise WrongAnswer(f"The running mean goes {share:.2f} of the way to a new batch.")


LAYER = Exercise(
    number="02.1",
    title="Find the bug: momentum",
    question="The layer below was meant to have running averages that go 0.8 of the way to each new batch. "
    "Find the bug, and give the layer that was meant.",
    hints=(
        "Look up the order of the arguments of `nn.BatchNorm1d`.",
        "Write the argument's name in front of the number.",
    ),
    solution=layer(),
    explanation="The second argument by position is eps: it raised every variance by 0.8, and the momentum "
    "stayed 0.1.",
    check=check_layer,
    wrong=(
        (buggy_layer, "is eps"),
        (nn.BatchNorm1d(100), "by default"),
        (nn.BatchNorm1d(100, momentum=0.2), "other frameworks"),
        (nn.BatchNorm1d(100, momentum=0.5), "goes 0.50"),
        (nn.LayerNorm(100), "no running averages"),
        (nn.BatchNorm2d(100, momentum=0.8), "raised ValueError"),
    ),
    listings=(buggy_layer,),
    derivation=layer,
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
        "did not move at all: who calls `step()`, and when?": 0 * update,
        "followed old gradients too, those that the generator's turn had left: who sets them to "
        "zero?": from_real + from_fake + 1,
        "learnt from the real samples only: cut what the generator made, not what the discriminator "
        "says of it.": from_real,
        "moved the wrong way: it learns to call generated samples real.": other_side,
    }
    for mistake, wrong_update in mistakes.items():
        if is_same(update, wrong_update):
            raise WrongAnswer(f"The discriminator {mistake}")
    if not is_same(update, from_real + from_fake):
        raise WrongAnswer(
            "The discriminator moved, but not down the gradient of −E log D(x) − E log(1 − D(G(z)))."
        )
    if any(bool(w.grad is not None and w.grad.any()) for w in generator.parameters()):
        raise WrongAnswer(
            "The discriminator moves as it should, but gradients are left in the generator's weights."
        )
    if not is_same(generator.weight.detach(), start):
        raise WrongAnswer("The generator has moved in the discriminator's turn.")
    if not all(w.requires_grad for w in generator.parameters()):
        raise WrongAnswer(
            "After this turn the generator's weights ask for no gradient, so its own turn would fail."
        )


TURN = Exercise(
    number="02.2",
    title="Find the bug: whose gradients?",
    question="The turn below trains the discriminator, and leaves gradients in the generator as well: an "
    "optimiser that holds both networks would make the generator worse. Write "
    "`discriminator_turn(generator, discriminator, optimizer, real, latent)` without the bug.",
    hints=(
        "The discriminator's loss depends on the generator's weights, through one variable.",
        "A tensor's `detach()` cuts it off from the network that made it.",
    ),
    solution=discriminator_turn,
    explanation="Detached, the generated samples are mere data: `backward()` stops at them, which saves time "
    "as well.",
    check=check_turn,
    wrong=(
        (buggy_turn, "left in the generator"),
        (detaches_too_much, "real samples only"),
        (forgets_to_zero, "old gradients"),
        (takes_the_other_side, "wrong way"),
        (never_steps, "did not move"),
        (freezes_the_generator, "ask for no gradient"),
    ),
    listings=(buggy_turn,),
)

# --- 02.3 ---------------------------------------------------------------------------------------------------

Distance = Callable[[Tensor, Tensor], Any]


def buggy_score(distance: Distance, train: Tensor, held_out: Tensor, generated: Tensor) -> Any:
    """How far generated samples are from real ones; the distance takes two sets of samples."""
    return distance(generated[:100], train)


def score(distance: Distance, train: Tensor, held_out: Tensor, generated: Tensor) -> Any:
    return distance(generated, held_out)


def check_score(answer: Any) -> None:
    """Check an answer to exercise 02.3."""
    sets = {"train": 400, "held_out": 200, "generated": 300}
    samples = [
        torch.cat([torch.full((count, 1), float(i)), torch.randn(count, 3)], 1)
        for i, count in enumerate(sets.values())
    ]
    calls: list[tuple[Any, Any]] = []

    def distance(one: Tensor, other: Tensor) -> float:
        calls.append((one, other))
        return 10.0 + len(calls)

    value = as_number(
        call(answer, distance, *samples, usage="score(distance, train, held_out, generated)"),
        "What your function returns",
    )
    pair = calls[int(value) - 11] if value in [11.0 + i for i in range(len(calls))] else None
    if pair is None:
        raise WrongAnswer("The function should return what `distance` gives for two of the sets of samples.")
    counts = [0, 0, 0]
    for argument in pair:
        if (
            not isinstance(argument, Tensor)
            or argument.dim() != 2
            or not set(argument[:, 0].tolist()) <= {0.0, 1.0, 2.0}
        ):
            raise WrongAnswer("`distance` should be given the samples as they are.")
        for i in range(3):
            counts[i] += int((argument[:, 0] == i).sum())
    train, held_out, generated = counts
    if not generated:
        raise WrongAnswer("No generated samples are scored: two sets of real ones give the floor.")
    if train and held_out:
        raise WrongAnswer(
            "Held-out and training samples are mixed: copies of the latter would still be rewarded."
        )
    if train:
        raise WrongAnswer(
            f"The reference are {train} training samples: a generator that copied them would get "
            "the best score of all."
        )
    if generated < sets["generated"]:
        raise WrongAnswer(
            f"Only {generated} of 300 generated samples are scored: with few samples a distance "
            "comes out too large, and differs from one draw to the next."
        )
    if held_out != sets["held_out"]:
        raise WrongAnswer(f"The reference should be all 200 held-out samples, and here {held_out} are used.")


SCORE = Exercise(
    number="02.3",
    title="Find the bugs: a score",
    question="The score below has two bugs. Find them, and write `score(distance, train, held_out, "
    "generated)` so that copying the training data does not pay and the number is as steady as the samples "
    "allow.",
    hints=(
        "Which score would a generator get that only repeats training samples?",
        "One bug is the reference, the other a number.",
    ),
    solution=score,
    explanation="Held-out samples do not reward copies, and a distance from few samples is too large and "
    "unsteady.",
    check=check_score,
    wrong=(
        (buggy_score, "400 training samples"),
        (lambda distance, train, held_out, generated: distance(generated[:100], held_out), "Only 100 of 300"),
        (lambda distance, train, held_out, generated: distance(generated, held_out[:50]), "here 50 are used"),
        (lambda distance, train, held_out, generated: distance(train, held_out), "give the floor"),
        (
            lambda distance, train, held_out, generated: distance(generated, torch.cat([train, held_out])),
            "mixed",
        ),
        (lambda distance, train, held_out, generated: 0.5, "what `distance` gives"),
    ),
    listings=(buggy_score,),
)

# --- 02.4 ---------------------------------------------------------------------------------------------------


def hinge(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    discriminator = torch.relu(1 - real_logits).mean() + torch.relu(1 + fake_logits).mean()
    generator = -fake_logits.mean()
    return discriminator, generator


def check_hinge(answer: Any) -> None:
    """Check an answer to exercise 02.4."""
    real = torch.tensor([-1.5, 0.25, 2.0, 4.0], requires_grad=True)
    fake = torch.tensor([-7.0, -0.5, 0.9, 1.0], requires_grad=True)
    result = call(answer, real, fake, usage="hinge(real_logits, fake_logits)")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise WrongAnswer(
            "The function should return two losses, the discriminator's and the generator's, not "
            f"{describe(result)}."
        )
    discriminator_loss = as_tensor(result[0], (), "The discriminator's loss")
    generator_loss = as_tensor(result[1], (), "The generator's loss")
    expected = hinge(real, fake)
    cut_off_means = torch.relu(1 - real.mean()) + torch.relu(1 + fake.mean())
    mistakes = {
        "has the two kinds of samples exchanged: real logits are to rise above 1.": hinge(fake, real)[0],
        "has no margin: a real logit of 0.25 is not yet good enough.": hinge(1 + real, fake - 1)[0],
        "cuts off the mean: the margin holds for each sample, so first cut, then average.": cut_off_means,
        "is never cut off: it goes on rewarding logits far beyond the margin.": 2 - real.mean() + fake.mean(),
        "looks at the real samples only.": torch.relu(1 - real).mean(),
    }
    for mistake, wrong_loss in mistakes.items():
        if is_same(discriminator_loss, wrong_loss.detach()):
            raise WrongAnswer(f"The discriminator's loss {mistake}")
    if not is_same(discriminator_loss, expected[0].detach()):
        raise WrongAnswer(
            f"The discriminator's loss of our eight logits is {discriminator_loss:.4f}, and should be "
            "another number."
        )
    if is_same(generator_loss, -expected[1].detach()):
        raise WrongAnswer(
            "The discriminator's loss is right. The generator's has the wrong sign: minimised, it "
            "makes the discriminator surer that the samples are generated."
        )
    if is_same(generator_loss, torch.relu(1 - fake).mean().detach()):
        raise WrongAnswer(
            "The discriminator's loss is right. The generator's has a margin, and needs none: it "
            "goes on raising the logit."
        )
    if not is_same(generator_loss, expected[1].detach()):
        raise WrongAnswer(
            "The discriminator's loss is right. The generator's should be the mean of what was asked."
        )
    loss_gradient(result[0], real)
    loss_gradient(result[1], fake)


HINGE = Exercise(
    number="02.4",
    title="Write the hinge losses",
    question="Write `hinge(real_logits, fake_logits)`, which returns two losses: the discriminator's, E "
    "max(0, 1 − D(x)) + E max(0, 1 + D(G(z))), and the generator's, −E D(G(z)), where D is the logit.",
    hints=(
        "`torch.relu` is max(0, ·), for each element.",
        "First the cut, sample by sample, then the mean of each kind of samples.",
    ),
    solution=hinge,
    explanation="Beyond the margin of 1 a sample teaches the discriminator no more; the generator raises "
    "every logit.",
    check=check_hinge,
    wrong=(
        (lambda real, fake: hinge(fake, real), "exchanged"),
        (lambda real, fake: (torch.relu(-real).mean() + torch.relu(fake).mean(), -fake.mean()), "no margin"),
        (
            lambda real, fake: (torch.relu(1 - real.mean()) + torch.relu(1 + fake.mean()), -fake.mean()),
            "cuts off the mean",
        ),
        (lambda real, fake: ((1 - real).mean() + (1 + fake).mean(), -fake.mean()), "never cut off"),
        (lambda real, fake: (torch.relu(1 - real).mean(), -fake.mean()), "real samples only"),
        (lambda real, fake: (hinge(real, fake)[0], fake.mean()), "wrong sign"),
        (lambda real, fake: (hinge(real, fake)[0], torch.relu(1 - fake).mean()), "needs none"),
        (lambda real, fake: hinge(real, fake)[0], "two losses"),
        (lambda real, fake: hinge(real.detach(), fake.detach()), "No gradient"),
    ),
)

# --- 02.5 ---------------------------------------------------------------------------------------------------

Critic = Callable[[Tensor], Tensor]


def buggy_penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """E (‖∇D(x̂)‖ − 1)² for images (N, 1, H, W), x̂ at random on the line from a generated to a real one."""
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
    """Check an answer to exercise 02.5."""
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
        raise WrongAnswer(
            "The critic should be asked about images in between, as many as there are real ones."
        )
    check_epsilon((queries[-1] - fake) / (real - fake))
    check_norm(value, weight.detach().expand(64, 1, 4, 4), real, fake)
    if abs(value - 16) > 1e-2:
        raise WrongAnswer(
            f"With a critic whose slope is 5 everywhere the penalty is {value:.4g}, not (5 − 1)²."
        )
    if not loss.requires_grad:
        raise WrongAnswer(
            "The number is right, but nothing can be learnt from it: let `autograd.grad` create a graph."
        )
    loss_gradient(loss, weight)
    if abs(float(as_tensor(run_with_slope(0.5)[0], (), "The penalty")) - 0.25) > 1e-3:
        raise WrongAnswer(
            "A slope above 1 is punished as it should be, and one of 0.5 is not: the penalty has two sides."
        )


def check_norm(value: float, slopes: Tensor, real: Tensor, fake: Tensor) -> None:
    """Raise WrongAnswer if the penalty is that of a known mistake.

    Args:
        value: the penalty of the answer.
        slopes: the critic's gradient at each sample, shape (N, 1, H, W).
        real: real images, shape (N, 1, H, W).
        fake: generated images, shape (N, 1, H, W).
    """
    mistakes = {
        "the norm runs over dimension 1, the colour channel: one norm is of all pixels of a sample.": variant(
            size=lambda g: g.norm(dim=1)
        ),
        "the norm runs over the batch: each sample has a slope of its own.": variant(
            size=lambda g: g.norm(dim=0)
        ),
        "one norm was taken of all samples together.": variant(size=lambda g: g.norm()),
        "it is the square of the norm that is compared with 1: take the root.": variant(
            size=lambda g: g.flatten(1).square().sum(1)
        ),
        "nothing is subtracted from the norm: that pulls the slope to 0, and it should be 1.": variant(
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
            raise WrongAnswer(f"The images in between are right, but {mistake}")


def check_epsilon(epsilon: Tensor) -> None:
    """Raise WrongAnswer if the critic was not called at random points on the lines between the images.

    Args:
        epsilon: the position on the line from generated (0) to real (1), pixel by pixel, (N, 1, H, W).
    """
    epsilon = epsilon.flatten(1)
    if float((epsilon.amax(1) - epsilon.amin(1)).max()) > 1e-3:
        raise WrongAnswer(
            "The pixels of one image are mixed in different shares, so it lies on no line between "
            "the two: ε is one number for each sample."
        )
    for end, name in ((1.0, "real"), (0.0, "generated")):
        if float((epsilon - end).abs().max()) < 1e-3:
            raise WrongAnswer(f"The slope is taken at the {name} images only, and not in between.")
    if float(epsilon.min()) < -1e-3 or float(epsilon.max()) > 1 + 1e-3:
        raise WrongAnswer("Some points lie beyond the two ends of the line: ε should be uniform from 0 to 1.")
    if float(epsilon.max() - epsilon.min()) < 1e-3:
        raise WrongAnswer("All samples are mixed in the same share: draw an ε of its own for each.")


PENALTY = Exercise(
    number="02.5",
    title="Find the bugs: a gradient penalty",
    question="The WGAN-GP penalty below (without its λ) has two bugs, which famous scripts carry too. Find "
    "them, and write `gradient_penalty(critic, real, fake)`.",
    hints=(
        "What is the shape of `epsilon`, and is a point on the line between two images made with it?",
        "An image (1, H, W) is one point: how many norms are there for N of them, and over which dimensions?",
    ),
    solution=gradient_penalty,
    explanation="One ε for each sample puts x̂ on the line; one norm over all pixels is the length of its "
    "gradient.",
    check=check_penalty,
    wrong=(
        (buggy_penalty, "different shares"),
        (variant(epsilon=lambda real: torch.ones(len(real), 1, 1, 1)), "at the real images only"),
        (variant(epsilon=lambda real: torch.zeros(len(real), 1, 1, 1)), "at the generated images only"),
        (variant(epsilon=lambda real: torch.rand(1, 1, 1, 1)), "same share"),
        (variant(epsilon=lambda real: torch.randn(len(real), 1, 1, 1)), "beyond the two ends"),
        (variant(size=lambda gradient: gradient.norm(dim=1)), "colour channel"),
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
    LAYER,
    TURN,
    SCORE,
    HINGE,
    PENALTY,
)
