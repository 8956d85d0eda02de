"""Single controls: their choices, labels and what hovering says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gantutor.live.lab.settings import LOSSES, Settings

RATES = (0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 1e-2, 3e-2, 0.1)
GAMMAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
DELAYS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

STEERING: dict[str, tuple[str, Any, str]] = {
    "loss": ("loss", tuple(LOSSES), "What the two networks minimise"),
    "r1": ("R1, γ", GAMMAS, "Penalty on the slope of D at real points; Wasserstein has its own, λ = 1"),
    "r2": ("R2, γ", GAMMAS, "Penalty on the slope of D at generated points; Wasserstein has its own, λ = 1"),
    "generator_rate": ("rate of G", RATES, "Learning rate; 0 holds the generator still"),
    "discriminator_rate": ("rate of D", RATES, "Learning rate; 0 holds the discriminator still"),
    "discriminator_turns": ("D per G", range(1, 11), "Turns of D to one of G"),
}
BUILDING: dict[str, tuple[str, Any, str]] = {
    "generator_width": ("G width", (8, 256), "Hidden units of each layer of the generator"),
    "generator_depth": ("G depth", (1, 4), "Hidden layers of the generator"),
    "discriminator_width": ("D width", (8, 256), "Hidden units of each layer of the discriminator"),
    "discriminator_depth": ("D depth", (1, 4), "Hidden layers of the discriminator"),
    "latent": (
        "latent",
        (1, 16),
        "Dimension of the latent z; the warped grid shows a curve for 1, the plane for 2, and for more "
        "the plane through the origin along the first two axes",
    ),
}
"""Settings by name: label, choices or (least, most), and what hovering says. A change of the first kind keeps
the networks; one of the second builds new ones."""

OF = {
    "generator": ("generator_width", "generator_depth", "latent"),
    "discriminator": ("discriminator_width", "discriminator_depth"),
}
"""What cannot be set where a network is one's own."""

LABEL = {"description_width": "76px"}


def button(label: str, icon: str, tooltip: str, action: Callable[[], None]) -> Any:
    """A button that does one thing."""
    import ipywidgets as widgets

    made = widgets.Button(description=label, icon=icon, tooltip=tooltip, layout={"width": "84px"})
    made.on_click(lambda _: action())
    return made


def choice(
    label: str, options: Any, value: Any, tooltip: str, width: str = "288px", label_width: str = "76px"
) -> Any:
    """One of a few words in a list, or of a few numbers on a slider."""
    import ipywidgets as widgets

    words = isinstance(options[0], str)
    return (widgets.Dropdown if words else widgets.SelectionSlider)(
        options=labelled(options, value),
        value=value,
        description=label,
        tooltip=tooltip,
        style={"description_width": label_width},
        layout={"width": width},
        **({} if words else {"continuous_update": False}),
    )


def control(name: str, settings: Settings) -> Any:
    """The control of one setting."""
    import ipywidgets as widgets

    label, options, tooltip = (STEERING | BUILDING)[name]
    value = getattr(settings, name)
    if isinstance(options, range) or isinstance(options[0], str | float):
        return choice(label, options, value, tooltip)
    low, high = options
    return widgets.IntSlider(
        value=value,
        min=low,
        max=high,
        description=label,
        tooltip=tooltip,
        continuous_update=False,
        style=LABEL,
        layout={"width": "288px"},
    )


def put(widget: Any, value: Any) -> None:
    """Set a control, and make room for a value that is not among its choices."""
    if hasattr(widget, "options"):
        present = [each for _, each in widget.options]
        if value not in present:
            widget.options = labelled((*present, value), value)
    widget.value = value


def labelled(options: Any, value: Any) -> list[tuple[str, Any]]:
    """Choices with their labels, numbers in order, the present one among them.

    >>> labelled((1.0, 0.1), 0.5)
    [('0.1', 0.1), ('0.5', 0.5), ('1', 1.0)]
    """
    if isinstance(value, str):
        return [(each, each) for each in options]
    return [(f"{each:g}", each) for each in sorted({*options, value})]
