"""The explorer: a walk through the latent space of a trained generator of images."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gantutor import plots, sampling
from gantutor._checks import check_floats
from gantutor._conditions import cycle_rows
from gantutor._errors import InputError, first_line, type_name
from gantutor.live import display
from gantutor.live.widget import BrowserView, available, image_bytes
from gantutor.training.run import Run, check_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATH_STEPS = 11
"""The number of latents on a path."""
MAX_SEED, MAX_MOVE = 99, 4.0
"""The largest seed of a latent, and the longest move along a direction, that the controls choose."""
NEIGHBOUR_COUNT = 5
"""The number of training samples that are shown beside a generated image."""


class Explorer:
    """A view of a latent space: a path between two latents, all labels, and nearest training samples.

    Set the attributes and call ``still()`` for the picture of the present choice.

    Args:
        run: the training of a generator of images (N, 1 or 3, H, W), with labels or without.
        data: the training images for the nearest neighbours (Euclidean distance of pixels), as a tensor or a
            TensorDataset; None shows no neighbours.
        label: the label of the generated images; None takes the smallest one, if there are any.

    Raises:
        InputError: if ``run`` is not a Run, if its samples are not images, if the data are not images of the
            same shape, or if the label is not one of the run's.

    Attributes:
        labels: the labels of the run, in order; empty for a generator without labels.
        label: the label in use, or None.
        first: the seed of the first latent of the path.
        last: the seed of the last latent of the path.
        along: the position on the path, 0 to 1.
        path: the interpolation, "spherical" or "linear".
        directions: the latent directions that change the images most, at most four, as rows of a matrix.
        moves: how far to move along each direction.
    """

    def __init__(self, run: Run, data: Any = None, label: int | None = None) -> None:
        check_run(run)
        self.run, self.labels = run, labels_of(run)
        tensors = getattr(data, "tensors", None) or ((data,) if isinstance(data, Tensor) else ())
        if data is not None and not tensors:
            raise InputError(f"data must be images in a tensor or a TensorDataset, not {type_name(data)}")
        self.data: Tensor | None = tensors[0].cpu() if tensors else None
        sample = run.sample(2)
        if sample.dim() != 4 or sample.shape[1] not in (1, 3):
            shape = tuple(sample.shape[1:])
            raise InputError(f"the explorer shows images, but this generator makes samples of shape {shape}")
        if self.data is not None:
            check_floats(data=self.data)
        if self.data is not None and self.data.shape[1:] != sample.shape[1:]:
            shapes = f"{tuple(sample.shape[1:])}, not {tuple(self.data.shape[1:])}"
            raise InputError(f"the data must be images like the generated ones, of shape {shapes}")
        if label is not None and (type(label) is not int or label not in self.labels):
            allowed = f"one of {self.labels}" if self.labels else "None, as this generator takes no label"
            raise InputError(f"label must be {allowed}, not {label!r}")
        self.label = label if label is not None or not self.labels else self.labels[0]
        self.first, self.last, self.along, self.path = 0, 1, 0.0, "spherical"
        self.directions = self._directions()
        self.moves = [0.0] * len(self.directions)

    def _latent(self, seed: int) -> Tensor:
        return self.run.gan.draw_latent(1, torch.Generator(self.run.gan.device).manual_seed(seed)).cpu()[0]

    def _directions(self) -> Tensor:
        random = torch.Generator(self.run.gan.device).manual_seed(0)
        latents = self.run.gan.draw_latent(256, random).cpu()
        if latents.dim() != 2:
            return torch.empty(0)
        images = self.run.generate(latents, self._conditions(256))
        return sampling.latent_directions(latents, images, min(4, latents.shape[1]))

    def _conditions(self, count: int) -> Any:
        return (
            cycle_rows(self.run.conditions, count) if self.label is None else torch.full((count,), self.label)
        )

    def walk(self) -> Tensor:
        """Return the latents of the path, moved along the directions: shape (11, d)."""
        interpolation = (
            sampling.spherical_interpolation if self.path == "spherical" else sampling.linear_interpolation
        )
        path = interpolation(self._latent(self.first), self._latent(self.last), PATH_STEPS)
        for move, direction in zip(self.moves, self.directions, strict=True):
            path = path + move * direction
        return path

    def pictures(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the chosen image (1, C, H, W), and rows of images by their titles.

        The rows are the path, the same latent under every label, and the nearest training samples.
        """
        path = self.walk()
        chosen = self.chosen()
        images = self.run.generate(path, self._conditions(PATH_STEPS))
        rows = {f"{self.path} path from latent {self.first} to latent {self.last}": images}
        if self.labels:
            repeated = path[chosen].expand(len(self.labels), *path.shape[1:])
            rows["the same latent under every label"] = self.run.generate(repeated, torch.tensor(self.labels))
        if self.data is not None:
            distances = (self.data - images[chosen]).flatten(1).norm(dim=1)
            rows["the nearest training samples"] = self.data[
                distances.topk(min(NEIGHBOUR_COUNT, len(distances)), largest=False).indices
            ]
        rows = {title: plots.spectrograms_to_rgb(images) for title, images in rows.items()}
        return plots.spectrograms_to_rgb(images[chosen : chosen + 1]), rows

    def chosen(self) -> int:
        """Return the index of the chosen latent on the path."""
        return round(self.along * (PATH_STEPS - 1))

    def title(self) -> str:
        """Return the title of the chosen image."""
        label = "" if self.label is None else f"label {self.label}, "
        return f"{label}{self.along:.0%} of the way"

    def still(self) -> Figure:
        """Return the figure of the present choice."""
        shown, rows = self.pictures()
        return self._draw(shown, rows, self.chosen())

    def _draw(self, shown: Tensor, rows: dict[str, Tensor], chosen: int) -> Figure:
        fig, axes = plots.figure(size=(9.6, 0.95 * len(rows) + 0.5))
        axes.remove()
        layout = fig.add_gridspec(len(rows), 2, width_ratios=[1, 3.2])
        plots.grid(shown, self.title(), 1, fig.add_subplot(layout[:, 0]))
        for index, (title, images) in enumerate(rows.items()):
            panel = fig.add_subplot(layout[index, 1])
            plots.grid(images, title, PATH_STEPS, panel)
            if index == 0:
                width, height = images.shape[3] + 1, images.shape[2] + 1
                panel.plot(
                    [width * chosen, width * (chosen + 1)],
                    [height - 1] * 2,
                    color=plots.GENERATED,
                    linewidth=3,
                )
        return fig

    def describe(self) -> str:
        """Describe the picture in one sentence, for screen readers."""
        label = "" if self.label is None else f" of label {self.label}"
        path = f"a {self.path} path from latent {self.first} to latent {self.last}"
        return f"A generated image{label}, {self.along:.0%} along {path}."


def explore(run: Run, data: Any = None, label: int | None = None) -> Explorer:
    """Show an explorer of the latent space with its controls; outside JupyterLab, show a still picture.

    Args:
        run: the training of a generator of images (N, 1 or 3, H, W), with labels or without.
        data: the training images for the nearest neighbours, as a tensor or a TensorDataset; None shows none.
        label: the label of the generated images; None takes the smallest one, if there are any.

    Returns:
        The ``Explorer`` that is shown.

    Raises:
        InputError: if one of these does not fit; see ``Explorer``.
    """
    explorer = Explorer(run, data, label)
    still, words, pane = explorer.still(), explorer.describe(), display.Pane()
    if display.watched() and available():
        pane.show(panel(explorer).widget, still, words)
    elif display.in_notebook():
        pane.show_still(still, words)
    return explorer


def panel(explorer: Explorer) -> BrowserView:
    """Return the view of an explorer, connected to it.

    The browser sends the state of all controls, the next one when it has the pictures of the last: of the
    moves of a slider that come meanwhile only the newest is computed.
    """
    lock = threading.Lock()  # a front end may deliver two requests on two threads

    def answer(number: int = 0) -> tuple[str, dict[str, Any], list[bytes]]:
        try:
            shown, rows = explorer.pictures()
        except InputError as error:
            return "failure", {"error": str(error), "number": number}, []
        except Exception as error:  # the user's network may raise anything: report it and go on
            words = f"these pictures could not be made: {first_line(error)}"
            return "failure", {"error": words, "number": number}, []
        sheets = [image_bytes(images, max(PATH_STEPS, len(images))) for images in (shown, *rows.values())]
        content = {
            "titles": [explorer.title(), *rows],
            "sheets": [sheet.content for sheet in sheets],
            "chosen": explorer.chosen(),
            "alt": explorer.describe(),
            "number": number,
        }
        return "pictures", content, [sheet.data for sheet in sheets]

    def receive(request: dict[str, Any], _: Any) -> None:
        if request.get("kind") == "choose":
            with lock:
                choose(explorer, request)
                kind, content, buffers = answer(int(request.get("number", 0)))
                view.send(kind, content, *buffers)

    kind, content, buffers = answer()
    state = {
        # A part of the state, since a page that opens while the kernel is busy cannot ask for it.
        "opening": {"kind": kind, "content": content, "buffers": buffers},
        "labels": explorer.labels,
        "label": explorer.label,
        "first": explorer.first,
        "last": explorer.last,
        "along": explorer.along,
        "path": explorer.path,
        "moves": explorer.moves,
    }
    view = BrowserView("explorer", state, receive)
    return view


def choose(explorer: Explorer, request: dict[str, Any]) -> None:
    """Set an explorer to what the controls of its view say; values that make no sense are left out."""
    for name, top in (("first", MAX_SEED), ("last", MAX_SEED)):
        if type(request.get(name)) is int and 0 <= request[name] <= top:
            setattr(explorer, name, request[name])
    along, moves = request.get("along"), request.get("moves")
    if isinstance(along, int | float) and 0 <= along <= 1:
        explorer.along = float(along)
    if request.get("path") in ("spherical", "linear"):
        explorer.path = request["path"]
    if request.get("label") in explorer.labels:
        explorer.label = request["label"]
    if isinstance(moves, list) and len(moves) == len(explorer.moves):
        explorer.moves = [min(max(float(move), -MAX_MOVE), MAX_MOVE) for move in moves]


def labels_of(run: Run) -> list[int]:
    """Return the sorted labels that a run was trained with; empty if its conditions are not labels."""
    conditions = run.conditions
    if not isinstance(conditions, Tensor) or conditions.dim() != 1 or conditions.is_floating_point():
        return []
    return sorted({int(label) for label in conditions})
