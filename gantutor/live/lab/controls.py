"""The single controls of the lab: their choices, labels and tooltips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gantutor.live.lab.settings import LOSSES, Settings

LEARNING_RATES = (0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 1e-2, 3e-2, 0.1)
"""The choices of a learning rate."""
GAMMAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""The choices of γ of a gradient penalty."""
DELAYS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""The choices of slow motion: seconds to wait after each step."""

GAME_CONTROLS: dict[str, tuple[str, Any, str]] = {
    "loss": ("loss", tuple(LOSSES), "What the two networks minimise"),
    "r1": ("R1, γ", GAMMAS, "Penalty on the slope of D at real points; Wasserstein has its own, λ = 1"),
    "r2": ("R2, γ", GAMMAS, "Penalty on the slope of D at generated points; Wasserstein has its own, λ = 1"),
    "generator_rate": ("rate of G", LEARNING_RATES, "Learning rate; 0 holds the generator still"),
    "discriminator_rate": ("rate of D", LEARNING_RATES, "Learning rate; 0 holds the discriminator still"),
    "discriminator_turns": ("D per G", range(1, 11), "Turns of D to one of G"),
}
"""Controls that keep the networks, by setting: label, choices or (minimum, maximum), and tooltip."""
NETWORK_CONTROLS: dict[str, tuple[str, Any, str]] = {
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
"""Controls that build new networks, by setting: label, (minimum, maximum), and tooltip."""

FIXED_BY_NETWORK = {
    "generator": ("generator_width", "generator_depth", "latent"),
    "discriminator": ("discriminator_width", "discriminator_depth"),
}
"""The settings that cannot be changed if the user supplies the network of this name."""

LABEL_STYLE = {"description_width": "76px"}
"""The style of a slider's label."""


def button(label: str, icon: str, tooltip: str, action: Callable[[], None]) -> Any:
    """Return a button that calls a function.

    Args:
        label: the text on the button.
        icon: the name of a Font Awesome icon.
        tooltip: the text that hovering shows.
        action: the function to call.
    """
    import ipywidgets as widgets

    widget = widgets.Button(description=label, icon=icon, tooltip=tooltip, layout={"width": "84px"})
    widget.on_click(lambda _: action())
    return widget


def choice(
    label: str, options: Any, value: Any, tooltip: str, width: str = "288px", label_width: str = "76px"
) -> Any:
    """Return a list to choose one of several words from, or a slider over several numbers.

    Args:
        label: the text beside the control.
        options: the words or numbers.
        value: the first choice.
        tooltip: the text that hovering shows.
        width: the width of the control, in CSS.
        label_width: the width of the label, in CSS.
    """
    import ipywidgets as widgets

    are_words = isinstance(options[0], str)
    return (widgets.Dropdown if are_words else widgets.SelectionSlider)(
        options=labelled_options(options, value),
        value=value,
        description=label,
        tooltip=tooltip,
        style={"description_width": label_width},
        layout={"width": width},
        **({} if are_words else {"continuous_update": False}),
    )


def control(name: str, settings: Settings) -> Any:
    """Return the control of one setting, with its present value."""
    import ipywidgets as widgets

    label, options, tooltip = (GAME_CONTROLS | NETWORK_CONTROLS)[name]
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
        style=LABEL_STYLE,
        layout={"width": "288px"},
    )


def set_value(widget: Any, value: Any) -> None:
    """Set a control to a value, and add the value to the choices if it is not among them."""
    if hasattr(widget, "options"):
        values = [choice for _, choice in widget.options]
        if value not in values:
            widget.options = labelled_options((*values, value), value)
    widget.value = value


def labelled_options(options: Any, value: Any) -> list[tuple[str, Any]]:
    """Return choices with their labels, with the present value among them and numbers in order.

    >>> labelled_options((1.0, 0.1), 0.5)
    [('0.1', 0.1), ('0.5', 0.5), ('1', 1.0)]
    """
    if isinstance(value, str):
        return [(choice, choice) for choice in options]
    return [(f"{choice:g}", choice) for choice in sorted({*options, value})]
