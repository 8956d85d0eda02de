"""The sounds that a dashboard plays while a run trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from gantutor._errors import InputError, first_line
from gantutor.live import display
from gantutor.live.players import Players, listen
from gantutor.training.run import Run

Sounds = Callable[[Run], Any]
"""A function of a run that returns waves (N, L) in [−1, 1] at 8 kHz, or ``Players``."""

MAX_PLAYERS = 10
"""The number of players on a dashboard at most."""


class AudioPanel(NamedTuple):
    """Players, or a message that says why there are none.

    Attributes:
        players: the players, or None if the sounds could not be made.
        message: a description of the players, or what went wrong.
    """

    players: Players | None
    message: str

    def html(self) -> str:
        """Return the panel as HTML."""
        return display.status(self.message) if self.players is None else self.players.html()

    def bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the panel by MIME type, and the metadata of these types."""
        return (
            ({"text/plain": self.message}, {}) if self.players is None else self.players._repr_mimebundle_()
        )


def audio_panel(run: Run, sounds: Sounds) -> AudioPanel:
    """Make the sounds of a run and return players for them.

    An error in ``sounds`` must not end a training, so it becomes the message of the panel.

    Args:
        run: the training so far; sounds are made with its averaged networks in preview.
        sounds: a function of the run that returns waves (N, L) or ``Players``, at most 10 sounds.

    >>> from gantutor import GAN, networks
    >>> run = Run(GAN(networks.MLPGenerator(2, (64,)), networks.MLPDiscriminator((64,)), latent=2))
    >>> audio_panel(run, lambda run: run.sample(3)).message
    'Players: 3 sounds of 0.01 s at 8,000 samples a second: sound 1, sound 2, sound 3'
    """
    try:
        with run.preview(), torch.no_grad():
            produced = sounds(run)
        players = produced if isinstance(produced, Players) else listen(produced)
        if len(players) > MAX_PLAYERS:
            raise InputError(f"a dashboard plays at most {MAX_PLAYERS} sounds, not {len(players)}")
        return AudioPanel(players, repr(players))
    except Exception as error:
        return AudioPanel(None, f"The sounds could not be made: {first_line(error)}")
