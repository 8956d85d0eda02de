"""Scores of generated names: do their letters follow one another as in real names, and are they new?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch

from gantutor._checks import integer, validate
from gantutor._errors import InputError
from gantutor.metrics.score import Score, Scores


def name_scores(generated: Sequence[str], train: Sequence[str], held_out: Sequence[str]) -> Scores:
    """``name_triples``, ``names_new`` and ``names_distinct`` of generated names.

    The share of their letter triples that occur in ``train``; the share of names that are not in ``train``,
    where an empty name is not new; distinct names over all. Capitals do not matter. The floors are those of
    the ``held_out`` names. Raises InputError for lists that are empty or hold anything but texts.

    >>> print(name_scores(["anna", "hanna"], ["Anna"], ["Johanna"])["names_new"].value)
    0.5
    """
    made, known, real = (_plain(names) for names in (generated, train, held_out))
    unit, against = "share", f"{len(known):,} training names"
    measured = {
        "name_triples": (ngram_overlap(made, known), ngram_overlap(real, known), "share of letter triples"),
        "names_new": (share_new(made, known), share_new(real, known), unit),
        "names_distinct": (share_distinct(made), share_distinct(real), unit),
    }
    return Scores(
        {
            name: Score(value, floor, what, "higher", len(made), against)
            for name, (value, floor, what) in measured.items()
        }
    )


def ngrams(name: str, n: int = 3) -> list[str]:
    """All runs of ``n`` letters of a name, in order; a shorter name has none.

    >>> ngrams("anna")
    ['ann', 'nna']
    """
    return [name[start : start + n] for start in range(len(name) - n + 1)]


def ngram_overlap(names: Sequence[str], reference: Sequence[str], n: int = 3) -> float:
    """The share of the letter n-grams of ``names``, each as often as it occurs, that occur in ``reference``;
    0 where there are none.

    >>> ngram_overlap(["anna", "abba"], ["hanna"])
    0.5
    """
    validate({"n": n}, n=integer(1))
    known = {gram for name in _plain(reference) for gram in ngrams(name, n)}
    grams = [gram for name in _plain(names) for gram in ngrams(name, n)]
    return sum(gram in known for gram in grams) / len(grams) if grams else 0.0


def share_new(names: Sequence[str], reference: Sequence[str]) -> float:
    """The share of ``names``, repeated ones included, that are not in ``reference``, nor empty.

    >>> share_new(["anna", "abba", ""], ["anna"])
    0.3333333333333333
    """
    known, made = {*_plain(reference), ""}, _plain(names)
    return sum(name not in known for name in made) / len(made)


def share_distinct(names: Sequence[str]) -> float:
    """The number of distinct names over the number of all.

    >>> share_distinct(["anna", "Anna", "abba", "anna"])
    0.5
    """
    made = _plain(names)
    return len(set(made)) / len(made)


def bigram_names(names: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """A baseline: ``count`` names in which each letter, and the end, depends on the one before alone.

    The shares are those of ``names``; no name gets longer than the longest of them. Raises InputError for
    lists that are empty or hold anything but texts.

    >>> bigram_names(["ab"], 3)
    ['ab', 'ab', 'ab']
    """
    validate({"count": count, "seed": seed}, count=integer(1), seed=integer(0))
    given = _plain(names)
    follows = Counter(pair for name in given for pair in zip(["", *name], [*name, ""], strict=True))
    letters = ["", *sorted({letter for pair in follows for letter in pair if letter})]
    shares = torch.tensor([[float(follows[one, other]) for other in letters] for one in letters])
    shares[:, 0] += shares.sum(1) == 0
    draw = torch.Generator().manual_seed(seed)
    made, at = [""] * count, torch.zeros(count, dtype=torch.int64)
    over = torch.zeros(count, dtype=torch.bool)
    for _ in range(max(map(len, given))):
        at = torch.multinomial(shares[at], 1, generator=draw)[:, 0]
        over |= at == 0
        made = [name if end else name + letters[i] for name, i, end in zip(made, at, over, strict=True)]
    return made


def _plain(names: Sequence[str]) -> list[str]:
    right = isinstance(names, Sequence) and not isinstance(names, str) and len(names)
    if not right or not all(isinstance(name, str) for name in names):
        raise InputError(f"names must be a list of texts with at least one in it, not {str(names)[:60]!r}")
    return [name.casefold() for name in names]
