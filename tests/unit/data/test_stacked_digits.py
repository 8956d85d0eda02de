"""Stacked digits, their score, and packing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import gantutor as gt
from gantutor.data.stacked_digits import mode_index
from gantutor.metrics.stacked_digits import measure_stacked_modes


def test_each_channel_is_a_digit_of_its_own_and_the_label_reads_them() -> None:
    stacked = gt.data.stacked_digits(300, 50, seed=3)
    images, labels = stacked.train.tensors
    assert images.shape == (300, 3, 28, 28) and len(stacked.held_out) == 50
    read = gt.metrics.classify_digits(images.flatten(0, 1)[:, None])[1].argmax(1).view(-1, 3)
    assert (mode_index(read) == labels).double().mean() > 0.98


def test_no_digit_is_in_both_parts() -> None:
    stacked, single = gt.data.stacked_digits(200, 60), gt.data.digits()
    known = {image.numpy().tobytes() for image in single.train.tensors[0]}
    shown = [channel.contiguous().numpy().tobytes() for channel in stacked.train.tensors[0].flatten(0, 1)]
    unseen = [channel.contiguous().numpy().tobytes() for channel in stacked.held_out.tensors[0].flatten(0, 1)]
    assert known.issuperset(shown) and not known & set(unseen)


def test_a_seed_repeats_and_another_does_not() -> None:
    one, again, other = (gt.data.stacked_digits(20, 5, seed=s).train.tensors[0] for s in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_modes_and_kl_against_closed_forms() -> None:
    """Two modes with shares ¾ and ¼: KL = log 1000 − H; all 1,000 alike: 0."""
    triples = torch.tensor([[1, 2, 3], [1, 2, 3], [1, 2, 3], [7, 7, 7]])
    found = measure_stacked_modes(triples)
    assert found["stacked_modes"] == 2
    assert found["stacked_kl"] == pytest.approx(
        math.log(1000) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)
    )
    every = torch.cartesian_prod(*[torch.arange(10)] * 3)
    assert measure_stacked_modes(every) == {"stacked_modes": 1000, "stacked_kl": pytest.approx(0, abs=1e-9)}


def test_real_stacks_reach_their_floor_and_one_image_repeated_does_not() -> None:
    real = gt.data.stacked_digits(10, 3000, seed=9).held_out.tensors[0]
    scores, same = (
        gt.metrics.stacked_scores(real),
        gt.metrics.stacked_scores(real[:1].expand(500, -1, -1, -1)),
    )
    assert scores["stacked_kl"].value == pytest.approx(scores["stacked_kl"].real, rel=0.1)
    assert scores["stacked_modes"].value == pytest.approx(scores["stacked_modes"].real, rel=0.03)
    assert same["stacked_modes"].value == 1 and same["stacked_kl"].value == pytest.approx(math.log(1000))


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(4, 1, 28, 28),
        torch.zeros(0, 3, 28, 28),
        torch.full((2, 3, 28, 28), math.nan),
        torch.full((2, 3, 28, 28), 3.0),
        None,
    ],
)
def test_what_cannot_be_scored_is_refused(images: torch.Tensor) -> None:
    with pytest.raises(gt.InputError):
        gt.metrics.stacked_scores(images)


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_a_wrong_count_is_refused(count: int) -> None:
    with pytest.raises(gt.InputError, match="count"):
        gt.data.stacked_digits(count)


class Spread(nn.Module):
    """One logit a pack: the difference of its first two samples' first features."""

    def forward(self, packs: torch.Tensor) -> torch.Tensor:
        return packs[:, 0] - packs[:, 2]


def test_a_pack_is_samples_that_follow_one_another() -> None:
    samples = torch.tensor([[1.0, 9.0], [4.0, 9.0], [7.0, 9.0], [7.0, 9.0]])
    assert gt.networks.PackedDiscriminator(Spread(), 2)(samples).tolist() == [-3.0, 0.0]


def test_images_are_packed_by_channels() -> None:
    inside = gt.networks.ConvDiscriminator(channels=2)
    images = torch.randn(6, 1, 28, 28)
    by_hand = inside(torch.stack([images[0::2, 0], images[1::2, 0]], 1))
    assert torch.allclose(gt.networks.PackedDiscriminator(inside, 2)(images), by_hand, atol=1e-6)


def test_a_packed_game_trains_and_the_doctor_reads_it() -> None:
    ring = gt.data.toy.ring().dataset(1000, 64)
    discriminator = gt.networks.PackedDiscriminator(gt.networks.MLPDiscriminator((4,), 16), 2)
    gan = gt.GAN(
        gt.networks.MLPGenerator(2, (2,), 16), discriminator, gt.objectives.non_saturating(r1=0.1), 2
    )
    doctor = gt.doctor.Doctor(ring.train, held_out=ring.held_out, every=4)
    run = gt.train(gan, ring.train, steps=8, batch_size=32, progress=False, callbacks=[doctor])
    assert run.step == 8 and run.sample(5).shape == (5, 2) and str(doctor)


@pytest.mark.parametrize("samples", [torch.zeros(5, 2), torch.zeros(4), torch.tensor(1.0)])
def test_a_batch_that_does_not_come_out_even_is_refused(samples: torch.Tensor) -> None:
    with pytest.raises(gt.InputError, match="packed"):
        gt.networks.PackedDiscriminator(Spread(), 2)(samples)


@pytest.mark.parametrize("packing", [0, 1.5, True])
def test_a_wrong_packing_is_refused(packing: int) -> None:
    with pytest.raises(gt.InputError, match="packing"):
        gt.networks.PackedDiscriminator(Spread(), packing)
