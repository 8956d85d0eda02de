"""Labels out of range are found on the CPU, before a GPU sees them: there they would end the process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.training.batches import make_batches
from gantutor.training.preflight import check_labels

Make = Callable[..., gt.GAN]


def inspect(gan: gt.GAN, images: Tensor, labels: Tensor) -> None:
    batches = make_batches(torch.utils.data.TensorDataset(images, labels), 16, 0, torch.device("cpu"))
    check_labels(gan, images[:16], torch.zeros(16, dtype=torch.int64), batches)


@pytest.mark.parametrize("wrong", [-1, 4])
def test_one_label_out_of_range_is_found_wherever_it_stands(
    wrong: int, image_game: Make, images: Tensor
) -> None:
    labels = torch.arange(64) % 4
    inspect(image_game(4), images, labels)
    labels[50] = wrong
    with pytest.raises(gt.InputError, match="generator with these conditions failed: index out of range"):
        inspect(image_game(4), images, labels)


def test_the_networks_themselves_are_left_alone(image_game: Make, images: Tensor) -> None:
    gan = image_game(4)
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    inspect(gan, images, torch.arange(64) % 4)
    assert all(torch.equal(before[name], value) for name, value in gan.state_dict().items())


def test_games_without_labels_and_without_a_pair_are_none_of_its_business(
    point_game: Make, points: Tensor
) -> None:
    batches = make_batches(points, 16, 0, torch.device("cpu"))
    check_labels(point_game(), points[:16], None, batches)
    alone = gt.GAN.of({"net": torch.nn.Linear(2, 1)}, [gt.Turn("net", lambda gan, batch: {})])
    check_labels(alone, points[:16], torch.zeros(16, dtype=torch.int64), batches)
