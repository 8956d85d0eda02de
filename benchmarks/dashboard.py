"""What watching costs: the dashboard's shares of the time, and a training with it over one without.

Run ``python benchmarks/dashboard.py``. Both are of the same seed and steps, one after the other, in
turns; the dashboard hands its messages to the widget as in JupyterLab. Generating samples and asking the
discriminator about them is counted apart from the messages. What the browser does is not in the figures.
Writes ``results/dashboard.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import IPython.display
import torch

import gantutor as gt
from gantutor.live import dashboard, display

Game = Callable[[], tuple[gt.GAN, Any]]


def digits() -> tuple[gt.GAN, Any]:
    """The game of notebook 03, with its labels."""
    pair = gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)
    return gt.GAN(*pair, gt.objectives.non_saturating(r1=1.0)), gt.data.digits().train


def ring() -> tuple[gt.GAN, Any]:
    """Two small networks on eight Gaussians, whose steps take a millisecond."""
    pair = gt.networks.MLPGenerator(2, (2,), 100), gt.networks.MLPDiscriminator((2,), 100)
    data = gt.data.toy.ring().dataset(20_000).train
    return gt.GAN(*pair, gt.objectives.non_saturating(r1=0.1), latent=2), data


def train(game: Game, steps: int, *callbacks: gt.Callback) -> float:
    """Seconds from the call to its end."""
    torch.manual_seed(0)
    gan, data = game()
    began = time.perf_counter()
    gt.train(gan, data, steps=steps, snapshots=0, progress=False, device="cpu", callbacks=callbacks)
    return time.perf_counter() - began


def measured(game: Game, steps: int, rounds: int) -> dict[str, float]:
    """The dashboard's own share, and the ratio of the times, medians of ``rounds`` pairs."""
    shares, sampling, ratios = [], [], []
    train(game, 3, dashboard.Dashboard())  # the first picture loads fonts
    for _ in range(rounds):
        board = dashboard.Dashboard()
        watched = train(game, steps, board)
        shares.append(board.drawing_seconds / watched)
        sampling.append(board.sampling_seconds / watched)
        ratios.append(watched / train(game, steps))
    return {
        "steps": steps,
        "share_of_drawing": round(statistics.median(shares), 4),
        "share_of_sampling": round(statistics.median(sampling), 4),
        "watched_over_unwatched": round(statistics.median(ratios), 4),
        "all_ratios": [round(ratio, 3) for ratio in sorted(ratios)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a dashboard costs.")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    display.watched = display.in_notebook = lambda: True
    shown = argparse.Namespace(update=lambda *_, **__: None)
    IPython.display.display = lambda *_, **__: shown  # type: ignore[assignment]
    results = {
        "digits": measured(digits, 400, rounds),
        "ring": measured(ring, 6000, rounds),
        "setting": {
            "threads": torch.get_num_threads(),
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
        },
    }
    text = json.dumps(results, indent=1)
    (Path(__file__).parent / "results" / "dashboard.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
