"""Logs of a training: every step once, whatever interrupts it, and readable while it runs."""

from __future__ import annotations

import csv
import math
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.training import CSVLogger, TensorBoardLogger, loggers
from gantutor.training.history import History

Make = Callable[..., gt.GAN]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def logged(gan: gt.GAN, data: Tensor, logger: gt.Callback, *more: gt.Callback, **options: Any) -> gt.Run:
    options = {"steps": 10, "batch_size": 16, "snapshots": 2, "gallery": 4, "progress": False} | options
    return gt.train(gan, data, callbacks=[logger, *more], **options)


def check_against(run: gt.Run, path: Path) -> None:
    """Every step stands in the file once, with the values of the history."""
    rows = rows_of(path)
    assert [int(row["step"]) for row in rows] == list(range(run.step))
    assert list(rows[0]) == ["step", "images", "seconds", *run.history.names]
    for name in run.history.names:
        steps, values = run.history.column(name)
        in_file = {int(row["step"]): float(row[name]) for row in rows if row[name]}
        expected = dict(zip(steps, values, strict=True))
        assert in_file.keys() == expected.keys()
        assert all(in_file[step] == value or math.isnan(value) for step, value in expected.items())


class At(gt.Callback):
    """Does something after some step."""

    def __init__(self, step: int, act: Callable[[gt.Run], object]) -> None:
        self.step, self.act = step, act

    def on_step(self, run: gt.Run) -> None:
        if run.step == self.step:
            self.act(run)


def fail(run: gt.Run) -> None:
    raise RuntimeError("the power failed")


# --- CSV ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 3, 100])
def test_a_csv_file_holds_every_step_of_the_history(
    every: int, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "deep/down/losses.csv"
    run = logged(point_game(), points, CSVLogger(path, every))
    check_against(run, path)
    rows = rows_of(path)
    assert [int(row["images"]) for row in rows] == [16 * step for step in range(1, 11)]
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds) and seconds[-1] == pytest.approx(run.seconds, abs=1e-3)
    assert [row["step"] for row in rows if row["discriminator.r1"]] == ["0", "8"]  # every 8 steps


def test_others_read_the_file_while_the_training_runs(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    path, counts = tmp_path / "losses.csv", []
    watch = At(7, lambda run: counts.append(len(rows_of(path))))
    logged(point_game(), points, CSVLogger(str(path), 3), watch)
    assert counts == [6] and list(tmp_path.iterdir()) == [path]


def test_the_history_is_read_every_so_many_steps_only(
    point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []
    read = History._read

    def note(self: History) -> None:
        lengths.append(len(self._pending))
        read(self)

    monkeypatch.setattr(History, "_read", note)
    callbacks = CSVLogger(tmp_path / "a.csv", 5), TensorBoardLogger(tmp_path, 5)
    logged(point_game(), points, *callbacks, steps=20, snapshots=0)
    assert [length for length in lengths if length] == [5, 5, 5, 5]


def test_columns_that_come_later_are_empty_before(points: Tensor, tmp_path: Path) -> None:
    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        losses = {"total": gan.networks["line"](batch.real).square().mean()}
        return losses | ({"late": torch.tensor(math.nan)} if len(told) > 5 else {})

    told: list[int] = []
    game = gt.GAN.of({"line": nn.Linear(2, 1)}, [gt.Turn("line", loss)])
    path = tmp_path / "losses.csv"

    class Count(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            told.append(run.step)

    trainer = gt.Trainer(game, points, batch_size=16, progress=False, callbacks=[CSVLogger(path, 2), Count()])
    trainer.callbacks = [each for each in trainer.callbacks if type(each).__name__ != "NaNGuard"]
    for _ in range(10):
        trainer.step()
    rows = rows_of(path)
    assert [row["line.late"] for row in rows] == [""] * 6 + ["nan"] * 4
    assert [row["step"] for row in rows] == [str(step) for step in range(10)]
    assert all(row["images"] and row["seconds"] for row in rows)


@pytest.mark.parametrize("every", [1, 4, 100])
def test_a_resumed_training_goes_on_without_double_rows_or_gaps(
    every: int, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    """It is stopped after step 5, of which the checkpoint is; later rows of a first attempt are replaced."""
    path, folder = tmp_path / "losses.csv", tmp_path / "checkpoints"
    stop = At(5, lambda run: run.control.stop())
    logged(point_game(), points, CSVLogger(path, every), stop, checkpoint=folder)
    with pytest.raises(RuntimeError, match="power"):
        logged(point_game(), points, CSVLogger(path, every), At(8, fail), checkpoint=folder)
    assert len(rows_of(path)) == 8
    with path.open("a", encoding="utf-8") as file:
        file.write("8,144,0.1")  # the process was killed in the middle of a line
    run = logged(point_game(), points, CSVLogger(path, every), checkpoint=folder)
    check_against(run, path)
    assert all(row["images"] and row["seconds"] for row in rows_of(path))


def test_rows_that_were_lost_are_taken_from_the_history(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    path, folder = tmp_path / "losses.csv", tmp_path / "checkpoints"
    stop = At(5, lambda run: run.control.stop())
    logged(point_game(), points, CSVLogger(path), stop, checkpoint=folder)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))
    run = logged(point_game(), points, CSVLogger(path), checkpoint=folder)
    check_against(run, path)
    assert [bool(row["seconds"]) for row in rows_of(path)] == [True] * 2 + [False] * 3 + [True] * 5


def test_a_training_that_begins_anew_keeps_the_older_log(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "losses.csv"
    logger = CSVLogger(path)
    logged(point_game(), points, logger, steps=7)
    first = path.read_text()
    run = logged(point_game(), points, logger, steps=3)
    check_against(run, path)
    assert (tmp_path / "losses.csv.old").read_text() == first


def test_a_training_that_goes_on_after_its_end_goes_on_in_the_log(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "losses.csv"
    options = {"steps": 4, "batch_size": 16, "progress": False, "callbacks": [CSVLogger(path)]}
    trainer = gt.Trainer(point_game(), points, **options)
    trainer.run()
    for _ in range(3):
        trainer.step()
    trainer.run()
    check_against(trainer.result, path)
    assert len(rows_of(path)) == 7


def test_a_full_disk_is_told_once_and_loses_nothing(
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, write, calls = tmp_path / "losses.csv", loggers._append, []

    def refuse(where: Path, text: str) -> None:
        calls.append(text)
        if len(calls) < 3:
            raise OSError(28, "No space left on device")
        write(where, text)

    monkeypatch.setattr(loggers, "_append", refuse)
    run = logged(point_game(), points, CSVLogger(path, 2))
    check_against(run, path)
    assert capsys.readouterr().out.count("No space left on device; the training goes on") == 1


def test_half_a_row_is_never_left(tmp_path: Path) -> None:
    """The disk takes five bytes more."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "losses.csv"
    path.write_text("step,images,seconds\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left"):
            loggers._append(path, "0,16,0.25\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "step,images,seconds\n"


def test_a_logged_training_is_the_same_training(
    point_game: Make, points: Tensor, tmp_path: Path, same_weights: Callable[..., bool]
) -> None:
    plain = logged(point_game(), points, gt.Callback())
    watched = logged(
        point_game(), points, CSVLogger(tmp_path / "a.csv", 2), TensorBoardLogger(tmp_path / "tb", 2)
    )
    assert same_weights(plain, watched)


def test_the_home_folder(
    point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    logged(point_game(), points, CSVLogger("~/losses.csv"), TensorBoardLogger("~/board"), steps=1)
    assert (tmp_path / "losses.csv").is_file() and list((tmp_path / "board").iterdir())


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "no line end", "\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_log_is_not_overwritten(
    content: str | bytes, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "notes.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = path.read_bytes()
    with pytest.raises(gt.InputError, match="is not a log of CSVLogger: choose another name"):
        logged(point_game(), points, CSVLogger(path))
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_written_is_refused_before_the_training(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(gt.InputError, match="is not a log of CSVLogger"):
        logged(point_game(), points, CSVLogger(tmp_path))
    with pytest.raises(gt.InputError, match=r"cannot (read|write to) .*losses\.csv: "):
        logged(point_game(), points, CSVLogger(tmp_path / "file/losses.csv"))
    with pytest.raises(gt.InputError, match="cannot be the folder of a log: it is a file"):
        logged(point_game(), points, TensorBoardLogger(tmp_path / "file"))
    with pytest.raises(gt.InputError, match="cannot be the folder of a log: Not a directory"):
        logged(point_game(), points, TensorBoardLogger(tmp_path / "file/board"))


# --- TensorBoard --------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def files_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of one second are read in the order of a counter, as text: here it begins at 0."""
    with suppress(ImportError):
        from tensorboard.summary.writer import event_file_writer

        monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))


def board(folder: Path) -> Any:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    return reader.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()


def points_of(folder: Path, name: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in board(folder).Scalars(name)]


def test_tensorboard_gets_the_history_and_the_progress(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    run = logged(point_game(), points, TensorBoardLogger(tmp_path, 4))
    for name in run.history.names:
        steps, values = run.history.column(name)
        expected = [3, 7, 9] if name != "discriminator.r1" else [0, 8]
        shown = points_of(tmp_path, f"losses/{name}")
        assert [step for step, _ in shown] == expected
        by_step = dict(zip(steps, values, strict=True))
        assert [value for _, value in shown] == pytest.approx([by_step[step] for step in expected])
    assert points_of(tmp_path, "progress/images") == [(3, 64), (7, 128), (9, 160)]
    assert len(points_of(tmp_path, "progress/seconds")) == 3
    assert not board(tmp_path).Tags()["images"]  # points of a plane are no images


def test_tensorboard_shows_each_snapshot_once(image_game: Make, images: Tensor, tmp_path: Path) -> None:
    run = logged(image_game(), images, TensorBoardLogger(tmp_path, 100, images=3), snapshots=3)
    events = board(tmp_path).Images("samples/generator")
    assert [event.step for event in events] == [snapshot.step for snapshot in run.snapshots] == [0, 5, 10]
    assert (events[0].width, events[0].height) == (18, 18)  # two by two, of side 8 and a line
    logged(image_game(), images, TensorBoardLogger(tmp_path / "none", images=0))
    assert not board(tmp_path / "none").Tags()["images"]


def test_tensorboard_goes_on_after_a_resumption(image_game: Make, images: Tensor, tmp_path: Path) -> None:
    folder, given = tmp_path / "board", {"checkpoint": tmp_path / "checkpoints", "snapshots": 5}
    stop = At(5, lambda run: run.control.stop())
    logged(image_game(), images, TensorBoardLogger(folder, 1), stop, **given)
    with pytest.raises(RuntimeError, match="power"):
        logged(image_game(), images, TensorBoardLogger(folder, 1), At(8, fail), **given)
    run = logged(image_game(), images, TensorBoardLogger(folder, 1), **given)
    shown = points_of(folder, "losses/generator")
    assert [step for step, _ in shown] == list(range(10))
    assert [value for _, value in shown] == pytest.approx(run.history.column("generator")[1])
    shown_snapshots = [event.step for event in board(folder).Images("samples/generator")]
    assert shown_snapshots == [snapshot.step for snapshot in run.snapshots]


def test_a_training_that_begins_anew_hides_the_older_one(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    logger = TensorBoardLogger(tmp_path, 1)
    logged(point_game(), points, logger, steps=6)
    logged(point_game(), points, logger, steps=2)
    assert [step for step, _ in points_of(tmp_path, "losses/generator")] == [0, 1]


def test_a_grid_puts_every_image_in_its_place() -> None:
    images = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 3, 2, 3) / 2 - 1
    grid = loggers.image_grid(images)
    assert grid.shape == (3, 6, 12) and float(grid.min()) == 0 and float(grid.max()) == 1
    shades = [float(grid[0, 3 * (index // 3), 4 * (index % 3)]) for index in range(6)]
    assert shades == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1])
    assert bool((grid[:, 2::3] == 1).all()) and bool((grid[:, :, 3::4] == 1).all())
    in_bytes = loggers.image_grid(torch.full((1, 1, 1, 1), 51.0), (0.0, 255.0))
    assert float(in_bytes[0, 0, 0]) == pytest.approx(0.2)


def test_without_tensorboard_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(gt.InputError, match=r"^a TensorBoardLogger needs the package tensorboard, which is "):
        TensorBoardLogger(tmp_path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CSVLogger(None), "path must be the path of a file or a folder, not None"),  # type: ignore
        (lambda: CSVLogger("a.csv", every=0), "every must be a whole number of at least 1"),
        (lambda: TensorBoardLogger("a", every=0.5), "every must be a whole number"),  # type: ignore
        (lambda: TensorBoardLogger("a", images=-1), "images must be a whole number of at least 0"),
        (lambda: TensorBoardLogger("a", value_range=(1, 0)), "value_range must be a pair of numbers"),
        (lambda: TensorBoardLogger("a\0"), "path must be the path"),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        make()
