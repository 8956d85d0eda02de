"""Everything that a user may hand to train() by mistake ends in one sentence that says what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantutor as gt

POINTS = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
IMAGES = torch.zeros(64, 1, 8, 8)


def game(
    generator: nn.Module | None = None, discriminator: nn.Module | None = None, latent: Any = 2
) -> gt.GAN:
    return gt.GAN(generator or nn.Linear(2, 2), discriminator or nn.Linear(2, 1), latent=latent)


def image_game(classes: int = 0) -> gt.GAN:
    networks = gt.networks.ConvGenerator(2, classes, size=8), gt.networks.ConvDiscriminator(classes, size=8)
    return gt.GAN(*networks, latent=2)


def alone(loss: Callable[[gt.GAN, Any], Any]) -> gt.GAN:
    return gt.GAN.of({"line": nn.Linear(2, 1), "idle": nn.Linear(2, 1)}, [gt.Turn("line", loss)])


def with_value(samples: Tensor, value: float) -> Tensor:
    changed = samples.clone()
    changed.view(-1)[77] = value
    return changed


class NoLength(Dataset[Tensor]):
    def __getitem__(self, index: int) -> Tensor:
        return POINTS[index]


class Words(Dataset[str]):
    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> str:
        return "word"


DATA: dict[str, tuple[Any, str]] = {
    "none": (None, "data must be a tensor, a torch Dataset or DataLoader, or an iterable .*not NoneType"),
    "number": (3, "data must be a tensor.*not int"),
    "no length": (NoLength(), "data must be a tensor.*not NoLength"),
    "one number": (torch.tensor(1.0), "at least one batch of samples.*single number"),
    "rank 1": (torch.zeros(64), r"samples must have shape \(count, …\).*not \(64,\)"),
    "integers": (torch.ones(64, 2, dtype=torch.int64), "floating-point numbers, not int64"),
    "bytes": (torch.ones(64, 2, dtype=torch.uint8), r"floating-point numbers, not uint8.*x / 127.5 - 1"),
    "flags": (torch.ones(64, 2) > 0, "floating-point numbers, not bool"),
    "double": (POINTS.double(), "float64.*float32"),
    "half": (POINTS.half(), "float16.*float32"),
    "nan": (with_value(POINTS, math.nan), r"not finite \(NaN or infinity\)"),
    "infinity": (with_value(POINTS, -math.inf), r"not finite \(NaN or infinity\)"),
    "words": (Words(), "samples must be tensors"),
    "text": ("a" * 64, "data must be a tensor.*not str"),
    "list of words": (["a", "b"], "a batch must be a tensor or a pair .*not str"),
    "empty tensor": (torch.zeros(0, 2), "the data set is empty"),
    "empty set": (TensorDataset(torch.zeros(0, 2)), "the data set is empty"),
    "empty list": ([], "the data gave no batch"),
    "empty loader": (DataLoader(TensorDataset(torch.zeros(0, 2))), "the data gave no batch"),
    "exhausted": (iter([POINTS]), "can be begun again, not an iterator"),
    "generator": ((batch for batch in [POINTS]), "can be begun again, not an iterator"),
    "too few": (torch.zeros(15, 2), "batch_size must be at most the number of samples, 15, not 16"),
    "other width": (torch.randn(64, 3), r"makes samples of shape \(16, 2\), and the data have \(16, 3\)"),
    "condition nobody takes": (
        TensorDataset(POINTS, torch.zeros(64)),
        r"generator\(z, condition\) .* failed",
    ),
    "empty batch": ([()], "a batch must be a tensor or a pair"),
}


@pytest.mark.parametrize("name", DATA)
def test_data_that_cannot_be_learnt_from(name: str) -> None:
    data, says = DATA[name]
    refuse(says, game(), data)


IMAGE_DATA: dict[str, tuple[gt.GAN, Any, str]] = {
    "range": (
        image_game(),
        IMAGES + 1.5,
        r"must lie in \[-1, 1\], and these lie in \[1.5, 1.5\].*value_range=",
    ),
    "one pixel": (
        image_game(),
        with_value(IMAGES, -1.01),
        r"must lie in \[-1, 1\], and these lie in \[-1.01, 0\]",
    ),
    "nan": (image_game(), with_value(IMAGES, math.nan), "not finite"),
    "bytes": (image_game(), IMAGES.byte(), "floating-point numbers, not uint8"),
    "rank": (image_game(), IMAGES[:, 0], r"shape \(16, 1, 8, 8\), and the data have \(16, 8, 8\)"),
    "channels": (
        image_game(),
        IMAGES.expand(64, 3, 8, 8),
        r"\(16, 1, 8, 8\), and the data have \(16, 3, 8, 8\)",
    ),
    "side": (
        image_game(),
        torch.zeros(64, 1, 12, 12),
        r"\(16, 1, 8, 8\), and the data have \(16, 1, 12, 12\)",
    ),
    "no labels": (image_game(4), IMAGES, "needs a label for every sample"),
    "large labels": (
        image_game(4),
        TensorDataset(IMAGES, torch.full((64,), 4)),
        r"failed: index out of range",
    ),
    "float labels": (
        image_game(4),
        TensorDataset(IMAGES, torch.zeros(64)),
        r"generator\(z, condition\) .* failed",
    ),
}


@pytest.mark.parametrize("name", IMAGE_DATA)
def test_images_that_cannot_be_learnt_from(name: str) -> None:
    gan, data, says = IMAGE_DATA[name]
    refuse(says, gan, data)


def test_an_image_range_of_ones_own_is_allowed() -> None:
    run = gt.train(image_game(), IMAGES + 1.5, steps=1, batch_size=16, value_range=(0, 2), progress=False)
    assert run.step == 1
    assert (
        gt.train(image_game(), IMAGES + 9, steps=1, batch_size=16, value_range=None, progress=False).step == 1
    )


GAMES: dict[str, tuple[gt.GAN, str]] = {
    "latent": (game(latent=3), r"generator\(z\) with z of shape \(16, 3\) failed"),
    "generator": (game(nn.Linear(2, 5)), r"makes samples of shape \(16, 5\), and the data have \(16, 2\)"),
    "discriminator": (
        game(discriminator=nn.Linear(3, 1)),
        r"discriminator\(x\) with x of shape \(16, 2\) failed",
    ),
    "one logit": (game(discriminator=nn.Sequential(nn.Flatten(0), nn.Linear(32, 1))), "one logit a sample"),
    "no tensor": (game(nn.LSTM(2, 2)), "makes samples of shape tuple"),
    "bad latent": (
        game(latent=lambda count, generator, device: 1 / 0),
        "the latent failed: division by zero",
    ),
    "frozen": (game(nn.Linear(2, 2).requires_grad_(False)), "the generator has no weights to train"),
    "no weights": (game(nn.Identity()), "the generator has no weights to train"),
    "error": (alone(lambda gan, batch: batch.mistake), "the loss of the turn of the line failed: .*mistake"),
    "no dict": (alone(lambda gan, batch: gan.line(batch.real).mean()), "must return a dict with a 'total'"),
    "no total": (
        alone(lambda gan, batch: {"loss": gan.line(batch.real).mean()}),
        "must return a dict with a 'total'",
    ),
    "many": (
        alone(lambda gan, batch: {"total": gan.line(batch.real)}),
        "'total' .*must be a tensor with one number",
    ),
    "float": (alone(lambda gan, batch: {"total": 1.0}), "'total' .*must be a tensor with one number"),
    "detached": (
        alone(lambda gan, batch: {"total": gan.line(batch.real).mean().detach()}),
        "not depend on the weights of the line",
    ),
    "other": (
        alone(lambda gan, batch: {"total": gan.idle(batch.real).mean()}),
        "not depend on the weights of the line",
    ),
}


@pytest.mark.parametrize("name", GAMES)
def test_games_that_cannot_be_played(name: str) -> None:
    gan, says = GAMES[name]
    refuse(says, gan, POINTS)


def test_a_penalty_that_does_not_fit_the_data_is_refused_before_training() -> None:
    pairs = [((torch.randn(8, 2), torch.randn(8, 2)),)]

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.line(x[0]).sum(1) if isinstance(x, tuple) else (self.line(x), self.line(x))

    refuse(
        "r1 of the discriminator failed", gt.GAN(Both(), Both(), gt.objectives.hinge(r1=1.0), latent=2), pairs
    )


WHOLE = [0, -3, 2.5, "10", True, math.nan, [1]]
OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    **{f"steps {v!r}": ({"steps": v}, "steps must be .*whole number of at least 1") for v in WHOLE},
    **{
        f"seconds {v!r}": ({"steps": None, "seconds": v}, "seconds must be .*number greater than 0")
        for v in (0, -1.5, "60", True, math.nan, math.inf)
    },
    "no budget": ({"steps": None}, "either steps= or seconds="),
    "both budgets": ({"seconds": 5}, "either steps= or seconds="),
    **{f"batch {v!r}": ({"batch_size": v}, "batch_size must be a whole number of at least 1") for v in WHOLE},
    **{f"seed {v!r}": ({"seed": v}, "seed must be a whole number") for v in (-1, 0.5, "a", None, True)},
    "snapshots": ({"snapshots": -1}, "snapshots must be a whole number of at least 0"),
    "half life": ({"half_life": -1}, "half_life must be a number of at least 0"),
    "half life text": ({"half_life": "long"}, "half_life must be a number of at least 0"),
    "every": ({"every_seconds": math.nan}, "every_seconds must be a number of at least 0"),
    "progress": ({"progress": "yes"}, "progress must be True or False"),
    "device": ({"device": "cuda:77"}, "device must be 'auto' or one of .*cpu"),
    "device word": ({"device": "gpu"}, "device must be 'auto' or one of .*cpu"),
    "device none": ({"device": None}, "device must be 'auto' or one of .*cpu"),
    **{
        f"gallery {i}": (
            {"gallery": v},
            r"gallery must be a whole number .*or a pair \(latents, conditions\)",
        )
        for i, v in enumerate(
            (0, -1, True, "all", torch.zeros(3, 2), (torch.zeros(3, 2),), (1, 2), (1, 2, 3))
        )
    },
    "gallery width": ({"gallery": (torch.zeros(3, 5), None)}, "the generator cannot use these latents"),
    "gallery lengths": ({"gallery": (torch.zeros(3, 2), torch.zeros(2))}, "3 latents and 2 conditions"),
    "optimizer name": (
        {"optimizer": "adam"},
        r"optimizer must be a function of parameters.*adam\(1e-3\).*not 'adam'",
    ),
    "optimizer result": (
        {"optimizer": lambda parameters: None},
        "optimizer must be a function of parameters",
    ),
    "optimizers": (
        {"optimizer": {"generator": gt.optimization.adam()}},
        "networks discriminator, generator, and names generator",
    ),
    "optimizers of none": ({"optimizer": {}}, "must name the networks discriminator, generator"),
    "optimizers of strangers": (
        {"optimizer": dict.fromkeys(("generator", "discriminator", "critic"), gt.optimization.adam())},
        "must name the networks discriminator, generator, and names generator, discriminator, critic",
    ),
    "schedule": ({"schedule": 0.5}, r"schedule must be a function .*linear_decay\(\)"),
    "callback": ({"callbacks": gt.Callback()}, "callbacks must be a list of gantutor.Callback"),
    "callback class": ({"callbacks": [gt.Callback]}, "callbacks must be a list of gantutor.Callback"),
    "control": ({"control": "stop"}, "control must be a gantutor.Control"),
    "checkpoint": ({"checkpoint": 3}, "checkpoint must be the path of a folder"),
    "range": ({"value_range": (1, -1)}, r"value_range must be a pair \(low, high\)"),
    "range text": ({"value_range": "wide"}, r"value_range must be a pair \(low, high\)"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_are_not_allowed(name: str) -> None:
    options, says = OPTIONS[name]
    refuse(says, game(), POINTS, **options)


def test_a_game_that_is_none() -> None:
    refuse("the game must be a gantutor.GAN, not Linear", nn.Linear(2, 2), POINTS)  # type: ignore[arg-type]


def test_a_refusal_leaves_no_checkpoint_behind(tmp_path: Path) -> None:
    refuse("the data set is empty", game(), torch.zeros(0, 2), checkpoint=tmp_path / "here")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gt.optimization.adam(0), "learning_rate must be a number greater than 0 and at most 1"),
        (lambda: gt.optimization.adam("fast"), "learning_rate must be a number"),
        (lambda: gt.optimization.adam(betas=(0.5, 1)), "betas must be two numbers"),
        (lambda: gt.optimization.adam(betas=0.9), "betas must be two numbers"),
        (lambda: gt.optimization.linear_decay(1), "start must lie from 0"),
        (lambda: gt.optimization.linear_decay("half"), "start must lie from 0"),
        (lambda: gt.optimization.warm_up(0), "part must lie above 0 and be at most 1, not 0"),
        (lambda: gt.optimization.warm_up(0.1, 0.5), "then must be a function of the budget spent"),
    ],
)
def test_optimizers_and_schedules(call: Callable[[], object], says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        call()


def test_whole_numbers_are_betas_too() -> None:
    optimizer = gt.optimization.adam(betas=(0, 0.99))([torch.nn.Parameter(torch.zeros(1))])
    assert optimizer.param_groups[0]["betas"] == (0.0, 0.99)


def refuse(says: str, gan: gt.GAN, data: Any, **options: Any) -> None:
    """train() must refuse in one sentence, and before it has changed a weight."""
    before = [p.detach().clone() for p in gan.parameters()]
    with pytest.raises(gt.InputError, match=says) as error:
        gt.train(gan, data, **({"steps": 2, "batch_size": 16, "progress": False} | options))
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    assert all(torch.equal(a, b) for a, b in zip(before, gan.parameters(), strict=True))


# --- series -------------------------------------------------------------------------------------------------


class Series(Dataset[Tensor]):
    """As many series as lengths are given, with the same label where one is wanted."""

    def __init__(self, lengths: list[int], label: int | None = None) -> None:
        self.lengths, self.label = lengths, label

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Any:
        series = torch.zeros(self.lengths[index], 5)
        return series if self.label is None else (series, self.label)


def series_game() -> gt.GAN:
    return gt.GAN(gt.networks.GRUGenerator(2, 5, 24), gt.networks.GRUDiscriminator(5), latent=2)


@pytest.mark.parametrize("label", [None, 3])
def test_series_of_unequal_length_are_refused(label: int | None) -> None:
    different = r"different shapes, \(24, 5\) and \(23, 5\): cut or pad them to one"
    refuse(different, series_game(), Series([24] * 20 + [23], label))


def test_single_series_in_a_list_are_told_from_batches() -> None:
    refuse("a list is read as batches: torch.stack", series_game(), [torch.zeros(24, 5)] * 20)
