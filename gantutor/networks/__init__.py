"""Short ``nn.Module``s, one topic a file; none of them knows of losses or training."""

from gantutor.networks.audio import SpectrogramDiscriminator, SpectrogramGenerator, spectrogram, wave
from gantutor.networks.conv import ConvDiscriminator, ConvGenerator
from gantutor.networks.mlp import MLPDiscriminator, MLPGenerator
from gantutor.networks.recurrent import (
    GRUDiscriminator,
    GRUGenerator,
    NameGenerator,
    SequenceConvDiscriminator,
)
from gantutor.networks.waveform import WaveDiscriminator, WaveGenerator

__all__ = [
    "ConvDiscriminator",
    "ConvGenerator",
    "GRUDiscriminator",
    "GRUGenerator",
    "MLPDiscriminator",
    "MLPGenerator",
    "NameGenerator",
    "SequenceConvDiscriminator",
    "SpectrogramDiscriminator",
    "SpectrogramGenerator",
    "WaveDiscriminator",
    "WaveGenerator",
    "spectrogram",
    "wave",
]
