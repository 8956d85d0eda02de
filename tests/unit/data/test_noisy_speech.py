"""Pairs of clean and noisy recordings, and the networks that lead from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.data.noisy_speech import SNR_RANGE, sample_noise
from gantutor.metrics import signal_to_noise
from gantutor.networks import PairDiscriminator, SpectrogramTranslator

pytest.importorskip("soundfile")


@pytest.fixture(scope="module")
def pairs() -> gt.data.Dataset:
    return gt.data.noisy_speech(copies=1)


def test_the_noise_is_as_loud_as_said(pairs: gt.data.Dataset) -> None:
    clean, noisy = pairs.train.tensors
    ratios = signal_to_noise(noisy, clean)
    assert SNR_RANGE[0] - 0.01 < float(ratios.min()) < SNR_RANGE[0] + 0.2
    assert SNR_RANGE[1] - 0.2 < float(ratios.max()) < SNR_RANGE[1] + 0.01
    torch.testing.assert_close(noisy.abs().amax(1), torch.ones(len(noisy)))


def test_the_clean_waves_are_the_recordings_in_their_order(pairs: gt.data.Dataset) -> None:
    waves = gt.data.spoken_digits().held_out.tensors[0]
    clean = pairs.held_out.tensors[0]
    torch.testing.assert_close(gt.data.normalize_peak(clean), gt.data.normalize_peak(waves))


def test_neither_recordings_nor_noises_of_the_held_out_part_are_trained_on(pairs: gt.data.Dataset) -> None:
    train, held_out = ((noisy - clean) for clean, noisy in (pairs.train.tensors, pairs.held_out.tensors))
    alike = torch.nn.functional.normalize(train) @ torch.nn.functional.normalize(held_out).T
    assert float(alike.abs().max()) < 0.9
    clean = [torch.nn.functional.normalize(part.tensors[0]) for part in (pairs.train, pairs.held_out)]
    assert float((clean[0] @ clean[1].T).max()) < 0.999


def test_a_seed_gives_its_own_noises_and_copies_differ() -> None:
    one, same, other = (gt.data.noisy_speech(copies=2, seed=seed).train.tensors for seed in (3, 3, 4))
    assert torch.equal(one[1], same[1]) and not torch.equal(one[1], other[1])
    half = len(one[0]) // 2
    assert not torch.allclose(one[1][:half], one[1][half:], atol=0.1)


def test_the_three_noises_have_their_spectra() -> None:
    voices = torch.sin(torch.arange(4096) * 0.1).repeat(300, 1)
    made = sample_noise(voices, torch.Generator().manual_seed(0))
    power = torch.fft.rfft(made).abs().square()
    tone = round(0.1 / (2 * torch.pi) * 4096)
    babble = power[:, tone - 3 : tone + 4].sum(1) > 0.8 * power.sum(1)  # of sines is a sine
    low = power[:, 1:512].mean(1) / power[:, 1024:].mean(1)
    pink, white = low[(low > 3) & ~babble], low[(low < 1.5) & ~babble]
    assert int(babble.sum()) + len(pink) + len(white) == 300
    assert min(int(babble.sum()), len(pink), len(white)) > 60
    assert float(white.mean()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"snr_range": (3, -3)}, r"snr_range must be a pair of decibels \(low, high\), .*, not \(3, -3\)"),
        ({"snr_range": 3}, "snr_range must be a pair"),
        ({"snr_range": (False, True)}, "snr_range must be a pair"),
        ({"snr_range": (-3, True)}, "snr_range must be a pair"),
        ({"snr_range": (float("nan"), 3)}, "snr_range must be a pair"),
        ({"snr_range": (-200, 3)}, "from -100 to 100"),
        ({"copies": 0}, "copies must be a whole number of at least 1, not 0"),
        ({"name": "song"}, "name must be one of spoken_digits, speech_commands"),
    ],
)
def test_what_makes_no_pairs_ends_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        gt.data.noisy_speech(**given)


# --- the networks -------------------------------------------------------------------------------------------


def noisy_pictures(count: int = 4, frames: int = 32) -> Tensor:
    return torch.rand(count, 1, 128, frames, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(
    "make",
    [
        lambda noisy: SpectrogramTranslator(4)(None, noisy),
        lambda noisy: PairDiscriminator(4)(noisy.flip(3), noisy),
    ],
    ids=["translator", "discriminator"],
)
def test_shapes_and_the_condition_reaches_the_end(make: Callable[[Tensor], Tensor]) -> None:
    noisy = noisy_pictures().requires_grad_(True)
    torch.manual_seed(0)
    made = make(noisy)
    assert made.shape in ((4, 1, 128, 32), (4, 8, 2)) and bool(made.isfinite().all())
    made.square().sum().backward()
    assert noisy.grad is not None and bool((noisy.grad.abs().sum((1, 2, 3)) > 0).all())


def test_the_translator_stays_in_range_and_needs_no_latent() -> None:
    network, noisy = SpectrogramTranslator(4).eval(), noisy_pictures()
    assert float(network(None, noisy).detach().abs().max()) <= 1
    assert torch.equal(network(None, noisy), network(torch.randn(4, 1), noisy))


def test_the_discriminator_sees_both_sides() -> None:
    network, noisy = PairDiscriminator(4), noisy_pictures()
    made = noisy.flip(0)
    assert not torch.allclose(network(made, noisy), network(noisy, noisy))
    assert not torch.allclose(network(made, noisy), network(made, made))


def test_a_few_steps_against_a_discriminator() -> None:
    def adversarial(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        missed = (batch.fake - batch.real).abs().mean()
        judged = gan.networks["discriminator"](batch.fake, batch.condition)
        return {"total": missed + torch.nn.functional.softplus(-judged).mean()}

    turns = [
        gt.games.classical_turns(gt.objectives.non_saturating(r1=0.3, every=2))[0],
        gt.Turn("generator", adversarial),
    ]
    networks = {"generator": SpectrogramTranslator(4), "discriminator": PairDiscriminator(4)}
    data = torch.utils.data.TensorDataset(noisy_pictures(16).flip(0), noisy_pictures(16))
    game = gt.GAN.of(networks, turns, latent=1)
    run = gt.train(game, data, steps=3, batch_size=8, seed=0, progress=False, snapshots=0, gallery=1)
    assert run.generate(torch.zeros(2, 1), noisy_pictures(2)).shape == (2, 1, 128, 32)
