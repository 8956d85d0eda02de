"""Frames a second of the 2-D lab at two layers of 100, batch 128, all layers on.

Run ``python benchmarks/lab.py``. A lab with its panel plays for ``--seconds``, as it does in a
notebook: training on its own thread, frames computed, turned into bytes and handed to the view, the curves
twice a second. The page is played by a thread that acknowledges each frame after a hundredth of a second;
what a browser does with a frame is not in the figures: it has the other core.
The parts are timed alone as well, and medians given. Writes ``results/lab.json`` beside this file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gantutor.live.lab import messages
from gantutor.live.lab.game import BATCH_SIZE, Game
from gantutor.live.lab.lab import Lab
from gantutor.live.lab.layers import FIRST_LAYERS, compute_layers
from gantutor.live.lab.screen import FRAME_INTERVAL
from gantutor.live.lab.settings import Settings, plane_of

DRAWN_AFTER = 0.01
"""Seconds from a frame to its acknowledgement."""


def new_game(loss: str) -> Game:
    return Game(Settings(loss=loss), plane_of("ring"))


def playing(loss: str, seconds: float) -> dict[str, float]:
    """Frames and steps a second of a lab that plays."""
    lab = Lab(new_game(loss))
    panel = lab.open_panel()
    frames: list[float] = []
    send = panel.view.send

    def sent(kind: str, content: dict[str, Any], *buffers: bytes) -> None:
        send(kind, content, *buffers)
        if kind == "frame":
            frames.append(time.perf_counter())
            threading.Timer(DRAWN_AFTER, lab.acknowledge, [content["number"]]).start()

    panel.view.send = sent
    lab.play()
    time.sleep(1)
    frames.clear()
    step, began = lab.run.step, time.perf_counter()
    time.sleep(seconds)
    gone, steps = time.perf_counter() - began, lab.run.step - step
    lab.close()
    gaps = [1000 * (b - a) for a, b in itertools.pairwise(frames)]
    return {
        "frames_per_second": round(len(frames) / gone, 2),
        "steps_per_second": round(steps / gone, 1),
        "steps_per_frame": round(steps / len(frames), 1),
        "longest_gap_ms": round(max(gaps), 1),
    }


def milliseconds(action: Callable[[], Any], times: int) -> float:
    """The median of so many calls."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return round(1000 * statistics.median(taken), 2)


def parts(times: int) -> dict[str, float]:
    """Milliseconds of what a frame is made of."""
    game, shown = new_game("non-saturating"), FIRST_LAYERS
    game.advance(50)
    game.measure()
    measured = game.record.steps

    def measure() -> None:
        measured[-1:] = [-1]  # as if the last measure were of another step
        game.measure()
        measured.pop()

    return {
        "step": milliseconds(game.advance, times),
        "layers": milliseconds(lambda: compute_layers(game, shown), times),
        "frame": milliseconds(lambda: messages.frame_message(game, shown, 1), times),
        "measure": milliseconds(measure, times),
        "curves": milliseconds(lambda: messages.curves_message(game, 0.0), times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="frames a second of the 2-D lab")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each play (default 10)")
    parser.add_argument("--times", type=int, default=100, help="calls of each part (default 100)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default 1)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    load = os.getloadavg()[0]
    losses = ("non-saturating", "Wasserstein", "relativistic")
    result = {
        "playing": {loss: playing(loss, given.seconds) for loss in losses},
        "milliseconds": parts(given.times),
        "setting": {
            "width": 100,
            "depth": 2,
            "batch": BATCH_SIZE,
            "layers": len(FIRST_LAYERS),
            "aim": round(1 / FRAME_INTERVAL),
        },
        "machine": {
            "cpus": os.cpu_count(),
            "load_before": round(load, 2),
            "threads": torch.get_num_threads(),
            "architecture": platform.machine(),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    place = Path(__file__).parent / "results" / "lab.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("| loss | frames a second | steps a second | steps a frame |\n|---|---|---|---|")
    for loss, found in result["playing"].items():  # type: ignore[attr-defined]
        print(
            f"| {loss} | {found['frames_per_second']} | {found['steps_per_second']} | "
            f"{found['steps_per_frame']} |"
        )
    print("milliseconds:", ", ".join(f"{name} {value}" for name, value in result["milliseconds"].items()))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
