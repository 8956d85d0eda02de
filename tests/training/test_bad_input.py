"""Data and games that a user may hand to train() by mistake end in one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from refusal_cases import POINTS, game, refuse
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantutor as gt

IMAGES = torch.zeros(64, 1, 8, 8)


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
    "none": (None, "data must be a tensor, a torch Dataset or DataLoader, or an iterable .*not None"),
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
    "empty list": ([], "the data contain no batch"),
    "empty loader": (DataLoader(TensorDataset(torch.zeros(0, 2))), "the data contain no batch"),
    "exhausted": (iter([POINTS]), "can be read again, not an iterator"),
    "generator": ((batch for batch in [POINTS]), "can be read again, not an iterator"),
    "too few": (torch.zeros(15, 2), "batch_size must be at most the number of samples, 15, not 16"),
    "other width": (torch.randn(64, 3), r"makes samples of shape \(16, 2\), but the data have \(16, 3\)"),
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
        r"must lie in \[-1, 1\], but these lie in \[1.5, 1.5\].*value_range=",
    ),
    "one pixel": (
        image_game(),
        with_value(IMAGES, -1.01),
        r"must lie in \[-1, 1\], but these lie in \[-1.01, 0\]",
    ),
    "nan": (image_game(), with_value(IMAGES, math.nan), "not finite"),
    "bytes": (image_game(), IMAGES.byte(), "floating-point numbers, not uint8"),
    "rank": (image_game(), IMAGES[:, 0], r"shape \(16, 1, 8, 8\), but the data have \(16, 8, 8\)"),
    "channels": (
        image_game(),
        IMAGES.expand(64, 3, 8, 8),
        r"\(16, 1, 8, 8\), but the data have \(16, 3, 8, 8\)",
    ),
    "side": (
        image_game(),
        torch.zeros(64, 1, 12, 12),
        r"\(16, 1, 8, 8\), but the data have \(16, 1, 12, 12\)",
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
    "generator": (game(nn.Linear(2, 5)), r"makes samples of shape \(16, 5\), but the data have \(16, 2\)"),
    "discriminator": (
        game(discriminator=nn.Linear(3, 1)),
        r"discriminator\(x\) with x of shape \(16, 2\) failed",
    ),
    "one logit": (
        game(discriminator=nn.Sequential(nn.Flatten(0), nn.Linear(32, 1))),
        "one logit for each sample",
    ),
    "no tensor": (game(nn.LSTM(2, 2)), "makes samples of shape tuple"),
    "frozen": (game(nn.Linear(2, 2).requires_grad_(False)), "the generator has no weights to train"),
    "no weights": (game(nn.Identity()), "the generator has no weights to train"),
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
        "penalty needs samples in one tensor",
        gt.GAN(Both(), Both(), gt.objectives.hinge(r1=1.0), latent=2),
        pairs,
    )
