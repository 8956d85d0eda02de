"""Scores of generated handwriting: legibility, sharpness, distance to real hands, variety, writer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gantutor._errors import InputError
from gantutor.data.handwriting_fonts import WRITERS, handwriting_fonts
from gantutor.data.typefaces import Typeface
from gantutor.data.words import decode_text
from gantutor.data.written_lines import LinesDataset, write_lines
from gantutor.metrics.frechet import frechet_distance
from gantutor.metrics.score import Score, Scores
from gantutor.metrics.text_reader import (
    CHUNK_SIZE,
    character_error_rate,
    check_lines,
    independent_text_reader,
    read_text,
)


@torch.no_grad()
def hand_features(lines: Tensor) -> tuple[Tensor, Tensor]:
    """Return the independent reader's features of the hand (N, 64), and its logits of writers (N, 25).

    Args:
        lines: floats (N, 1, 32, W) in [−1, 1].

    >>> hand_features(torch.zeros(2, 1, 32, 128))[0].shape
    torch.Size([2, 64])
    """
    check_lines(lines)
    reader = independent_text_reader()
    parts = [reader.features(chunk)[1] for chunk in torch.split(lines.detach().cpu().float(), CHUNK_SIZE)]
    features = torch.cat(parts)
    return features, reader.writer(features)


def sharpness(lines: Tensor) -> float:
    """Return the mean squared step between neighbouring pixels: blur lowers it.

    >>> sharpness(torch.zeros(1, 1, 32, 8))
    0.0
    """
    check_lines(lines)
    return float(lines.diff(dim=2).square().mean() + lines.diff(dim=3).square().mean())


def line_variety(groups: Tensor) -> float:
    """Return how much lines of one text in one hand differ: the mean |difference| of pixels of two of them.

    Args:
        groups: (times, N, 1, 32, W); along the first axis only the latent, or the ink, differs.

    Raises:
        InputError: if the shape is another, or there are fewer than two of each line.

    >>> line_variety(torch.zeros(2, 3, 1, 32, 8))
    0.0
    """
    if groups.dim() != 5 or len(groups) < 2:
        raise InputError(f"groups must have shape (times, count, 1, 32, width), not {tuple(groups.shape)}")
    first, second = torch.triu_indices(len(groups), len(groups), 1)
    return float((groups[first] - groups[second]).abs().mean())


def writing_scores(
    lines: Tensor, codes: Tensor, writer: Tensor, real: Tensor, groups: Tensor, real_groups: Tensor
) -> Scores:
    """Score generated handwriting, with the independent reader that no loss uses.

    Args:
        lines: generated lines (N, 1, 32, W) in [−1, 1].
        codes: their texts (N, 12).
        writer: their writers, as indices into ``data.WRITERS`` (N,).
        real: real lines of the same texts and writers.
        groups: generated lines (times, M, 1, 32, W), among which only the latent differs.
        real_groups: real lines of the same texts and writers, among which only the ink differs.

    Returns:
        ``error``, the character error rate; ``sharpness`` and ``variety``, relative to real lines;
        ``frechet``, the Fréchet distance of the features of the hand; ``writer``, the share in which the
        reader names the writer.

    Raises:
        InputError: for tensors of another shape.

    >>> lines, codes = torch.zeros(8, 1, 32, 128), torch.ones(8, 12, dtype=torch.long)
    >>> groups = torch.rand(2, 4, 1, 32, 128)
    >>> sorted(writing_scores(lines, codes, torch.zeros(8), lines, groups, groups))
    ['error', 'frechet', 'sharpness', 'variety', 'writer']
    """
    texts, count = decode_text(codes), len(lines)
    (made, said), (true, real_said) = hand_features(lines), hand_features(real)
    half = torch.arange(len(true)) % 2 == 0
    reference = f"{len(real):,} real lines"
    steps, varied = max(sharpness(real), 1e-12), max(line_variety(real_groups), 1e-12)

    def score(value: float, of_real: float, unit: str, better: str) -> Score:
        return Score(value, of_real, unit, better, count, reference)

    return Scores(
        error=score(
            character_error_rate(read_text(lines), texts),
            character_error_rate(read_text(real), texts),
            "character error rate",
            "lower",
        ),
        sharpness=score(sharpness(lines) / steps, 1.0, "share of that of real ink", "higher"),
        frechet=score(
            frechet_distance(made, true),
            frechet_distance(true[half], true[~half]),
            "Fréchet distance on features of the hand",
            "lower",
        ),
        variety=score(line_variety(groups) / varied, 1.0, "share of that of real ink", "higher"),
        writer=score(
            float((said.argmax(1) == writer).double().mean()),
            float((real_said.argmax(1) == writer).double().mean()),
            "share",
            "higher",
        ),
    )


def score_writing(run: Any, lines: LinesDataset, samples: int = 1000, seed: int = 5) -> Scores:
    """Score a trained writer on held-out lines: ``writing_scores`` of what it writes.

    Args:
        run: the training, whose ``generate(z, (type, writer))`` writes.
        lines: the pairs it was trained on; the held-out ones are scored.
        samples: held-out lines at most; variety is measured on at most 60 of them, each written four times.
        seed: seed of the latents.

    >>> from gantutor.data import handwritten_lines
    >>> class Copyist:
    ...     def generate(self, z, condition): return condition[0]
    >>> score_writing(Copyist(), handwritten_lines(["caveat"], 16))["variety"].value
    0.0
    """
    written, typed, writer, _, codes = (tensor[:samples] for tensor in lines.held_out.tensors)
    rng = torch.Generator().manual_seed(seed)
    few = min(60, len(typed))

    def write(count: int) -> Tensor:
        z = torch.randn(count, 16, generator=rng)
        image: Tensor = run.generate(z, (typed[:count], writer[:count])).clamp(-1, 1)
        return image

    fonts = [lines.writers[index] for index in writer[:few].tolist()]
    texts = decode_text(codes[:few])
    inked = [write_lines(texts, fonts, lines.typefaces[0], seed + time)[0] for time in range(4)]
    names = torch.tensor([_place(face) for face in lines.writers])[writer]
    made, again = write(len(typed)), torch.stack([write(few) for _ in range(4)])
    return writing_scores(made, codes, names, written, again, torch.stack(inked))


def _place(face: Typeface) -> int:
    """The index of a font in ``WRITERS``."""
    return next(index for index, name in enumerate(WRITERS) if handwriting_fonts([name])[0] is face)
