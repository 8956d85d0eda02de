"""Classifier two-sample tests: a small classifier learns to tell generated series from real ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import checked, integer, number, string, validate
from gantutor._errors import InputError, type_name
from gantutor.networks.recurrent import GRUDiscriminator

MAX_MEAN, STD_RANGE = 10.0, (1e-3, 10.0)
"""Means and standard deviations that suit networks; features outside of these ranges are standardised."""

MAX_DEVIATION = 1e6
"""Standard deviations beyond which a value is clipped, so that its square is finite."""

SOLVED = 1e-3
"""Validation loss in nats below which a classifier has nothing left to learn."""


@dataclass(frozen=True)
class ClassifierTest:
    """The settings of a classifier two-sample test: which classifier, and how it is trained.

    The classifier minimises the binary cross-entropy by Adam, whose learning rate falls linearly to 0.
    Several checkpoints guard against overfitting: the one with the least loss on a tenth of the series, kept
    out of the training, is tested.

    Args:
        name: what scores call the test.
        network: a function ``network(features, length)`` that makes a classifier of series
            (N, ``length``, ``features``) → logits (N,).
        steps: training steps, at least 1.
        batch: how many real series, and as many generated ones, each step sees; at least 1.
        learning_rate: the rate at the first step, above 0 and at most 1.
        checkpoints: how many checkpoints compete, evenly spaced, from 1 to ``steps``.

    Raises:
        InputError: if the network is not callable, the name is not a string, or a number is out of range.

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
    """Return the test of TimeGAN: one GRU on the series themselves, without their differences.

    Yoon, Jarrett & van der Schaar, NeurIPS 2019, section 5. The paper says a two-layer LSTM; its public code,
    followed here, has one GRU. This small classifier misses much that the strong one detects.

    Args:
        steps: training steps, at least 1.
        hidden: the width of the GRU, at least 1; by default half the number of features.

    Raises:
        InputError: if a number is out of range.

    >>> light_classifier_test().steps
    2000
    """
    validate({"hidden": 1 if hidden is None else hidden}, hidden=integer(1))

    def network(features: int, length: int) -> nn.Module:
        return GRUDiscriminator(features, hidden or half_width(features))

    return ClassifierTest("light", network, steps)


@checked(channels=integer(1))
def strong_classifier_test(steps: int = 2000, channels: int = 64, checkpoints: int = 6) -> ClassifierTest:
    """Return a test with convolutions over the series and their first and second differences.

    All three are scaled to the same size, so that small irregularities between steps count as much as values.
    The training ends early at a checkpoint where the validation loss is below ``SOLVED``.

    Args:
        steps: training steps, at least 1.
        channels: channels of each convolution, at least 1.
        checkpoints: how many checkpoints compete, from 1 to ``steps``.

    Raises:
        InputError: if a number is out of range.

    >>> strong_classifier_test(steps=100).checkpoints
    6
    """
    return ClassifierTest(
        "strong",
        lambda features, length: SeriesClassifier(features, length, channels),
        steps,
        128,
        2e-3,
        checkpoints,
    )


class SeriesClassifier(nn.Module):
    """A convolutional classifier of series (N, length, features) → logits (N,).

    Args:
        features: features of a series.
        length: steps of a series.
        channels: channels of each convolution.

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
        x = series.transpose(1, 2)  # (N, features, length)
        # Padded at the start, differences keep the length of the series.
        first = F.pad(x.diff(dim=2), (1, 0))
        second = F.pad(x.diff(n=2, dim=2), (2, 0)) if x.shape[2] > 2 else torch.zeros_like(x)
        logits: Tensor = self.body(torch.cat([x, first, second], 1))
        return logits.squeeze(1)


def two_sample_error(real: Tensor, generated: Tensor, test: ClassifierTest, seed: int = 0) -> float:
    """Return |accuracy − ½| of a classifier trained to tell generated series from real ones.

    The accuracy is that on a fifth of both sets, held out from the training. The test has its own random
    numbers, so that measuring changes no training. Features on an unusual scale are standardised first, see
    ``standardise``.

    Args:
        real: series (N, L, F), N ≥ 10.
        generated: as many series of the same shape.
        test: the classifier and its training, such as ``strong_classifier_test()``.
        seed: the seed of the split and of the training.

    Returns:
        A number from 0, where the classifier only guesses, to ½, where it is always right.

    >>> same = torch.rand(100, 6, 2, generator=torch.Generator().manual_seed(0))
    >>> two_sample_error(same, same + 10, strong_classifier_test(steps=50))
    0.5
    """
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(seed))
    tenth = len(order) // 10
    validation_size = tenth if test.checkpoints > 1 else 0
    held_out, rest = order[: 2 * tenth], order[2 * tenth :]
    validation, train = rest[:validation_size], rest[validation_size:]
    series = torch.stack(standardise(real, [real, generated])[0])  # (2, N, L, F)
    labels = torch.tensor([1.0, 0.0])[:, None]

    def loss(network: nn.Module, index: Tensor) -> Tensor:
        logits = network(series[:, index].flatten(0, 1))
        return F.binary_cross_entropy_with_logits(logits, labels.expand(2, len(index)).flatten())

    _, length, features = real.shape
    network = fit(
        lambda: test.network(features, length),
        loss,
        train,
        test.steps,
        test.batch,
        test.learning_rate,
        seed,
        [test.steps * k // test.checkpoints for k in range(1, test.checkpoints + 1)],
        validation,
    )
    with torch.no_grad():
        chunks = torch.split(series[:, held_out].flatten(0, 1), 500)
        called_real = torch.cat([network(chunk) for chunk in chunks]) > 0
    correct = called_real == labels.expand(2, len(held_out)).flatten().bool()
    return abs(float(correct.double().mean()) - 0.5)


def standardise(
    real: Tensor, sets: Sequence[Tensor], common_scale: bool = False
) -> tuple[list[Tensor], float]:
    """Standardise the features of series whose scale does not suit networks.

    A feature whose mean over the real series lies beyond ±10, or whose standard deviation over them is not
    from 0.001 to 10, is standardised by these two, in double precision. All other features stay as they are.
    Values of more than a million standard deviations are clipped.

    Args:
        real: the real series (N, L, F), which decide.
        sets: sets of series (…, L, F) to move.
        common_scale: whether all features are divided by one number, so that errors keep their unit.

    Returns:
        The sets in single precision, and that number, 1 without ``common_scale``.

    >>> days = 1e6 + torch.tensor([[[0.0], [2.0]], [[2.0], [0.0]]])
    >>> standardise(days, [days])[0][0].flatten()
    tensor([-1.,  1.,  1., -1.])
    """
    flat = real.detach().double().flatten(0, 1)
    start = flat[0]  # seen from here, a sum keeps its digits
    mean = start + (flat - start).mean(0)
    std = (flat - mean).square().mean(0).sqrt()
    far = mean.abs() > MAX_MEAN
    off_scale = (std > 0) & ((std < STD_RANGE[0]) | (std > STD_RANGE[1]))
    scale = torch.where(off_scale & (std > 0), std, 1.0)
    unit = 1.0
    if common_scale:
        largest = float(std.max())
        unit = largest if largest > 0 and not STD_RANGE[0] <= largest <= STD_RANGE[1] else 1.0
        scale = torch.full_like(std, unit)
    shift = torch.where(far | (scale != 1), mean, 0.0)
    limit = MAX_DEVIATION * (std / scale).clamp(min=1.0)
    moved = [
        torch.minimum(torch.maximum((series.detach().double() - shift) / scale, -limit), limit).float()
        for series in sets
    ]
    return moved, unit


def fit(
    make_network: Callable[[], nn.Module],
    loss: Callable[[nn.Module, Tensor], Tensor],
    rows: Tensor,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    checkpoints: Sequence[int] = (),
    validation_rows: Tensor | None = None,
) -> nn.Module:
    """Train a network by Adam on random batches of rows, and return it frozen, in evaluation mode.

    The global random state of the CPU is seeded with ``seed`` and restored afterwards; that of other devices
    is not touched.

    Args:
        make_network: makes the network, with random weights.
        loss: a function ``loss(network, rows)`` that gives a scalar.
        rows: indices of the training data (N,).
        steps: training steps.
        batch: rows in each step, drawn with replacement.
        learning_rate: the rate at the first step; it falls linearly to 0.
        seed: the seed of the weights and batches.
        checkpoints: steps after which the loss on ``validation_rows`` is measured; below ``SOLVED`` the
            training ends there.
        validation_rows: indices kept out of the training (M,).

    Returns:
        The network with the weights of the last step, or of the checkpoint with the least validation loss.

    >>> def loss(network, rows):
    ...     return (network(torch.ones(len(rows), 1)) - 3).square().mean()
    >>> network = fit(lambda: torch.nn.Linear(1, 1), loss, torch.arange(4), 300, 4, 0.1, seed=0)
    >>> network(torch.ones(1, 1)).round(decimals=2)
    tensor([[3.]])
    """
    best_loss, best_weights = math.inf, None
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        network = make_network()
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
        for step in range(1, steps + 1):
            optimizer.param_groups[0]["lr"] = learning_rate * (1 - (step - 1) / steps)
            optimizer.zero_grad()
            loss(network, rows[torch.randint(len(rows), (batch,))]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step in checkpoints and validation_rows is not None and len(validation_rows):
                with torch.no_grad():
                    validation_loss = float(loss(network.eval(), validation_rows))
                if validation_loss < best_loss:
                    best_loss, best_weights = validation_loss, copy.deepcopy(network.state_dict())
                network.train()
                if validation_loss < SOLVED:
                    break
    if best_weights is not None:
        network.load_state_dict(best_weights)
    return network.eval().requires_grad_(False)


def half_width(features: int) -> int:
    """Return the width of TimeGAN's post-hoc networks: half the number of features, at least 1.

    >>> half_width(5)
    2
    """
    return max(1, features // 2)
