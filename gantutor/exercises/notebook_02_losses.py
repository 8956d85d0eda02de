"""Exercises of notebook 02 on losses: the hinge losses, and a gradient penalty with two bugs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Wrong, as_tensor, call, describe, near, same, slope

# --- 02.4 ---------------------------------------------------------------------------------------------------


def hinge(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    discriminator = torch.relu(1 - real_logits).mean() + torch.relu(1 + fake_logits).mean()
    generator = -fake_logits.mean()
    return discriminator, generator


def check_hinge(answer: Any) -> None:
    real = torch.tensor([-1.5, 0.25, 2.0, 4.0], requires_grad=True)
    fake = torch.tensor([-7.0, -0.5, 0.9, 1.0], requires_grad=True)
    result = call(answer, real, fake, usage="hinge(real_logits, fake_logits)")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Wrong(
            "The function should return two losses, the discriminator's and the generator's, not "
            f"{describe(result)}."
        )
    first = as_tensor(result[0], (), "The discriminator's loss")
    second = as_tensor(result[1], (), "The generator's loss")
    right = hinge(real, fake)
    cut_off_means = torch.relu(1 - real.mean()) + torch.relu(1 + fake.mean())
    slips = {
        "has the two kinds of samples exchanged: real logits are to rise above 1.": hinge(fake, real)[0],
        "has no margin: a real logit of 0.25 is not yet good enough.": hinge(1 + real, fake - 1)[0],
        "cuts off the mean: the margin holds for each sample, so first cut, then average.": cut_off_means,
        "is never cut off: it goes on rewarding logits far beyond the margin.": 2 - real.mean() + fake.mean(),
        "looks at the real samples only.": torch.relu(1 - real).mean(),
    }
    for slip, other in slips.items():
        if same(first, other.detach()):
            raise Wrong(f"The discriminator's loss {slip}")
    if not same(first, right[0].detach()):
        raise Wrong(
            f"The discriminator's loss of our eight logits is {first:.4f}, and should be another number."
        )
    if same(second, -right[1].detach()):
        raise Wrong("The discriminator's loss is right. The generator's has the wrong sign: minimised, it "
                    "makes the discriminator surer that the samples are generated.")  # fmt: skip
    if same(second, torch.relu(1 - fake).mean().detach()):
        raise Wrong("The discriminator's loss is right. The generator's has a margin, and needs none: it "
                    "goes on raising the logit.")  # fmt: skip
    if not same(second, right[1].detach()):
        raise Wrong(
            "The discriminator's loss is right. The generator's should be the mean of what was asked."
        )
    slope(result[0], real)
    slope(result[1], fake)


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
    why="Beyond the margin of 1 a sample teaches the discriminator no more; the generator raises every "
    "logit.",
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
    miss: Callable[[Tensor], Tensor] = lambda norm: (norm - 1).square(),
    graph: bool = True,
) -> Callable[[Critic, Tensor, Tensor], Tensor]:
    """A penalty with another part."""

    def penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        between = torch.lerp(fake, real, epsilon(real)).requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=graph)
        return miss(size(gradient)).mean()  # type: ignore[no-any-return]

    return penalty


def check_penalty(answer: Any) -> None:
    real, fake = torch.rand(64, 1, 4, 4) + 0.5, torch.rand(64, 1, 4, 4) - 1.5
    direction = torch.randn(1, 4, 4)
    seen: list[Tensor] = []

    def play(length: float) -> tuple[Any, Tensor]:
        """The penalty of a linear critic whose slope has this length everywhere; and its weights."""
        weight = (length * direction / direction.norm()).requires_grad_(True)

        def critic(images: Tensor) -> Tensor:
            seen.append(images.detach())
            logits: Tensor = (images * weight).flatten(1).sum(1)
            return logits

        return call(
            answer, critic, real.clone(), fake.clone(), usage="gradient_penalty(critic, real, fake)"
        ), weight

    loss, weight = play(5.0)
    value = float(as_tensor(loss, (), "The penalty"))
    if not seen or seen[-1].shape != real.shape:
        raise Wrong("The critic should be asked about images in between, as many as there are real ones.")
    check_place((seen[-1] - fake) / (real - fake))
    check_norm(value, weight.detach().expand(64, 1, 4, 4), real, fake)
    if abs(value - 16) > 1e-2:
        raise Wrong(f"With a critic whose slope is 5 everywhere the penalty is {value:.4g}, not (5 − 1)².")
    if not loss.requires_grad:
        raise Wrong(
            "The number is right, but nothing can be learnt from it: let `autograd.grad` create a graph."
        )
    slope(loss, weight)
    if abs(float(as_tensor(play(0.5)[0], (), "The penalty")) - 0.25) > 1e-3:
        raise Wrong(
            "A slope above 1 is punished as it should be, and one of 0.5 is not: the penalty has two sides."
        )


def check_norm(value: float, slopes: Tensor, real: Tensor, fake: Tensor) -> None:
    """Whether the penalty of a critic with these slopes, one for each sample, is that of a known slip."""
    slips = {
        "the norm runs over dimension 1, the colour channel: one norm is of all pixels of a sample.": variant(
            size=lambda g: g.norm(dim=1)),
        "the norm runs over the batch: each sample has a slope of its own.": variant(
            size=lambda g: g.norm(dim=0)),
        "one norm was taken of all samples together.": variant(size=lambda g: g.norm()),
        "it is the square of the norm that is compared with 1: take the root.": variant(
            size=lambda g: g.flatten(1).square().sum(1)),
        "nothing is subtracted from the norm: that pulls the slope to 0, and it should be 1.": variant(
            miss=lambda n: n.square()),
        "the distance to 1 is not squared.": variant(miss=lambda n: (n - 1).abs()),
        "it is the sum over the samples: take the mean.": variant(miss=lambda n: (n - 1).square().sum()),
        "it is ten times too large: λ is left out here.": variant(miss=lambda n: 10 * (n - 1).square()),
    }  # fmt: skip
    for slip, other in slips.items():
        at = float(other(lambda images: (images * slopes).flatten(1).sum(1), real, fake).detach())
        if near(value, at, 1e-3):
            raise Wrong(f"The images in between are right, but {slip}")


def check_place(epsilon: Tensor) -> None:
    """Where on the line from generated (0) to real (1) the critic was asked, pixel by pixel."""
    epsilon = epsilon.flatten(1)
    if float((epsilon.amax(1) - epsilon.amin(1)).max()) > 1e-3:
        raise Wrong("The pixels of one image are mixed in different shares, so it lies on no line between "
                    "the two: ε is one number for each sample.")  # fmt: skip
    for place, name in ((1.0, "real"), (0.0, "generated")):
        if float((epsilon - place).abs().max()) < 1e-3:
            raise Wrong(f"The slope is taken at the {name} images only, and not in between.")
    if float(epsilon.min()) < -1e-3 or float(epsilon.max()) > 1 + 1e-3:
        raise Wrong("Some points lie beyond the two ends of the line: ε should be uniform from 0 to 1.")
    if float(epsilon.max() - epsilon.min()) < 1e-3:
        raise Wrong("All samples are mixed in the same share: draw an ε of its own for each.")


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
    why="One ε for each sample puts x̂ on the line; one norm over all pixels is the length of its gradient.",
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
        (variant(miss=lambda norm: norm.square()), "nothing is subtracted"),
        (variant(miss=lambda norm: torch.relu(norm - 1).square()), "two sides"),
        (variant(graph=False), "create a graph"),
    ),
    shown=(buggy_penalty,),
)

EXERCISES = (HINGE, PENALTY)
