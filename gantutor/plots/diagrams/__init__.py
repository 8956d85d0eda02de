"""Diagrams of the course: real, generated, generator and discriminator keep their colour in all of them."""

from gantutor.plots.diagrams.attributes import attribute_paths, inversion_and_edit
from gantutor.plots.diagrams.game import gan_game, label_paths, training_loop
from gantutor.plots.diagrams.network import network
from gantutor.plots.diagrams.sequences import gumbel_softmax, teacher_forcing, unrolled_rnn
from gantutor.plots.diagrams.sound import band_u_net, spectrogram_gan, stft
from gantutor.plots.diagrams.training import ema, r1_picture
from gantutor.plots.diagrams.video import (
    drawn_change,
    motion_path,
    moved_features,
    video_discriminators,
    video_game,
    warp,
)

__all__ = [
    "attribute_paths",
    "band_u_net",
    "drawn_change",
    "ema",
    "gan_game",
    "gumbel_softmax",
    "inversion_and_edit",
    "label_paths",
    "motion_path",
    "moved_features",
    "network",
    "r1_picture",
    "spectrogram_gan",
    "stft",
    "teacher_forcing",
    "training_loop",
    "unrolled_rnn",
    "video_discriminators",
    "video_game",
    "warp",
]
