"""The frozen readers of lines, and how well lines are read."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import check_floats, describe_value
from gantutor._errors import InputError, type_name
from gantutor._files import read_tensors
from gantutor.data.handwriting_fonts import WRITERS
from gantutor.data.words import check_texts, decode_text
from gantutor.networks.text_readers import ConvTextReader, RecurrentTextReader

WEIGHTS = {
    name: Path(__file__).with_name(f"text_reader_{name}.safetensors") for name in ("loss", "independent")
}
"""The shipped weights, written by ``scripts/weights/train_text_readers.py``."""

CHUNK_SIZE = 100
"""Lines read at once."""


@cache
def text_reader(device: str | torch.device = "cpu") -> ConvTextReader:
    """Return the shipped convolutional reader, frozen: the one that losses may use.

    It was trained on lines of type, of twenty handwriting fonts and of MNIST digits; the fonts of
    ``data.NEW_WRITERS`` it has not seen.

    Args:
        device: where it reads.

    >>> text_reader()(torch.zeros(1, 1, 32, 128)).shape
    torch.Size([1, 64, 70])
    """
    reader = ConvTextReader()
    reader.load_state_dict(read_tensors(WEIGHTS["loss"]))
    return reader.eval().requires_grad_(False).to(device)


@cache
def independent_text_reader() -> RecurrentTextReader:
    """Return the shipped recurrent reader, frozen: the one that scores use, and no loss.

    Its architecture, its seed and its training lines differ from those of ``text_reader``.

    >>> independent_text_reader()(torch.zeros(1, 1, 32, 128))[1].shape
    torch.Size([1, 25])
    """
    reader = RecurrentTextReader(len(WRITERS))
    reader.load_state_dict(read_tensors(WEIGHTS["independent"]))
    return reader.eval().requires_grad_(False)


def ctc_loss(logits: Tensor, codes: Tensor) -> Tensor:
    """Return the CTC loss: minus the log-probability of the texts, per character.

    The probability of a text is the sum over all ways to stretch it to the frames with blanks (Graves et al.
    2006, equation 3).

    Args:
        logits: of the frames, (N, T, 70).
        codes: the texts (N, L), as ``data.encode_text`` gives them.

    >>> round(float(ctc_loss(torch.zeros(1, 8, 70), torch.tensor([[1, 2, 0]]))), 2)
    14.32
    """
    log_shares = logits.float().log_softmax(2).transpose(0, 1)  # (T, N, 70)
    lengths = (codes > 0).sum(1)
    frames = torch.full_like(lengths, len(log_shares))
    return F.ctc_loss(log_shares, codes, frames, lengths, blank=0, zero_infinity=True)


@torch.no_grad()
def read_text(lines: Tensor, reader: nn.Module | None = None) -> list[str]:
    """Read lines: the best class of each frame, repeats merged, blanks dropped.

    Args:
        lines: floats (N, 1, 32, W) in [−1, 1], W a multiple of 8.
        reader: a reader; None means the independent one.

    Returns:
        N texts.

    Raises:
        InputError: for lines of another type, shape or range.

    >>> read_text(torch.full((1, 1, 32, 128), -1.0))
    ['']
    """
    check_lines(lines)
    if reader is not None and not isinstance(reader, nn.Module):
        raise InputError(f"reader must be a network (torch.nn.Module), not {type_name(reader)}")
    reader = reader or independent_text_reader()
    texts = []
    for chunk in torch.split(lines.detach().cpu().float(), CHUNK_SIZE):
        outputs = reader(chunk)
        best = (outputs[0] if isinstance(outputs, tuple) else outputs).argmax(2)
        for row in best.tolist():
            codes = [code for code, _ in groupby(row) if code]
            texts.append(decode_text(torch.tensor([codes]))[0] if codes else "")
    return texts


def character_error_rate(read: list[str], texts: list[str]) -> float:
    """Return the character error rate: edits from what was read to the texts, per character of the texts.

    Args:
        read: N texts that were read.
        texts: N texts, not all of them empty.

    Raises:
        InputError: if the numbers of texts differ, or all texts are empty.

    >>> character_error_rate(["hand", "inks"], ["hand", "ink"])
    0.14285714285714285
    """
    check_texts(read=read, texts=texts)
    if len(read) != len(texts) or not any(texts):
        raise InputError(
            f"there must be as many texts as were read, and one not empty: {len(read)}, {len(texts)}"
        )
    edits = sum(edit_distance(one, other) for one, other in zip(read, texts, strict=True))
    return edits / sum(map(len, texts))


def edit_distance(one: str, other: str) -> int:
    """Return the least number of characters to insert, delete or replace (Levenshtein 1966).

    >>> edit_distance("sitting", "kitten")
    3
    """
    check_texts(texts=[one, other])
    row = list(range(len(other) + 1))
    for index, character in enumerate(one, 1):
        before, row[0] = row[0], index
        for place, target in enumerate(other, 1):
            before, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, before + (character != target)),
            )
    return row[-1]


def check_lines(lines: Tensor) -> None:
    """Check that a tensor holds lines, floats (N, 1, 32, W) in [−1, 1] with W a multiple of 8.

    Raises:
        InputError: if it does not.

    >>> check_lines(torch.zeros(1, 1, 32, 128))
    """
    check_floats(lines=lines)
    if lines.dim() != 4 or lines.shape[1:3] != (1, 32) or lines.shape[3] % 8 or not lines.numel():
        raise InputError(f"lines must have shape (count, 1, 32, multiple of 8), not {describe_value(lines)}")
    if float(lines.abs().max()) > 1 + 1e-4:
        raise InputError("lines must lie in [-1, 1]")
