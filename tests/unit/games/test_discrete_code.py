"""Translation by a code: information by hand, what the loss is made of, and what bends keep."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.data import elastic_distortion
from gantutor.games.discrete_code import discrete_code, discrete_code_loss, mutual_information
from gantutor.games.turn import Batch
from gantutor.networks import DiscreteCodeTranslator, unique_glyphs


def pictures(count: int, seed: int) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) * 2 - 1


CASE = pictures(4, 0)


def small() -> DiscreteCodeTranslator:
    torch.manual_seed(0)
    return DiscreteCodeTranslator(CASE, channels=4, features=8)


def test_information_is_that_of_the_table() -> None:
    codes = torch.eye(4)
    assert mutual_information(codes, codes).item() == pytest.approx(math.log(4), abs=1e-3)
    assert mutual_information(codes, codes[:, [1, 0, 3, 2]]).item() == pytest.approx(math.log(4), abs=1e-3)
    one_for_all = codes[[0, 0, 0, 0]]
    assert mutual_information(one_for_all, one_for_all).item() == pytest.approx(0, abs=1e-3)
    unsure = torch.full((4, 4), 0.25)
    assert mutual_information(unsure, unsure).item() == pytest.approx(0, abs=1e-3)
    joint = torch.tensor([[0.4, 0.1], [0.1, 0.4]])
    expected = (joint * (joint / 0.25).log()).sum()
    pairs = (
        torch.tensor([[1.0, 0]] * 5 + [[0, 1.0]] * 5),
        torch.tensor([[1.0, 0]] * 4 + [[0, 1.0]] * 5 + [[1.0, 0]]),
    )
    assert mutual_information(*pairs).item() == pytest.approx(expected.item(), abs=1e-4)


def test_use_counts_the_entropy_more() -> None:
    codes = torch.eye(4)
    more = mutual_information(codes, codes, marginal_exponent=1.5).item()
    assert more == pytest.approx(math.log(4) + 2 * 0.5 * math.log(4), abs=1e-2)


def test_the_alphabet_is_what_differs_and_moved_type_has_none() -> None:
    stream = CASE[torch.tensor([0, 1, 2, 3, 3, 2, 0, 0])]
    found = unique_glyphs(stream)
    assert len(found) == 4 and all(any(torch.equal(one, each) for each in CASE) for one in found)
    with pytest.raises(gt.InputError, match="101 different pictures"):
        unique_glyphs(pictures(101, 1))


def test_a_code_is_drawn_from_the_case_and_found_there() -> None:
    network = small()
    assert torch.equal(network.decode(torch.eye(4)), CASE)
    assert network.nearest_glyph(CASE[[2, 0]] + 0.01).tolist() == [2, 0]
    assert network.encode(pictures(5, 3)).sum(1).tolist() == pytest.approx([1.0] * 5)
    assert "case" in network.state_dict() and not any(part is network.case for part in network.parameters())


@pytest.mark.parametrize(
    "case", [torch.zeros(1, 1, 28, 28), torch.zeros(4, 28, 28), torch.zeros(4, 3, 28, 28)]
)
def test_another_case_is_refused(case: Tensor) -> None:
    with pytest.raises(gt.InputError, match="glyphs must have shape"):
        DiscreteCodeTranslator(case)


def test_a_bend_keeps_range_and_shape_repeats_with_the_seed_and_can_do_nothing() -> None:
    images = pictures(6, 2)
    torch.manual_seed(0)
    one = elastic_distortion(images)
    torch.manual_seed(0)
    assert torch.equal(one, elastic_distortion(images)) and not torch.equal(one, elastic_distortion(images))
    assert one.shape == images.shape and one.abs().max() <= 1
    black = torch.full((3, 1, 28, 28), -1.0)
    assert torch.equal(elastic_distortion(black, noise=0.0), black)
    with pytest.raises(gt.InputError, match="displacement"):
        elastic_distortion(images, displacement=-1)


def test_the_loss_is_the_anchor_less_the_information() -> None:
    gan = discrete_code(small(), information=2.0, anchor=0.25, distortion=lambda images: images)
    written, typed = pictures(8, 4), CASE[torch.arange(8) % 4]
    loss = discrete_code_loss(2.0, 0.25, lambda images: images, gan, Batch(gan, typed, written))
    expected = 0.25 * loss["anchor"] - 2.0 * loss["information"]
    assert torch.allclose(loss["total"], expected) and loss["total"].requires_grad
    assert loss["anchor"] > 0


@pytest.mark.parametrize(
    ("given", "said"),
    [({"information": -1}, "information"), ({"anchor": -0.1}, "anchor")],
)
def test_negative_weights_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        discrete_code(small(), **given)


def test_a_generator_without_a_code_is_refused() -> None:
    with pytest.raises(gt.InputError, match="must be a DiscreteCodeTranslator, not TypeTranslator"):
        discrete_code(gt.networks.TypeTranslator(latent=0))


def test_no_label_can_reach_the_training() -> None:
    """Another order of the case, and the same handwriting is set in the same type."""
    written = pictures(16, 5)
    made = []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        network = small()
        last = network.read[-1]
        with torch.no_grad():
            network.case.copy_(CASE[order])
            last.weight.copy_(last.weight[order])
            last.bias.copy_(last.bias[order])
        data = TensorDataset(CASE[torch.arange(16) % 4], written)
        run = gt.train(
            discrete_code(network), data, steps=2, batch_size=8, snapshots=0, gallery=1, progress=False
        )
        made.append(run.generate(torch.zeros(16, 1), written))
    assert torch.allclose(*made, atol=1e-3)
