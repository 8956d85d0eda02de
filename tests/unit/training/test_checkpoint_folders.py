"""Checkpoints that cannot be written cost no training, and say why."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from checkpoint_cases import Steps, everything, go, no_permission, no_space, parts, train_watched
from disks import disk_of, fill
from torch import Tensor

import gantutor as gt
from gantutor import _files
from gantutor.training import callbacks, checkpoint
from gantutor.training.distributed import Group

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


@pytest.mark.parametrize(
    ("where", "refuse", "said"),
    [
        ("file/below", None, r"no checkpoint can be written to .*below: Not a directory; give checkpoint= "),
        ("file/far/below", None, r"no checkpoint can be written to .*below: Not a directory; give"),
        ("here", (tempfile, "mkstemp", no_permission), r"can be written to .*here: Permission denied; give"),
        ("here", (Path, "mkdir", no_permission), r"can be written to .*here: Permission denied; give"),
        (
            "here",
            (_files.zipfile.ZipFile, "writestr", no_space),
            r"can be written to .*here: No space left on",
        ),
    ],
    ids=["below a file", "far below", "no permission", "no permission to make it", "full disk"],
)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_trained(
    where: str,
    refuse: Any,
    said: str,
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("years of work")
    steps = Steps()
    if refuse is not None:
        monkeypatch.setattr(*refuse)
    with pytest.raises(gt.InputError, match=said) as error:
        train_watched(point_game(), points, tmp_path / where, steps)
    assert "\n" not in str(error.value) and not steps.taken
    assert everything(tmp_path) == {"file": b"years of work"}


def test_a_folder_that_may_not_be_looked_into_is_refused(
    point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", no_permission)
    with pytest.raises(gt.InputError, match=r"the checkpoints in .* cannot be read: Permission denied"):
        go(point_game(), points, tmp_path, kill=1)


def test_a_missing_folder_is_made(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    go(point_game(), points, tmp_path / "not" / "there" / "yet")
    assert len(list((tmp_path / "not" / "there" / "yet").iterdir())) == 2


@pytest.mark.parametrize(
    ("refuse", "reason"),
    [
        ((_files.zipfile.ZipFile, "writestr", no_space), "No space left on device"),
        ((_files.os, "fsync", no_space), "No space left on device"),
        ((tempfile, "mkstemp", no_permission), "Permission denied"),
    ],
    ids=["full", "full at last", "no permission"],
)
def test_a_write_that_fails_in_the_middle_ends_no_training(
    refuse: Any,
    reason: str,
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    same_weights: Same,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From step 8 to step 14 nothing can be written."""
    names: list[list[str]] = []

    def note() -> None:
        names.append(sorted(path.name for path in tmp_path.iterdir()))

    def end() -> None:
        note()
        patch.undo()

    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(step7=lambda: (note(), patch.setattr(*refuse)), step14=end, step16=note)
        run = train_watched(point_game(), points, tmp_path, steps)
    assert names[0] == names[1] == ["step-000000006.zip", "step-000000007.zip"]
    assert names[2] == ["step-000000015.zip", "step-000000016.zip"]
    said = capsys.readouterr().out
    assert said == (
        f"The checkpoint of step 8 was not saved in {tmp_path}: {reason}; the training goes on, and tries "
        "again when the next one is due.\n"
    )
    assert run.ended == "complete" and steps.taken == list(range(1, 21))
    assert same_weights(run, go(point_game(), points, None))
    assert checkpoint.read(tmp_path / "step-000000020.zip")[0]["step"] == 20


def test_each_reason_is_told_once(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(
            step3=lambda: patch.setattr(tempfile, "mkstemp", no_space),
            step6=lambda: patch.setattr(tempfile, "mkstemp", no_permission),
            step9=lambda: patch.setattr(tempfile, "mkstemp", no_space),
            step12=patch.undo,
        )
        train_watched(point_game(), points, tmp_path, steps)
    said = capsys.readouterr().out
    assert said.count("No space left on device") == said.count("Permission denied") == 1
    assert said.count("\n") == 2


@pytest.mark.parametrize("fails", [False, True])
def test_a_write_is_tried_when_it_is_due_whether_or_not_the_last_one_failed(
    fails: bool, point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock by which a step takes a second."""
    now, tried = [0.0], []

    class Tick(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            now[0] += 1.0

    def save(folder: Path, state: checkpoint.TrainingState, *_: object) -> None:
        tried.append(state.run.step)
        if fails:
            raise _files.WriteFailed("cannot write", "no")

    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "save", save)
    go(point_game(), points, tmp_path, callbacks=[Tick()], checkpoint_every=6)
    assert len(tried) == 4 and tried[-1] == 20
    assert tried[1] - tried[0] == tried[2] - tried[1] == 6


def test_all_processes_are_refused_where_the_first_cannot_write(tmp_path: Path) -> None:
    class Two(Group):
        """What the second of two processes is told where the first cannot write."""

        def broadcast(self, numbers: Any) -> list[float]:
            return [1.0 if self.rank else numbers[0]]

    (tmp_path / "file").write_text("")
    run, optimizers, batches = parts(0)
    said = {0: r"no checkpoint can be written to .*below: Not a dir", 1: r"no checkpoint .* rank 0 says why"}
    for rank in (0, 1):
        training: Any = SimpleNamespace(
            result=run,
            optimizers=optimizers,
            batches=batches,
            _latents=torch.Generator(),
            group=Two(rank, 2),
        )
        with pytest.raises(gt.InputError, match=said[rank]):
            callbacks.Checkpoints(training, tmp_path / "file" / "below", 60)


def test_a_last_state_that_cannot_be_written_costs_no_run(
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    same_weights: Same,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(step17=lambda: patch.setattr(_files.zipfile.ZipFile, "writestr", no_space))
        run = train_watched(point_game(), points, tmp_path, steps)
    said = capsys.readouterr().out.splitlines()
    reason = f"was not saved in {tmp_path}: No space left on device"
    assert said[1:] == [f"The last state, of step 20, {reason}."]
    assert said[0].startswith(f"The checkpoint of step 18 {reason}; the training goes on")
    assert run.ended == "complete" and run.step == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000016.zip", "step-000000017.zip"]
    resumed = go(point_game(), points, tmp_path)
    assert "Resumed at step 17" in capsys.readouterr().out and same_weights(run, resumed)


def test_a_folder_that_is_removed_is_made_again(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    steps = Steps(step19=lambda: shutil.rmtree(tmp_path / "here"))
    train_watched(point_game(), points, tmp_path / "here", steps)
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["step-000000020.zip"]


def test_a_folder_that_becomes_a_file_ends_no_training(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def replace() -> None:
        shutil.rmtree(tmp_path / "here")
        (tmp_path / "here").write_text("a file")

    run = train_watched(point_game(), points, tmp_path / "here", Steps(step9=replace))
    assert run.ended == "complete" and capsys.readouterr().out.count("here is a file") == 2
    assert everything(tmp_path) == {"here": b"a file"}


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_during_the_last_write_costs_neither_run_nor_state(
    point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(path: Path, content: Any, tensors: Any) -> None:
        if content["ended"] == "complete":
            os.kill(os.getpid(), signal.SIGINT)
        _files.write_archive(path, content, tensors)

    monkeypatch.setattr(checkpoint, "write_archive", pressed)
    run = gt.train(point_game(), points, steps=5, batch_size=16, progress=False, checkpoint=tmp_path)
    assert run.step == 5 and run.ended == "complete"
    assert checkpoint.read(tmp_path / "step-000000005.zip")[0]["step"] == 5


@pytest.mark.usefixtures("interruptible")
def test_an_impatient_interrupt_during_the_last_write_still_gives_the_run(
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Pressed twice when the file is written and not yet on the disk."""
    sync = os.fsync

    def pressed_twice(handle: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        sync(handle)

    last = Steps(step5=lambda: monkeypatch.setattr(_files.os, "fsync", pressed_twice))
    options: Any = {"batch_size": 16, "progress": False, "checkpoint": tmp_path}
    run = gt.train(point_game(), points, steps=5, callbacks=[last], **options)
    assert run.ended == "complete" and run.step == 5 and not list(tmp_path.iterdir())
    said = capsys.readouterr().out
    assert "step 5, was not saved" in said and "interrupted" in said and said.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A megabyte."""
    with disk_of(tmp_path / "disk", "1m") as place:
        yield place


def test_a_disk_that_is_really_full_for_a_while(
    small_disk: Path, point_game: Make, points: Tensor, same_weights: Same, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, ballast = small_disk / "runs", small_disk / "ballast"
    names: list[list[str]] = []

    def note() -> None:
        names.append(sorted(path.name for path in folder.iterdir()))
        for path in folder.iterdir():
            checkpoint.read(path)

    steps = Steps(step7=lambda: fill(ballast), step13=lambda: (note(), ballast.unlink()), step14=note)
    run = train_watched(point_game(), points, folder, steps)
    assert names == [
        ["step-000000006.zip", "step-000000007.zip"],
        ["step-000000007.zip", "step-000000014.zip"],
    ]
    said = capsys.readouterr().out
    assert said.count("No space left on device") == said.count("\n") == 1
    assert "The checkpoint of step 8 was not saved" in said
    assert same_weights(run, go(point_game(), points, folder)) and run.ended == "complete"


def test_a_disk_that_is_full_from_the_start_is_refused(
    small_disk: Path, point_game: Make, points: Tensor
) -> None:
    fill(small_disk / "ballast")
    with pytest.raises(gt.InputError, match=r"no checkpoint can be written to .*: No space left on device"):
        go(point_game(), points, small_disk, kill=1)
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]
