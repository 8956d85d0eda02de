"""Spectrograms against scipy and back to sound; networks for spectrograms and for waves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import signal
from torch import Tensor, nn

import gantutor as gt
from gantutor.data.spectrograms import magnitude
from gantutor.networks.spectrogram import ProjectionHead
from gantutor.networks.waveform import PhaseShuffle

nets = gt.networks


def tone(bin_number: float, length: int = 4096, loudness: float = 0.5) -> Tensor:
    """A sine at ``bin_number`` / 256 of the sample rate, one clip."""
    return loudness * torch.sin(2 * math.pi * bin_number / 256 * torch.arange(length))[None]


def voices(count: int = 4, length: int = 2048) -> Tensor:
    """Noise below nine tenths of the highest frequency, swelling and fading, of peak 1."""
    noise = torch.randn(count, length, generator=torch.Generator().manual_seed(5)).double().numpy()
    low = signal.sosfiltfilt(signal.butter(16, 0.8, output="sos"), noise)
    clips = torch.tensor(low * np.hanning(length), dtype=torch.float32)
    return clips / clips.abs().amax(1, keepdim=True)


def by_scipy(waves: Tensor) -> np.ndarray[Any, Any]:
    """The complex transform of the same windows, by scipy: (N, 128, L / 64)."""
    window = signal.get_window("hann", 256)
    frames = signal.ShortTimeFFT(window, 64, fs=1, phase_shift=None).stft(
        waves.double().numpy(), p0=0, p1=waves.shape[1] // 64
    )
    return np.asarray(frames[:, :128])


def convergence(waves: Tensor, wanted: Tensor) -> float:
    """Spectral convergence ‖|X| − S‖ / ‖S‖ of waves against magnitudes."""
    return float((magnitude(gt.data.spectrogram(waves)) - wanted).norm() / wanted.norm())


# --- the representation -------------------------------------------------------------------------------------


def test_the_magnitudes_are_those_of_scipy() -> None:
    waves = voices()
    expected = torch.tensor(np.abs(by_scipy(waves)), dtype=torch.float32)
    torch.testing.assert_close(magnitude(gt.data.spectrogram(waves)), expected, atol=1e-4, rtol=1e-4)


def test_the_decibels_are_mapped_as_said() -> None:
    spectrograms = gt.data.spectrogram(tone(32, loudness=1.0))
    decibels = 20 * math.log10(64 + 10**-1.5)  # half the sum of a Hann window of 256: a full-scale sine
    assert float(spectrograms[0, 0, 32, 30]) == pytest.approx(2 * (decibels + 30) / 68 - 1, abs=1e-4)
    assert spectrograms.shape == (1, 1, 128, 64) and spectrograms.argmax(2).eq(32).all()
    assert float(gt.data.spectrogram(torch.ones(1, 4096)).max()) == 1  # a constant has 42 decibels


@pytest.mark.parametrize("length", [512, 2048, 4096])
def test_the_way_back_is_exact_with_the_true_phase(length: int) -> None:
    waves = voices(length=length)
    spectrograms = gt.data.spectrogram(waves)
    phase = torch.tensor(np.angle(by_scipy(waves)), dtype=torch.float32)
    back = gt.data.griffin_lim(spectrograms, iterations=0, phase=phase)
    assert spectrograms.shape == (len(waves), 1, 128, length // 64) and back.shape == waves.shape
    torch.testing.assert_close(back, waves, atol=2e-4, rtol=0)


def test_more_rounds_come_nearer() -> None:
    spectrograms = gt.data.spectrogram(voices())
    reached = [
        convergence(gt.data.griffin_lim(spectrograms, r), magnitude(spectrograms)) for r in (0, 2, 8, 32, 128)
    ]
    assert reached == sorted(reached, reverse=True)
    assert reached[0] > 0.4 and reached[3] < 0.2


def test_the_momentum_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    spectrograms = gt.data.spectrogram(voices())
    fast = convergence(gt.data.griffin_lim(spectrograms), magnitude(spectrograms))
    monkeypatch.setattr("gantutor.data.spectrograms.MOMENTUM", 0.0)
    plain = [
        convergence(gt.data.griffin_lim(spectrograms, r), magnitude(spectrograms)) for r in range(0, 33, 8)
    ]
    assert plain == sorted(plain, reverse=True)
    assert fast < plain[-1]


def test_silence_comes_back_as_silence() -> None:
    spectrograms = gt.data.spectrogram(torch.zeros(2, 1024))
    assert bool((spectrograms == -1).all())
    assert bool((gt.data.griffin_lim(spectrograms) == 0).all())


@pytest.mark.parametrize("bin_number", [10, 27.5, 100])
def test_a_tone_keeps_its_frequency_and_loudness(bin_number: float) -> None:
    back = gt.data.griffin_lim(gt.data.spectrogram(tone(bin_number)), 64)[0]
    inner = back[512:-512]
    spectrum = torch.fft.rfft(inner * torch.hann_window(len(inner)), n=65536).abs()
    assert float(spectrum.argmax()) / 256 == pytest.approx(bin_number, abs=0.1)
    assert float(inner.square().mean().sqrt()) == pytest.approx(0.5 / math.sqrt(2), rel=0.05)


def test_a_sound_does_not_depend_on_its_batch_nor_on_the_random_state() -> None:
    spectrograms, before = gt.data.spectrogram(voices()), torch.get_rng_state()
    both = gt.data.griffin_lim(spectrograms, 4)
    torch.testing.assert_close(gt.data.griffin_lim(spectrograms[2:3], 4), both[2:3], atol=1e-4, rtol=0)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.allclose(gt.data.griffin_lim(spectrograms, 4, seed=1), both, atol=1e-2)


def test_the_spectrogram_has_a_finite_gradient_even_in_silence() -> None:
    waves = voices(2)
    waves[1] = 0
    waves.requires_grad_(True)
    gt.data.spectrogram(waves).sum().backward()
    assert (
        waves.grad is not None and bool(waves.grad.isfinite().all()) and float(waves.grad[0].abs().sum()) > 0
    )


# --- networks -----------------------------------------------------------------------------------------------

CASES: dict[str, Callable[[], tuple[nn.Module, nn.Module, tuple[int, ...]]]] = {
    "spectrograms": lambda: (
        nets.SpectrogramGenerator(4, 3, frames=16),
        nets.SpectrogramDiscriminator(3, frames=16, features=8),
        (1, 128, 16),
    ),
    "waves": lambda: (
        nets.WaveGenerator(4, 3, length=512, channels=2),
        nets.WaveDiscriminator(3, length=512, channels=2),
        (512,),
    ),
}
LABELS = torch.arange(8) % 3


@pytest.mark.parametrize("name", CASES)
def test_shapes_ranges_and_gradients(name: str) -> None:
    generator, discriminator, shape = CASES[name]()
    latent = torch.randn(8, 4, requires_grad=True)
    samples = generator(latent, LABELS)
    assert samples.shape == (8, *shape) and float(samples.detach().abs().max()) <= 1
    logits = discriminator(samples, LABELS)
    assert logits.shape == (8,)
    logits.square().sum().backward()
    assert latent.grad is not None and bool((latent.grad.abs().sum(1) > 0).all())
    for weight in [*generator.parameters(), *discriminator.parameters()]:
        assert weight.grad is not None and bool(weight.grad.abs().sum() > 0)


@pytest.mark.parametrize("name", CASES)
def test_without_labels_and_with_them(name: str) -> None:
    generator, discriminator, _ = (network for network in CASES[name]())
    latent = torch.randn(8, 4)
    for network, given in ((generator.eval(), latent), (discriminator.eval(), generator(latent, LABELS))):
        assert not torch.allclose(network(given, LABELS), network(given, (LABELS + 1) % 3))
        with pytest.raises(gt.InputError, match="needs a label for every sample"):
            network(given)
    assert nets.SpectrogramDiscriminator()(nets.SpectrogramGenerator()(torch.randn(2, 64))).shape == (2,)
    assert nets.WaveDiscriminator()(nets.WaveGenerator()(torch.randn(2, 64))).shape == (2,)


@pytest.mark.parametrize("name", CASES)
def test_a_few_steps_with_r1(name: str) -> None:
    generator, discriminator, shape = CASES[name]()
    gan = gt.GAN(generator, discriminator, gt.objectives.non_saturating(r1=0.3, every=2), latent=4)
    data = torch.utils.data.TensorDataset(torch.rand(16, *shape) * 2 - 1, torch.arange(16) % 3)
    run = gt.train(gan, data, steps=3, batch_size=8, seed=0, progress=False)
    assert run.sample(3, condition=1).shape == (3, *shape)


@pytest.mark.parametrize("name", CASES)
def test_r1_reaches_the_weights(name: str) -> None:
    _, discriminator, shape = CASES[name]()
    real = torch.randn(8, *shape)
    gt.objectives.r1_penalty(1.0)(lambda x: discriminator(x, LABELS), real, real).backward()
    for name_of, weight in discriminator.named_parameters():
        if name_of.endswith("weight"):  # a bias moves no slope but where it switches a unit
            assert weight.grad is not None and bool(weight.grad.abs().sum() > 0), name_of


def test_the_head_is_an_inner_product_over_root_d() -> None:
    head, features = ProjectionHead(16, classes=3), torch.randn(8, 16)
    assert head.label is not None
    projection = torch.einsum("nd,nd->n", head.label.weight[LABELS], features) / 4
    torch.testing.assert_close(head(features, LABELS), head.head(features)[:, 0] + projection)


def test_the_phase_shuffle_is_numpys_reflection() -> None:
    x, most = torch.randn(200, 2, 9), 3
    moved = PhaseShuffle(most)(x)
    mirrored = np.pad(x.numpy(), ((0, 0), (0, 0), (most, most)), mode="reflect")
    shifts = []
    for before, after in zip(mirrored, moved.numpy(), strict=True):
        fits = [s for s in range(2 * most + 1) if np.array_equal(before[:, s : s + 9], after)]
        assert len(fits) == 1
        shifts += fits
    assert set(shifts) == set(range(2 * most + 1))
    assert torch.equal(PhaseShuffle(most).eval()(x), x) and torch.equal(PhaseShuffle(0)(x), x)


def test_waves_begin_neither_silent_nor_clipped() -> None:
    waves = nets.WaveGenerator()(torch.randn(16, 64)).detach()
    assert 0.1 < float(waves.std()) < 0.7


# --- bad input ----------------------------------------------------------------------------------------------

SMALL = torch.zeros(1, 1, 128, 4)

MAKE: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: gt.data.spectrogram(torch.zeros(64)),
        r"\(count, length\), .* multiple of 64, not .* of \(64,\)",
    ),
    (lambda: gt.data.spectrogram(torch.zeros(2, 100)), "length a multiple of 64"),
    (lambda: gt.data.spectrogram(torch.zeros(2, 0)), "length a multiple of 64"),
    (
        lambda: gt.data.spectrogram(torch.zeros(2, 64, dtype=torch.int16)),
        "waves must be floats .* torch.int16",
    ),
    (
        lambda: gt.data.griffin_lim(torch.zeros(1, 128, 4)),
        r"spectrograms must be floats of shape \(count, 1, 128, tim",
    ),
    (lambda: gt.data.griffin_lim(torch.zeros(1, 1, 129, 4)), r"not torch.float32 of \(1, 1, 129, 4\)"),
    (
        lambda: gt.data.griffin_lim(SMALL, iterations=-1),
        "iterations must be a whole number of at least 0, not -1",
    ),
    (
        lambda: gt.data.griffin_lim(SMALL, phase=torch.zeros(1, 128, 5)),
        r"phase must have shape \(1, 128, 4\), not",
    ),
    (lambda: nets.SpectrogramGenerator(frames=65), "frames must be a multiple of 16, at least 16, not 65"),
    (lambda: nets.SpectrogramGenerator(latent=0), "latent must be a whole number of at least 1"),
    (lambda: nets.SpectrogramDiscriminator(frames=8), "frames must be a multiple of 16"),
    (lambda: nets.SpectrogramDiscriminator(features=0), "features must be a whole number of at least 1"),
    (lambda: nets.SpectrogramDiscriminator(classes=-1), "classes must be a whole number of at least 0"),
    (lambda: nets.WaveGenerator(length=4000), "length must be a multiple of 256, at least 256, not 4000"),
    (lambda: nets.WaveGenerator(channels=0), "channels must be a whole number of at least 1"),
    (lambda: nets.WaveDiscriminator(length=True), "length must be a multiple of 256"),
    (lambda: nets.WaveDiscriminator(shuffle=-1), "shuffle must be a whole number of at least 0"),
    (lambda: nets.WaveDiscriminator()(torch.zeros(2, 512)), r"\(count, 4096\), not \(2, 512\)"),
]


@pytest.mark.parametrize(("make", "says"), MAKE)
def test_bad_input(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)
