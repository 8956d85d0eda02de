"""Games: networks and a list of turns, each of which updates some of the networks by a loss of its own."""

from gantutor.games.classical import (
    classical_turns,
    discriminator_loss,
    generator_loss,
    penalty_loss,
)
from gantutor.games.cyclegan import cyclegan, cyclegan_loss
from gantutor.games.discrete_code import discrete_code, discrete_code_loss, mutual_information
from gantutor.games.gan import GAN
from gantutor.games.pix2pix import l1_distance, pix2pix, pix2pix_loss, regression, regression_loss
from gantutor.games.turn import Batch, LatentSampler, Losses, Penalty, Turn
from gantutor.games.video import video_gan

__all__ = [
    "GAN",
    "Batch",
    "LatentSampler",
    "Losses",
    "Penalty",
    "Turn",
    "classical_turns",
    "cyclegan",
    "cyclegan_loss",
    "discrete_code",
    "discrete_code_loss",
    "discriminator_loss",
    "generator_loss",
    "l1_distance",
    "mutual_information",
    "penalty_loss",
    "pix2pix",
    "pix2pix_loss",
    "regression",
    "regression_loss",
    "video_gan",
]
