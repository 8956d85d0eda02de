"""Scores of sound: restored recordings against clean ones, and generated clips by what a reader makes of
them."""

from __future__ import annotations

from statistics import median

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_tensors, integer, number, validate
from gantutor._errors import InputError, type_name
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.score import Score, Scores

WINDOW, HOP = 256, 64

SPLITS = 20

Reading = tuple[Tensor, Tensor]
"""What a reader makes of clips: features (N, D) and class probabilities (N, K)."""


# --- restored against clean ---------------------------------------------------------------------------------


def log_spectral_distance(estimate: Tensor, target: Tensor, floor: float = -60.0) -> Tensor:
    """The distance of the log spectra of waves (N, L) from those of ``target`` (N, L), in decibels: (N,).

    The root mean square over frequencies of the difference of 20 log₁₀ |X|, averaged over windows of 256
    samples, one every 64 (Gray & Markel 1976, IEEE Trans. ASSP 24(5), with p = 2). Magnitudes more than
    ``floor`` decibels below the loudest of the target count as that, or silence would decide. Raises
    InputError for other shapes, values that are not finite, or a silent target.

    >>> target = torch.randn(1, 1024, generator=torch.Generator().manual_seed(0))
    >>> round(float(log_spectral_distance(target / 10, target)), 2)
    20.0
    """
    estimate, target = _waves(estimate, target)
    validate({"floor": floor}, real=number(-300, 0))
    if estimate.shape[1] < WINDOW:
        raise InputError(f"waves must have at least {WINDOW} samples, not {estimate.shape[1]}")
    window = torch.hann_window(WINDOW, dtype=target.dtype)
    spectra = [
        torch.stft(waves, WINDOW, HOP, window=window, center=False, return_complex=True).abs()
        for waves in (estimate, target)
    ]
    least = spectra[1].amax((1, 2), keepdim=True) * 10 ** (floor / 20)
    levels = [20 * torch.maximum(spectrum, least).log10() for spectrum in spectra]
    return (levels[0] - levels[1]).square().mean(1).sqrt().mean(1)


def signal_to_noise(estimate: Tensor, target: Tensor) -> Tensor:
    """10 log₁₀ (‖s‖² / ‖ŝ − s‖²) of waves ŝ (N, L) and targets s (N, L), in decibels: shape (N,).

    Infinite where they agree. Raises InputError for other shapes, values that are not finite, or a silent
    target.

    >>> round(float(signal_to_noise(torch.tensor([[1.1, -1.1]]), torch.tensor([[1.0, -1.0]]))), 3)
    20.0
    """
    estimate, target = _waves(estimate, target)
    return _decibels(target, estimate - target)


def scale_invariant_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """10 log₁₀ (‖α s‖² / ‖α s − ŝ‖²) with α = ⟨ŝ, s⟩ / ‖s‖², in decibels: Le Roux et al. 2019,
    arXiv:1811.02508, equation 4; shape (N,).

    What is louder or softer is as good; the mean is not taken off. Raises InputError for other shapes, values
    that are not finite, or a silent target.

    >>> round(float(scale_invariant_sdr(torch.tensor([[8.0, 0.8]]), torch.tensor([[1.0, 0.0]]))), 3)
    20.0
    """
    estimate, target = _waves(estimate, target)
    scale = (estimate * target).sum(1, keepdim=True) / target.square().sum(1, keepdim=True)
    return _decibels(scale * target, scale * target - estimate)


def _decibels(wanted: Tensor, rest: Tensor) -> Tensor:
    return 10 * (wanted.square().sum(1) / rest.square().sum(1)).log10()


def _waves(estimate: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    check_tensors(estimate=estimate, target=target)
    right = estimate.dim() == 2 and estimate.shape == target.shape and estimate.numel() > 0
    if not right or not estimate.is_floating_point() or not target.is_floating_point():
        given = f"{tuple(estimate.shape)} and {tuple(target.shape)}"
        raise InputError(f"estimate and target must be float waves of one shape (count, length), not {given}")
    check_finite("waves", estimate, target)
    if bool((target == 0).all(1).any()):
        raise InputError("a target is silent: there is no signal to compare with")
    return estimate.detach().cpu().double(), target.detach().cpu().double()


# --- generated clips ----------------------------------------------------------------------------------------


def inception_score(probabilities: Tensor) -> float:
    """exp E KL(p(y|x) ‖ p(y)) of class probabilities (N, K), from 1 to K: Salimans et al. 2016,
    arXiv:1606.03498, section 4.

    1 where all clips are read alike, K where each is read with certainty and all classes are equally
    frequent. One clip per class would reach K too: read recall beside it. Raises InputError for other shapes
    and for rows that are no probabilities.

    >>> round(inception_score(torch.eye(10)), 6), inception_score(torch.full((5, 4), 0.25))
    (10.0, 1.0)
    """
    shares = _probabilities(probabilities)
    mean = shares.mean(0, keepdim=True)
    return float((torch.xlogy(shares, shares) - torch.xlogy(shares, mean)).sum(1).mean().exp())


def audio_scores(
    generated: Reading,
    real: Reading,
    others: Reading,
    labels: Tensor | None = None,
    real_labels: Tensor | None = None,
    seed: int = 0,
) -> Scores:
    """``audio_frechet``, ``precision``, ``recall``, ``inception_score`` and, with labels,
    ``reader_on_generated``, of clips as a reader sees them.

    Each argument is a pair: features (N, D) and class probabilities (N, K). Generated clips are scored
    against ``real`` ones; ``others``, further real ones, stand in for generated clips in the floors: medians
    over 20 random splits of all real clips into parts of the two sizes, with even shares of what the reader
    hears in both. Precision and recall take equal
    numbers, k = 3. ``labels`` (N,) are what the clips were generated for, ``real_labels`` those of the real
    ones, which give the floor. Raises InputError for other shapes, or where there are fewer real clips in all
    than the two sizes need.

    >>> draw = torch.Generator().manual_seed(0)
    >>> clips = [(torch.randn(20, 4, generator=draw), torch.eye(5).repeat(4, 1)) for _ in range(3)]
    >>> sorted(audio_scores(*clips))
    ['audio_frechet', 'inception_score', 'precision', 'recall']
    """
    validate({"seed": seed}, seed=integer(0))
    made, truth, more = (_reading(pair) for pair in (generated, real, others))
    counts, pool = (
        (len(made[0]), len(truth[0])),
        [torch.cat(parts) for parts in zip(truth, more, strict=True)],
    )
    if min(counts) < 10 or sum(counts) > len(pool[0]):
        most = len(pool[0]) - counts[1]
        raise InputError(f"score from 10 clips up to {most:,} with these real ones, not {counts[0]:,}")
    draw = torch.Generator().manual_seed(seed)
    values, splits = _measure(made, truth, draw), []
    classes = pool[1].argmax(1)
    for _ in range(SPLITS):
        one, other = even_split(classes, *counts, draw)
        splits.append(_measure((pool[0][one], pool[1][one]), (pool[0][other], pool[1][other]), draw))
    against, few = f"{counts[1]:,} real clips", min(counts)
    units = {
        "audio_frechet": ("Fréchet distance on the reader's features", "lower", counts[0]),
        "precision": ("share", "higher", few),
        "recall": ("share", "higher", few),
        "inception_score": ("classes", "higher", counts[0]),
    }
    scores = Scores(
        {
            name: Score(values[name], median(split[name] for split in splits), unit, better, count, against)
            for name, (unit, better, count) in units.items()
        }
    )
    if (labels is None) != (real_labels is None):
        raise InputError("labels and real_labels must be given together, or neither")
    if labels is not None and real_labels is not None:
        read, floor = _accuracy(made[1], labels), _accuracy(truth[1], real_labels)
        scores["reader_on_generated"] = Score(
            read, floor, "share read as meant", "higher", counts[0], "the reader"
        )
    return scores


def even_split(classes: Tensor, first: int, second: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two disjoint random sets of places in classes (N,), ``first`` and ``second`` many, with the same share
    of every class, to within one.

    Uneven shares would raise the floor and flatter what is measured against it.

    >>> one, other = even_split(torch.arange(12) % 2, 2, 4, torch.Generator().manual_seed(0))
    >>> (one % 2).sum(), (other % 2).sum()
    (tensor(1), tensor(2))
    """
    order = torch.randperm(len(classes), generator=draw)
    order = order[classes[order].argsort(stable=True)]  # by class, at random within each
    total = first + second
    chosen = order[torch.arange(total) * len(order) // total]
    step = torch.arange(total + 1) * first // total
    is_first = step[1:] > step[:-1]
    return chosen[is_first], chosen[~is_first]


def _measure(made: Reading, truth: Reading, draw: torch.Generator) -> dict[str, float]:
    few = min(len(made[0]), len(truth[0]))
    some = [cloud[torch.randperm(len(cloud), generator=draw)[:few]] for cloud in (truth[0], made[0])]
    precision, recall = precision_recall(some[0], some[1])
    return {
        "audio_frechet": frechet_distance(made[0], truth[0]),
        "precision": precision,
        "recall": recall,
        "inception_score": inception_score(made[1]),
    }


def _accuracy(probabilities: Tensor, labels: Tensor) -> float:
    check_tensors(labels=labels)
    if labels.shape != (len(probabilities),):
        raise InputError(f"labels must have shape ({len(probabilities)},), not {tuple(labels.shape)}")
    return float((probabilities.argmax(1) == labels.cpu()).double().mean())


def _reading(pair: Reading) -> Reading:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError(f"a reading must be a pair (features, probabilities), not {type_name(pair)}")
    features, probabilities = pair
    check_tensors(features=features, probabilities=probabilities)
    if features.dim() != 2 or len(features) != len(probabilities):
        given = f"{tuple(features.shape)} and {tuple(probabilities.shape)}"
        raise InputError(f"features and probabilities must have shapes (N, D) and (N, K), not {given}")
    return features.detach().cpu().double(), _probabilities(probabilities)


def _probabilities(given: Tensor) -> Tensor:
    check_tensors(probabilities=given)
    if given.dim() != 2 or not given.numel() or not given.is_floating_point():
        raise InputError(f"probabilities must be floats of shape (count, classes), not {tuple(given.shape)}")
    shares = given.detach().cpu().double()
    if not bool(shares.isfinite().all()) or float(shares.min()) < 0 or _farthest_from_one(shares) > 1e-3:
        raise InputError("probabilities must be at least 0 and have the sum 1 for every sample")
    return shares


def _farthest_from_one(shares: Tensor) -> float:
    return float((shares.sum(1) - 1).abs().max())
