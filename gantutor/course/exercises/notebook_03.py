"""Exercises of notebook 03: transposed convolution, slerp, labels, weight averages, checkpoints."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, normalize

from gantutor._errors import first_line
from gantutor.course.exercises.checking import WrongAnswer, as_numbers, as_tensor, call, describe, is_same
from gantutor.course.exercises.exercise import Exercise

# --- 03.1 ---------------------------------------------------------------------------------------------------


def overlaps() -> tuple[int, int]:
    """Each input adds a kernel of ones, so the sum at a position counts the inputs that reach it."""
    covered = nn.functional.conv_transpose1d(torch.ones(1, 1, 10), torch.ones(1, 1, 5), stride=2)[0, 0]
    return int(covered[10]), int(covered[11])


def check_overlaps(answer: Any) -> None:
    """Check an answer to exercise 03.1."""
    even, odd = as_numbers(answer, ("inputs at an even position", "inputs at an odd position"))
    if (even, odd) == (2, 3):
        raise WrongAnswer(
            "These are the two numbers in the other order: which inputs reach an even position?"
        )
    if even == odd == 2.5:
        raise WrongAnswer(
            "That is the mean over both kinds of positions. They differ, which causes the checkerboard."
        )
    if even == odd == 5:
        raise WrongAnswer("5 is the kernel size: how many inputs reach the same output position?")
    if even == odd:
        raise WrongAnswer(
            "Both are reached equally often only if the kernel size is a multiple of the stride."
        )
    if (even, odd) != overlaps():
        raise WrongAnswer(
            f"Not {even:g} and {odd:g}: each input reaches five positions, and those of the next input "
            "begin two positions later."
        )


OVERLAPS = Exercise(
    number="03.1",
    title="Overlaps of a transposed convolution",
    question="A transposed convolution in one dimension has kernel 5, stride 2 and no padding. Input i adds "
    "its kernel to positions 2i to 2i + 4. In the middle of the output, how many inputs reach an even "
    "position, and how many an odd one? Give two numbers in brackets.",
    hints=(
        "Draw the five positions of four neighbouring inputs below each other.",
        "Which i have 2i ≤ 10 ≤ 2i + 4?",
    ),
    solution=overlaps(),
    explanation="Inputs 3, 4 and 5 reach position 10; only 4 and 5 reach position 11. These are the two "
    "values of the checkerboard.",
    check=check_overlaps,
    wrong=(
        ((2, 3), "other order"),
        ((2.5, 2.5), "mean"),
        ((5, 5), "5 is the kernel size"),
        ((3, 3), "a multiple of the stride"),
        ((4, 3), "Not 4 and 3"),
    ),
    derivation=overlaps,
)

# --- 03.2 ---------------------------------------------------------------------------------------------------


def slerp(one: Tensor, other: Tensor, part: float) -> Tensor:
    cosine = nn.functional.cosine_similarity(one, other, dim=1).clamp(-1, 1)
    angle = torch.acos(cosine)[:, None]
    on_the_arc = (torch.sin((1 - part) * angle) * one + torch.sin(part * angle) * other) / torch.sin(angle)
    return torch.where(angle < 1e-3, torch.lerp(one, other, part), on_the_arc)


def naive_slerp(one: Tensor, other: Tensor, part: float, dim: int = 1) -> Tensor:
    angle = torch.acos(cosine_similarity(one, other, dim=dim))
    angle = angle[:, None] if dim == 1 else angle
    return (torch.sin((1 - part) * angle) * one + torch.sin(part * angle) * other) / torch.sin(angle)


def check_slerp(answer: Any) -> None:
    """Check an answer to exercise 03.2."""
    usage = "slerp(one, other, part)"
    one, other = torch.randn(4, 64), torch.randn(4, 64)

    def walk(one: Tensor, other: Tensor, part: float, name: str) -> Tensor:
        return as_tensor(call(answer, one.clone(), other.clone(), part, usage=usage), tuple(one.shape), name)

    start = walk(one, other, 0.0, "With part = 0, what your function returns")
    if is_same(start, other):
        raise WrongAnswer("With part = 0 the result is `other`: the path should begin at `one`.")
    middle = walk(one, other, 0.5, "With part = 0.5, what your function returns")
    if is_same(middle, torch.lerp(one, other, 0.5)):
        middle_length, end_length = middle.norm(dim=1).mean(), one.norm(dim=1).mean()
        raise WrongAnswer(
            f"This is the straight line: its middle has length {middle_length:.1f}, but its ends have "
            f"length {end_length:.1f}."
        )
    if is_same(middle.norm(dim=1), torch.ones(4)):
        raise WrongAnswer("The direction may be right, but all latents have length 1 instead of about 8.")
    for part, result in (
        (0.0, start),
        (0.5, middle),
        (0.2, walk(one, other, 0.2, "With part = 0.2, the result")),
    ):
        if not is_same(result, slerp(one, other, part), 1e-3):
            raise WrongAnswer(
                f"With part = {part} the result is not on the arc: each pair, a row of `one` and a row of "
                "`other`, has its own angle."
            )
    twins = torch.cat([torch.ones(1, 64), 8 * torch.eye(64)[:3]])
    result = call(answer, twins.clone(), twins.clone(), 0.3, usage=usage)
    if isinstance(result, Tensor) and not bool(result.isfinite().all()):
        raise WrongAnswer(
            "If both latents are equal the result is not finite: the angle is 0, and so is its sine."
        )
    if not is_same(as_tensor(result, (4, 64)), twins, 1e-2):
        raise WrongAnswer("If both latents are equal, the result should be this latent.")


SLERP = Exercise(
    number="03.2",
    title="Spherical interpolation for a batch",
    question="Write `slerp(one, other, part)` for latents (N, 64) and a number `part` from 0 to 1. It "
    "returns for each row the point on the arc from `one` to `other`. If the two are equal, it returns them.",
    hints=(
        "`gt.sampling.spherical_interpolation` handles one pair; here the angles have shape (N, 1).",
        "`torch.where(angle < small, straight, arc)` chooses row by row; also keep the cosine within [−1, "
        "1].",
    ),
    solution=slerp,
    explanation="On a very short arc the straight line is nearly the same, without a division by the sine.",
    check=check_slerp,
    wrong=(
        (torch.lerp, "straight line"),
        (naive_slerp, "not finite"),
        (lambda one, other, part: slerp(other, one, part), "begin at `one`"),
        (partial(naive_slerp, dim=0), "its own angle"),
        (lambda one, other, part: normalize(slerp(one, other, part)), "length 1"),
        (lambda one, other, part: slerp(one, other, part)[0], "shape (4, 64)"),
    ),
)

# --- 03.3 ---------------------------------------------------------------------------------------------------


def let_in(
    z: Tensor, h: Tensor, label: Tensor, embed_g: nn.Embedding, embed_d: nn.Embedding, psi: nn.Linear
) -> tuple[Tensor, Tensor]:
    generator_input = torch.cat([z, embed_g(label)], 1)
    projection = (embed_d(label) * h).sum(1) / h.shape[1] ** 0.5
    return generator_input, psi(h).squeeze(1) + projection


def other_logit(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return an answer whose logit is another function of h, of the labels' embeddings, and of psi(h).

    Args:
        change: a function of h (N, d), e (N, d) and psi(h) (N, 1).
    """

    def let_in_otherwise(
        z: Tensor, h: Tensor, label: Tensor, embed_g: nn.Embedding, embed_d: nn.Embedding, psi: nn.Linear
    ) -> tuple[Tensor, Tensor]:
        return torch.cat([z, embed_g(label)], 1), change(h, embed_d(label), psi(h))

    return let_in_otherwise


def check_let_in(answer: Any) -> None:
    """Check an answer to exercise 03.3."""
    z, h, label = torch.randn(4, 64), torch.randn(4, 128), torch.tensor([3, 1, 3, 9])
    embed_g, embed_d, psi = nn.Embedding(10, 16), nn.Embedding(10, 128), nn.Linear(128, 1)
    usage = "let_in(z, h, label, embed_g, embed_d, psi)"
    result = call(answer, z, h, label, embed_g, embed_d, psi, usage=usage)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise WrongAnswer(
            f"The function should return the generator's input and the logit, not {describe(result)}."
        )
    with torch.no_grad():
        expected_input, expected_logit = let_in(z, h, label, embed_g, embed_d, psi)
        product, plain = (embed_d(label) * h).sum(1), psi(h).squeeze(1)
    generator_input = as_tensor(result[0], (4, 80), "The generator's input")
    if is_same(generator_input, torch.cat([expected_input[:, 64:], z], 1)):
        raise WrongAnswer("The generator's input should be z first and then the embedding of the label.")
    if not is_same(generator_input, expected_input):
        raise WrongAnswer("Each row of the generator's input should be z and the embedding of its label.")
    logit = as_tensor(result[1], (4,), "The logit")
    mistakes = {
        "the product is not divided by √d.": plain + product,
        "the product is divided by d, not by √d.": plain + product / 128,
        "ψ(h) is missing: it says whether the image looks real at all.": product / 128**0.5,
        "the label is missing: this is ψ(h) alone.": plain,
    }
    for mistake, wrong_logit in mistakes.items():
        if is_same(logit, wrong_logit):
            raise WrongAnswer(f"In the logit {mistake}")
    if not is_same(logit, expected_logit):
        raise WrongAnswer(
            "The logit is not ψ(h) + ⟨e(label), h⟩ / √d: multiply each row of h by the embedding of its "
            "label, and sum over the features."
        )


LET_IN = Exercise(
    number="03.3",
    title="Embed and project a label",
    question="Write `let_in(z, h, label, embed_g, embed_d, psi)` for latents z (N, 64), features h (N, 128) "
    "and labels (N,). `embed_g` and `embed_d` are the two networks' `nn.Embedding`, and `psi` is a linear "
    "layer from 128 to 1. Return the generator's input (N, 80) and the logit of the projection (N,).",
    hints=(
        "`torch.cat` joins z and the embedding along axis 1. A product of rows is `(a * b).sum(1)`.",
        "`psi(h)` has shape (N, 1): without `squeeze(1)`, adding a tensor (N,) gives (N, N).",
    ),
    solution=let_in,
    explanation="The embeddings are learnt. G reads one as part of its input; D compares the other with what "
    "it sees.",
    check=check_let_in,
    wrong=(
        (other_logit(lambda h, e, plain: plain + (e * h).sum(1) / h.shape[1] ** 0.5), "shape (4,)"),
        (other_logit(lambda h, e, plain: plain.squeeze(1) + (e * h).sum(1)), "not divided"),
        (other_logit(lambda h, e, plain: plain.squeeze(1) + (e * h).mean(1)), "divided by d"),
        (other_logit(lambda h, e, plain: (e * h).sum(1) / h.shape[1] ** 0.5), "is missing: it says"),
        (other_logit(lambda h, e, plain: plain.squeeze(1)), "label is missing"),
        (
            other_logit(lambda h, e, plain: plain.squeeze(1) + (h @ e.T).sum(1) / h.shape[1] ** 0.5),
            "label, and sum",
        ),
        (
            lambda z, h, label, embed_g, embed_d, psi: (
                torch.cat([embed_g(label), z], 1),
                let_in(z, h, label, embed_g, embed_d, psi)[1],
            ),
            "z first",
        ),
        (
            lambda z, h, label, embed_g, embed_d, psi: (
                torch.cat([z, nn.functional.one_hot(label, 10)], 1),
                psi(h).squeeze(1),
            ),
            "shape (4, 80)",
        ),
        (
            lambda z, h, label, embed_g, embed_d, psi: (
                torch.cat([z, embed_g(label).flip(0)], 1),
                psi(h).squeeze(1),
            ),
            "embedding of its label",
        ),
        (lambda z, h, label, embed_g, embed_d, psi: torch.cat([z, embed_g(label)], 1), "and the logit"),
    ),
)

# --- 03.4 ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - decay)


@torch.no_grad()
def swapped_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    update(average, network, 1 - decay)


@torch.no_grad()
def growing_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.mul_(decay).add_(now)


@torch.no_grad()
def lost_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean = decay * mean + (1 - decay) * now  # type: ignore[assignment]


@torch.no_grad()
def backward_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    update(network, average, decay)


def copying_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    average.load_state_dict(network.state_dict())


def graph_update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.mul_(decay).add_((1 - decay) * now)


def check_update(answer: Any) -> None:
    """Check an answer to exercise 03.4."""
    average, network = nn.Linear(3, 2), nn.Linear(3, 2)
    for decay in (0.9, 0.75):
        average_before, network_before = flat(average), flat(network)
        call(answer, average, network, decay, usage="update(average, network, decay)")
        if not is_same(flat(network), network_before):
            raise WrongAnswer("The network itself has changed: only the average should change.")
        mistakes = {
            "has not changed: change its weights in place; assigning a new tensor to a name is not "
            "enough.": average_before,
            "is now a copy of the network: nothing is averaged.": network_before,
            "changes too fast: the factor `decay` belongs to the old average.": (1 - decay) * average_before
            + decay * network_before,
            "grows from step to step: the two factors do not add up to 1.": decay * average_before
            + network_before,
        }
        for mistake, wrong_average in mistakes.items():
            if is_same(flat(average), wrong_average):
                raise WrongAnswer(f"The average {mistake}")
        if not is_same(flat(average), decay * average_before + (1 - decay) * network_before):
            raise WrongAnswer(
                f"With decay = {decay} the average is not decay · average + (1 − decay) · network."
            )


def flat(network: nn.Module) -> Tensor:
    """Return a copy of all weights of a network in one row.

    Args:
        network: any module.
    """
    return torch.cat([weight.detach().flatten().clone() for weight in network.parameters()])


UPDATE = Exercise(
    number="03.4",
    title="Average the weights",
    question="Write `update(average, network, decay)`, which moves every weight of the network `average` "
    "to decay · average + (1 − decay) · network, in place. It returns nothing.",
    hints=(
        "Go through `parameters()` of both at once, without gradients (`torch.no_grad()`).",
        "`a.lerp_(b, t)` moves a to (1 − t) · a + t · b, in place: which t is wanted?",
    ),
    solution=update,
    explanation="`lerp_` changes the average's weights in place. The new weights count with the small factor "
    "1 − decay.",
    check=check_update,
    wrong=(
        (swapped_update, "changes too fast"),
        (growing_update, "add up to 1"),
        (lost_update, "has not changed"),
        (copying_update, "copy of the network"),
        (backward_update, "network itself"),
        (graph_update, "in-place operation"),
    ),
)

# --- 03.5 ---------------------------------------------------------------------------------------------------

Networks = Mapping[str, nn.Module]

Optimizers = Mapping[str, torch.optim.Optimizer]


def buggy_save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    """Everything that is needed to continue a training as if it had never stopped."""
    return {"networks": {name: network.state_dict() for name, network in networks.items()}}


def restore(state: Any, networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> None:
    """Restore what was saved."""
    for name, network in networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimizer in optimizers.items():
        if "optimizers" in state:
            optimizer.load_state_dict(state["optimizers"][name])
    if "draw" in state:
        draw.set_state(state["draw"])


def save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    state = {
        "networks": {name: network.state_dict() for name, network in networks.items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        "draw": draw.get_state(),
    }
    return copy.deepcopy(state)


def shared_save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    state = save(networks, optimizers, draw)
    return state | buggy_save(networks, optimizers, draw)


def half_shared_save(networks: Networks, optimizers: Optimizers, draw: torch.Generator) -> dict[str, Any]:
    state = save(networks, optimizers, draw)
    return state | {"optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()}}


class Training:
    """Two small networks and their optimisers, which learn from numbers that ``draw`` draws.

    Args:
        seed: of the weights and of the numbers.
    """

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.networks = {"generator": nn.Linear(2, 2), "discriminator": nn.Linear(2, 1)}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=0.05) for name, network in self.networks.items()
        }
        self.draw = torch.Generator().manual_seed(seed)

    def train(self, steps: int) -> Training:
        """Take some steps."""
        for _ in range(steps):
            for name, optimizer in self.optimizers.items():
                optimizer.zero_grad()
                noise = torch.randn(4, 2, generator=self.draw)
                self.networks[name](noise).square().mean().backward()
                optimizer.step()
        return self

    @property
    def parts(self) -> tuple[Networks, Optimizers, torch.Generator]:
        """Networks, optimisers and random generator."""
        return self.networks, self.optimizers, self.draw

    def weights(self) -> Tensor:
        """A copy of all weights in one row."""
        return torch.cat([flat(network) for network in self.networks.values()])

    def momenta(self) -> Tensor:
        """A copy of Adam's averages of all gradients in one row."""
        states = [state for optimizer in self.optimizers.values() for state in optimizer.state.values()]
        return torch.cat([state["exp_avg"].flatten().clone() for state in states] or [torch.zeros(0)])


def check_save(answer: Any) -> None:
    """Check an answer to exercise 03.5."""
    first = Training(1).train(3)
    initial_state = Training(1).draw.get_state()
    weights, momenta, random_state = first.weights(), first.momenta(), first.draw.get_state()
    state = call(answer, *first.parts, usage="save(networks, optimizers, draw)")
    if not isinstance(state, Mapping) or "networks" not in state:
        raise WrongAnswer(
            f'The function should return a dict with "networks" and more, not {describe(state)}.'
        )
    if "optimizers" not in state:
        raise WrongAnswer(
            "The optimisers are missing: Adam's averages of the gradients would start again at 0."
        )
    if "draw" not in state:
        raise WrongAnswer("The random state is missing: after a restart other random numbers would be drawn.")
    expected = first.train(3).weights()
    second = Training(2)
    try:
        restore(state, *second.parts)
    except Exception as error:
        raise WrongAnswer(
            f"`restore` cannot use it: it raised {type(error).__name__}: {first_line(error)}."
        ) from None
    if not is_same(second.weights(), weights):
        raise WrongAnswer(
            "The checkpoint changed during further training: `state_dict()` returns the weights "
            "themselves, not a copy."
        )
    if len(second.momenta()) != len(momenta) or not is_same(second.momenta(), momenta):
        raise WrongAnswer("The restored optimisers differ from the saved ones: are their tensors copied too?")
    if torch.equal(second.draw.get_state(), initial_state):
        raise WrongAnswer("The random state is that of the start, so the first numbers would be drawn again.")
    if not torch.equal(second.draw.get_state(), random_state) or not is_same(
        second.train(3).weights(), expected
    ):
        raise WrongAnswer(
            "After `restore` the training continues differently: some part of the state was not saved."
        )


SAVE = Exercise(
    number="03.5",
    title="Find the bugs: an incomplete checkpoint",
    question="With the checkpoint below, `restore` should continue a training as if it had never stopped. "
    "Two parts of the state are missing. A third bug concerns what `state_dict()` returns. Write "
    "`save(networks, optimizers, draw)`; `draw` is the `torch.Generator` of all random numbers.",
    hints=(
        "What besides the networks changes from step to step? `restore` shows the names it looks for.",
        "`state_dict()` returns the weights themselves, which further training changes: use `copy.deepcopy`.",
    ),
    solution=save,
    explanation="Networks, optimisers and random state together are the whole state of a training. A deep "
    "copy does not change later.",
    check=check_save,
    wrong=(
        (buggy_save, "optimisers are missing"),
        (lambda *parts: {name: save(*parts)[name] for name in ("networks", "optimizers")}, "state is miss"),
        (shared_save, "not a copy"),
        (half_shared_save, "their tensors copied"),
        (
            lambda networks, optimizers, draw: save(networks, optimizers, torch.Generator().manual_seed(1)),
            "that of the start",
        ),
        (lambda *parts: save(*parts) | {"networks": {}}, "`restore` cannot"),
        (
            lambda networks, optimizers, draw: save(networks, optimizers, torch.Generator().manual_seed(9)),
            "continues differently",
        ),
    ),
    listings=(buggy_save, restore),
)

EXERCISES = (
    OVERLAPS,
    SLERP,
    LET_IN,
    UPDATE,
    SAVE,
)
