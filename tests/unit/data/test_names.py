"""The names: what the package's lists hold, spelt letter by letter and read back."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import decode_names, encode_names, names

module = sys.modules["gantutor.data.names"]

HELD_OUT = "fd42a1a3fe02cb3a"


@pytest.fixture
def fresh() -> Iterator[None]:
    """The loader without what it remembers, before and after."""
    module._census.cache_clear()
    yield
    module._census.cache_clear()


def test_shapes_types_and_one_sign_a_step() -> None:
    data = names()
    for part, count in ((data.train, 4131), (data.held_out, 1032)):
        (sequences,) = part.tensors
        assert sequences.shape == (count, 12, 27) and sequences.dtype == torch.float32
        assert torch.equal(sequences.sum(2), torch.ones(count, 12))
        assert set(sequences.unique().tolist()) == {0.0, 1.0}


def test_every_name_is_ended_and_filled_by_marks() -> None:
    signs = names().train.tensors[0].argmax(2)
    assert bool((signs[:, -1] == 0).all()) and bool((signs[:, :2] > 0).all())
    ended = (signs == 0).long()
    assert bool((ended[:, 1:] >= ended[:, :-1]).all())


def test_the_names_are_those_of_the_packages_lists() -> None:
    import names as package

    folder = Path(package.__file__).parent
    lists = [(folder / f"dist.{kind}.first").read_text(encoding="ascii") for kind in ("female", "male")]
    theirs = {line[:15].strip().lower() for text in lists for line in text.splitlines()}
    data = names()
    train, held_out = (decode_names(part.tensors[0]) for part in (data.train, data.held_out))
    assert len(set(train) | set(held_out)) == len(train) + len(held_out) == 5163
    assert set(train) | set(held_out) == theirs


def test_the_split_is_the_one_of_the_first_release() -> None:
    held_out = decode_names(names().held_out.tensors[0])
    assert hashlib.sha256(" ".join(held_out).encode()).hexdigest().startswith(HELD_OUT)


def test_the_card_names_source_licence_and_size() -> None:
    said = str(names().card)
    assert "Census" in said and "public domain" in said and "4,131" in said and "1,032" in said


def test_what_is_spelt_is_read_back() -> None:
    spelt = ["a", "Zoe", "MARIA", "bartholomew", "abcdefghijk", "lmnopqrstuv", "wxyz"]
    assert decode_names(encode_names(spelt)) == [name.lower() for name in spelt]
    assert decode_names(encode_names(tuple(spelt)).argmax(2)) == [name.lower() for name in spelt]


def test_probabilities_and_logits_are_read_by_their_largest() -> None:
    logits = encode_names(["ada", "bo"]) * 3 + torch.rand(
        2, 12, 27, generator=torch.Generator().manual_seed(0)
    )
    assert (
        decode_names(logits)
        == decode_names(logits.softmax(2))
        == decode_names(logits.half())
        == ["ada", "bo"]
    )


def test_a_name_ends_at_its_first_mark_or_with_its_sequence() -> None:
    assert decode_names(torch.tensor([[1, 0, 2, 3], [0, 0, 0, 0], [26, 26, 26, 26]])) == ["a", "", "zzzz"]
    assert decode_names(F.one_hot(torch.tensor([[1, 2, 0]]), 27)) == ["ab"]
    assert decode_names(torch.zeros(0, 12, 27)) == []


@pytest.mark.parametrize("given", ["ada", b"ada", 3, None, {"ada": 1}, {"ada"}, torch.zeros(2)])
def test_only_a_list_of_names_is_spelt(given: Any) -> None:
    with pytest.raises(InputError, match=r"^names must be a list of names, such as \['ada', 'bo'\], not "):
        encode_names(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], r"the list of names is empty: at least one is needed"),
        ([""], r"a name must be a text of 1 to 11 letters, not ''"),
        (["ada", 3], r"a name must be a text of 1 to 11 letters, not 3"),
        (["ada", None], r"a name must be a text of 1 to 11 letters, not None"),
        (["josé"], r"the name 'josé' holds 'é': only the letters a to z are allowed"),
        (["mary ann"], r"the name 'mary ann' holds ' ': only the letters a to z are allowed"),
        (["o.k.1"], r"the name 'o.k.1' holds '\.', '1': only the letters a to z are allowed"),
        (["bartholomewa"], r"the name 'bartholomewa' has 12 letters: at most 11 are allowed"),
    ],
)
def test_what_cannot_be_spelt_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}$"):
        encode_names(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ada"], "names must be a tensor, not list"),
        (torch.zeros(12, 27), r"sequences must have shape .* not \(12, 27\) of torch\.float32"),
        (torch.zeros(2, 12, 26), r"sequences must have shape .* not \(2, 12, 26\) of torch\.float32"),
        (torch.zeros(2, 12, dtype=torch.bool), r"sequences must have shape .* of torch\.bool"),
        (torch.tensor(3), r"sequences must have shape .* not \(\) of torch\.int64"),
        (torch.full((1, 2, 27), torch.nan), r"the sequences contain values that are not finite .*"),
        (torch.tensor([[0, 27]]), r"signs must lie from 0 to 26, not from 0 to 27"),
        (torch.tensor([[-1, 3]]), r"signs must lie from 0 to 26, not from -1 to 3"),
    ],
)
def test_what_is_no_sequence_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}$"):
        decode_names(given)


@pytest.mark.usefixtures("fresh")
def test_a_missing_package_or_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataUnavailable, match=r"^the names come with the package names, .*: pip install nam"):
        names()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(DataUnavailable, match=r"^dist\.female\.first is missing from the package names"):
        names()
    (tmp_path / "dist.female.first").write_text("MARY 2.629 2.629 1\n", encoding="ascii")
    with pytest.raises(DataUnavailable, match=r"^dist\.female\.first of the package names is damaged"):
        names()


# --- words of one's own -------------------------------------------------------------------------------------

TREES = ["ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "yew"]


def test_own_words_come_from_a_list_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "trees.txt"
    file.write_text("\ufeff" + "\r\n".join([*TREES, "", "  Oak "]), encoding="utf-8")
    for own in (TREES, tuple(TREES), file, str(file)):
        data = names(own)
        train, held_out = (decode_names(part.tensors[0]) for part in (data.train, data.held_out))
        assert held_out == ["fir", "pine"] and sorted(train + held_out) == TREES
        assert "10 to train on and 2 held out" in data.card.size and data.card.content == "words of your own"


def test_own_words_that_cannot_be_spelt_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "sound.wav"
    binary.write_bytes(b"\xff\xfe\xff")
    for own, said in (
        ([], "at least 10 different words, not 0"),
        (["oak"] * 20, "at least 10 different words, not 1"),
        ([*TREES, "zoë"], "holds 'ë': only the letters a to z"),
        ([*TREES, "x" * 12], "12 letters: at most 11"),
        ([*TREES, 7], "a name must be a text"),
        (tmp_path / "missing.txt", "cannot be read as a text file"),
        (binary, "cannot be read as a text file"),
        (7, "list of words or the path of a text file, not int"),
    ):
        with pytest.raises(InputError, match=said):
            names(own)  # type: ignore[arg-type]
