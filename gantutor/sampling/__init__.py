"""Uses of a trained generator: interpolation, inversion, rejection sampling, and watermarks."""

from gantutor.sampling.interpolation import latent_directions, linear_interpolation, spherical_interpolation
from gantutor.sampling.inversion import Inversion, invert, pyramid_loss
from gantutor.sampling.rejection import Accepted, acceptance, reject, reject_from
from gantutor.sampling.watermark import Watermark

__all__ = [
    "Accepted",
    "Inversion",
    "Watermark",
    "acceptance",
    "invert",
    "latent_directions",
    "linear_interpolation",
    "pyramid_loss",
    "reject",
    "reject_from",
    "spherical_interpolation",
]
