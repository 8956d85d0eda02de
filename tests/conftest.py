"""What the tests share: one thread, a seeded start, and a game small enough to train in a blink."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
import torch
from pages import Display
from torch import Tensor

import gantutor as gt

torch.set_num_threads(1)


@cache  # torch's compiler looks for what is wrapped, as in the function that this replaces
def _none() -> bool:
    return False


@pytest.fixture(autouse=True)
def on_the_cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever accelerator there is, tests and the processes they start see none, but for those marked
    ``gpu``."""
    if request.node.get_closest_marker("gpu") is None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        monkeypatch.setattr(torch.cuda, "is_available", _none)
        monkeypatch.setattr(torch.backends.mps, "is_available", _none)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Every test starts from the same random state and leaves the one it found."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def points() -> Tensor:
    """256 points of a plane, shape (256, 2): standard normal, moved to (2, −1) and halved."""
    return torch.tensor([2.0, -1.0]) + 0.5 * torch.randn(256, 2, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def images() -> Tensor:
    """64 small images, shape (64, 1, 8, 8), uniform in [−1, 1]."""
    return torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.fixture
def point_game() -> Callable[..., gt.GAN]:
    """Makes a game on the plane whose weights are the same every time."""

    def make(objective: gt.objectives.Objective | None = None, width: int = 16, turns: int = 1) -> gt.GAN:
        torch.manual_seed(3)
        return gt.GAN(
            gt.networks.MLPGenerator(2, (2,), width=width),
            gt.networks.MLPDiscriminator((2,), width=width),
            objective or gt.objectives.non_saturating(r1=0.1),
            latent=2,
            discriminator_turns=turns,
        )

    return make


@pytest.fixture
def image_game() -> Callable[..., gt.GAN]:
    """Makes a convolutional game on images of side 8, with batch norm, whose weights are the same every
    time."""

    def make(classes: int = 0) -> gt.GAN:
        torch.manual_seed(4)
        return gt.GAN(
            gt.networks.ConvGenerator(4, classes=classes, size=8),
            gt.networks.ConvDiscriminator(classes=classes, size=8, features=16),
            gt.objectives.non_saturating(r1=1.0, every=2),
            latent=4,
        )

    return make


@pytest.fixture
def same_weights() -> Callable[[gt.Run, gt.Run], bool]:
    """Tells whether all networks and averages of two runs agree in every bit."""

    def same(one: gt.Run, other: gt.Run) -> bool:
        mine, theirs = one.weights(), other.weights()
        return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)

    return same


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, as it does not in a test that was started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    """A notebook that somebody watches."""
    from gantutor.live import display as page

    shown = Display()
    monkeypatch.setattr(page, "in_notebook", lambda: True)
    monkeypatch.setattr(page, "watched", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown)
    return shown


@pytest.fixture
def unwatched(display: Display, monkeypatch: pytest.MonkeyPatch) -> Display:
    """A notebook that runs by itself, as under papermill."""
    from gantutor.live import display as page

    monkeypatch.setattr(page, "watched", lambda: False)
    return display


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an exercise's progress, somewhere of its own."""
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(path))
    return path


@pytest.fixture
def four_steps(point_game: Callable[..., gt.GAN], points: Tensor) -> gt.Run:
    """A short training on the plane."""
    return gt.train(point_game(), points, steps=4, gallery=40, progress=False)


@pytest.fixture
def no_widget_is_left() -> Iterator[None]:
    """Widgets live as long as their process unless they are closed."""
    yield
    import ipywidgets

    ipywidgets.Widget.close_all()
