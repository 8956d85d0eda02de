"""Networks for bandwidth extension: shapes, where noise enters, and how the discriminator begins."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import gantutor as gt

nets = gt.networks


@pytest.mark.parametrize("frames", [8, 64, 96])
def test_shapes_follow_the_length_of_the_spectrograms(frames: int) -> None:
    lower = torch.rand(2, 1, 64, frames) - 0.5
    upper = nets.BandGenerator(4)(torch.randn(2, 4, 32, frames // 2), lower)
    assert upper.shape == lower.shape and float(upper.detach().abs().max()) <= 1
    assert nets.BandDiscriminator(6)(upper, lower).shape == (2, 16, frames // 8)


def test_the_same_band_with_other_noise_becomes_another_one() -> None:
    torch.manual_seed(0)
    generator, lower = nets.BandGenerator().eval(), torch.rand(1, 1, 64, 64) - 0.5
    first, second = (generator(torch.randn(1, 4, 32, 32), lower) for _ in range(2))
    assert float((first - second).abs().mean()) > 1e-3


def test_every_output_depends_on_frequencies_of_the_whole_lower_band() -> None:
    torch.manual_seed(0)
    generator = nets.BandGenerator().eval()
    lower = torch.rand(1, 1, 64, 64).sub(0.5).requires_grad_(True)
    upper = generator(torch.zeros(1, 4, 32, 32), lower)
    (gradient,) = torch.autograd.grad(upper[0, 0, 60, 32], lower)
    assert bool((gradient[0, 0].abs().sum(1) > 0)[[0, 20, 40, 63]].all())


def test_the_discriminator_begins_with_he_initialisation_and_small_logits() -> None:
    torch.manual_seed(0)
    discriminator = nets.BandDiscriminator()
    first, *_, last = [layer for layer in discriminator.body if isinstance(layer, nn.Conv2d)]
    gain = (2 / (1 + 0.2**2)) ** 0.5
    assert float(first.weight.std()) == pytest.approx(gain / (16 * 9) ** 0.5, rel=0.05)
    assert float(last.weight.detach().std()) == pytest.approx(0.3 * gain / (96 * 9) ** 0.5, rel=0.2)
    upper, lower = gt.data.band_pairs(gt.data.spoken_digits().held_out.tensors[0][:32]).tensors
    logits = discriminator(upper, lower)
    assert 0.05 < float(logits.std()) < 2


def test_bands_of_different_lengths_are_refused() -> None:
    with pytest.raises(gt.InputError, match="must have one shape"):
        nets.BandDiscriminator()(torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 32))
    for network, channels in ((nets.BandGenerator, 0), (nets.BandDiscriminator, 2)):
        with pytest.raises(gt.InputError, match="channels"):
            network(channels)
