"""Scores of sound: restored recordings against clean ones, and generated clips by a classifier's features."""

from __future__ import annotations

from statistics import median

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, checked, integer, number
from gantutor._errors import InputError, type_name
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.score import Score, Scores

WINDOW, HOP = 256, 64
"""Samples in a window of the log-spectral distance, and from one window to the next."""

SPLITS = 20
"""Random splits of the real clips over which the real-data values are medians."""

ClassifierOutput = tuple[Tensor, Tensor]
"""What a classifier gives for clips: features (N, D) and class probabilities (N, K)."""


# --- restored against clean ---------------------------------------------------------------------------------


@checked(min_level=number(-300, 0))
def log_spectral_distance(estimate: Tensor, target: Tensor, min_level: float = -60.0) -> Tensor:
    """Return the log-spectral distance between estimated and target waves, in decibels.

    The root mean square over frequencies of the difference of 20 log₁₀ |X|, averaged over windows of 256
    samples, one every 64 (Gray & Markel 1976, IEEE Trans. ASSP 24(5), with p = 2). Magnitudes below
    ``min_level`` are raised to it, because otherwise silence would dominate the distance.

    Args:
        estimate: waves (N, L), L ≥ 256.
        target: the waves that they should be (N, L).
        min_level: decibels relative to the loudest magnitude of the target, from −300 to 0.

    Returns:
        Decibels (N,).

    Raises:
        InputError: for waves of another type or shape, values that are not finite, a target that is silent in
            all windows, or a level out of range.

    >>> target = torch.randn(1, 1024, generator=torch.Generator().manual_seed(0))
    >>> round(float(log_spectral_distance(target / 10, target)), 2)
    20.0
    """
    estimate, target = _waves(estimate, target)
    if estimate.shape[1] < WINDOW:
        raise InputError(f"waves must have at least {WINDOW} samples, not {estimate.shape[1]}")
    estimate, target = (waves / _peaks(target) for waves in (estimate, target))  # so that no square vanishes
    window = torch.hann_window(WINDOW, dtype=target.dtype)
    spectra = [
        torch.stft(waves, WINDOW, HOP, window=window, center=False, return_complex=True).abs()
        for waves in (estimate, target)
    ]
    loudest = spectra[1].amax((1, 2), keepdim=True)
    if bool((loudest == 0).any()):
        raise InputError(
            f"a target is silent in all windows of {WINDOW} samples: there is nothing to compare"
        )
    min_magnitude = loudest * 10 ** (min_level / 20)
    levels = [20 * torch.maximum(spectrum, min_magnitude).log10() for spectrum in spectra]
    return (levels[0] - levels[1]).square().mean(1).sqrt().mean(1)


def signal_to_noise(estimate: Tensor, target: Tensor) -> Tensor:
    """Return the signal-to-noise ratio 10 log₁₀ (‖s‖² / ‖ŝ − s‖²) of estimated waves, in decibels.

    Args:
        estimate: waves ŝ (N, L).
        target: the clean waves s (N, L).

    Returns:
        Decibels (N,); infinite where estimate and target agree.

    Raises:
        InputError: for waves of another type or shape, values that are not finite, or a silent target.

    >>> round(float(signal_to_noise(torch.tensor([[1.1, -1.1]]), torch.tensor([[1.0, -1.0]]))), 3)
    20.0
    """
    estimate, target = _waves(estimate, target)
    return _decibels(target, estimate - target)


def scale_invariant_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """Return the scale-invariant signal-to-distortion ratio of estimated waves, in decibels.

    10 log₁₀ (‖α s‖² / ‖α s − ŝ‖²) with α = ⟨ŝ, s⟩ / ‖s‖² (Le Roux et al. 2019, arXiv:1811.02508, equation 4).
    Loudness does not matter; the mean is not subtracted. An estimate at a right angle to the target has none
    of it: −∞. So has silence, for which the ratio is 0 / 0, because the target is missing from it altogether.

    Args:
        estimate: waves ŝ (N, L).
        target: the clean waves s (N, L).

    Returns:
        Decibels (N,), float64; infinite for a multiple of the target, up to rounding.

    Raises:
        InputError: for waves of another type or shape, values that are not finite, or a silent target.

    >>> round(float(scale_invariant_sdr(torch.tensor([[8.0, 0.8]]), torch.tensor([[1.0, 0.0]]))), 3)
    20.0
    """
    estimate, target = _waves(estimate, target)
    estimate, target = (
        waves / _peaks(waves) for waves in (estimate, target)
    )  # it depends on neither's scale
    scale = (estimate * target).sum(1, keepdim=True) / target.square().sum(1, keepdim=True)
    return _decibels(scale * target, scale * target - estimate)


def _decibels(signal: Tensor, noise: Tensor) -> Tensor:
    """10 log₁₀ (‖signal‖² / ‖noise‖²) of waves (N, L); −∞ where there is no signal."""
    peaks = _peaks(signal, noise)  # seen from here, squares neither overflow nor vanish
    signal, noise = ((waves / peaks).square().sum(1) for waves in (signal, noise))
    return torch.where(signal == 0, -torch.inf, 10 * (signal.log10() - noise.log10()))


def _peaks(*waves: Tensor) -> Tensor:
    """The largest absolute values of waves (N, L), together: (N, 1), and 1 for silence."""
    peaks = torch.stack([wave.abs().amax(1, keepdim=True) for wave in waves]).amax(0)
    return torch.where(peaks == 0, 1.0, peaks)


def _waves(estimate: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    check_tensors(estimate=estimate, target=target)
    valid = estimate.dim() == 2 and estimate.shape == target.shape and estimate.numel() > 0
    if not valid or not estimate.is_floating_point() or not target.is_floating_point():
        shapes = f"{tuple(estimate.shape)} and {tuple(target.shape)}"
        raise InputError(
            f"estimate and target must be float waves of one shape (count, length), not {shapes}"
        )
    check_finite("waves", estimate, target)
    if bool((target == 0).all(1).any()):
        raise InputError("a target is silent: there is no signal to compare with")
    return estimate.detach().cpu().double(), target.detach().cpu().double()


# --- generated clips ----------------------------------------------------------------------------------------


def inception_score(probabilities: Tensor) -> float:
    """Return the inception score exp E KL(p(y|x) ‖ p(y)) of class probabilities.

    Salimans et al. 2016, arXiv:1606.03498, section 4. It is 1 where all clips get the same probabilities, and
    K where each is classified with certainty and all classes are equally frequent. One clip per class would
    reach K too, so read recall beside it.

    Args:
        probabilities: class probabilities (N, K), N ≥ 1.

    Returns:
        A number from 1 to K.

    Raises:
        InputError: for a tensor of another type or shape, and for rows that are not probabilities.

    >>> round(inception_score(torch.eye(10)), 6), inception_score(torch.full((5, 4), 0.25))
    (10.0, 1.0)
    """
    shares = _checked_probabilities(probabilities)
    mean = shares.mean(0, keepdim=True)
    return float((torch.xlogy(shares, shares) - torch.xlogy(shares, mean)).sum(1).mean().exp())


@checked(seed=integer(0))
def audio_scores(
    generated: ClassifierOutput,
    real: ClassifierOutput,
    other_real: ClassifierOutput,
    labels: Tensor | None = None,
    real_labels: Tensor | None = None,
    seed: int = 0,
) -> Scores:
    """Return the Fréchet distance, precision, recall and inception score of clips, by a classifier's output.

    Each real-data value is the median over 20 random splits of all real clips, ``real`` and ``other_real``,
    into subsets of N and M, with equal shares of every predicted class in both.

    Args:
        generated: features (N, D) and class probabilities (N, K) of generated clips, such as
            ``classify_spoken_digits`` returns; N ≥ 10.
        real: those of the real clips to compare with, M ≥ 10.
        other_real: those of further real clips, at least N.
        labels: the labels (N,) that the clips were generated for, if any.
        real_labels: the labels of ``real`` (M,), for the real-data value of the accuracy.
        seed: the seed of the splits and subsets.

    Returns:
        ``audio_frechet``; ``precision`` and ``recall``, of equal numbers, with k = 3; ``inception_score``;
        and with labels ``reader_on_generated``, the share classified as the label they were generated for.

    Raises:
        InputError: for other types or shapes, too few clips, or one of the two labels without the other.

    >>> rng = torch.Generator().manual_seed(0)
    >>> clips = [(torch.randn(20, 4, generator=rng), torch.eye(5).repeat(4, 1)) for _ in range(3)]
    >>> sorted(audio_scores(*clips))
    ['audio_frechet', 'inception_score', 'precision', 'recall']
    """
    generated, real, other_real = (_checked_output(output) for output in (generated, real, other_real))
    counts = len(generated[0]), len(real[0])
    all_real = [torch.cat(tensors) for tensors in zip(real, other_real, strict=True)]
    if min(counts) < 10 or sum(counts) > len(all_real[0]):
        max_count = len(all_real[0]) - counts[1]
        raise InputError(f"score from 10 clips up to {max_count:,} with these real ones, not {counts[0]:,}")
    rng = torch.Generator().manual_seed(seed)
    values, splits = _measure(generated, real, rng), []
    classes = all_real[1].argmax(1)
    for _ in range(SPLITS):
        first, second = even_split(classes, *counts, rng)
        splits.append(
            _measure(
                (all_real[0][first], all_real[1][first]), (all_real[0][second], all_real[1][second]), rng
            )
        )
    reference, equal_count = f"{counts[1]:,} real clips", min(counts)
    units = {
        "audio_frechet": ("Fréchet distance on the reader's features", "lower", counts[0]),
        "precision": ("share", "higher", equal_count),
        "recall": ("share", "higher", equal_count),
        "inception_score": ("classes", "higher", counts[0]),
    }
    scores = Scores(
        {
            name: Score(values[name], median(split[name] for split in splits), unit, better, count, reference)
            for name, (unit, better, count) in units.items()
        }
    )
    if (labels is None) != (real_labels is None):
        raise InputError("labels and real_labels must be given together, or neither")
    if labels is not None and real_labels is not None:
        accuracy, real_accuracy = _accuracy(generated[1], labels), _accuracy(real[1], real_labels)
        scores["reader_on_generated"] = Score(
            accuracy, real_accuracy, "share read as meant", "higher", counts[0], "the reader"
        )
    return scores


def even_split(
    classes: Tensor, first_size: int, second_size: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw two disjoint random subsets with the same share of every class, to within one sample.

    Uneven shares would raise the real-data value of a distance, and make generated samples look better beside
    it.

    Args:
        classes: the class of each sample (N,).
        first_size: samples in the first subset.
        second_size: samples in the second subset; both together at most N.
        rng: the random generator of the draw.

    Returns:
        Indices (``first_size``,) and (``second_size``,).

    >>> first, second = even_split(torch.arange(12) % 2, 2, 4, torch.Generator().manual_seed(0))
    >>> (first % 2).sum(), (second % 2).sum()
    (tensor(1), tensor(2))
    """
    order = torch.randperm(len(classes), generator=rng)
    order = order[classes[order].argsort(stable=True)]  # by class, at random within each
    total = first_size + second_size
    chosen = order[torch.arange(total) * len(order) // total]
    quota = torch.arange(total + 1) * first_size // total
    is_first = quota[1:] > quota[:-1]
    return chosen[is_first], chosen[~is_first]


def _measure(generated: ClassifierOutput, real: ClassifierOutput, rng: torch.Generator) -> dict[str, float]:
    count = min(len(generated[0]), len(real[0]))
    real_subset, generated_subset = (
        features[torch.randperm(len(features), generator=rng)[:count]] for features in (real[0], generated[0])
    )
    precision, recall = precision_recall(real_subset, generated_subset)
    return {
        "audio_frechet": frechet_distance(generated[0], real[0]),
        "precision": precision,
        "recall": recall,
        "inception_score": inception_score(generated[1]),
    }


def _accuracy(probabilities: Tensor, labels: Tensor) -> float:
    check_tensors(labels=labels)
    if labels.shape != (len(probabilities),):
        raise InputError(f"labels must have shape ({len(probabilities)},), not {tuple(labels.shape)}")
    return float((probabilities.argmax(1) == labels.cpu()).double().mean())


def _checked_output(output: ClassifierOutput) -> ClassifierOutput:
    if not isinstance(output, tuple | list) or len(output) != 2:
        raise InputError(f"a reading must be a pair (features, probabilities), not {type_name(output)}")
    features, probabilities = output
    check_tensors(features=features, probabilities=probabilities)
    if features.dim() != 2 or len(features) != len(probabilities):
        shapes = f"{tuple(features.shape)} and {tuple(probabilities.shape)}"
        raise InputError(f"features and probabilities must have shapes (N, D) and (N, K), not {shapes}")
    return features.detach().cpu().double(), _checked_probabilities(probabilities)


def _checked_probabilities(probabilities: Tensor) -> Tensor:
    check_tensors(probabilities=probabilities)
    if probabilities.dim() != 2 or not probabilities.numel() or not probabilities.is_floating_point():
        shape = tuple(probabilities.shape)
        raise InputError(f"probabilities must be floats of shape (count, classes), not {shape}")
    shares = probabilities.detach().cpu().double()
    if not bool(shares.isfinite().all()) or float(shares.min()) < 0 or _sum_error(shares) > 1e-3:
        raise InputError("probabilities must be at least 0 and add up to 1 for every sample")
    return shares


def _sum_error(shares: Tensor) -> float:
    return float((shares.sum(1) - 1).abs().max())
