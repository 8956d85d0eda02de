"""Networks as deep as their widths: shapes, gradients, labels, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import gantutor as gt
from gantutor.networks.conv import MinibatchStdDev


@pytest.mark.parametrize(
    ("size", "channels", "classes", "widths"),
    [(64, 1, 0, (16, 12, 8, 8, 4)), (32, 3, 4, [8, 8, 4]), (8, 1, 0, (4, 4))],
)
def test_shapes(size: int, channels: int, classes: int, widths: Any) -> None:
    labels = (torch.arange(8) % classes,) if classes else ()
    generator = gt.networks.DeepGenerator(16, classes, channels, size, widths)
    images = generator(torch.randn(8, 16), *labels)
    assert images.shape == (8, channels, size, size) and float(images.detach().abs().max()) <= 1
    assert generator.side == size // 2 ** (len(widths) - 1)
    logits = gt.networks.DeepDiscriminator(classes, channels, size, widths[:2], features=16)(images, *labels)
    assert logits.shape == (8,)


def test_the_default_is_the_recipe_for_faces() -> None:
    generator = gt.networks.DeepGenerator()
    convolutions = [m for m in generator.modules() if isinstance(m, nn.Conv2d)]
    assert [m.in_channels for m in convolutions] == [128, 96, 64, 32, 16]
    assert all(m.kernel_size == (3, 3) for m in convolutions) and generator.side == 4
    ups = [m for m in generator.modules() if isinstance(m, nn.Upsample)]
    assert [m.mode for m in ups] == ["nearest"] * 4
    discriminator = gt.networks.DeepDiscriminator()
    kinds = [type(m) for m in discriminator.body]
    assert kinds[0] is nn.PixelUnshuffle and kinds.count(MinibatchStdDev) == 1
    assert not any(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules())


def test_gradients_reach_every_weight_and_the_inputs() -> None:
    labels = torch.arange(8) % 3
    for network, inputs in (
        (gt.networks.DeepGenerator(4, 3, size=16, widths=(8, 8, 4)), torch.randn(8, 4)),
        (gt.networks.DeepDiscriminator(3, size=16, widths=(8, 8), features=8), torch.randn(8, 1, 16, 16)),
    ):
        inputs.requires_grad_(True)
        network(inputs, labels).square().sum().backward()
        assert inputs.grad is not None and (inputs.grad.flatten(1).abs().sum(1) > 0).all()
        for name, weight in network.named_parameters():
            assert weight.grad is not None and bool(weight.grad.abs().sum() > 0), name
        with pytest.raises(gt.InputError, match="needs a label for every sample"):
            network(inputs)


def test_the_discriminator_sees_a_lack_of_variety() -> None:
    network = gt.networks.DeepDiscriminator(size=16, widths=(8, 8), features=8)
    varied = torch.randn(8, 1, 16, 16)
    alike = varied[:1].expand(8, -1, -1, -1)
    assert not torch.allclose(network(varied)[0], network(alike)[0])


@pytest.mark.parametrize("make", [gt.networks.DeepGenerator, gt.networks.DeepDiscriminator])
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"size": 60}, "size must be a multiple of 16, because these widths halve it 4 times, not 60"),
        ({"size": 64.0}, "size must be a multiple of 16"),
        ({"size": 0}, "size must be a multiple of 16"),
        ({"widths": (8,)}, "widths must be at least two whole numbers"),
        ({"widths": 8}, "widths must be at least two whole numbers"),
        ({"widths": (8, 0)}, "widths must be whole numbers of at least 1"),
        ({"widths": (8, 2.0)}, "widths must be whole numbers of at least 1"),
        ({"channels": 0}, "channels must be a whole number of at least 1"),
        ({"classes": -1}, "classes must be a whole number of at least 0"),
    ],
)
def test_bad_sizes(make: Callable[..., nn.Module], given: dict[str, Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        make(**given)
