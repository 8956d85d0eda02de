"""The single controls of the lab: their choices, labels and tooltips."""

from __future__ import annotations

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

DISTRIBUTION = ("learn", "What to learn; builds new networks")
"""Label and tooltip of the choice of a distribution."""
SLOW = ("slow motion, s", "Seconds from one step to the next")
"""Label and tooltip of slow motion."""

Control = dict[str, Any]
"""One control as the browser builds it: name, label, title, value, disabled, and either the choices with
their labels ("options") or the smallest and largest whole number ("low", "high")."""


def choice(name: str, label: str, title: str, options: Any, value: Any) -> Control:
    """Return a control that chooses one of several words or numbers.

    Args:
        name: the name of the setting.
        label: the text beside the control.
        title: the text that hovering shows.
        options: the words or numbers.
        value: the present choice; it is added to the numbers if it is not among them.

    >>> choice("slow", *SLOW, (0.0, 0.5), 0.1)["options"]
    [['0', 0.0], ['0.1', 0.1], ['0.5', 0.5]]
    """
    return {
        "name": name,
        "label": label,
        "title": title,
        "options": [list(pair) for pair in labelled_options(options, value)],
        "value": value,
        "disabled": False,
    }


def control(name: str, settings: Settings) -> Control:
    """Return the control of one setting, with its present value."""
    label, options, title = (GAME_CONTROLS | NETWORK_CONTROLS)[name]
    value = getattr(settings, name)
    if isinstance(options, range) or isinstance(options[0], str | float):
        return choice(name, label, title, options, value)
    low, high = options
    return {
        "name": name,
        "label": label,
        "title": title,
        "low": low,
        "high": high,
        "value": value,
        "disabled": False,
    }


def labelled_options(options: Any, value: Any) -> list[tuple[str, Any]]:
    """Return choices with their labels, with the present value among them and numbers in order.

    >>> labelled_options((1.0, 0.1), 0.5)
    [('0.1', 0.1), ('0.5', 0.5), ('1', 1.0)]
    """
    if isinstance(value, str):
        return [(choice, choice) for choice in options]
    return [(f"{choice:g}", choice) for choice in sorted({*options, value})]
