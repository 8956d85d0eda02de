"""Judges of series: small classifiers that learn, after a training, to tell generated series from real ones.

The light judge is the one of TimeGAN (Yoon, Jarrett & van der Schaar, NeurIPS 2019, section 5), and it is
easily satisfied: a strong judge sees what it overlooks.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import integer, number, string, validate
from gantutor._errors import InputError, type_name
from gantutor.networks.recurrent import GRUDiscriminator


@dataclass(frozen=True)
class ClassifierTest:
    """``network(features, length)`` makes a classifier of series (N, ``length``, ``features``) → logits (N,).

    It learns for ``steps`` batches of ``batch`` real and as many generated series by Adam, whose rate falls
    from ``learning_rate`` to 0. With several ``checkpoints`` the one with the least loss on a tenth of the
    series, kept apart, passes judgement.

    >>> light_classifier_test(steps=10).name
    'light'
    """

    name: str
    network: Callable[[int, int], nn.Module]
    steps: int
    batch: int = 128
    learning_rate: float = 1e-3
    checkpoints: int = 1

    def __post_init__(self) -> None:
        if not callable(self.network):
            raise InputError(f"network must be a function (features, length), not {type_name(self.network)}")
        validate({"name": self.name}, name=string())
        validate(
            {"steps": self.steps, "batch": self.batch, "checkpoints": self.checkpoints},
            steps=integer(1),
            batch=integer(1),
            checkpoints=integer(1, self.steps if isinstance(self.steps, int) else None),
        )
        validate({"learning_rate": self.learning_rate}, learning_rate=number(above=0, high=1))


def light_classifier_test(steps: int = 2000, hidden: int | None = None) -> ClassifierTest:
    """TimeGAN's: one GRU, by default half as wide as there are features, and no look at differences.

    The paper says a two-layer LSTM; its public code, followed here, has this.

    >>> light_classifier_test().steps
    2000
    """
    validate({"hidden": 1 if hidden is None else hidden}, hidden=integer(1))

    def network(features: int, length: int) -> nn.Module:
        return GRUDiscriminator(features, hidden or half_width(features))

    return ClassifierTest("light", network, steps)


def strong_classifier_test(steps: int = 2000, channels: int = 64, checkpoints: int = 6) -> ClassifierTest:
    """Convolutions over the series and its first and second differences, each scaled to the same size.

    >>> strong_classifier_test(steps=100).checkpoints
    6
    """
    validate({"channels": channels}, channels=integer(1))
    return ClassifierTest(
        "strong",
        lambda features, length: SeriesClassifier(features, length, channels),
        steps,
        128,
        2e-3,
        checkpoints,
    )


class SeriesClassifier(nn.Module):
    """Series (N, ``length``, ``features``) → logits (N,).

    >>> SeriesClassifier(5, length=24)(torch.zeros(3, 24, 5)).shape
    torch.Size([3])
    """

    def __init__(self, features: int, length: int, channels: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm1d(3 * features, affine=False),
            nn.Conv1d(3 * features, channels, 5, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(channels, channels, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(channels, channels, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(channels * math.ceil(math.ceil(length / 2) / 2), channels),
            nn.LeakyReLU(0.2),
            nn.Linear(channels, 1),
        )

    def forward(self, series: Tensor) -> Tensor:
        x = series.transpose(1, 2)
        first = F.pad(x.diff(dim=2), (1, 0))
        second = F.pad(x.diff(n=2, dim=2), (2, 0)) if x.shape[2] > 2 else torch.zeros_like(x)
        logits: Tensor = self.body(torch.cat([x, first, second], 1))
        return logits.squeeze(1)


def two_sample_error(real: Tensor, generated: Tensor, judge: ClassifierTest, seed: int = 0) -> float:
    """|accuracy − ½| of a judge on the fifth of both sets that it has not learnt from, from 0 to ½.

    ``real`` and ``generated``: as many series each, (N, L, F), N ≥ 10. Judges draw from generators of their
    own, so that measuring changes no training.

    >>> same = torch.rand(100, 6, 2, generator=torch.Generator().manual_seed(0))
    >>> two_sample_error(same, same + 10, strong_classifier_test(steps=50))
    0.5
    """
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(seed))
    tenth = len(order) // 10
    apart = tenth if judge.checkpoints > 1 else 0
    held_out, chosen, train = order[: 2 * tenth], order[2 * tenth :][:apart], order[2 * tenth + apart :]
    both = torch.stack([real, generated])
    answers = torch.tensor([1.0, 0.0])[:, None]

    def loss(network: nn.Module, index: Tensor) -> Tensor:
        logits = network(both[:, index].flatten(0, 1))
        return F.binary_cross_entropy_with_logits(logits, answers.expand(2, len(index)).flatten())

    _, length, features = real.shape
    network = fit(
        lambda: judge.network(features, length),
        loss,
        train,
        judge.steps,
        judge.batch,
        judge.learning_rate,
        seed,
        [judge.steps * k // judge.checkpoints for k in range(1, judge.checkpoints + 1)],
        chosen,
    )
    with torch.no_grad():
        said = torch.cat([network(part) for part in torch.split(both[:, held_out].flatten(0, 1), 500)]) > 0
    right = said == answers.expand(2, len(held_out)).flatten().bool()
    return abs(float(right.double().mean()) - 0.5)


def fit(
    make: Callable[[], nn.Module],
    loss: Callable[[nn.Module, Tensor], Tensor],
    rows: Tensor,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    stops: Sequence[int] = (),
    apart: Tensor | None = None,
) -> nn.Module:
    """A network that has minimised ``loss(network, rows)`` over random batches of ``rows``, in evaluation.

    With ``stops`` and rows kept ``apart``, the weights at the stop with the least loss on those. The global
    random state of the CPU is used from ``seed`` on and given back; that of other devices is not touched.
    """
    best, weights = math.inf, None
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        network = make()
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
        for step in range(1, steps + 1):
            optimizer.param_groups[0]["lr"] = learning_rate * (1 - (step - 1) / steps)
            optimizer.zero_grad()
            loss(network, rows[torch.randint(len(rows), (batch,))]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step in stops and apart is not None and len(apart):
                with torch.no_grad():
                    found = float(loss(network.eval(), apart))
                if found < best:
                    best, weights = found, copy.deepcopy(network.state_dict())
                network.train()
    if weights is not None:
        network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def half_width(features: int) -> int:
    """The width of TimeGAN's post-hoc networks: half the number of features, at least 1."""
    return max(1, features // 2)
