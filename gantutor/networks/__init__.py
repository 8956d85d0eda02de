"""Short ``nn.Module``s, one topic a file; none of them knows of losses or training."""

from gantutor.networks.audio import (
    SpectrogramDiscriminator,
    SpectrogramGenerator,
    full_scale,
    phase,
    spectrogram,
    wave,
)
from gantutor.networks.classical import DCGANDiscriminator, DCGANGenerator
from gantutor.networks.coded import CodedTranslator, alphabet, bend
from gantutor.networks.conv import ConvDiscriminator, ConvGenerator
from gantutor.networks.deep import DeepDiscriminator, DeepGenerator
from gantutor.networks.differences import Differences, Standardized, SumUp
from gantutor.networks.enhance import PairDiscriminator, SpectrogramTranslator
from gantutor.networks.fourier import FourierFeatures
from gantutor.networks.letters import NameGenerator
from gantutor.networks.mlp import MLPDiscriminator, MLPGenerator
from gantutor.networks.pack import Packed
from gantutor.networks.recurrent import (
    FreshNoiseGRUGenerator,
    GRUDiscriminator,
    GRUGenerator,
    SequenceConvDiscriminator,
)
from gantutor.networks.translate import PatchDiscriminator, TypefaceCodes, TypeTranslator
from gantutor.networks.video import AffineVideoGenerator, DecoderVideoGenerator, MotionPath
from gantutor.networks.video_discriminators import ClipDiscriminator, FrameDiscriminator
from gantutor.networks.waveform import WaveDiscriminator, WaveGenerator

__all__ = [
    "AffineVideoGenerator",
    "ClipDiscriminator",
    "CodedTranslator",
    "ConvDiscriminator",
    "ConvGenerator",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DecoderVideoGenerator",
    "DeepDiscriminator",
    "DeepGenerator",
    "Differences",
    "FourierFeatures",
    "FrameDiscriminator",
    "FreshNoiseGRUGenerator",
    "GRUDiscriminator",
    "GRUGenerator",
    "MLPDiscriminator",
    "MLPGenerator",
    "MotionPath",
    "NameGenerator",
    "Packed",
    "PairDiscriminator",
    "PatchDiscriminator",
    "SequenceConvDiscriminator",
    "SpectrogramDiscriminator",
    "SpectrogramGenerator",
    "SpectrogramTranslator",
    "Standardized",
    "SumUp",
    "TypeTranslator",
    "TypefaceCodes",
    "WaveDiscriminator",
    "WaveGenerator",
    "alphabet",
    "bend",
    "full_scale",
    "phase",
    "spectrogram",
    "wave",
]
