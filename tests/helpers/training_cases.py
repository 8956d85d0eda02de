"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gantutor as gt


def quick(gan: gt.GAN, data: Any, steps: int = 4, **options: Any) -> gt.Run:
    options = {"batch_size": 16, "progress": False, "snapshots": 2, "gallery": 4} | options
    return gt.train(gan, data, steps=steps, **options)


# --- ending early and control -------------------------------------------------------------------------------


class At(gt.Callback):
    """Does something after a step."""

    def __init__(self, step: int, act: Callable[[gt.Run], object]) -> None:
        self.step, self.act, self.told = step, act, list[str]()

    def on_start(self, run: gt.Run) -> None:
        self.told.append("start")

    def on_step(self, run: gt.Run) -> None:
        if run.step == self.step:
            self.act(run)

    def on_end(self, run: gt.Run) -> None:
        self.told.append("end " + run.ended)


def interrupt(run: gt.Run) -> None:
    raise KeyboardInterrupt
