"""The order of batches: on the device, over several processes, and gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from batch_cases import CPU, Flips, Squares, Stream, drawn, same_state
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import IterableDataset, TensorDataset

from gantutor._errors import InputError
from gantutor.training.batches import make_batches
from gantutor.training.serialization import pack, unpack


def simple_order(count: int, batch_size: int, seed: int, batches: int) -> list[list[int]]:
    """Independently: one random order after the other, cut into batches."""
    generator = torch.Generator().manual_seed(seed)
    passes = [torch.randperm(count, generator=generator) for _ in range(batches * batch_size // count + 1)]
    return [batch.tolist() for batch in torch.cat(passes).split(batch_size)[:batches]]


@pytest.mark.parametrize(("count", "batch_size"), [(12, 4), (12, 5), (12, 12), (7, 5), (64, 1)])
def test_the_order_is_one_permutation_after_the_other(count: int, batch_size: int) -> None:
    batches = make_batches(torch.arange(float(count)), batch_size, seed=5, device=CPU)
    found = [batch.int().tolist() for batch in drawn(batches, 20)]
    assert found == simple_order(count, batch_size, 5, 20)


def test_the_order_of_a_seed_stays_what_it_always_was() -> None:
    batches = make_batches(torch.arange(10.0), 4, seed=3, device=CPU)
    known = [6, 0, 3, 7, 8, 5, 1, 9, 2, 4, 9, 8, 5, 3, 0, 6, 7, 2, 1, 4]
    assert torch.cat(drawn(batches, 5)).int().tolist() == known


class Watched(TorchDispatchMode):
    """Records what is done on tensors while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[int] = []
        self.waited: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result, name = function(*args, **kwargs or {}), str(function)
        if name.startswith(("aten._to_copy", "aten.copy_")) and args[0].device.type == "cpu":
            self.sent.append(len(args[0]))
        if name.startswith(("aten._local_scalar_dense", "aten.nonzero", "aten.item", "aten.equal")):
            self.waited.append(name)
        if name.startswith("aten.index"):
            assert all(index.device.type == "meta" for index in args[1])
        return result


def test_the_order_goes_to_the_device_once_a_pass_and_nothing_is_waited_for() -> None:
    meta = torch.device("meta")
    batches = make_batches(TensorDataset(torch.zeros(12, 2), torch.zeros(12)), 4, seed=0, device=meta)
    with Watched() as watched:
        for _ in range(9):
            real, condition = batches.next()
            assert real.shape == (4, 2) and condition.shape == (4,) and real.device == meta
    assert watched.sent == [12, 12, 12] and not watched.waited


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_batches_of_the_cpu_without_being_waited_for() -> None:
    gpu, values = torch.device("cuda"), torch.arange(50.0)[:, None]
    theirs = make_batches(values, 8, seed=0, device=gpu)
    theirs.next()
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = drawn(theirs, 20)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    expected = drawn(make_batches(values, 8, seed=0, device=CPU), 21)[1:]
    assert all(torch.equal(a.cpu(), b) for a, b in zip(found, expected, strict=True))


# --- several ranks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [torch.arange(13.0), Flips(13)], ids=["resident", "data set"])
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_together_see_what_one_process_sees(data: Any, ranks: int) -> None:
    def order(batches: Any) -> list[int]:
        real, condition = batches.next()
        return (real if condition is None else condition).int().tolist()

    alone = make_batches(data, 4 * ranks, seed=2, device=CPU)
    each = [make_batches(data, 4, 2, CPU, rank=rank, world_size=ranks) for rank in range(ranks)]
    for _ in range(10):
        assert [index for batches in each for index in order(batches)] == order(alone)
        states = [batches.state_dict() for batches in (*each, alone)]
        assert all(same_state(states[0], state) for state in states)


@pytest.mark.parametrize("data", [torch.arange(13.0), Flips(13)], ids=["resident", "data set"])
def test_the_state_of_one_rank_serves_another(data: Any) -> None:
    first, second = (make_batches(data, 3, 0, CPU, rank=rank, world_size=2) for rank in (0, 1))
    drawn(first, 5), drawn(second, 5)
    again = make_batches(data, 3, 99, CPU, rank=1, world_size=2)
    again.load_state_dict(first.state_dict())
    torch.manual_seed(1)
    expected = drawn(second, 6)
    torch.manual_seed(1)
    assert all(torch.equal(a, b) for a, b in zip(drawn(again, 6), expected, strict=True))


def test_of_a_stream_each_rank_takes_every_nth_batch() -> None:
    data = [torch.tensor([float(i)]) for i in range(7)]
    found = [
        [int(batch) for batch in drawn(make_batches(data, 1, 0, CPU, rank=rank, world_size=3), 4)]
        for rank in range(3)
    ]
    assert found == [[0, 3, 6, 2], [1, 4, 0, 3], [2, 5, 1, 4]]  # the eighth batch is the first once more


@pytest.mark.parametrize("data", [torch.zeros(7, 2), Squares(7), Flips(7)])
def test_too_few_samples_for_all_ranks_are_refused_counting_them(data: Any) -> None:
    make_batches(data, 3, 0, CPU, rank=1, world_size=2)
    said = r"^the number of processes × batch_size must be at most the number of samples, 7, not 2 × 4 = 8$"
    with pytest.raises(InputError, match=said):
        make_batches(data, 4, 0, CPU, rank=1, world_size=2)


# --- iterables that know where they are ---------------------------------------------------------------------


class Shuffled:
    """Batches of two of eleven numbers, in an order drawn anew for each pass; it knows where it is."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.order: list[int] = []
        self.at: tuple[int, ...] = (0,)
        self.resumed = False

    def __iter__(self) -> Iterator[Tensor]:
        if not self.resumed:
            self.order = torch.randperm(11, generator=self.generator).tolist()
            self.at = (0,)
        self.resumed = False
        while self.at[0] < 11:
            batch = self.order[self.at[0] : self.at[0] + 2]
            self.at = (self.at[0] + 2,)
            yield torch.tensor(batch)

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.generator.get_state(), "where": {"order": self.order, "at": self.at}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["generator"])
        self.order, self.at = state["where"]["order"], state["where"]["at"]
        self.resumed = bool(self.order)


class Samples(IterableDataset[Tensor]):
    """Eleven samples, one after the other, in an order of each pass; it knows where it is."""

    def __init__(self, seed: int = 0) -> None:
        self.inner = Shuffled(seed)

    def __iter__(self) -> Iterator[Tensor]:
        for batch in self.inner:
            yield from batch[:1]

    def state_dict(self) -> dict[str, Any]:
        return self.inner.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.inner.load_state_dict(state)


def through_files(state: Any) -> Any:
    content, tensors = pack(state, "state")
    return unpack(json.loads(json.dumps(content)), {name: t.clone() for name, t in tensors.items()})


@pytest.mark.parametrize("peek", [False, True], ids=["", "peeked"])
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("make", [Shuffled, Samples])
@pytest.mark.parametrize("drawn_before", range(15))
def test_an_iterable_with_a_state_goes_on_with_exactly_the_next_batch(
    drawn_before: int, make: Callable[[int], Any], ranks: int, peek: bool
) -> None:
    """At every place of two passes, the first moment, the end of a pass and its first batch among them."""
    batches = make_batches(make(0), 2, 0, CPU, rank=ranks - 1, world_size=ranks)
    before = drawn(batches, drawn_before)
    if peek:
        batches.peek()
    state = through_files(batches.state_dict())
    expected = drawn(batches, 15)
    assert drawn_before < 12 or len({tuple(batch.tolist()) for batch in before}) > 6
    again = make_batches(make(77), 2, 0, CPU, rank=ranks - 1, world_size=ranks)
    again.load_state_dict(state)
    assert all(torch.equal(a, b) for a, b in zip(drawn(again, 15), expected, strict=True))


def test_a_state_is_the_same_on_all_ranks_of_a_stream() -> None:
    each = [make_batches(Shuffled(), 2, 0, CPU, rank=rank, world_size=2) for rank in range(2)]
    for batches in each:
        drawn(batches, 4)
    one, other = (through_files(batches.state_dict())["source"] for batches in each)
    assert one["where"] == other["where"] and torch.equal(one["generator"], other["generator"])


class Half(Shuffled):
    load_state_dict = None  # type: ignore[assignment]


class Broken(Shuffled):
    def state_dict(self) -> dict[str, Any]:
        raise RuntimeError("no state before the first batch\nsome more")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise KeyError("where")


def test_half_a_state_is_none() -> None:
    for data in (Half(), Stream()):
        batches = make_batches(data, 2, 0, CPU)
        assert not batches.resumes_exactly and batches.state_dict()["source"] is None


def test_an_iterable_that_fails_to_tell_its_state_is_named() -> None:
    batches = make_batches(Broken(), 2, 0, CPU)
    said = r"^state_dict\(\) of the Broken failed: no state before the first batch$"
    with pytest.raises(InputError, match=said):
        batches.state_dict()
    with pytest.raises(InputError, match=r"^load_state_dict\(\) of the Broken failed: 'where'$"):
        batches.load_state_dict({"source": {}})
