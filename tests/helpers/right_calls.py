"""How the public functions are called rightly: the calls that ``test_wrong_inputs`` spoils, one value at a
time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

import gantutor as gt


@dataclass(frozen=True)
class Made:
    """A right value that is made anew for each call."""

    make: Callable[[], Any]


@dataclass(frozen=True)
class Call:
    """A right call of ``name``, ``metrics.psnr`` for ``gantutor.metrics.psnr``; further words only tell calls
    of one function apart.

    ``then`` does with the result what it is for, given the arguments too. ``of`` gives the function where it
    is a method of something. ``allowed`` names, by parameter, kinds of ``STRANGERS`` that may work though the
    signature does not say so. ``examples`` are tried where many would take too long.
    """

    name: str
    right: Mapping[str, Any]
    then: Callable[[Any, dict[str, Any]], Any] | None = None
    of: Callable[[], Callable[..., Any]] | None = None
    allowed: Mapping[str, str] = field(default_factory=dict)
    examples: int | None = None

    @property
    def function(self) -> Callable[..., Any]:
        if self.of is not None:
            return self.of()
        function: Callable[..., Any] = attrgetter(self.name.split(" ")[0])(gt)
        return function

    def arguments(self) -> dict[str, Any]:
        return {
            name: value.make() if isinstance(value, Made) else value for name, value in self.right.items()
        }

    def play(self, arguments: dict[str, Any]) -> Any:
        result = self.function(**arguments)
        return result if self.then is None else self.then(result, arguments)

    def usual(self) -> Any:
        """What the right call gives."""
        return _usual(self.name, self)


_results: dict[str, Any] = {}


def _usual(name: str, call: Call) -> Any:
    if name not in _results:
        _results[name] = call.play(call.arguments())
    return _results[name]


# --- what many calls share ----------------------------------------------------------------------------------


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def shades(*shape: int, seed: int = 0) -> Tensor:
    """Numbers evenly from −1 to 1."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def point_game() -> gt.GAN:
    torch.manual_seed(0)
    networks = gt.networks.MLPGenerator(2, (2,), width=4), gt.networks.MLPDiscriminator((2,), width=4)
    return gt.GAN(*networks, gt.objectives.non_saturating(r1=0.1), latent=2)


def image_game(classes: int = 0) -> gt.GAN:
    torch.manual_seed(0)
    networks = gt.networks.ConvGenerator(4, classes, size=8), gt.networks.ConvDiscriminator(classes, size=8)
    return gt.GAN(*networks, latent=4)


@functools.cache
def point_run() -> gt.Run:
    return gt.train(
        point_game(), noise(64, 2), steps=4, batch_size=16, snapshots=2, gallery=8, progress=False
    )


@functools.cache
def image_run(classes: int = 0) -> gt.Run:
    images = shades(32, 1, 8, 8)
    data = torch.utils.data.TensorDataset(images, torch.arange(32) % classes) if classes else images
    options = {"steps": 2, "batch_size": 16, "snapshots": 2, "gallery": 8, "progress": False}
    return gt.train(image_game(classes), data, **options)


def all_calls() -> list[Call]:
    import right_calls_data
    import right_calls_games
    import right_calls_metrics
    import right_calls_networks
    import right_calls_page
    import right_calls_plots

    parts = (
        right_calls_data,
        right_calls_games,
        right_calls_metrics,
        right_calls_networks,
        right_calls_page,
        right_calls_plots,
    )
    return [call for part in parts for call in part.CALLS]
