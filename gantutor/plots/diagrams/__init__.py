"""Diagrams of the course: real, generated, generator and discriminator keep their colour in all of them."""

from gantutor.plots.diagrams.game import gan_game, label_paths, training_loop
from gantutor.plots.diagrams.network import network
from gantutor.plots.diagrams.reading import ctc_reader
from gantutor.plots.diagrams.sequences import gumbel_softmax, teacher_forcing, unrolled_rnn
from gantutor.plots.diagrams.training import ema, r1_picture
from gantutor.plots.diagrams.translation import film_unet, pair_discriminator

__all__ = [
    "ctc_reader",
    "ema",
    "film_unet",
    "gan_game",
    "gumbel_softmax",
    "label_paths",
    "network",
    "pair_discriminator",
    "r1_picture",
    "teacher_forcing",
    "training_loop",
    "unrolled_rnn",
]
