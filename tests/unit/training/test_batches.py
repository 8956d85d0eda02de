"""Batches: every sample once a pass, from whatever the data are; what cannot be used, in a sentence."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from batch_cases import CPU, Flips, Squares, Stream, drawn, same_state
from torch.utils.data import DataLoader, TensorDataset

from gantutor._errors import InputError
from gantutor.training import batches as module
from gantutor.training.batches import (
    DatasetBatches,
    ResidentBatches,
    StreamBatches,
    as_pair,
    make_batches,
    to_device,
)


@pytest.mark.parametrize(
    "batch_size", [4, 5, 12]
)  # 5 does not divide 12: batches reach over the end of a pass
@pytest.mark.parametrize("data", [torch.arange(12.0)[:, None], TensorDataset(torch.arange(12.0)[:, None])])
def test_each_sample_comes_once_a_pass(data: Any, batch_size: int) -> None:
    batches = make_batches(data, batch_size, seed=0, device=CPU)
    values = torch.cat(drawn(batches, 5 * 12 // batch_size)).flatten().int().tolist()
    passes = [values[start : start + 12] for start in range(0, len(values) - 11, 12)]
    assert len(passes) == 5
    assert all(sorted(one) == list(range(12)) for one in passes)
    assert len({tuple(one) for one in passes}) == 5  # each in an order of its own


def test_every_batch_is_full() -> None:
    batches = make_batches(torch.arange(7.0)[:, None], 5, seed=0, device=CPU)
    assert [len(batch) for batch in drawn(batches, 10)] == [5] * 10


def test_tensors_stay_row_by_row_together() -> None:
    batches = make_batches(
        TensorDataset(torch.arange(30.0).square()[:, None], torch.arange(30)), 8, seed=0, device=CPU
    )
    for _ in range(10):
        real, condition = batches.next()
        assert torch.equal(real[:, 0], condition.double().square().float())


def test_a_seed_repeats_the_order_and_another_changes_it() -> None:
    def order(seed: int) -> list[int]:
        return torch.cat(drawn(make_batches(torch.arange(50.0), 10, seed, CPU), 5)).int().tolist()

    assert order(3) == order(3)
    assert order(3) != order(4)


@pytest.mark.parametrize("data", [torch.arange(12.0), Flips()], ids=["resident", "data set"])
def test_the_state_goes_on_where_it_was(data: Any) -> None:
    batches = make_batches(data, 5, seed=0, device=CPU)
    drawn(batches, 3)
    state = batches.state_dict()
    torch.manual_seed(9)
    expected = drawn(batches, 8)
    again = make_batches(data, 5, seed=77, device=CPU)
    again.load_state_dict(state)
    torch.manual_seed(9)
    assert all(torch.equal(a, b) for a, b in zip(drawn(again, 8), expected, strict=True))


@pytest.mark.parametrize(
    "data", [torch.arange(13.0), Flips(13), list(torch.arange(13.0).split(3))], ids=["tensor", "set", "list"]
)
def test_a_peek_shows_the_next_batch_and_takes_none(data: Any) -> None:
    plain, peeked = (make_batches(data, 5, seed=0, device=CPU) for _ in range(2))
    for step in range(6):
        torch.manual_seed(step)
        expected = plain.next()
        torch.manual_seed(step)
        first = peeked.peek()
        assert torch.equal(first[0], peeked.peek()[0])
        found = peeked.next()
        assert torch.equal(first[0], found[0]) and torch.equal(found[0], expected[0])
        assert (found[1] is None) == (expected[1] is None)


@pytest.mark.parametrize("data", [torch.arange(13.0), Flips(13)], ids=["tensor", "set"])
def test_a_peek_does_not_move_the_position(data: Any) -> None:
    batches = make_batches(data, 5, seed=0, device=CPU)
    drawn(batches, 3)
    before = batches.state_dict()
    torch.manual_seed(9)
    batches.peek()
    after = batches.state_dict()
    assert same_state(before, after)
    expected = drawn(batches, 4)
    batches.load_state_dict(after)
    torch.manual_seed(9)
    assert all(torch.equal(a, b) for a, b in zip(drawn(batches, 4), expected, strict=True))


def test_what_was_peeked_at_is_dropped_where_another_position_is_loaded() -> None:
    batches = make_batches(Flips(13), 5, seed=0, device=CPU)
    state = batches.state_dict()
    first = batches.next()[1]
    batches.peek()
    batches.load_state_dict(state)
    assert torch.equal(batches.next()[1], first)


def test_a_small_data_set_is_held_in_memory() -> None:
    batches = make_batches(Squares(), 4, seed=0, device=CPU)
    assert isinstance(batches, ResidentBatches)
    real, condition = batches.next()
    assert torch.equal(real[:, 0], condition.float().square())


def test_a_large_data_set_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RESIDENT_BYTES", 100)  # Squares has 12 items of 12 bytes
    batches = make_batches(Squares(), 4, seed=0, device=CPU)
    assert isinstance(batches, DatasetBatches)
    labels = torch.cat([batches.next()[1] for _ in range(3)])
    assert sorted(labels.tolist()) == list(range(12))


def test_a_data_set_that_changes_at_every_visit_is_visited_every_time() -> None:
    batches = make_batches(Flips(), 12, seed=0, device=CPU)
    assert isinstance(batches, DatasetBatches)
    first, second = drawn(batches, 2)
    assert not torch.equal(first.sort(0).values, second.sort(0).values)


def test_a_loader_and_a_list_keep_their_own_batches_and_begin_again() -> None:
    loader = DataLoader(TensorDataset(torch.arange(6.0), torch.arange(6)), batch_size=4)
    for data in (loader, list(loader)):
        batches = make_batches(data, 64, seed=0, device=CPU)
        assert isinstance(batches, StreamBatches)
        found = [batches.next()[1].tolist() for _ in range(4)]
        assert found == [[0, 1, 2, 3], [4, 5]] * 2


def test_a_stream_of_samples_is_batched() -> None:
    batches = make_batches(Stream(), 4, seed=0, device=CPU)
    assert [batch.flatten().tolist() for batch in drawn(batches, 3)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [0, 1, 2, 3],
    ]


def test_a_list_begins_again_where_a_position_is_loaded() -> None:
    batches = make_batches([torch.zeros(2), torch.ones(2)], 2, seed=0, device=CPU)
    batches.next()
    state = batches.state_dict()
    batches.load_state_dict(state)
    assert not batches.resumes_exactly and torch.equal(batches.next()[0], torch.zeros(2))


def test_pairs() -> None:
    x, c, d = torch.zeros(1), torch.ones(1), torch.full((1,), 2.0)
    assert as_pair(x) == (x, None)
    assert as_pair((x,)) == (x, None)
    assert as_pair([x, c]) == (x, c)
    assert as_pair((x, c, d)) == (x, (c, d))
    assert as_pair(([x, c], d)) == ((x, c), d)
    for wrong in ((), {"image": x}, "batch", None, 3):
        with pytest.raises(InputError, match=r"^a batch must be a tensor or a pair \(x, condition\), not "):
            as_pair(wrong)


def test_tensors_are_moved_however_deep() -> None:
    meta = torch.device("meta")
    moved = to_device([torch.zeros(1), (torch.zeros(2), "name")], meta)
    assert moved[0].device == moved[1][0].device == meta
    assert moved[1][1] == "name"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (torch.zeros(0, 2), "^the data set is empty"),
        (Squares(0), "^the data set is empty"),
        (TensorDataset(torch.zeros(3)), "^batch_size must be at most the number of samples, 3, not 4$"),
        (
            torch.tensor(1.0),
            "^data must hold at least one batch .* this tensor is a single number$",
        ),
        (iter([torch.zeros(4)]), "^the data must be an iterable that can be read again, not an iterator"),
        (3, "^data must be a tensor, a torch Dataset or DataLoader, or an iterable of batches, not int$"),
        (None, "^data must be a tensor, .* not None$"),
    ],
    ids=["no rows", "no items", "few", "a number", "iterator", "int", "None"],
)
def test_data_that_cannot_be_used_are_refused(data: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_batches(data, 4, seed=0, device=CPU)


@pytest.mark.parametrize("data", [[], DataLoader(TensorDataset(torch.zeros(2)), 4, drop_last=True)])
def test_a_stream_without_a_batch_is_refused(data: Any) -> None:
    with pytest.raises(InputError, match=r"^the data contain no batch: an iterable must yield at least one"):
        make_batches(data, 4, seed=0, device=CPU).next()


@pytest.mark.parametrize("data", ["digits", dict.fromkeys("abcd", torch.zeros(2)), b"12345678"])
def test_what_only_looks_like_a_data_set_is_refused(data: Any) -> None:
    with pytest.raises(InputError, match=r"^data must be a tensor, .* not (str|dict|bytes)$"):
        make_batches(data, 4, seed=0, device=CPU)


def test_a_numpy_array_gives_the_same_batches_as_its_tensor() -> None:
    values = torch.arange(12.0)[:, None]
    ours = drawn(make_batches(values.numpy(), 4, seed=0, device=CPU), 3)
    assert all(
        torch.equal(a, b) for a, b in zip(ours, drawn(make_batches(values, 4, 0, CPU), 3), strict=True)
    )
