"""Generators, discriminators and their building blocks: plain ``nn.Module``s without losses or training."""

from gantutor.networks.adapted import AdaptedNetwork
from gantutor.networks.attributes import (
    AttributeDiscriminator,
    AttributeEmbedding,
    AttributeGenerator,
    equal_subpixels,
)
from gantutor.networks.augmentation import AdaptiveAugment, AugmentedDiscriminator, DiffAugment
from gantutor.networks.band_extension import BandDiscriminator, BandGenerator
from gantutor.networks.conv import ConvDiscriminator, ConvGenerator, MinibatchStdDev
from gantutor.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gantutor.networks.deep_conv import DeepDiscriminator, DeepGenerator
from gantutor.networks.differences import CumulativeSum, FiniteDifferences, Standardize
from gantutor.networks.discrete_code import DiscreteCodeTranslator, unique_glyphs
from gantutor.networks.flow import Flow, FlowUNet, soft_clamp, time_features
from gantutor.networks.fourier_features import FourierFeatures
from gantutor.networks.mlp import MLPDiscriminator, MLPGenerator
from gantutor.networks.name_generator import NameGenerator, straight_through
from gantutor.networks.packing import PackedDiscriminator
from gantutor.networks.recurrent import (
    FreshNoiseGRUGenerator,
    GRUDiscriminator,
    GRUGenerator,
    SequenceConvDiscriminator,
)
from gantutor.networks.spectrogram import SpectrogramDiscriminator, SpectrogramGenerator
from gantutor.networks.spectrogram_translation import PairDiscriminator, SpectrogramTranslator
from gantutor.networks.type_translation import (
    FiLMBlock,
    PatchDiscriminator,
    TypefaceEmbedding,
    TypeTranslator,
)
from gantutor.networks.video_discriminators import ClipDiscriminator, FrameDiscriminator, ink_series
from gantutor.networks.video_generators import AffineVideoGenerator, DecoderVideoGenerator, MotionPath
from gantutor.networks.waveform import WaveDiscriminator, WaveGenerator

__all__ = [
    "AdaptedNetwork",
    "AdaptiveAugment",
    "AffineVideoGenerator",
    "AttributeDiscriminator",
    "AttributeEmbedding",
    "AttributeGenerator",
    "AugmentedDiscriminator",
    "BandDiscriminator",
    "BandGenerator",
    "ClipDiscriminator",
    "ConvDiscriminator",
    "ConvGenerator",
    "CumulativeSum",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DecoderVideoGenerator",
    "DeepDiscriminator",
    "DeepGenerator",
    "DiffAugment",
    "DiscreteCodeTranslator",
    "FiLMBlock",
    "FiniteDifferences",
    "Flow",
    "FlowUNet",
    "FourierFeatures",
    "FrameDiscriminator",
    "FreshNoiseGRUGenerator",
    "GRUDiscriminator",
    "GRUGenerator",
    "MLPDiscriminator",
    "MLPGenerator",
    "MinibatchStdDev",
    "MotionPath",
    "NameGenerator",
    "PackedDiscriminator",
    "PairDiscriminator",
    "PatchDiscriminator",
    "SequenceConvDiscriminator",
    "SpectrogramDiscriminator",
    "SpectrogramGenerator",
    "SpectrogramTranslator",
    "Standardize",
    "TypeTranslator",
    "TypefaceEmbedding",
    "WaveDiscriminator",
    "WaveGenerator",
    "equal_subpixels",
    "ink_series",
    "soft_clamp",
    "straight_through",
    "time_features",
    "unique_glyphs",
]
