"""The trainings of the course by name, for the command line and for several processes."""

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
from gantutor._checks import checked, integer, validate
from gantutor._errors import InputError, type_name
from gantutor.games.gan import GAN
from gantutor.games.video import video_gan
from gantutor.training.optim import adam, linear_decay, warm_up


@dataclass(frozen=True)
class Recipe:
    """A game, its training data and the further arguments of ``train``: everything but the budget.

    A function that makes a recipe of a seed can be trained by name. To add one to the course, write it and
    put it into ``RECIPES``; one in a module of your own is called ``package.module:function``.

    Args:
        gan: the game.
        data: the training data.
        options: further arguments of ``train``.
        held_out: data that are not trained on, as ``Run.scores`` takes them; without them the command line
            and ``launch`` compute no scores.
        score: the function that computes the scores, as ``Run.scores`` takes it.

    >>> recipe = digits(seed=3)
    >>> recipe.options["batch_size"], recipe.options["seed"]
    (32, 3)
    """

    gan: GAN
    data: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    held_out: Any = None
    score: Callable[..., metrics.Scores] | None = None


MakeRecipe = Callable[..., Recipe]
"""A function that makes a recipe of a seed, such as ``digits(seed=0)``."""


def digits(seed: int = 0) -> Recipe:
    """Return the recipe of labelled digits with convolutional networks (notebook 03).

    The notebook takes 2,000 steps. On a CPU that has bfloat16, ``precision="bfloat16"`` is about 1.3 times as
    fast.

    Args:
        seed: of the weights and of the training, at least 0.
    """
    with _seeded(seed):
        modules = networks.ConvGenerator(classes=10), networks.ConvDiscriminator(classes=10)
    return _digits_recipe(modules, data.digits(), seed)


def digits_unlabelled(seed: int = 0) -> Recipe:
    """Return the recipe of digits without labels, in all else that of labelled digits (notebook 03).

    Args:
        seed: of the weights and of the training, at least 0.
    """
    with _seeded(seed):
        modules = networks.ConvGenerator(), networks.ConvDiscriminator()
    return _digits_recipe(modules, data.digits().without_labels(), seed)


def _digits_recipe(modules: tuple[nn.Module, nn.Module], dataset: data.Dataset, seed: int) -> Recipe:
    options = {
        "batch_size": 32,
        "optimizer": adam(2e-3),
        "schedule": linear_decay(0.5),
        "ema_half_life": 3000,
        "seed": seed,
    }
    gan = GAN(*modules, objectives.non_saturating(r1=0.1))
    return Recipe(gan, dataset.train, options, dataset.held_out, metrics.digit_scores)


def fully_connected(seed: int = 0) -> Recipe:
    """Return the recipe of digits with two fully connected layers of 100 units (notebook 02).

    Args:
        seed: of the weights and of the training, at least 0.
    """
    shape = (1, 28, 28)
    with _seeded(seed):
        modules = networks.MLPGenerator(64, shape, output=nn.Tanh), networks.MLPDiscriminator(shape)
    dataset = data.digits().without_labels()
    gan = GAN(*modules, objectives.non_saturating(r1=1.0))
    options = {"batch_size": 64, "optimizer": adam(1e-3), "seed": seed}
    return Recipe(gan, dataset.train, options, dataset.held_out, metrics.digit_scores)


def ring(seed: int = 0) -> Recipe:
    """Return the recipe of eight Gaussians on a ring that avoids mode collapse (notebook 01).

    Args:
        seed: of the weights and of the training, at least 0.
    """
    with _seeded(seed):
        modules = networks.MLPGenerator(8, (2,)), networks.MLPDiscriminator((2,))
    gan = GAN(*modules, objectives.non_saturating(r1=0.02, r2=0.02), latent=8)
    points = data.toy.ring(8, sigma=0.02).dataset(100_000).train
    options = {"batch_size": 128, "optimizer": adam(2e-3), "schedule": linear_decay(0.5)}
    return Recipe(gan, points, {**options, "gallery": 1000, "seed": seed})


def spoken_digits(seed: int = 0) -> Recipe:
    """Return the recipe of spoken digits as log-magnitude spectrograms with labels (notebook 05).

    On a CPU that has bfloat16, ``precision="bfloat16"`` is about three times as fast.

    Args:
        seed: of the weights and of the training, at least 0.
    """
    with _seeded(seed):
        modules = networks.SpectrogramGenerator(classes=10), networks.SpectrogramDiscriminator(classes=10)
    waves, labels = data.spoken_digits().train.tensors
    spectrograms = [data.spectrogram(data.normalize_peak(batch)) for batch in torch.split(waves, 200)]
    gan = GAN(*modules, objectives.non_saturating(r1=0.3))
    options = {
        "batch_size": 32,
        "optimizer": adam(5e-4),
        "schedule": warm_up(0.05, linear_decay(0.5)),
        "seed": seed,
    }
    return Recipe(gan, TensorDataset(torch.cat(spectrograms), labels), options)


def moving_digits(seed: int = 0) -> Recipe:
    """Return the recipe of clips that continue a first frame, with two discriminators (notebook 08).

    One discriminator sees frames, the other clips. On a CPU that has bfloat16, ``precision="bfloat16"`` is
    1.5 times as fast.

    Args:
        seed: of the weights, the data and the training, at least 0.
    """
    with _seeded(seed):
        generator = networks.AffineVideoGenerator(latent=8)
        discriminators = networks.FrameDiscriminator(), networks.ClipDiscriminator()
    gan = video_gan(generator, *discriminators, latent=8, frame_r1=5.0, clip_r1=0.1)
    options = {
        "batch_size": 32,
        "optimizer": {name: adam(2e-3 if name == "generator" else 1e-3) for name in gan.networks},
        "schedule": warm_up(0.05, linear_decay(0.5)),
        "seed": seed,
    }
    return Recipe(gan, data.moving_digits(copies=4, seed=seed).train, options)


def faces(seed: int = 0) -> Recipe:
    """Return the recipe of faces of 32 people and their mirror images, with augmentation (notebook 06).

    On a CPU that has bfloat16, ``precision="bfloat16"`` is about 1.5 times as fast.

    Args:
        seed: of the weights and of the training, at least 0.
    """
    with _seeded(seed):
        generator = networks.DeepGenerator(widths=(96, 64, 48, 32, 16))
        discriminator = networks.AugmentedDiscriminator(networks.DeepDiscriminator(widths=(24, 48, 64, 96)))
    dataset = data.faces().without_labels()
    gan = GAN(generator, discriminator, objectives.non_saturating(r1=0.1))
    options = {"batch_size": 32, "optimizer": adam(1e-3), "schedule": linear_decay(0.5), "seed": seed}
    return Recipe(gan, data.with_mirror_images(dataset.train), options)


def sines(seed: int = 0) -> Recipe:
    """Return the recipe of TimeGAN's five sines, a GRU against convolutions over differences (notebook 04).

    Args:
        seed: of the weights and of the training, at least 0.
    """
    real = data.sines().train.tensors[0]
    differences = networks.FiniteDifferences(real, order=2)
    return Recipe(
        *_series_game(networks.CumulativeSum(differences), differences, real, seed, 128, 2e-3, 44_000)
    )


def electricity(seed: int = 0) -> Recipe:
    """Return the recipe of days of electricity demand (notebook 04).

    Each day is scaled to mean 0 and standard deviation 1.

    Args:
        seed: of the weights and of the training, at least 0.
    """
    real = data.electricity().train.tensors[0]
    differences = networks.FiniteDifferences(real, order=1)
    output = nn.Sequential(networks.Standardize(), differences)
    return Recipe(*_series_game(output, differences, real, seed, 64, 1e-3, 10_000))


def _series_game(
    output: nn.Module,
    differences: networks.FiniteDifferences,
    real: Tensor,
    seed: int,
    batch_size: int,
    learning_rate: float,
    ema_half_life: float,
) -> tuple[GAN, Tensor, dict[str, Any]]:
    """A GRU that ends in ``output`` against convolutions, both on series of values and differences."""
    with _seeded(seed):
        generator = nn.Sequential(networks.GRUGenerator(16, differences.features, differences.length), output)
        channels = differences.features * (differences.order + 1)
        discriminator = networks.SequenceConvDiscriminator(channels, differences.length)
    gan = GAN(generator, discriminator, objectives.non_saturating(r1=0.1), latent=16)
    options = {"batch_size": batch_size, "optimizer": adam(learning_rate), "seed": seed}
    return gan, differences(real), options | {"schedule": linear_decay(0.5), "ema_half_life": ema_half_life}


def names(seed: int = 0) -> Recipe:
    """Return the recipe of given names, letter by letter (notebook 04).

    Args:
        seed: of the weights and of the training, at least 0.
    """
    with _seeded(seed):
        generator = networks.NameGenerator(latent=8)
        discriminator = networks.SequenceConvDiscriminator(27, length=12, channels=128)
    gan = GAN(generator, discriminator, objectives.non_saturating(r1=0.2), latent=generator.inputs)
    options = {"batch_size": 48, "optimizer": adam(2e-3), "seed": seed}
    options |= {"schedule": linear_decay(0.5), "ema_half_life": 20_000}
    return Recipe(gan, data.names().train, options)


def handwriting_paired(seed: int = 0) -> Recipe:
    """Return the recipe that translates handwritten digits into type, learnt from pairs (notebook 07).

    The typeface is a condition.

    Args:
        seed: of the weights, the data and the training, at least 0.
    """
    pairs = data.paired_handwriting(seed=seed)
    with _seeded(seed):
        generator = networks.TypeTranslator(data.typeface_traits(pairs.typefaces))
        discriminator = networks.PatchDiscriminator(len(pairs.typefaces), pairs=True)
    options = {"batch_size": 64, "optimizer": adam(2e-3), "schedule": linear_decay(0.5), "seed": seed}
    return Recipe(games.pix2pix(generator, discriminator), pairs.train, options)


def handwriting_unpaired(seed: int = 0) -> Recipe:
    """Return the recipe that translates handwritten digits into type without pairs or labels (notebook 07).

    It learns a discrete code.

    Args:
        seed: of the weights, the data and the training, at least 0.
    """
    typeface = data.typefaces()[2]
    streams = data.unpaired_handwriting("digits", [typeface], copies=1, shift=0.0, scale=0.0, seed=seed)
    glyphs = networks.unique_glyphs(streams.train.tensors[0])
    with _seeded(seed):
        generator = networks.DiscreteCodeTranslator(glyphs)
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
"""The recipes that are called by their names alone."""


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the random state inside the block, as notebooks do before they build networks, and restore it."""
    with torch.random.fork_rng(devices=[]):
        validate({"seed": seed}, seed=integer(0))
        torch.manual_seed(seed)
        yield


def find_recipe(name: str) -> MakeRecipe:
    """Return the function that makes the recipe of this name.

    Args:
        name: of a recipe of the course, or ``package.module:function`` for one of your own.

    Raises:
        InputError: if there is no such recipe (the message lists the course's), if the module cannot be
            imported, or if it has no such function.

    >>> find_recipe("ring")().options["batch_size"]
    128
    >>> find_recipe("rings")
    Traceback (most recent call last):
    ...
    gantutor.InputError: there is no recipe called 'rings': did you mean 'ring'? There are digits, ...
    """
    course = {recipe.__name__: recipe for recipe in RECIPES}
    if isinstance(name, str) and name in course:
        return course[name]
    module, _, function = str(name).partition(":")
    if not (module and function):
        matches = get_close_matches(str(name), course, n=1)
        guess = f"did you mean {matches[0]!r}? There" if matches else "there"
        raise InputError(
            f"there is no recipe called {name!r}: {guess} are {', '.join(course)}, "
            "and functions of your own as package.module:function"
        )
    try:
        recipe: MakeRecipe | None = getattr(importlib.import_module(module), function, None)
    except (ImportError, TypeError, ValueError) as error:  # the last two of names such as ".." and ""
        raise InputError(f"the recipe {name!r} cannot be imported: {error}") from None
    if not callable(recipe):
        raise InputError(f"the module {module} has no function {function}")
    return recipe


@checked(seed=integer(0))
def make_recipe(name: str, seed: int = 0) -> Recipe:
    """Return the recipe of this name, made with this seed.

    Args:
        name: of a recipe of the course, or ``package.module:function`` for one of your own.
        seed: at least 0.

    Raises:
        InputError: if there is no such recipe, if the function takes no seed, or if it does not return a
            ``Recipe``.

    >>> make_recipe("ring", seed=3).options["seed"]
    3
    """
    try:
        recipe = find_recipe(name)(seed=seed)
    except TypeError as error:
        if "seed" not in str(error):
            raise
        raise InputError(f"the recipe {name!r} must be a function of a seed: {error}") from None
    if not isinstance(recipe, Recipe):
        raise InputError(
            f"the recipe {name!r} must return a gantutor.course.recipes.Recipe, not {type_name(recipe)}"
        )
    return recipe
