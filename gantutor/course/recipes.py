"""The trainings of the course by name, for the command line and for several processes.

A recipe is a function of a seed. To add one, write it and put it into ``RECIPES``; one of your own, in a
module of yours, is called ``package.module:function``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from gantutor import data, games, metrics, networks, objectives
from gantutor._checks import integer, validate
from gantutor._errors import InputError, type_name
from gantutor.games.gan import GAN
from gantutor.games.video import video_gan
from gantutor.training.optim import adam, linear_decay, warm_up


@dataclass(frozen=True)
class Recipe:
    """A game, the data it is played on, and what else ``train`` is told, all but the budget.

    ``held_out``: data that no network sees, and ``score``: how to score against them, as ``Run.scores`` takes
    both; without them the command line and ``launch`` score nothing.

    >>> recipe = digits(seed=3)
    >>> recipe.options
    {'batch_size': 64, 'seed': 3}
    """

    gan: GAN
    data: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    held_out: Any = None
    score: Callable[..., metrics.Scores] | None = None


MakeRecipe = Callable[..., Recipe]
"""Makes a recipe of a seed, ``make_recipe(seed=0)``: each function here is one."""


def digits(seed: int = 0) -> Recipe:
    """Digits with labels, by convolution: notebook 03."""
    with _seeded(seed):
        pair = networks.ConvGenerator(classes=10), networks.ConvDiscriminator(classes=10)
    numbers = data.digits()
    gan = GAN(*pair, objectives.non_saturating(r1=1.0))
    return Recipe(
        gan, numbers.train, {"batch_size": 64, "seed": seed}, numbers.held_out, metrics.digit_scores
    )


def digits_unlabelled(seed: int = 0) -> Recipe:
    """Digits without labels, by convolution: the second training of notebook 03."""
    with _seeded(seed):
        pair = networks.ConvGenerator(), networks.ConvDiscriminator()
    numbers = data.digits().without_labels()
    gan = GAN(*pair, objectives.non_saturating(r1=1.0))
    options = {"batch_size": 32, "optimizer": adam(2e-3), "seed": seed}
    return Recipe(gan, numbers.train, options, numbers.held_out, metrics.digit_scores)


def fully_connected(seed: int = 0) -> Recipe:
    """Digits by two fully connected layers of 100: the game of notebook 02."""
    shape = (1, 28, 28)
    with _seeded(seed):
        pair = networks.MLPGenerator(64, shape, output=nn.Tanh), networks.MLPDiscriminator(shape)
    numbers = data.digits().without_labels()
    gan = GAN(*pair, objectives.non_saturating(r1=1.0))
    options = {"batch_size": 64, "optimizer": adam(1e-3), "seed": seed}
    return Recipe(gan, numbers.train, options, numbers.held_out, metrics.digit_scores)


def ring(seed: int = 0) -> Recipe:
    """Eight small Gaussians on a ring, all of them kept: the cure of notebook 01."""
    with _seeded(seed):
        pair = networks.MLPGenerator(2, (2,), depth=3), networks.MLPDiscriminator((2,), depth=3)
    gan = GAN(*pair, objectives.non_saturating(r1=1.0, r2=1.0, every=4), latent=2)
    points = data.toy.ring(8, sigma=0.02).dataset(100_000).train
    optimizer = adam(1e-3, betas=(0.9, 0.999))
    return Recipe(gan, points, {"batch_size": 128, "optimizer": optimizer, "gallery": 1000, "seed": seed})


def spoken_digits(seed: int = 0) -> Recipe:
    """Spoken digits as log-magnitude spectrograms, with labels: notebook 05.

    On a CPU that has bfloat16, ``precision="bfloat16"`` is about three times as fast.
    """
    with _seeded(seed):
        pair = networks.SpectrogramGenerator(classes=10), networks.SpectrogramDiscriminator(classes=10)
    waves, labels = data.spoken_digits().train.tensors
    pictures = [data.spectrogram(data.normalize_peak(part)) for part in torch.split(waves, 200)]
    gan = GAN(*pair, objectives.non_saturating(r1=0.3))
    options = {
        "batch_size": 32,
        "optimizer": adam(5e-4),
        "schedule": warm_up(0.05, linear_decay(0.5)),
        "seed": seed,
    }
    return Recipe(gan, TensorDataset(torch.cat(pictures), labels), options)


def moving_digits(seed: int = 0) -> Recipe:
    """Clips that go on from a first frame, against a discriminator of frames and one of clips: notebook 08.

    On a CPU that has bfloat16, ``precision="bfloat16"`` is half as fast again.
    """
    with _seeded(seed):
        generator = networks.AffineVideoGenerator(latent=8)
        judges = networks.FrameDiscriminator(), networks.ClipDiscriminator()
    gan = video_gan(generator, *judges, latent=8, frame_r1=5.0, clip_r1=0.1)
    options = {
        "batch_size": 32,
        "optimizer": {name: adam(2e-3 if name == "generator" else 1e-3) for name in gan.networks},
        "schedule": warm_up(0.05, linear_decay(0.5)),
        "seed": seed,
    }
    return Recipe(gan, data.moving_digits(copies=4, seed=seed).train, options)


def faces(seed: int = 0) -> Recipe:
    """Faces of 32 people and their mirror images, with augmentation: notebook 06.

    On a CPU that has bfloat16, ``precision="bfloat16"`` is about half as fast again.
    """
    with _seeded(seed):
        generator = networks.DeepGenerator(widths=(96, 64, 48, 32, 16))
        discriminator = networks.AugmentedDiscriminator(networks.DeepDiscriminator(widths=(24, 48, 64, 96)))
    photographs = data.faces().without_labels()
    gan = GAN(generator, discriminator, objectives.non_saturating(r1=0.1))
    options = {"batch_size": 32, "optimizer": adam(1e-3), "schedule": linear_decay(0.5), "seed": seed}
    return Recipe(gan, data.with_mirror_images(photographs.train), options)


def sines(seed: int = 0) -> Recipe:
    """TimeGAN's five sines, by a GRU against convolutions over differences: notebook 04."""
    real = data.sines().train.tensors[0]
    shown = networks.FiniteDifferences(real, order=2)
    return Recipe(*_series_game(networks.CumulativeSum(shown), shown, real, seed, 128, 2e-3, 44_000))


def electricity(seed: int = 0) -> Recipe:
    """Days of electricity demand, each with mean 0 and standard deviation 1: notebook 04."""
    real = data.electricity().train.tensors[0]
    shown = networks.FiniteDifferences(real, order=1)
    ending = nn.Sequential(networks.Standardize(), shown)
    return Recipe(*_series_game(ending, shown, real, seed, 64, 1e-3, 10_000))


def _series_game(
    ending: nn.Module,
    shown: networks.FiniteDifferences,
    real: Tensor,
    seed: int,
    batch_size: int,
    learning_rate: float,
    ema_half_life: float,
) -> tuple[GAN, Tensor, dict[str, Any]]:
    with _seeded(seed):
        generator = nn.Sequential(networks.GRUGenerator(16, shown.features, shown.length), ending)
        seen = shown.features * (shown.order + 1)
        discriminator = networks.SequenceConvDiscriminator(seen, shown.length)
    gan = GAN(generator, discriminator, objectives.non_saturating(r1=0.1), latent=16)
    options = {"batch_size": batch_size, "optimizer": adam(learning_rate), "seed": seed}
    return gan, shown(real), options | {"schedule": linear_decay(0.5), "ema_half_life": ema_half_life}


def names(seed: int = 0) -> Recipe:
    """Given names, letter by letter: notebook 04."""
    with _seeded(seed):
        generator = networks.NameGenerator(latent=8)
        discriminator = networks.SequenceConvDiscriminator(27, length=12, channels=128)
    gan = GAN(generator, discriminator, objectives.non_saturating(r1=0.2), latent=generator.inputs)
    options = {"batch_size": 48, "optimizer": adam(2e-3), "seed": seed}
    options |= {"schedule": linear_decay(0.5), "ema_half_life": 20_000}
    return Recipe(gan, data.names().train, options)


def handwriting_paired(seed: int = 0) -> Recipe:
    """Handwritten digits into type, from pairs, the typeface a condition: notebook 07."""
    pairs = data.paired_handwriting(seed=seed)
    with _seeded(seed):
        generator = networks.TypeTranslator(data.typeface_traits(pairs.typefaces))
        discriminator = networks.PatchDiscriminator(len(pairs.typefaces), pairs=True)
    options = {"batch_size": 64, "optimizer": adam(2e-3), "schedule": linear_decay(0.5), "seed": seed}
    return Recipe(games.pix2pix(generator, discriminator), pairs.train, options)


def handwriting_unpaired(seed: int = 0) -> Recipe:
    """Handwritten digits into type without pairs or labels, by a code: notebook 07."""
    face = data.typefaces()[2]
    streams = data.unpaired_handwriting("digits", [face], copies=1, shift=0.0, scale=0.0, seed=seed)
    case = networks.unique_glyphs(streams.train.tensors[0])
    with _seeded(seed):
        generator = networks.DiscreteCodeTranslator(case)
    options = {"batch_size": 160, "optimizer": adam(2e-3, (0.9, 0.99)), "schedule": linear_decay(0.5)}
    return Recipe(games.discrete_code(generator), streams.train, options | {"seed": seed})


RECIPES: tuple[MakeRecipe, ...] = (
    digits,
    digits_unlabelled,
    fully_connected,
    ring,
    sines,
    electricity,
    faces,
    names,
    spoken_digits,
    handwriting_paired,
    handwriting_unpaired,
    moving_digits,
)
"""The recipes that are called by their own names alone."""


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The random state in which a notebook builds its networks, and outside of the block the one before."""
    with torch.random.fork_rng(devices=[]):
        validate({"seed": seed}, seed=integer(0))
        torch.manual_seed(seed)
        yield


def find_recipe(text: str) -> MakeRecipe:
    """The function that makes the recipe called so, of the course or, ``package.module:function``, of your
    own.

    Raises InputError where there is none of that name, with those there are.

    >>> find_recipe("ring")().options["batch_size"]
    128
    >>> find_recipe("rings")
    Traceback (most recent call last):
    ...
    gantutor.InputError: there is no recipe called 'rings': did you mean 'ring'? There are digits, ...
    """
    course = {make.__name__: make for make in RECIPES}
    if isinstance(text, str) and text in course:
        return course[text]
    module, _, function = str(text).partition(":")
    if not (module and function):
        near = get_close_matches(str(text), course, n=1)
        guess = f"did you mean {near[0]!r}? There" if near else "there"
        raise InputError(
            f"there is no recipe called {text!r}: {guess} are {', '.join(course)}, "
            "and functions of your own as package.module:function"
        )
    try:
        make = getattr(importlib.import_module(module), function, None)
    except (ImportError, TypeError, ValueError) as error:  # the last two of names such as ".." and ""
        raise InputError(f"the recipe {text!r} cannot be imported: {error}") from None
    if not callable(make):
        raise InputError(f"the module {module} has no function {function}")
    found: MakeRecipe = make
    return found


def make_recipe(text: str, seed: int = 0) -> Recipe:
    """The recipe called so, with this seed; raises InputError for a function that makes none."""
    validate({"seed": seed}, seed=integer(0))
    try:
        made = find_recipe(text)(seed=seed)
    except TypeError as error:
        if "seed" not in str(error):
            raise
        raise InputError(f"the recipe {text!r} must be a function of a seed: {error}") from None
    if not isinstance(made, Recipe):
        raise InputError(
            f"the recipe {text!r} must give a gantutor.course.recipes.Recipe, not {type_name(made)}"
        )
    return made
