"""The course's trainings by name are those of the notebooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import gantutor as gt
from gantutor import _files
from gantutor._errors import InputError
from gantutor.course import recipes, results


@pytest.fixture(autouse=True)
def few_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the clips: drawing them all takes longer than all else here."""
    draw = gt.data.moving_digits
    monkeypatch.setattr(gt.data, "moving_digits", lambda copies, seed: draw(copies=1, seed=seed))


def notebook_03(classes: int) -> tuple[nn.Module, nn.Module]:
    return gt.networks.ConvGenerator(classes=classes), gt.networks.ConvDiscriminator(classes=classes)


def notebook_02() -> tuple[nn.Module, nn.Module]:
    """The networks as that notebook writes them, layer by layer."""
    generator = [
        nn.Linear(64, 100),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.ReLU(),
        nn.Linear(100, 784),
        nn.Tanh(),
    ]
    discriminator = [nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 1)]
    return nn.Sequential(*generator), nn.Sequential(*discriminator)


def notebook_01() -> tuple[nn.Module, nn.Module]:
    recipe = _files.read_json(results.RESULTS_FOLDER / "ring_collapse.json")["recipe"]
    generator = gt.networks.MLPGenerator(recipe["latent"], (2,), recipe["width"], recipe["depth"])
    return generator, gt.networks.MLPDiscriminator((2,), recipe["width"], recipe["depth"])


def notebook_05() -> tuple[nn.Module, nn.Module]:
    return gt.networks.SpectrogramGenerator(classes=10), gt.networks.SpectrogramDiscriminator(classes=10)


def notebook_07_paired() -> tuple[nn.Module, nn.Module]:
    traits = gt.data.typeface_traits(gt.data.typefaces())
    return gt.networks.TypeTranslator(traits), gt.networks.PatchDiscriminator(8, pairs=True)


def notebook_07_unpaired() -> tuple[nn.Module, ...]:
    return (gt.networks.DiscreteCodeTranslator(torch.zeros(10, 1, 28, 28)),)


def notebook_08() -> tuple[nn.Module, ...]:
    nets = gt.networks
    return nets.AffineVideoGenerator(latent=8), nets.FrameDiscriminator(), nets.ClipDiscriminator()


def notebook_06() -> tuple[nn.Module, nn.Module]:
    generator = gt.networks.DeepGenerator(widths=(96, 64, 48, 32, 16))
    return generator, gt.networks.AugmentedDiscriminator(
        gt.networks.DeepDiscriminator(widths=(24, 48, 64, 96))
    )


def notebook_04_series(real: torch.Tensor, order: int) -> tuple[nn.Module, nn.Module]:
    nets, features = gt.networks, real.shape[2]
    shown = nets.FiniteDifferences(real, order)
    ending = nets.CumulativeSum(shown) if order == 2 else nn.Sequential(nets.Standardize(), shown)
    generator = nn.Sequential(nets.GRUGenerator(16, features, 24), ending)
    return generator, nets.SequenceConvDiscriminator(features * (order + 1), 24)


def notebook_04_names() -> tuple[nn.Module, nn.Module]:
    return gt.networks.NameGenerator(latent=8), gt.networks.SequenceConvDiscriminator(27, 12, channels=128)


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("sines", lambda: notebook_04_series(gt.data.sines().train.tensors[0], 2)),
        ("electricity", lambda: notebook_04_series(gt.data.electricity().train.tensors[0], 1)),
        ("names", notebook_04_names),
        ("digits", lambda: notebook_03(10)),
        ("digits_unlabelled", lambda: notebook_03(0)),
        ("fully_connected", notebook_02),
        ("ring", notebook_01),
        ("spoken_digits", notebook_05),
        ("handwriting_paired", notebook_07_paired),
        ("handwriting_unpaired", notebook_07_unpaired),
        ("faces", notebook_06),
        ("moving_digits", notebook_08),
    ],
)
@pytest.mark.parametrize("seed", [0, 3])
def test_the_networks_begin_as_in_the_notebook(name: str, pair: Callable[[], Any], seed: int) -> None:
    before = torch.get_rng_state()
    recipe = recipes.find_recipe(name)(seed=seed)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(seed)
    theirs = [weight for network in pair() for weight in network.parameters()]
    mine = [*recipe.gan.parameters()]
    assert len(mine) == len(theirs) and all(map(torch.equal, mine, theirs))
    assert recipe.options["seed"] == seed


def test_the_ring_is_the_one_whose_results_are_committed() -> None:
    made_with = _files.read_json(results.RESULTS_FOLDER / "ring_collapse.json")["recipe"]
    recipe = recipes.ring()
    cure = made_with["settings"]["R1 and R2"]
    (group,) = recipe.options["optimizer"](recipe.gan.parameters()).param_groups
    assert (group["lr"], *group["betas"]) == (made_with["learning_rate"], cure["beta1"], made_with["beta2"])
    assert recipe.options["batch_size"] == made_with["batch_size"]
    decay = gt.optim.linear_decay(made_with["decay"])
    assert all(recipe.options["schedule"](spent) == decay(spent) for spent in (0.2, 0.6, 0.9))
    points = gt.data.toy.ring(made_with["count"], sigma=made_with["sigma"]).dataset(100_000)
    assert torch.equal(recipe.data.tensors[0], points.train.tensors[0])
    objective = gt.objectives.non_saturating(r1=cure["r1"], r2=cure["r2"])
    lazy = recipe.gan.turns[0].penalties
    assert {name: each.every for name, each in lazy.items()} == dict.fromkeys(
        objective.penalties, objective.every
    )


@pytest.mark.parametrize("make", recipes.RECIPES, ids=lambda make: make.__name__)
def test_every_recipe_can_be_trained(make: recipes.MakeRecipe) -> None:
    recipe = make()
    options = {**recipe.options, "snapshots": 0, "gallery": 1, "progress": False}
    assert gt.train(recipe.gan, recipe.data, steps=1, **options).ended == "complete"
    assert recipe.held_out is None or len(recipe.held_out) == 1000


def test_a_recipe_of_ones_own_is_found_in_its_module() -> None:
    assert recipes.make_recipe("gantutor.course.recipes:ring", seed=2).options["seed"] == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digit", "there is no recipe called 'digit': did you mean 'digits'? There are digits, digits_unlab"),
        ("", "there is no recipe called '': there are digits, digits_unlabelled, fully_connected, ring, si"),
        ("", "handwriting_unpaired, moving_digits, and functions of your own"),
        (":f", "there is no recipe called ':f'"),
        (None, "there is no recipe called None"),
        ("nowhere.at_all:f", "the recipe 'nowhere.at_all:f' cannot be imported: No module named 'nowhere'"),
        ("..:f", "the recipe '..:f' cannot be imported"),
        ("gantutor.course.recipes:square", "the module gantutor.course.recipes has no function square"),
        ("gantutor:__version__", "the module gantutor has no function __version__"),
        ("distributed_cases:gives_a_number", "must return a gantutor.course.recipes.Recipe, not int"),
        (
            "distributed_cases:takes_no_seed",
            "must be a function of a seed: takes_no_seed() got an unexpected",
        ),
    ],
)
def test_a_recipe_that_cannot_be_used_ends_in_a_sentence(name: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        recipes.make_recipe(name)
    assert said in str(caught.value) and "\n" not in str(caught.value)
