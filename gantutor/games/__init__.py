"""Games: networks and a list of turns, each of which updates some networks by minimising a loss."""

from gantutor.games.adaptive_augmentation import adaptive_augmentation, adaptive_discriminator_loss
from gantutor.games.auxiliary_classifier import acgan, acgan_discriminator_loss, acgan_generator_loss
from gantutor.games.classical import (
    classical_turns,
    discriminator_loss,
    generator_loss,
    penalty_loss,
)
from gantutor.games.cyclegan import cyclegan, cyclegan_loss
from gantutor.games.discrete_code import discrete_code, discrete_code_loss, mutual_information
from gantutor.games.flow_matching import flow_matching, flow_matching_loss
from gantutor.games.gan import GAN
from gantutor.games.path_length import (
    PathLength,
    path_length_loss,
    path_lengths,
    trace_mapping,
    with_path_length,
)
from gantutor.games.pix2pix import l1_distance, pix2pix, pix2pix_loss, regression, regression_loss
from gantutor.games.turn import Batch, LatentSampler, Losses, Penalty, Turn
from gantutor.games.video import video_gan

__all__ = [
    "GAN",
    "Batch",
    "LatentSampler",
    "Losses",
    "PathLength",
    "Penalty",
    "Turn",
    "acgan",
    "acgan_discriminator_loss",
    "acgan_generator_loss",
    "adaptive_augmentation",
    "adaptive_discriminator_loss",
    "classical_turns",
    "cyclegan",
    "cyclegan_loss",
    "discrete_code",
    "discrete_code_loss",
    "discriminator_loss",
    "flow_matching",
    "flow_matching_loss",
    "generator_loss",
    "l1_distance",
    "mutual_information",
    "path_length_loss",
    "path_lengths",
    "penalty_loss",
    "pix2pix",
    "pix2pix_loss",
    "regression",
    "regression_loss",
    "trace_mapping",
    "video_gan",
    "with_path_length",
]
