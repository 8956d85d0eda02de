"""Scores of generated names: do their letters follow each other as in real names, and are the names new?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch

from gantutor._checks import checked, integer
from gantutor._errors import InputError
from gantutor.metrics.score import Score, Scores


def name_scores(generated: Sequence[str], train: Sequence[str], held_out: Sequence[str]) -> Scores:
    """Score how plausible, how new and how varied generated names are.

    Upper and lower case do not matter. The real-data values are those of the held-out names.

    Args:
        generated: generated names, at least one.
        train: the names that the generator learned from, at least one.
        held_out: real names that it did not see, at least one.

    Returns:
        ``name_triples``, the share of letter triples that occur in ``train``; ``names_new``, the share of
        names that are not in ``train``, where an empty name is not new; ``names_distinct``, the number of
        distinct names divided by the number of all.

    Raises:
        InputError: if a list is empty or holds anything but strings.

    >>> print(name_scores(["anna", "hanna"], ["Anna"], ["Johanna"])["names_new"].value)
    0.5
    """
    samples, known, real = (_casefolded(names) for names in (generated, train, held_out))
    unit, reference = "share", f"{len(known):,} training names"
    measured = {
        "name_triples": (
            ngram_overlap(samples, known),
            ngram_overlap(real, known),
            "share of letter triples",
        ),
        "names_new": (share_new(samples, known), share_new(real, known), unit),
        "names_distinct": (share_distinct(samples), share_distinct(real), unit),
    }
    return Scores(
        {
            name: Score(value, real_value, unit, "higher", len(samples), reference)
            for name, (value, real_value, unit) in measured.items()
        }
    )


def ngrams(name: str, n: int = 3) -> list[str]:
    """Return all runs of ``n`` successive letters of a name, in order.

    Args:
        name: a name; one shorter than ``n`` has no runs.
        n: the length of a run.

    >>> ngrams("anna")
    ['ann', 'nna']
    """
    return [name[start : start + n] for start in range(len(name) - n + 1)]


@checked(n=integer(1))
def ngram_overlap(names: Sequence[str], reference: Sequence[str], n: int = 3) -> float:
    """Return the share of the letter n-grams of names that occur in reference names.

    Args:
        names: names whose n-grams are looked up; each n-gram counts as often as it occurs.
        reference: the names to look them up in.
        n: letters in an n-gram, at least 1.

    Returns:
        A share from 0 to 1, or 0 where the names have no n-grams.

    Raises:
        InputError: if a list is empty or holds anything but strings, or n is less than 1.

    >>> ngram_overlap(["anna", "abba"], ["hanna"])
    0.5
    """
    known = {gram for name in _casefolded(reference) for gram in ngrams(name, n)}
    grams = [gram for name in _casefolded(names) for gram in ngrams(name, n)]
    return sum(gram in known for gram in grams) / len(grams) if grams else 0.0


def share_new(names: Sequence[str], reference: Sequence[str]) -> float:
    """Return the share of names that are neither in the reference nor empty.

    Args:
        names: names; repeated ones count each time.
        reference: known names.

    Raises:
        InputError: if a list is empty or holds anything but strings.

    >>> share_new(["anna", "abba", ""], ["anna"])
    0.3333333333333333
    """
    known, names = {*_casefolded(reference), ""}, _casefolded(names)
    return sum(name not in known for name in names) / len(names)


def share_distinct(names: Sequence[str]) -> float:
    """Return the number of distinct names divided by the number of all names.

    Args:
        names: names; upper and lower case do not matter.

    Raises:
        InputError: if the list is empty or holds anything but strings.

    >>> share_distinct(["anna", "Anna", "abba", "anna"])
    0.5
    """
    names = _casefolded(names)
    return len(set(names)) / len(names)


@checked(count=integer(1), seed=integer(0))
def bigram_names(names: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Return names drawn from a bigram model, a baseline for generated names.

    Each letter, and the end of a name, depends only on the letter before it, with the frequencies of
    ``names``. No name is longer than the longest of these.

    Args:
        names: the names to learn from, at least one.
        count: how many names to draw, at least 1.
        seed: the seed of the draws.

    Returns:
        ``count`` names in lower case.

    Raises:
        InputError: if the list is empty or holds anything but strings, or a number is out of range.

    >>> bigram_names(["ab"], 3)
    ['ab', 'ab', 'ab']
    """
    names = _casefolded(names)
    pairs = Counter(pair for name in names for pair in zip(["", *name], [*name, ""], strict=True))
    # The empty string stands for the start of a name (first in a pair) and for its end (second).
    letters = ["", *sorted({letter for pair in pairs for letter in pair if letter})]
    counts = torch.tensor([[float(pairs[letter, following]) for following in letters] for letter in letters])
    counts[:, 0] += counts.sum(1) == 0
    rng = torch.Generator().manual_seed(seed)
    generated, state = [""] * count, torch.zeros(count, dtype=torch.int64)
    ended = torch.zeros(count, dtype=torch.bool)
    for _ in range(max(map(len, names))):
        state = torch.multinomial(counts[state], 1, generator=rng)[:, 0]
        ended |= state == 0
        generated = [
            name if end else name + letters[i] for name, i, end in zip(generated, state, ended, strict=True)
        ]
    return generated


def _casefolded(names: Sequence[str]) -> list[str]:
    valid = isinstance(names, Sequence) and not isinstance(names, str) and len(names)
    if not valid or not all(isinstance(name, str) for name in names):
        raise InputError(f"names must be a list of at least one text, not {str(names)[:60]!r}")
    return [name.casefold() for name in names]
