"""Two processes talk to one another, and one dies; a process alone talks to nobody."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from distributed_cases import Said, together
from torch import nn
from torch.nn import Parameter

from gantutor._errors import InputError, ProcessLost, first_line
from gantutor.training import distributed
from gantutor.training.distributed import (
    LOST_PROCESS_MESSAGE,
    Group,
    describe_differences,
    join_group,
    local_device,
    rank,
)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> list[Said]:
    """What both processes found, from rank 0 on."""
    return together("talk", tmp_path_factory.mktemp("talk") / "meeting_place")


@pytest.fixture
def found(talk: list[Said]) -> list[dict[str, Any]]:
    return [each for _, each, _ in talk]


def test_both_know_who_they_are_and_join_once(found: list[dict[str, Any]]) -> None:
    assert [each["group"] for each in found] == [[0, 2, True, True], [1, 2, False, True]]


def test_gradients_are_averaged_whatever_their_type_and_layout(found: list[dict[str, Any]]) -> None:
    assert [each["gradients"] for each in found] == [[True, True, [2.0, 2.0, 2.0], 1.5]] * 2


def test_weights_and_buffers_are_those_of_rank_0(found: list[dict[str, Any]]) -> None:
    (mine, wider), (theirs, _) = found[0]["weights"], found[1]["weights"]
    assert mine == theirs and mine[-1] == [1.0]  # rank 1 had counted two batches
    assert wider == (
        "InputError: the processes were started with different settings: "
        "the number of weights is 6 on rank 0 and 9 on rank 1"
    )


def test_different_settings_are_named_by_both(found: list[dict[str, Any]]) -> None:
    said = (
        "InputError: the processes were started with different settings: seed is 0 on rank 0 and 1 on "
        "rank 1; optimizers.generator is ['lr', 0.001] on rank 0 and ['lr', 0.002] on rank 1"
    )
    assert [each["settings"] for each in found] == [["", said]] * 2


def test_rank_0_decides(found: list[dict[str, Any]]) -> None:
    assert [each["decided"] for each in found] == [[0.1, 1e-300, math.inf]] * 2


def test_all_is_gathered_everywhere(found: list[dict[str, Any]]) -> None:
    assert [each["gathered"] for each in found] == [[[[0] * 3] * 2, [[1] * 3] * 2]] * 2


def test_a_group_made_by_hand_is_used(found: list[dict[str, Any]]) -> None:
    assert [each["by hand"] for each in found] == [[True, [5.0]]] * 2


def test_a_lost_process_is_said_in_a_sentence_by_every_method(talk: list[Said]) -> None:
    (status, found, errors), (killed, _, _) = talk
    assert (status, errors, killed) == (0, "", -9)
    assert found["lost"] == [f"ProcessLost: {LOST_PROCESS_MESSAGE}"] * 4


# --- one process --------------------------------------------------------------------------------------------


def test_alone_nothing_happens() -> None:
    group, weight = Group(), Parameter(torch.zeros(2))
    group.average_gradients([weight])
    group.broadcast_weights(nn.Linear(1, 1))
    group.check_same_settings({"seed": object()})
    assert weight.grad is None and group.broadcast((1.0, 2.0)) == [1.0, 2.0]
    assert group.gather(weight)[0] is weight and group.leader


def test_who_was_started_alone_joins_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert join_group(torch.device("cpu")) == Group() and rank() == 0
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    assert join_group(torch.device("cpu")) == Group() and not torch.distributed.is_initialized()


def test_processes_do_not_meet_on_other_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="on the CPU or on CUDA devices, not on mps"):
        join_group(torch.device("mps"))


def test_each_process_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    assert local_device(cuda) == cuda
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(local_device(cuda)) == str(local_device(torch.device("cuda:1"))) == "cuda:1"
    assert local_device(torch.device("cpu")).type == "cpu"
    with pytest.raises(InputError, match="the device must be 'cuda', not 'cuda:0'"):
        local_device(torch.device("cuda:0"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="2 processes were started on this machine, which has 1 GPU: start"):
        local_device(cuda)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([{"a": 1}, {"a": 1}], ""),
        ([{"a": math.nan}, {"a": math.nan}], ""),
        ([{"a": 1}, {"b": 1}], "a is 1 on rank 0 and None on rank 1; b is None on rank 0 and 1 on rank 1"),
        ([{"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}], "a is 1 on rank 0 and 2 on rank 2"),
        ([{"a": 1}, {"a": True}], "a is 1 on rank 0 and True on rank 1"),
        ([{"a": [1, 2, 3]}, {"a": [1, 3, 2]}], "a is [2, 3] on rank 0 and [3, 2] on rank 1"),
        ([{"a": [1]}, {"a": 1}], "a is [1] on rank 0 and 1 on rank 1"),
    ],
)
def test_what_differs(settings: list[dict[str, Any]], said: str) -> None:
    assert describe_differences(settings) == said


def test_long_values_are_shortened() -> None:
    said = describe_differences([{"loss": "a" * 500}, {"loss": "b" * 500}])
    assert "..." in said and len(said) < 200


@pytest.mark.parametrize(
    "words",
    [
        "[/gloo/transport/tcp/pair.cc:561] Connection closed by peer [127.0.0.1]:29091. GLHF!",
        "NCCL error: remote process exited or there was a network error",
        "NCCL communicator was aborted on rank 1.",
        "failed to recv, got 0 bytes. Connection was likely closed. Did the remote server shutdown or crash?",
    ],
)
def test_words_for_a_lost_process(words: str) -> None:
    with (
        pytest.raises(ProcessLost, match="start again with the same checkpoint"),
        distributed._lost_process_errors(),
    ):
        raise RuntimeError(words)


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError) as caught, distributed._lost_process_errors():
        raise RuntimeError("invalid tensor size\nat some place")
    assert first_line(caught.value) == "invalid tensor size" and not isinstance(caught.value, ProcessLost)
