"""What the kernel tells the browser of a game: numbers as bytes, which the browser draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gantutor.live.lab import curves, plane
from gantutor.live.lab.game import Game
from gantutor.live.lab.layers import compute_layers
from gantutor.live.widget import float_bytes
from gantutor.plots.curves import MAX_CURVE_POINTS


class Message(NamedTuple):
    """One message to the browser.

    Attributes:
        kind: says what the buffers are.
        content: what JSON can hold.
        buffers: arrays as bytes, lowest byte first.
    """

    kind: str
    content: dict[str, Any]
    buffers: list[bytes]


def plane_message(game: Game) -> Message:
    """Return what stays the same while a game runs: the real points and the square that is shown.

    Args:
        game: the game.

    Returns:
        A message "plane" with one buffer: the real points, float32 (N, 2).

    >>> from gantutor.live.lab.settings import Settings, plane_of
    >>> message = plane_message(Game(Settings(), plane_of("ring")))
    >>> message.content["modes"], len(message.buffers[0])
    (8, 4000)
    """
    shown_plane = game.plane
    content = {
        "name": shown_plane.name,
        "centre": list(shown_plane.centre),
        "reach": shown_plane.reach,
        "modes": curves.mode_count(shown_plane),
        "notes": curves.notes(shown_plane),
        "real": curves.real_divergences(shown_plane),
    }
    return Message("plane", content, [float_bytes(shown_plane.points[: len(game.latents)])])


def frame_message(game: Game, shown: frozenset[str], number: int) -> Message:
    """Return one frame of the plane.

    Args:
        game: the game.
        shown: the names of the layers to compute.
        number: the number of the frame, which the browser acknowledges.

    Returns:
        A message "frame" with six buffers, empty for layers that are not shown: generated points, float32
        (N, 2); D(x), uint8 (48, 48), where 255 is 1; the warped grid, float32 (L, P, 2); where arrows begin,
        float32 (A, 2); the arrows, float32 (A, 2); the density, uint8 (48, 48).
    """
    layers = compute_layers(game, shown)
    content = {
        "number": number,
        "step": game.run.step,
        "points_a_line": layers.lines.shape[1],
        "alt": plane.describe(game, shown),
    }
    return Message(
        "frame",
        content,
        [
            float_bytes(layers.generated),
            shares(layers.shade),
            float_bytes(layers.lines),
            float_bytes(layers.tails),
            float_bytes(layers.arrows),
            shares(layers.density),
        ],
    )


def curves_message(game: Game, speed: float) -> Message:
    """Return the curves so far.

    Args:
        game: the game.
        speed: steps a second, or 0 if it is not known.

    Returns:
        A message "curves" with two buffers, float32, for each name in its "names": steps, and values.
    """
    history, record = game.run.history, game.record
    columns: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
    for name in ("discriminator", "generator"):
        if name in history.names:
            columns[name] = history.column(name)
    columns["modes"] = record.steps[: len(record.modes)], record.modes
    columns["reverse_kl"], columns["js"] = (record.steps, record.reverse_kl), (record.steps, record.js)
    content = {
        "names": list(columns),
        "step": game.run.step,
        "speed": speed,
        "numbers": curves.numbers(game),
        "alt": curves.describe(game),
    }
    return Message("curves", content, [thinned(part) for column in columns.values() for part in column])


def shares(values: Tensor) -> bytes:
    """Return numbers from 0 to 1 as uint8, where 255 is 1."""
    return (values * 255).round().clamp(0, 255).byte().numpy().tobytes()


def thinned(values: Sequence[float]) -> bytes:
    """Return a curve as float32 with at most 300 points, each the mean of as many neighbours.

    >>> np.frombuffer(thinned([1.0, 3.0]), "<f4").tolist(), len(thinned([0.0] * 1000)) // 4
    ([1.0, 3.0], 250)
    """
    numbers: npt.NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return b""
    size = -(-len(numbers) // MAX_CURVE_POINTS)
    starts = np.arange(0, len(numbers), size)
    means = np.add.reduceat(numbers, starts) / np.diff(np.append(starts, len(numbers)))
    return float_bytes(means)
