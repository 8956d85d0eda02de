"""An editor of generated images: a menu for each attribute, and sliders along the latent."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantutor import plots, sampling
from gantutor._errors import InputError, first_line, type_name
from gantutor._files import new_file
from gantutor.live import display
from gantutor.plots.style import Figure
from gantutor.training.run import Run, check_run

SLIDERS = 3
"""Sliders along the latent directions that change the images most."""

MAX_MOVE = 3.0
"""How far a slider moves, in standard deviations of the latent distribution."""

ZOOM = 4
"""Pixels of the page along each side for one pixel of the image."""


class AttributeEditor:
    """One generated image, its attributes and its latent, which menus and sliders change.

    Args:
        run: a trained run whose generator is called ``generator(z, attributes)`` and makes images (N, 1 or 3,
            H, W).
        attributes: the names of the options of each attribute, by the attribute's name.
        latent: the latent (1, d) to begin with, such as one found by ``sampling.invert``; None draws one.
        choice: the attributes (1, A) to begin with; None means the first option of each.
        path: the file that ``save`` writes.

    Attributes:
        choice: the present option of each attribute, A whole numbers.
        moves: how far each slider is moved.

    Raises:
        InputError: if an argument does not fit.
    """

    def __init__(
        self,
        run: Run,
        attributes: Mapping[str, Sequence[str]],
        latent: Tensor | None = None,
        choice: Tensor | None = None,
        path: str | Path = "outputs/edited_face.png",
    ) -> None:
        check_run(run)
        if not isinstance(attributes, Mapping) or not attributes:
            raise InputError(f"attributes must be a dict of the options' names, not {type_name(attributes)}")
        self.run, self.path = run, Path(path)
        self.attributes = {name: list(options) for name, options in attributes.items()}
        rng = torch.Generator(run.gan.device).manual_seed(0)
        latents = run.gan.draw_latent(256, rng).cpu()
        if latents.dim() != 2:
            raise InputError(f"the editor needs latents of shape (d,), not {tuple(latents.shape[1:])}")
        self.latent = latents[:1] if latent is None else latent.detach().cpu()
        if self.latent.shape != latents[:1].shape:
            words = f"{tuple(latents[:1].shape)}, not {tuple(self.latent.shape)}"
            raise InputError(f"the latent must have shape {words}")
        given = [0] * len(self.attributes) if choice is None else choice.flatten().tolist()
        fits = len(given) == len(self.attributes) and all(
            0 <= index < len(options) for index, options in zip(given, self.attributes.values(), strict=False)
        )
        if not fits:
            raise InputError(f"choice must be one option of each of {', '.join(self.attributes)}")
        self.choice = [int(index) for index in given]
        fixed = torch.tensor([self.choice]).expand(len(latents), -1)
        with torch.no_grad():
            images = run.generate(latents, fixed)
        self.directions = sampling.latent_directions(latents, images, min(SLIDERS, latents.shape[1]))
        self.moves = [0.0] * len(self.directions)

    def __repr__(self) -> str:
        return f"AttributeEditor: {self.describe()}"

    def _ipython_display_(self) -> None:
        """At the end of a cell nothing more is shown: the editor stands there already."""

    def image(self, choice: Sequence[int] | None = None) -> Tensor:
        """Return the image (1, C, H, W) of the present choice, or of another one with the same latent."""
        return self._images([list(choice or self.choice)])

    def _images(self, choices: list[list[int]]) -> Tensor:
        latent = self.latent + torch.tensor(self.moves) @ self.directions
        return self.run.generate(latent.expand(len(choices), -1), torch.tensor(choices))

    def describe(self) -> str:
        """Return the present choice in words."""
        pairs = zip(self.attributes.items(), self.choice, strict=True)
        return "; ".join(f"{name}: {options[index]}" for (name, options), index in pairs)

    def still(self) -> Figure:
        """Return a figure of every option of each attribute, the others staying as they are."""
        rows = {}
        for column, (name, options) in enumerate(self.attributes.items()):
            choices = [
                [*self.choice[:column], index, *self.choice[column + 1 :]] for index in range(len(options))
            ]
            rows[f"{name}: {', '.join(options)}"] = self._images(choices)
        return plots.image_rows({"the face": self.image(), **rows}, max(map(len, rows.values())))

    def save(self) -> Path:
        """Write the image as a PNG, enlarged without blurring, and return its path."""
        with new_file(self.path) as fresh:
            fresh.write_bytes(_png(self.image()))
        return self.path


def edit(
    run: Run,
    attributes: Mapping[str, Sequence[str]],
    latent: Tensor | None = None,
    choice: Tensor | None = None,
    path: str | Path = "outputs/edited_face.png",
) -> AttributeEditor:
    """Show an editor of one generated image; outside JupyterLab, show every option of each attribute.

    Args:
        run: a trained run whose generator is called ``generator(z, attributes)``.
        attributes: the names of the options of each attribute, by the attribute's name.
        latent: the latent (1, d) to begin with; None draws one.
        choice: the attributes (1, A) to begin with; None means the first option of each.
        path: the file that the button writes.

    Returns:
        The ``AttributeEditor`` that is shown.

    Raises:
        InputError: if an argument does not fit.
    """
    editor = AttributeEditor(run, attributes, latent, choice, path)
    if display.in_notebook():
        still = editor.still()
        words = f"An editor of a generated face. {still.alternative_text}"
        pane = display.Pane()
        if display.watched():
            pane.show(panel(editor), still, words)
        else:
            bundle, metadata = still._repr_mimebundle_()
            metadata["image/png"]["alt"] = bundle["text/plain"] = words
            pane.show_bundle(bundle, metadata)
    return editor


def panel(editor: AttributeEditor) -> Any:
    """Return the widgets of an editor, connected to it."""
    import ipywidgets as widgets

    lock = threading.Lock()  # a front end may deliver two changes on two threads
    picture = widgets.Image(value=_png(editor.image()), format="png", layout={"width": "256px"})
    message = widgets.HTML(display.status(editor.describe()))
    menus = [
        widgets.Dropdown(options=[(o, i) for i, o in enumerate(options)], value=index, description=name)
        for (name, options), index in zip(editor.attributes.items(), editor.choice, strict=True)
    ]
    sliders = [
        widgets.FloatSlider(
            value=0,
            min=-MAX_MOVE,
            max=MAX_MOVE,
            step=0.1,
            description=f"latent {number}",
            readout_format=".1f",
        )
        for number in range(1, len(editor.moves) + 1)
    ]
    save = widgets.Button(description="Save the face", icon="save")

    def changed(_: Any = None) -> None:
        with lock:
            editor.choice = [menu.value for menu in menus]
            editor.moves = [slider.value for slider in sliders]
            try:
                picture.value = _png(editor.image())
                message.value = display.status(editor.describe())
            except Exception as error:  # the user's network may raise anything: report it and go on
                message.value = display.status(f"this face could not be made: {first_line(error)}")

    def saved(_: Any = None) -> None:
        with lock:
            try:
                message.value = display.status(f"saved to {editor.save()}")
            except (OSError, InputError) as error:
                message.value = display.status(f"it could not be saved: {first_line(error)}")

    for control in (*menus, *sliders):
        control.observe(changed, "value")
    save.on_click(saved)
    controls = widgets.VBox([*menus, *sliders, save])
    return widgets.VBox([widgets.HBox([picture, controls], layout={"flex_flow": "row wrap"}), message])


def _png(image: Tensor) -> bytes:
    """A PNG of the first image, enlarged without blurring."""
    from matplotlib.image import imsave

    pixels = plots.tile(image[:1], 1)[:-1, :-1].repeat_interleave(ZOOM, 0).repeat_interleave(ZOOM, 1)
    file = io.BytesIO()
    with display.DRAWING_LOCK:
        imsave(file, pixels.float().numpy(), cmap="gray", vmin=0, vmax=1, format="png")
    return file.getvalue()
