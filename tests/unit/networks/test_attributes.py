"""Networks with attributes: shapes, the formulas of FiLM and projection, and the start of a pixel shuffle."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import gantutor as gt
from gantutor.networks import (
    AttributeDiscriminator,
    AttributeEmbedding,
    AttributeGenerator,
    equal_subpixels,
)

OPTIONS = (3, 2)
ATTRIBUTES = torch.tensor([[0, 1], [2, 0], [1, 1], [0, 0]])


def test_an_embedding_is_a_linear_layer_on_one_hot_vectors() -> None:
    embedding = AttributeEmbedding(OPTIONS, 8)
    one_hot = torch.cat([nn.functional.one_hot(c, k) for c, k in zip(ATTRIBUTES.T, OPTIONS, strict=True)], 1)
    weights = torch.cat([table.weight for table in embedding.tables])  # type: ignore[misc]
    assert torch.allclose(embedding(ATTRIBUTES), one_hot.float() @ weights)


def test_the_logit_is_the_projection_and_the_classes_are_split() -> None:
    network = AttributeDiscriminator(OPTIONS, size=16, widths=(4, 8), features=16)
    images = torch.randn(4, 3, 16, 16)
    logits, classes = network(images, ATTRIBUTES)
    h = network.body(images)
    expected = network.head(h).squeeze(1) + (network.attributes(ATTRIBUTES) * h).sum(1) / 4
    assert torch.allclose(logits, expected) and [c.shape[1] for c in classes] == [3, 2]


def test_attributes_and_noise_change_the_images_of_a_generator() -> None:
    generator = AttributeGenerator(OPTIONS, latent=4, widths=(8, 8, 4)).eval()
    z = torch.randn(1, 4).expand(4, -1)
    images = generator(z, ATTRIBUTES).detach()
    assert images.shape == (4, 3, 32, 32) and float(images.abs().max()) <= 1
    assert not torch.allclose(images[0], images[1])
    assert not torch.allclose(generator(-z, ATTRIBUTES), images)


def test_a_generator_begins_with_equal_subpixels() -> None:
    images = AttributeGenerator(OPTIONS, latent=4, widths=(8, 4))(torch.randn(4, 4), ATTRIBUTES)
    blocks = images.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert float((blocks - blocks[..., :1]).abs().max()) < 1e-5


def test_equal_subpixels_leaves_different_channels_different() -> None:
    layer = nn.Conv2d(2, 12, 3)
    equal_subpixels(layer)
    assert torch.equal(layer.weight[0], layer.weight[3]) and not torch.equal(layer.weight[3], layer.weight[4])


@pytest.mark.parametrize("options", [(), (3, 0), (True,), "3", None])
def test_wrong_options_are_refused(options: object) -> None:
    for network in (AttributeGenerator, AttributeDiscriminator):
        with pytest.raises(gt.InputError, match="options must be"):
            network(options)  # type: ignore[arg-type]


def test_attributes_of_another_kind_are_refused() -> None:
    with pytest.raises(gt.InputError, match=r"attributes must be whole numbers \(count, 2\)"):
        AttributeEmbedding(OPTIONS, 4)(torch.zeros(3))
