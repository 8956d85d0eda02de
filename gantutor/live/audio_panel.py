"""What a dashboard lets one hear of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from gantutor._errors import InputError, first_line
from gantutor.live import display
from gantutor.live.players import Players, listen
from gantutor.training.run import Run

Sounds = Callable[[Run], Any]
"""Makes waves (N, L) in [−1, 1] at 8 kHz, or ``Players``, of a run."""

MOST = 10
"""A dashboard holds so many players at most."""


class AudioPanel(NamedTuple):
    """Players, or the words that say why there are none."""

    players: Players | None
    words: str

    def html(self) -> str:
        return display.status(self.words) if self.players is None else self.players.html()

    def bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """By MIME type, and its metadata."""
        return ({"text/plain": self.words}, {}) if self.players is None else self.players._repr_mimebundle_()


def audio_panel(run: Run, sounds: Sounds) -> AudioPanel:
    """The sounds of a run as players; an error in ``sounds`` must not end a training, so that it is said
    instead.

    >>> from gantutor import GAN, networks
    >>> run = Run(GAN(networks.MLPGenerator(2, (64,)), networks.MLPDiscriminator((64,)), latent=2))
    >>> audio_panel(run, lambda run: run.sample(3)).words
    'Players: 3 sounds of 0.01 s at 8,000 samples a second: sound 1, sound 2, sound 3'
    """
    try:
        with run.preview(), torch.no_grad():
            made = sounds(run)
        players = made if isinstance(made, Players) else listen(made)
        if len(players) > MOST:
            raise InputError(f"a dashboard plays {MOST} sounds at most, not {len(players)}")
        return AudioPanel(players, repr(players))
    except Exception as error:
        return AudioPanel(None, f"The sounds could not be made: {first_line(error)}")
