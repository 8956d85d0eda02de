"""Two processes train one game as one would with a batch of both, and go on after one of them was killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from distributed_cases import SIZE, Said, go, point_game, sentence, together

import gantutor as gt
from gantutor.training.distributed import LOST_PROCESS_MESSAGE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes leave their runs; with a checkpoint of one process alone."""
    path = tmp_path_factory.mktemp("together")
    go(steps=2, checkpoint=path / "alone")
    return path


@pytest.fixture(scope="module")
def first(folder: Path) -> list[Said]:
    """Two processes, the second of which is killed in its last run."""
    return together("train_together", folder)


@pytest.fixture(scope="module")
def second(folder: Path, first: list[Said]) -> list[Said]:
    """Two others, which go on from what the first two had kept."""
    return together("resume_together", folder)


@pytest.fixture
def straight(folder: Path, first: list[Said]) -> gt.Run:
    return gt.Run.load(folder / "straight", point_game())


def test_both_end_with_the_same_weights(first: list[Said]) -> None:
    (_, mine, _), (_, theirs, _) = first
    assert mine["weights"][0] == mine["weights"][1] == theirs["weights"][0]
    assert mine["run"] == [20, 20 * 2 * SIZE, "complete", 3]
    assert theirs["run"] == [20, 20 * 2 * SIZE, "complete", 0]


def test_two_processes_are_one_with_twice_the_batch(straight: gt.Run) -> None:
    alone = go(batch_size=2 * SIZE)
    one, both = alone.weights(), straight.weights()
    assert alone.images == straight.images and one.keys() == both.keys()
    for name, value in one.items():
        torch.testing.assert_close(both[name], value, atol=1e-5, rtol=0, msg=name)
    for mine, theirs in zip(alone.snapshots, straight.snapshots, strict=True):
        torch.testing.assert_close(mine.samples, theirs.samples, atol=1e-5, rtol=0)


def test_the_weights_have_moved(straight: gt.Run) -> None:
    start = point_game().state_dict()
    assert all(not torch.allclose(value, start[name]) for name, value in straight.gan.state_dict().items())


def test_a_killed_process_ends_the_other_with_a_sentence(first: list[Said]) -> None:
    (status, found, errors), (killed, _, _) = first
    assert (status, killed, errors) == (0, -9, "")
    assert found["lost"] == f"ProcessLost: {LOST_PROCESS_MESSAGE}"


def test_the_same_again_goes_on_and_is_bit_for_bit_uninterrupted(
    folder: Path, straight: gt.Run, second: list[Said]
) -> None:
    for status, found, errors in second:
        assert (status, errors, found["run"]) == (0, "", [20, 20 * 2 * SIZE, "complete"])
        assert found["from"] in (
            ["step-000000009.zip", "step-000000010.zip"],
            ["step-000000010.zip", "step-000000011.zip"],
        )
    resumed = gt.Run.load(folder / "resumed", point_game())
    one, other = straight.weights(), resumed.weights()
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert straight.history.to_json() == resumed.history.to_json()
    assert all(
        torch.equal(mine.samples, theirs.samples)
        for mine, theirs in zip(straight.snapshots, resumed.snapshots, strict=True)
    )


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("seed", "seed is 0 on rank 0 and 1 on rank 1"),
        ("batch", f"batch_size is {SIZE} on rank 0 and {SIZE + 1}"),
    ],
)
def test_different_settings_end_in_a_sentence_on_both(first: list[Said], case: str, what: str) -> None:
    for _, found, _ in first:
        said: Any = found[case]
        assert said.startswith("InputError: the processes were started with different settings: ")
        assert what in said and "\n" not in said


def test_a_checkpoint_of_one_process_is_refused_by_two(first: list[Said]) -> None:
    for _, found, _ in first:
        assert found["alone"].startswith("InputError: ") and "ranks was 1 and is 2" in found["alone"]


def test_a_checkpoint_of_two_processes_is_refused_by_one(folder: Path, second: list[Said]) -> None:
    said = sentence(lambda: go(checkpoint=folder / "together"))
    assert said.startswith("InputError: ") and "ranks was 2 and is 1" in said


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the threads are listed on Linux alone")
def test_no_thread_of_gloo_outlives_the_interpreter() -> None:
    # One that does aborts the process now and then, after a training that went well.
    assert together("leave") == [(0, [], "")] * 2
