"""Callbacks that write the history of a training while it runs: a CSV file, or files for TensorBoard."""

from __future__ import annotations

import csv
import errno
import io
import os
import time
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from tqdm import tqdm

from gantutor._checks import integer, validate
from gantutor._errors import InputError
from gantutor._files import WriteFailed, expand, new_file
from gantutor.training.callbacks import Callback
from gantutor.training.run import Run

Clock = dict[int, tuple[str, str]]
"""The images and the seconds until the end of a step, as text, by step."""

FIXED_COLUMNS = ("step", "images", "seconds")
"""The first columns of a log."""


class CSVLogger(Callback):
    """Writes the history to a CSV file while the training runs: one row a step, one column a scalar.

    The first columns are ``step``, counted from 0 as in ``run.history``; ``images``, real samples seen until
    the end of the step; and ``seconds``, spent in training steps alone until then. A cell is empty where a
    scalar was not recorded, such as a penalty that was not due. Values that are not finite are ``nan`` and
    ``inf``.

    Rows are appended every ``every`` steps, so that a GPU is seldom kept waiting, and at the end. Other
    programs can read the file meanwhile. A resumed training goes on where its checkpoint was: later rows are
    replaced, and missing ones are added from the history, without ``images`` and ``seconds``. A training that
    starts again renames an older log to ``….csv.old``. If the disk refuses a write, that is printed once, and
    tried again.

    Args:
        path: the file, such as ``"runs/losses.csv"``; ``~`` stands for the home folder.
        every: number of steps between two writes, at least 1.

    Raises:
        InputError: if the path is no path, ``every`` is out of range, or, when the training begins, if
            nothing can be written there or the file is no log.

    >>> import tempfile, gantutor as gt
    >>> pair = gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,))
    >>> game = gt.GAN(*pair, gt.objectives.non_saturating(), latent=2)
    >>> path = Path(tempfile.mkdtemp()) / "losses.csv"
    >>> run = gt.train(game, torch.randn(64, 2), steps=2, callbacks=[CSVLogger(path)], progress=False)
    >>> path.read_text().splitlines()[0]
    'step,images,seconds,discriminator,discriminator.real_logit,discriminator.fake_logit,generator'
    """

    keeps_random_state: ClassVar[bool] = True

    def __init__(self, path: str | Path, every: int = 100) -> None:
        validate({"every": every}, every=integer(1))
        self.path, self.every = expand(path), every
        self._clock: Clock = {}
        self._columns: list[str] = []
        self._reported = False

    def on_start(self, run: Run) -> None:
        self._clock, self._reported = {}, False
        if _read_clock(self.path) and run.step == 0:
            self.path.replace(self.path.with_name(self.path.name + ".old"))
        self._rewrite(run)

    def on_step(self, run: Run) -> None:
        self._clock[run.step - 1] = (str(run.images), f"{run.seconds:.6f}")
        if run.step % self.every == 0:
            self._write(run)

    def on_pause(self, run: Run) -> None:
        self._write(run)

    def on_end(self, run: Run) -> None:
        self._write(run)

    def _write(self, run: Run) -> None:
        """Append the steps since the last time; where the file system refuses, say so and keep them."""
        try:
            if run.history.names == self._columns and self.path.is_file():
                _append(self.path, _as_text(self._rows(run, self._clock)))
                self._clock = {}
            else:
                self._rewrite(run)
        except (OSError, WriteFailed) as error:
            reason = error.reason if isinstance(error, WriteFailed) else error.strerror or str(error)
            if not self._reported:
                tqdm.write(
                    f"Step {run.step:,} was not written to {self.path}: {reason}; the training goes on, and "
                    "the next write is tried when it is due."
                )
            self._reported = True

    def _rewrite(self, run: Run) -> None:
        """Write the whole history, with a column for every scalar that there is by now."""
        columns = run.history.names
        clock = _read_clock(self.path) | self._clock
        steps = {step for name in columns for step in run.history.column(name)[0]}
        clock = {step: clock.get(step, ("", "")) for step in sorted(steps | set(clock)) if step < run.step}
        with new_file(self.path) as fresh:
            header = [*FIXED_COLUMNS, *columns]
            fresh.write_text(_as_text([header]) + _as_text(self._rows(run, clock)), encoding="utf-8")
        self._columns, self._clock = columns, {}

    def _rows(self, run: Run, clock: Clock) -> list[list[str]]:
        """The rows of these steps, which are in order."""
        if not clock:
            return []
        cells: list[Mapping[int, float]] = []
        for name in run.history.names:
            steps, values = run.history.column(name)
            start = bisect_left(steps, next(iter(clock)))
            cells.append(dict(zip(steps[start:], values[start:], strict=True)))
        return [
            [str(step), *times, *(repr(column[step]) if step in column else "" for column in cells)]
            for step, times in clock.items()
        ]


def _as_text(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _append(path: Path, text: str) -> None:
    """Append a text to a file, or nothing of it where the file system refuses."""
    data = text.encode()
    with path.open("ab", buffering=0) as file:
        size = file.tell()
        try:
            if file.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(size)
            raise


def _read_clock(path: Path) -> Clock:
    """Return the images and seconds of the steps in a log; a last line that is not complete is left out.

    Args:
        path: the log; it may be missing.

    Raises:
        InputError: if there is something else at the path.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (IsADirectoryError, UnicodeDecodeError):
        raise InputError(f"{path} is not a log of CSVLogger: choose another name") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    if not text:
        return {}
    header, *rows = csv.reader(text[: text.rfind("\n") + 1].splitlines() or [text])
    if tuple(header[:3]) != FIXED_COLUMNS:
        raise InputError(f"{path} is not a log of CSVLogger: choose another name")
    return {int(row[0]): (row[1], row[2]) for row in rows if len(row) == len(header) and row[0].isdecimal()}


class TensorBoardLogger(Callback):
    """Writes the history and the snapshots for TensorBoard: ``tensorboard --logdir FOLDER`` shows them.

    Every ``every`` steps, and at the end, the newest value of each scalar becomes a point, at the step that
    it has in ``run.history``. ``losses/`` holds the history, and ``progress/`` the images and seconds so far.
    New snapshots become grids of images, one under ``samples/`` for each output of the game. A resumed
    training goes on where its checkpoint was; TensorBoard then hides later points, and a training that begins
    again in the same folder hides the older one.

    It needs the package tensorboard, and writes through ``torch.utils.tensorboard``.

    Args:
        folder: the folder for the files; ``~`` stands for the home folder.
        every: number of steps between two points, at least 1.
        images: largest number of images in a grid; 0 for no grids.
        value_range: (low, high), the values of black and white pixels.

    Raises:
        InputError: if tensorboard is missing, the folder is no path, a number is out of range, or, when the
            training begins, if nothing can be written there.

    >>> import tempfile, gantutor as gt
    >>> pair = gt.networks.ConvGenerator(), gt.networks.ConvDiscriminator()
    >>> logger = TensorBoardLogger(tempfile.mkdtemp(), every=1, images=16)
    >>> run = gt.train(gt.GAN(*pair), torch.zeros(64, 1, 28, 28), steps=1, callbacks=[logger], progress=False)
    >>> next(logger.folder.iterdir()).name.startswith("events")
    True
    """

    keeps_random_state: ClassVar[bool] = True

    def __init__(
        self,
        folder: str | Path,
        every: int = 100,
        images: int = 64,
        value_range: tuple[float, float] = (-1.0, 1.0),
    ) -> None:
        validate({"every": every, "images": images}, every=integer(1), images=integer(0))
        if not _is_range(value_range):
            raise InputError(
                f"value_range must be a pair of numbers (low, high) with low < high, not {value_range!r}"
            )
        self.folder, self.every, self.images, self.value_range = expand(folder), every, images, value_range
        self._make_writer = _summary_writer()
        self._writer: Any = None
        self._last_steps: dict[str, int] = {}
        self._last_snapshot = -1
        self._reported = False

    def on_start(self, run: Run) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._writer = self._make_writer(str(self.folder), purge_step=run.step)
        except OSError as error:
            reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror or error
            raise InputError(f"{self.folder} cannot be the folder of a log: {reason}") from None
        self._last_steps = dict.fromkeys(run.history.names, run.step - 1)  # written before a checkpoint
        self._last_snapshot, self._reported = run.step - 1, False
        self._write(run, scalars=False)

    def on_step(self, run: Run) -> None:
        self._write(run, scalars=run.step % self.every == 0)

    def on_pause(self, run: Run) -> None:
        self._write(run, scalars=True)

    def on_end(self, run: Run) -> None:
        if self._writer is not None:
            self._write(run, scalars=True, last=True)
            self._writer = None

    def _write(self, run: Run, scalars: bool, last: bool = False) -> None:
        has_new_snapshot = run.snapshots and run.snapshots[-1].step > self._last_snapshot
        if not (scalars or last or has_new_snapshot):
            return
        try:
            if scalars:
                self._write_scalars(run)
            self._write_images(run)
            self._writer.close() if last else self._writer.flush()
        except (OSError, ValueError) as error:  # the disk is full, or a former write has failed
            if not self._reported:
                reason = getattr(error, "strerror", None) or str(error)
                tqdm.write(f"TensorBoard does not get step {run.step:,} in {self.folder}: {reason}.")
            self._reported = True

    def _write_scalars(self, run: Run) -> None:
        now = time.time()
        for name in run.history.names:
            steps, values = run.history.column(name)
            if steps[-1] > self._last_steps.get(name, -1):
                self._last_steps[name] = steps[-1]
                self._writer.add_scalar(f"losses/{name}", values[-1], steps[-1], now)
        if run.step - 1 > self._last_steps.get("", -1):
            self._last_steps[""] = run.step - 1
            self._writer.add_scalar("progress/images", run.images, run.step - 1, now)
            self._writer.add_scalar("progress/seconds", run.seconds, run.step - 1, now)

    def _write_images(self, run: Run) -> None:
        new = [snapshot for snapshot in run.snapshots if snapshot.step > self._last_snapshot]
        for snapshot in new:
            self._last_snapshot = snapshot.step
            for name, samples in snapshot.outputs.items():
                if self.images and samples.dim() == 4 and samples.shape[1] in (1, 3):
                    grid = image_grid(samples[: self.images], self.value_range)
                    self._writer.add_image(f"samples/{name}", grid, snapshot.step)


def _is_range(value: Any) -> bool:
    """Whether a value is a pair of finite numbers (low, high) with low < high."""
    pair = isinstance(value, tuple | list) and len(value) == 2
    numbers = pair and all(type(end) in (int, float) and abs(end) < 1e30 for end in value)
    return numbers and bool(value[0] < value[1])


def image_grid(images: Tensor, value_range: tuple[float, float] = (-1.0, 1.0)) -> Tensor:
    """Arrange images in a grid that is about as wide as high, with a white line between them.

    Args:
        images: (N, 1 or 3, H, W).
        value_range: (low, high), the values of black and white; values outside are clipped.

    Returns:
        One image (1 or 3, rows · (H + 1), columns · (W + 1)) with values in [0, 1].

    >>> image_grid(torch.zeros(5, 1, 8, 8)).shape  # two rows of three
    torch.Size([1, 18, 27])
    """
    count, channels, height, width = images.shape
    columns = next(side for side in range(1, count + 1) if side * side >= count)
    rows = -(-count // columns)
    low, high = value_range
    canvas = torch.ones(rows * columns, channels, height + 1, width + 1)
    canvas[:count, :, :height, :width] = ((images.detach().float().cpu() - low) / (high - low)).clamp(0, 1)
    canvas = canvas.view(rows, columns, channels, height + 1, width + 1).permute(2, 0, 3, 1, 4)
    return canvas.reshape(channels, rows * (height + 1), columns * (width + 1))


def _summary_writer() -> Any:
    """Return torch's class of writers for TensorBoard.

    Raises:
        InputError: if the package tensorboard is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "a TensorBoardLogger needs the package tensorboard, which is missing: pip install tensorboard"
        ) from None
    return SummaryWriter
