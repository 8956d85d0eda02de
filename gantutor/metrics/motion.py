"""Scores of generated motion: is it the right digit still, does it move as real ones do, and each time
otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_integers, check_tensors, integer, validate
from gantutor._errors import InputError, type_name
from gantutor.data.moving_digits import Motion
from gantutor.metrics.digit_classifier import classify_digits
from gantutor.metrics.motion_estimation import check_clips, measure_motion, undo_motion
from gantutor.metrics.score import Score, Scores

SPLITS = 20

KINDS: dict[str, tuple[str, Callable[[Motion], Tensor]]] = {
    "displacement": ("pixels", lambda motion: motion.shift.norm(dim=2)[:, 1:]),
    "rotation": ("degrees", lambda motion: motion.turn[:, 1:]),
    "scale": ("of the first size", lambda motion: motion.growth[:, 1:]),
    "step": ("pixels", lambda motion: motion.shift.diff(dim=1).norm(dim=2)),
}
"""What is compared, as numbers (N, T − 1) of a motion: how far, turned and grown since the first frame; and
the way from each frame to the next, which a digit that trembles gets wrong."""


def motion_scores(
    generated: Tensor,
    first_frames: Tensor,
    labels: Tensor,
    real: Tensor,
    real_labels: Tensor,
    several: tuple[Tensor, Tensor] | None = None,
    seed: int = 0,
) -> Scores:
    """``last_frame_class``, ``displacement_distance``, ``rotation_distance``, ``scale_distance`` and
    ``step_distance`` of clips (N, T, 1, H, H) that were generated from ``first_frames`` of digits ``labels``.

    Motion is measured by ``measure_motion``, real and generated alike. A distance is that of Wasserstein-1
    between the generated and the real numbers at each frame, averaged over the frames. ``real``: M > N + 10
    held-out clips; 20 times they are split at random into N and M − N; the score is the median distance of
    the generated clips to the M − N, the floor that of the N, so that both have the same sizes. The floor is
    a median: of real clips drawn anew, a few in a hundred have twice as much. ``last_frame_class`` is the
    share whose last frame, turned and scaled back by its measured motion, is read as the label; its floor is
    that of the real clips. Two baselines stand beside the displacement: ``…_repeat_frame``, a clip that
    stands still, and ``…_constant_motion``, the best of all single motions, given to every clip. With
    ``several``, ``motion_diversity`` is added. Raises InputError for other shapes, values or numbers.

    >>> from gantutor.data import digits, sample_futures
    >>> images, labels = digits().held_out.tensors[0][::10], digits().held_out.tensors[1][::10]
    >>> clips, more = (sample_futures(images, 1, seed=seed)[:, 0] for seed in (0, 1))
    >>> scores = motion_scores(clips[::2], clips[::2, 0], labels[::2], more, labels)
    >>> scores["last_frame_class"].value > 0.9, scores["rotation_distance"].multiple < 3
    (True, True)
    """
    validate({"seed": seed}, seed=integer(0))
    if several is not None and not (isinstance(several, tuple | list) and len(several) == 2):
        raise InputError(f"several must be a pair of clips (generated, real), not {type_name(several)}")
    generated, real = check_clips(generated, "generated clips"), check_clips(real, "real clips")
    _check_sizes(generated, real, labels, real_labels)
    made, true = measure_motion(generated, first_frames), measure_motion(real)
    count, rest = len(generated), len(real) - len(generated)
    against = f"{rest:,} held-out clips"
    scores = Scores(
        last_frame_class=Score(
            _read_right(generated, made, labels),
            _read_right(real, true, real_labels),
            "share",
            "higher",
            count,
            "the digit classifier",
        )
    )
    for name, (unit, numbers) in KINDS.items():
        fake_numbers, real_numbers = numbers(made), numbers(true)
        if float(real_numbers.std(0).max()) < 1e-4:
            raise InputError(f"the real clips all have the same {name}: their motion cannot be compared")
        baselines = {
            "": fake_numbers,
            "_repeat_frame": torch.full_like(fake_numbers, 1.0 if name == "scale" else 0.0),
            "_constant_motion": medoid(real_numbers).expand(count, -1),
        }
        parts = list(_splits(real_numbers, count, seed))
        floor = median(distance_over_frames(some, others) for some, others in parts)
        for suffix, what in baselines.items():
            if not suffix or name == "displacement":
                value = median(distance_over_frames(what, others) for _, others in parts)
                scores[f"{name}_distance{suffix}"] = Score(value, floor, unit, "lower", count, against)
    if several is not None:
        scores["motion_diversity"] = motion_diversity(*several)
    return scores


def median_scores(draws: Sequence[Scores]) -> Scores:
    """Of scores of the same names, found from several draws of clips, the medians of values and of floors.

    A set of real clips that lies off by chance is off for all that is held against it: of real clips drawn
    anew, a few distances in a hundred are twice the floor. The median of a few draws is steadier.

    >>> one, two, three = (Scores(a=Score(x, 1.0, "pixels", "lower", 10, "10")) for x in (1.0, 5.0, 2.0))
    >>> median_scores([one, two, three])["a"].value
    2.0
    """
    return Scores(
        {
            name: replace(
                score,
                value=median(each[name].value for each in draws),
                real=median(each[name].real for each in draws),
            )
            for name, score in draws[0].items()
        }
    )


def motion_diversity(generated: Tensor, real: Tensor) -> Score:
    """How differently one first frame goes on, as a share of how differently it does in truth.

    Both are clips (K, M, T, 1, H, H), M for each of K first frames: generated from M latents, and real by
    ``gantutor.data.sample_futures``. The spread of each of four numbers of the last frame (shift to the right and
    down, turn, growth) is its standard deviation over the M clips, in the root mean square over the K first
    frames; the score is the mean over the four of generated over real, none counted above 1, so that too much
    of one does not make up for another. The floor is that of one half of the M real clips against the other.
    Raises InputError for other shapes.

    >>> from gantutor.data import digits, sample_futures
    >>> real = sample_futures(digits().held_out.tensors[0][::100], count=8)
    >>> motion_diversity(real[:, :1].expand(-1, 8, -1, -1, -1, -1), real).value
    0.0
    """
    made, true = _endings(generated, "generated clips"), _endings(real, "real clips")
    half = true.shape[1] // 2
    return Score(
        _share(made, true),
        _share(true[:, :half], true[:, half:]),
        "share of the real spread",
        "higher",
        len(made) * made.shape[1],
        f"{len(true):,} first frames with {true.shape[1]} real clips each",
    )


def wasserstein_distance(one: Tensor, other: Tensor) -> Tensor:
    """The Wasserstein-1 distance ∫ |F(x) − G(x)| dx of samples (…, N) and (…, M) of numbers: (…).

    F and G are the shares of the samples up to x; the formula holds on a line (Vallender 1974). Raises
    InputError for other shapes or values that are not finite.

    >>> wasserstein_distance(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 5.0, 4.0]))
    tensor(3.5000)
    """
    check_tensors(one=one, other=other)
    alike = one.dim() and one.dim() == other.dim() and one.shape[:-1] == other.shape[:-1]
    if not alike or not one.shape[-1] or not other.shape[-1]:
        raise InputError(
            f"samples must be numbers (…, N) and (…, M), not {tuple(one.shape)} and {tuple(other.shape)}"
        )
    check_finite("samples", one, other)
    values = torch.cat([one, other], -1).sort(-1).values
    between = values[..., :-1].contiguous()
    shares = [
        torch.searchsorted(part.sort(-1).values.contiguous(), between, right=True) / part.shape[-1]
        for part in (one, other)
    ]
    return ((shares[0] - shares[1]).abs() * values.diff(dim=-1)).sum(-1)


def distance_over_frames(one: Tensor, other: Tensor) -> float:
    """The mean over frames of the Wasserstein-1 distance of numbers (N, T) and (M, T).

    >>> distance_over_frames(torch.zeros(3, 2), torch.tensor([[1.0, 2.0]]))
    1.5
    """
    return float(wasserstein_distance(one.T.contiguous(), other.T.contiguous()).mean())


def medoid(numbers: Tensor) -> Tensor:
    """Of numbers (N, T), the row (1, T) that is nearest to all on average: given to every clip, no other
    single motion has a smaller Wasserstein-1 distance.

    >>> medoid(torch.tensor([[0.0], [1.0], [9.0]]))
    tensor([[1.]])
    """
    best = torch.cdist(numbers, numbers, p=1).mean(1).argmin()
    return numbers[best : best + 1]


def _read_right(clips: Tensor, motion: Motion, labels: Tensor) -> float:
    upright = undo_motion(clips[:, -1], motion.turn[:, -1], motion.growth[:, -1])
    return float((classify_digits(upright)[1].argmax(1) == labels.cpu()).double().mean())


def _splits(numbers: Tensor, count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(seed)
    for _ in range(SPLITS):
        order = torch.randperm(len(numbers), generator=draw)
        yield numbers[order[:count]], numbers[order[count:]]


def _endings(clips: Tensor, name: str) -> Tensor:
    """Shift, turn and growth of the last frames of clips (K, M, T, 1, H, H): (K, M, 4)."""
    if not isinstance(clips, Tensor) or clips.dim() != 6 or clips.shape[1] < 4:
        given = tuple(clips.shape) if isinstance(clips, Tensor) else type_name(clips)
        raise InputError(f"{name} must have shape (first frames, clips ≥ 4, T, 1, side, side), not {given}")
    motion = measure_motion(check_clips(clips.flatten(0, 1), name))
    last = torch.cat([motion.shift[:, -1], motion.turn[:, -1:], motion.growth[:, -1:]], 1)
    return last.view(*clips.shape[:2], 4)


def _share(made: Tensor, true: Tensor) -> float:
    spreads = [part.var(1).mean(0).sqrt() for part in (made, true)]
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
    for name, given, clips in (("labels", labels, generated), ("real_labels", real_labels, real)):
        if getattr(given, "shape", None) != (len(clips),):
            shape = getattr(given, "shape", type_name(given))
            raise InputError(f"{name} must be a tensor of shape ({len(clips)},), not {shape}")
        check_integers(**{name: given})
