"""Networks: shapes, ranges, gradients, and the minibatch deviation against torch's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.networks.conv import MinibatchStdDev
from gantutor.networks.mlp import fully_connected


@pytest.mark.parametrize(("size", "channels", "classes"), [(8, 1, 0), (12, 3, 0), (28, 1, 10), (32, 3, 4)])
def test_convolutional_shapes(size: int, channels: int, classes: int) -> None:
    labels = (torch.arange(5) % classes,) if classes else ()
    images = gt.networks.ConvGenerator(16, classes, channels, size)(torch.randn(5, 16), *labels)
    assert images.shape == (5, channels, size, size) and float(images.detach().abs().max()) <= 1
    logits = gt.networks.ConvDiscriminator(classes, channels, size)(images, *labels)
    assert logits.shape == (5,)


def test_the_classical_networks_are_those_of_their_papers() -> None:
    generator, judge = gt.networks.DCGANGenerator(5, 3, width=4), gt.networks.DCGANDiscriminator(3, width=4)
    images = generator(torch.randn(6, 5))
    assert images.shape == (6, 3, 28, 28) and float(images.detach().abs().max()) <= 1
    assert judge(images).shape == (6,)
    norms = [m for m in judge.modules() if isinstance(m, nn.BatchNorm2d)]
    critic = gt.networks.DCGANDiscriminator(3, width=4, normalize=False)
    assert len(norms) == 1 and not any(isinstance(m, nn.BatchNorm2d) for m in critic.modules())
    alone, together = critic(images[:1]), critic(images)[:1]
    assert torch.allclose(alone, together, atol=1e-6)
    wide = gt.networks.DCGANGenerator().layers[4]
    assert isinstance(wide, nn.ConvTranspose2d)
    assert float(wide.weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert wide.stride == (2, 2) and wide.kernel_size == (4, 4)


def test_fully_connected_shapes() -> None:
    assert gt.networks.MLPGenerator(3, (2, 4, 4), output=nn.Tanh)(torch.randn(5, 3)).shape == (5, 2, 4, 4)
    assert gt.networks.MLPDiscriminator((2, 4, 4))(torch.randn(5, 2, 4, 4)).shape == (5,)
    layers = fully_connected(3, 2, width=7, depth=3, activation=nn.Tanh)
    assert [type(layer).__name__ for layer in layers] == ["Linear", "Tanh"] * 3 + ["Linear"]
    assert [layer.weight.shape for layer in layers if isinstance(layer, nn.Linear)] == [
        (7, 3),
        (7, 7),
        (7, 7),
        (2, 7),
    ]


def test_the_scale_divides_the_samples() -> None:
    discriminator, x = gt.networks.MLPDiscriminator((2,), scale=4.0), torch.randn(5, 2)
    assert torch.allclose(discriminator(x), discriminator.layers(x / 4)[:, 0])


def networks_with_inputs() -> list[tuple[nn.Module, tuple[Tensor, ...]]]:
    latents, images, labels = torch.randn(8, 4), torch.randn(8, 1, 8, 8), torch.arange(8) % 3
    return [
        (gt.networks.ConvGenerator(4, 3, size=8), (latents, labels)),
        (gt.networks.ConvDiscriminator(3, size=8), (images, labels)),
        (gt.networks.MLPGenerator(4, (1, 8, 8)), (latents,)),
        (gt.networks.MLPDiscriminator((1, 8, 8)), (images,)),
    ]


@pytest.mark.parametrize("which", range(4))
def test_gradients_reach_every_weight_and_the_inputs(which: int) -> None:
    network, inputs = networks_with_inputs()[which]
    first = inputs[0].requires_grad_(True)
    network(first, *inputs[1:]).square().sum().backward()
    assert first.grad is not None and (first.grad.flatten(1).abs().sum(1) > 0).all()
    for name, weight in network.named_parameters():
        assert weight.grad is not None and bool(weight.grad.abs().sum() > 0), name


@pytest.mark.parametrize("which", [0, 1])
def test_labels_make_a_difference(which: int) -> None:
    network, (inputs, labels) = networks_with_inputs()[which]
    assert not torch.allclose(network.eval()(inputs, labels), network(inputs, (labels + 1) % 3))


def test_the_projection_is_an_inner_product_over_root_d() -> None:
    network = gt.networks.ConvDiscriminator(3, size=8, features=16)
    images, labels = torch.randn(8, 1, 8, 8), torch.arange(8) % 3
    features = network.body(images)
    assert network.label is not None
    projection = torch.einsum("nd,nd->n", network.label.weight[labels], features) / 4
    assert torch.allclose(network(images, labels), network.head(features)[:, 0] + projection, atol=1e-6)


def test_labels_are_asked_for() -> None:
    for network, inputs in networks_with_inputs()[:2]:
        with pytest.raises(gt.InputError, match="needs a label for every sample"):
            network(inputs[0])


@pytest.mark.parametrize(("count", "group"), [(8, 8), (16, 8), (8, 4), (12, 8), (5, 8)])
def test_minibatch_deviation_is_torchs_own_over_consecutive_samples(count: int, group: int) -> None:
    x = torch.randn(count, 3, 4, 5)
    out = MinibatchStdDev(group)(x)
    size = next(size for size in range(min(count, group), 0, -1) if count % size == 0 and group % size == 0)
    for start in range(0, count, size):
        expected = x[start : start + size].std(0, correction=0).mean()
        assert torch.allclose(out[start : start + size, 3], expected.expand(size, 4, 5), atol=2e-4)
    assert torch.equal(out[:, :3], x)


def test_minibatch_deviation_sees_a_lack_of_variety_and_keeps_batches_apart() -> None:
    layer, varied = MinibatchStdDev(4), torch.randn(4, 2, 3, 3)
    both = layer(torch.cat([varied, varied[:1].expand(4, 2, 3, 3)]))
    assert torch.allclose(both[:4], layer(varied))
    assert float(both[:4, 2].min()) > 0.3 and float(both[4:, 2].max()) < 1e-3


def test_minibatch_deviation_in_channels_last_is_the_same() -> None:
    x = torch.randn(8, 3, 4, 4)
    layer = MinibatchStdDev(4)
    assert torch.allclose(layer(x), layer(x.to(memory_format=torch.channels_last)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: gt.networks.ConvGenerator(size=30), "size must be a multiple of 4, at least 8, not 30"),
        (lambda: gt.networks.ConvGenerator(size=4), "size must be a multiple of 4"),
        (lambda: gt.networks.ConvDiscriminator(size=28.0), "size must be a multiple of 4"),
        (lambda: gt.networks.ConvGenerator(latent=0), "latent must be a whole number of at least 1"),
        (lambda: gt.networks.ConvGenerator(classes=-1), "classes must be a whole number of at least 0"),
        (lambda: gt.networks.ConvGenerator(channels=True), "channels must be a whole number of at least 1"),
        (lambda: gt.networks.ConvDiscriminator(features=0), "features must be a whole number of at least 1"),
        (lambda: gt.networks.ConvDiscriminator(classes=2.5), "classes must be a whole number of at least 0"),
        (lambda: gt.networks.ConvDiscriminator(group=0), "group must be a whole number of at least 1"),
        (lambda: gt.networks.MLPGenerator(width=0), "width must be a whole number of at least 1"),
        (lambda: gt.networks.MLPGenerator(latent="2"), "inputs must be a whole number of at least 1"),
        (lambda: gt.networks.MLPDiscriminator(depth=-1), "depth must be a whole number of at least 1"),
        (lambda: gt.networks.MLPDiscriminator(scale=0), "scale must be a number greater than 0"),
        (lambda: gt.networks.MLPDiscriminator(scale="x"), "scale must be a number greater than 0"),
    ],
)
def test_bad_sizes(make: Callable[[], nn.Module], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)


def test_fourier_features_are_waves_of_the_frequency_asked_for() -> None:
    features = gt.networks.FourierFeatures(3, count=4000, frequency=2.5, scale=5.0)
    points = torch.randn(7, 3)
    out = features(points)
    assert out.shape == (7, features.features) == (7, 8003)
    assert torch.equal(out[:, :3], points / 5)
    assert torch.allclose(out[:, 3:4003].square() + out[:, 4003:].square(), torch.ones(7, 4000), atol=1e-5)
    assert torch.allclose(out[:, 3:4003], (points @ features.frequencies).sin())
    assert float(features.frequencies.std()) == pytest.approx(2.5, rel=0.03)
    assert "frequencies" in features.state_dict() and not list(features.parameters())
    with pytest.raises(gt.InputError, match="frequency"):
        gt.networks.FourierFeatures(2, frequency=0)
