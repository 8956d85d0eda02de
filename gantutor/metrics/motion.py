"""Scores of generated motion: whether the digit keeps its class, moves as real ones do, and varies enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_integers, check_tensors, checked, integer
from gantutor._errors import InputError, type_name
from gantutor.data.moving_digits import Motion
from gantutor.metrics.digit_classifier import classify_digits
from gantutor.metrics.distances import result_dtype, to_double
from gantutor.metrics.motion_estimation import check_clips, measure_motion, undo_motion
from gantutor.metrics.score import Score, Scores

SPLITS = 20
"""Random splits of the real clips over which distances are medians."""

MOTION_MEASURES: dict[str, tuple[str, Callable[[Motion], Tensor]]] = {
    "displacement": ("pixels", lambda motion: motion.shift.norm(dim=2)[:, 1:]),
    "rotation": ("degrees", lambda motion: motion.turn[:, 1:]),
    "scale": ("of the first size", lambda motion: motion.growth[:, 1:]),
    "step": ("pixels", lambda motion: motion.shift.diff(dim=1).norm(dim=2)),
}
"""Units and measures (N, T − 1) of a motion: displacement, rotation and scale since the first frame, and the
distance from each frame to the next, which is too large where a digit trembles."""


@checked(seed=integer(0))
def motion_scores(
    generated: Tensor,
    first_frames: Tensor,
    labels: Tensor,
    real: Tensor,
    real_labels: Tensor,
    diversity_clips: tuple[Tensor, Tensor] | None = None,
    seed: int = 0,
) -> Scores:
    """Score how well generated clips keep the class of their digit and move as real clips do.

    ``measure_motion`` measures the motion of real and generated clips alike. A distance is the Wasserstein-1
    distance between generated and real numbers at each frame, averaged over the frames. The real clips are
    split at random into N and M − N, 20 times: the score is the median distance of the generated clips to the
    M − N clips, and its real-data value that of the N clips, so that both have the same sizes. The real-data
    value is a median: of fresh real clips, a few in a hundred have twice as much.

    Args:
        generated: clips (N, T, 1, H, H) in [−1, 1], N ≥ 10.
        first_frames: the frames (N, 1, H, H) that they continue.
        labels: the digits in them (N,).
        real: held-out clips (M, T, 1, H, H), M ≥ N + 10.
        real_labels: the digits in these (M,).
        diversity_clips: the two arguments of ``motion_diversity``, to add its score.
        seed: the seed of the splits.

    Returns:
        ``last_frame_class``, the share of clips whose last frame, with the measured rotation and scale
        undone, is classified as the label; ``displacement_distance``, ``rotation_distance``,
        ``scale_distance`` and ``step_distance``; two baselines, ``displacement_distance_repeat_frame`` of a
        clip that stands still and ``displacement_distance_constant_motion`` of the best single motion, given
        to every clip; and with ``diversity_clips``, ``motion_diversity``.

    Raises:
        InputError: for other types, shapes, ranges or sizes, and for real clips that all move alike.

    >>> from gantutor.data import digits, sample_futures
    >>> images, labels = digits().held_out.tensors[0][::10], digits().held_out.tensors[1][::10]
    >>> clips, more = (sample_futures(images, 1, seed=seed)[:, 0] for seed in (0, 1))
    >>> scores = motion_scores(clips[::2], clips[::2, 0], labels[::2], more, labels)
    >>> scores["last_frame_class"].value > 0.9, scores["rotation_distance"].multiple < 3
    (True, True)
    """
    if diversity_clips is not None and not (
        isinstance(diversity_clips, tuple | list) and len(diversity_clips) == 2
    ):
        what = type_name(diversity_clips)
        raise InputError(f"diversity_clips must be a pair of clips (generated, real), not {what}")
    generated, real = check_clips(generated, "generated clips"), check_clips(real, "real clips")
    _check_sizes(generated, real, labels, real_labels)
    motion, real_motion = measure_motion(generated, first_frames), measure_motion(real)
    count, rest = len(generated), len(real) - len(generated)
    reference = f"{rest:,} held-out clips"
    scores = Scores(
        last_frame_class=Score(
            _last_frame_accuracy(generated, motion, labels),
            _last_frame_accuracy(real, real_motion, real_labels),
            "share",
            "higher",
            count,
            "the digit classifier",
        )
    )
    for name, (unit, measure) in MOTION_MEASURES.items():
        generated_values, real_values = measure(motion), measure(real_motion)
        if float(real_values.std(0).max()) < 1e-4:
            raise InputError(f"the real clips all have the same {name}: their motion cannot be compared")
        compared = {
            "": generated_values,
            "_repeat_frame": torch.full_like(generated_values, 1.0 if name == "scale" else 0.0),
            "_constant_motion": medoid(real_values).expand(count, -1),
        }
        splits = list(_splits(real_values, count, seed))
        real_distance = median(distance_over_frames(first, second) for first, second in splits)
        for suffix, values in compared.items():
            if not suffix or name == "displacement":
                distance = median(distance_over_frames(values, second) for _, second in splits)
                scores[f"{name}_distance{suffix}"] = Score(
                    distance, real_distance, unit, "lower", count, reference
                )
    if diversity_clips is not None:
        scores["motion_diversity"] = motion_diversity(*diversity_clips)
    return scores


def median_scores(draws: Sequence[Scores]) -> Scores:
    """Return the medians of values and of real-data values over several draws of clips.

    A set of real clips that is untypical by chance affects everything that is compared with it: of fresh real
    clips, a few distances in a hundred are twice the real-data value. The median of a few draws is steadier.

    Args:
        draws: scores with the same names, at least one; unit, direction, samples and reference are those of
            the first.

    >>> one, two, three = (Scores(a=Score(x, 1.0, "pixels", "lower", 10, "10")) for x in (1.0, 5.0, 2.0))
    >>> median_scores([one, two, three])["a"].value
    2.0
    """
    return Scores(
        {
            name: replace(
                score,
                value=median(scores[name].value for scores in draws),
                real=median(scores[name].real for scores in draws),
            )
            for name, score in draws[0].items()
        }
    )


def motion_diversity(generated: Tensor, real: Tensor) -> Score:
    """Return how much clips of one first frame vary, as a share of how much real ones do.

    The spread of each of four numbers of the last frame (shift to the right and down, rotation, scale) is its
    standard deviation over the M clips, as the root mean square over the K first frames. The score is the
    mean over the four of generated spread divided by real spread. No ratio counts above 1, so that too much
    of one does not make up for too little of another. The real-data value compares one half of the M real
    clips with the other.

    Args:
        generated: clips (K, M, T, 1, H, H) in [−1, 1], from M ≥ 4 latents for each of K first frames.
        real: real clips of the same first frames, by ``gantutor.data.sample_futures``, in the same form.

    Returns:
        A score from 0 to 1.

    Raises:
        InputError: for clips of another type, shape or range, or not finite.

    >>> from gantutor.data import digits, sample_futures
    >>> real = sample_futures(digits().held_out.tensors[0][::100], count=8)
    >>> motion_diversity(real[:, :1].expand(-1, 8, -1, -1, -1, -1), real).value
    0.0
    """
    generated_endings, real_endings = _endings(generated, "generated clips"), _endings(real, "real clips")
    half = real_endings.shape[1] // 2
    return Score(
        _spread_share(generated_endings, real_endings),
        _spread_share(real_endings[:, :half], real_endings[:, half:]),
        "share of the real spread",
        "higher",
        len(generated_endings) * generated_endings.shape[1],
        f"{len(real_endings):,} first frames with {real_endings.shape[1]} real clips each",
    )


def wasserstein_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return the Wasserstein-1 distance ∫ |F(x) − G(x)| dx of samples of numbers.

    F and G are the empirical distribution functions, the shares of the samples up to x. The formula holds in
    one dimension (Vallender 1974).

    Args:
        first: numbers (…, N), N ≥ 1.
        second: numbers (…, M), M ≥ 1, with the same leading dimensions.

    Returns:
        Distances (…), one for each pair of samples, float64 for numbers of float64 and float32 for others.

    Raises:
        InputError: for tensors of other shapes or values that are not finite.

    >>> wasserstein_distance(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 5.0, 4.0]))
    tensor(3.5000)
    """
    check_tensors(first=first, second=second)
    compatible = first.dim() and first.dim() == second.dim() and first.shape[:-1] == second.shape[:-1]
    if not compatible or not first.shape[-1] or not second.shape[-1]:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise InputError(f"samples must be numbers (…, N) and (…, M), not {shapes}")
    check_finite("samples", first, second)
    dtype, device = result_dtype(first, second), first.device
    first, second = to_double(first), to_double(second)
    values = torch.cat([first, second], -1).sort(-1).values
    steps = values[..., :-1].contiguous()
    shares = [
        torch.searchsorted(sample.sort(-1).values.contiguous(), steps, right=True).double() / sample.shape[-1]
        for sample in (first, second)
    ]
    distances = ((shares[0] - shares[1]).abs() * values.diff(dim=-1)).sum(-1)
    return distances.to(device, dtype)


def distance_over_frames(first: Tensor, second: Tensor) -> float:
    """Return the mean over frames of the Wasserstein-1 distance between two sets of motions.

    Args:
        first: numbers (N, T), one for each clip and frame.
        second: numbers (M, T).

    >>> distance_over_frames(torch.zeros(3, 2), torch.tensor([[1.0, 2.0]]))
    1.5
    """
    return float(wasserstein_distance(first.T.contiguous(), second.T.contiguous()).mean())


def medoid(numbers: Tensor) -> Tensor:
    """Return the motion that is nearest to all others on average.

    If every clip had the same motion, this one would have the smallest Wasserstein-1 distance to the set.

    Args:
        numbers: numbers (N, T), one row for each motion.

    Returns:
        One of the rows, (1, T).

    >>> medoid(torch.tensor([[0.0], [1.0], [9.0]]))
    tensor([[1.]])
    """
    best = torch.cdist(numbers, numbers, p=1).mean(1).argmin()
    return numbers[best : best + 1]


def _last_frame_accuracy(clips: Tensor, motion: Motion, labels: Tensor) -> float:
    upright = undo_motion(clips[:, -1], motion.turn[:, -1], motion.growth[:, -1])
    return float((classify_digits(upright)[1].argmax(1) == labels.cpu()).double().mean())


def _splits(numbers: Tensor, count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    rng = torch.Generator().manual_seed(seed)
    for _ in range(SPLITS):
        order = torch.randperm(len(numbers), generator=rng)
        yield numbers[order[:count]], numbers[order[count:]]


def _endings(clips: Tensor, name: str) -> Tensor:
    """Shift, rotation and scale of the last frames of clips (K, M, T, 1, H, H): (K, M, 4)."""
    if not isinstance(clips, Tensor) or clips.dim() != 6 or clips.shape[1] < 4:
        shape = tuple(clips.shape) if isinstance(clips, Tensor) else type_name(clips)
        raise InputError(f"{name} must have shape (first frames, clips ≥ 4, T, 1, side, side), not {shape}")
    motion = measure_motion(check_clips(clips.flatten(0, 1), name))
    last = torch.cat([motion.shift[:, -1], motion.turn[:, -1:], motion.growth[:, -1:]], 1)
    return last.view(*clips.shape[:2], 4)


def _spread_share(generated: Tensor, real: Tensor) -> float:
    spreads = [endings.var(1).mean(0).sqrt() for endings in (generated, real)]
    return float((spreads[0] / spreads[1].clamp(min=1e-6)).clamp(max=1).mean())


def _check_sizes(generated: Tensor, real: Tensor, labels: Tensor, real_labels: Tensor) -> None:
    if generated.shape[1:] != real.shape[1:]:
        raise InputError(
            f"generated and real clips must have the same shape, not {tuple(generated.shape[1:])} and "
            f"{tuple(real.shape[1:])}"
        )
    if len(generated) < 10 or len(real) < len(generated) + 10:
        raise InputError(
            f"score at least 10 clips, and against at least 10 more than these: not {len(generated):,} "
            f"against {len(real):,}"
        )
    for name, classes, clips in (("labels", labels, generated), ("real_labels", real_labels, real)):
        if getattr(classes, "shape", None) != (len(clips),):
            shape = getattr(classes, "shape", type_name(classes))
            raise InputError(f"{name} must be a tensor of shape ({len(clips)},), not {shape}")
        check_integers(**{name: classes})
