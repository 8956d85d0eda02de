"""The lab's game, the layers of its picture, its measures and curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from lab_cases import SMALL, game
from matplotlib.backends.backend_agg import FigureCanvasAgg
from torch import Tensor, nn

import gantutor as gt
from gantutor._calling import evaluation_mode
from gantutor.live.lab import curves, lab, layers, plane
from gantutor.live.lab.game import Game
from gantutor.live.lab.settings import DISTRIBUTIONS, LOSSES, OWN_DATA, Settings, plane_of


@pytest.mark.parametrize("loss", LOSSES)
def test_its_steps_are_those_of_train(loss: str, same_weights: Any) -> None:
    chosen = Settings(loss=loss, seed=3, discriminator_turns=2, generator_rate=1e-3, latent=3, **SMALL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        pair = gt.networks.MLPGenerator(3, (2,), 8, 1), gt.networks.MLPDiscriminator((2,), 8, 1)
        gan = gt.GAN(*pair, chosen.objective(), latent=3, discriminator_turns=2)
    rates = {"generator": gt.optim.adam(1e-3), "discriminator": gt.optim.adam(2e-3)}
    data = plane_of("ring", 3).points
    options: dict[str, Any] = {"batch_size": 128, "seed": 3, "optimizer": rates, "device": "cpu"}
    expected = gt.train(gan, data, steps=30, progress=False, **options)
    ours = Game(chosen, plane_of("ring", 3))
    for steps in (10, 1, 19):
        ours.advance(steps)
        torch.randn(3)  # others draw from the global state meanwhile
        ours.measure()
        layers.compute_layers(ours, frozenset(layers.LAYERS))
    assert same_weights(ours.run, expected)
    assert ours.run.history.to_json() == expected.history.to_json()


def test_the_same_settings_give_the_same_game_and_another_seed_another(same_weights: Any) -> None:
    one, two, other = game(), game(), game(seed=1)
    for each in (one, two, other):
        each.advance(5)
    assert same_weights(one.run, two.run) and not same_weights(one.run, other.run)
    again = one.again()
    again.advance(5)
    assert same_weights(again.run, one.run)


def test_random_numbers_of_other_cells_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda _: pytest.fail("of all accelerators"))
    torch.default_generator.manual_seed(5)
    expected = torch.randn(3)
    for loss in ("hinge", "Wasserstein"):
        torch.default_generator.manual_seed(5)
        game(loss=loss).advance(2)
        assert torch.equal(torch.randn(3), expected)


@pytest.mark.parametrize(
    "change", [{"loss": "hinge"}, {"r1": 1.0}, {"generator_rate": 0.0}, {"discriminator_turns": 5}]
)
def test_the_game_changes_and_the_networks_stay(change: dict[str, Any]) -> None:
    before = game()
    before.advance(3)
    after = before.changed(Settings(**(SMALL | change)))
    assert after is before
    after.advance(2)
    assert after.run.step == 5


@pytest.mark.parametrize(
    "change", [{"generator_width": 16}, {"discriminator_depth": 2}, {"latent": 5}, {"seed": 9}]
)
def test_new_sizes_are_new_networks(change: dict[str, Any]) -> None:
    before = game()
    before.advance(3)
    after = before.changed(Settings(**(SMALL | change)))
    assert after is not before and after.run.step == 0 and before.run.step == 3


def test_a_rate_of_0_holds_a_network_still() -> None:
    held = game(generator_rate=0.0)
    before = [weight.clone() for weight in held.gan.networks["generator"].parameters()]
    held.advance(3)
    assert all(map(torch.equal, before, held.gan.networks["generator"].parameters()))


def test_one_network_can_step_alone() -> None:
    alone = game()
    before = {name: [w.clone() for w in net.parameters()] for name, net in alone.gan.networks.items()}
    alone.advance(allowed=("discriminator",))
    moved = {
        name: any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
        for name, net in alone.gan.networks.items()
    }
    assert moved == {"discriminator": True, "generator": False}


def test_a_look_moves_no_statistics() -> None:
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    own = Game(Settings(**SMALL), plane_of("ring"), {"generator": generator})
    own.advance(2)
    before = {name: value.clone() for name, value in own.gan.state_dict().items()}
    modes = [module.training for module in own.gan.modules()]
    own.measure()
    layers.compute_layers(own, frozenset(layers.LAYERS))
    assert all(torch.equal(value, own.gan.state_dict()[name]) for name, value in before.items())
    assert [module.training for module in own.gan.modules()] == modes
    with evaluation_mode(own.gan):
        assert not own.gan.training


def test_settings_out_of_range_are_refused_by_name() -> None:
    for name, value in {"loss": "square", "latent": 17, "generator_width": 4, "r1": -1, "seed": None}.items():
        with pytest.raises(gt.InputError, match=f"^{name} must be "):
            Settings(**{name: value})


# --- the layers -------------------------------------------------------------------------------------------


def test_the_shade_is_the_discriminator_on_the_plane() -> None:
    shaded = game()
    shaded.advance(20)
    shade = layers.shade(shaded)
    side, reach = layers.SHADE_SIZE, shaded.plane.reach
    column, row = 40, 7
    x, y = (-reach + (index + 0.5) * 2 * reach / side for index in (column, row))
    with torch.no_grad():
        expected = torch.sigmoid(shaded.gan.networks["discriminator"](torch.tensor([[x, y]])))
    assert float(shade[row, column]) == pytest.approx(float(expected), abs=1e-6)


def test_arrows_of_the_non_saturating_loss_are_the_slope_of_log_d() -> None:
    pointed = game()
    pointed.advance(20)
    tails = pointed.points(pointed.latents)[:10]
    arrows = layers.arrows(pointed, tails, pointed.plane.points)
    at = tails.clone().requires_grad_()
    logits = pointed.gan.networks["discriminator"](at)
    (slope,) = torch.autograd.grad(nn.functional.logsigmoid(logits).sum(), at)
    expected = slope / (layers.HALF_LENGTH_GRADIENT + slope.norm(dim=1, keepdim=True))
    torch.testing.assert_close(arrows, layers.MAX_ARROW_LENGTH * pointed.plane.reach * expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("latent", [1, 2, 7])
def test_every_loss_and_latent_has_all_layers(loss: str, latent: int) -> None:
    seen = layers.compute_layers(game(loss=loss, latent=latent), frozenset(layers.LAYERS))
    assert seen.real.shape == seen.generated.shape == (500, 2)
    assert seen.lines.shape == ((1 if latent == 1 else 34), 33, 2)
    assert seen.arrows.shape == seen.tails.shape == (layers.ARROW_COUNT, 2)
    assert bool((seen.arrows.norm(dim=1) <= layers.MAX_ARROW_LENGTH * 1.6 + 1e-6).all())
    assert 0 <= float(seen.shade.min()) <= float(seen.shade.max()) <= 1


def test_no_layers_no_numbers() -> None:
    seen = layers.compute_layers(game(), frozenset())
    assert not any(part.numel() for part in vars(seen).values())


def test_every_layer_can_be_seen_in_the_still_picture() -> None:
    seen = game()
    seen.advance(30)

    def pixels(*names: str) -> Any:
        figure, axes = gt.plots.figure(size=(4.2, 4.2))
        plane.Artists(axes, seen.plane).set(layers.compute_layers(seen, frozenset(names)))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).astype(int).copy()

    empty = pixels()
    for name in layers.LAYERS:
        assert int((np.abs(pixels(name) - empty).sum(-1) > 30).sum()) > 100, name


def test_the_density_lies_where_the_generator_puts_its_points() -> None:
    seen = game()
    seen.advance(30)
    found = layers.density(seen)
    side, reach = layers.SHADE_SIZE, seen.plane.reach
    cells = ((seen.points(seen.scored) + reach) / (2 * reach) * side).long()
    inside = cells[((cells >= 0) & (cells < side)).all(1)]
    middle = torch.stack([(found.sum(axis) * torch.arange(side)).sum() / found.sum() for axis in (0, 1)])
    assert float(found.max()) == pytest.approx(1) and float(found.min()) >= 0
    assert torch.allclose(middle, inside.float().mean(0), atol=1.0)  # the second coordinate comes first


# --- measures and curves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_game_measures_what_its_distribution_has(name: str) -> None:
    measured = game(distribution=name)
    measured.measure()
    measured.measure()
    measured.advance(2)
    measured.measure()
    record = measured.record
    assert record.steps == [0, 2] and len(record.js) == len(record.reverse_kl) == 2
    known = measured.plane.distribution
    assert known is not None and len(record.modes) == (2 if known.modes else 0)
    assert all(0 < js <= np.log(2) + 1e-9 for js in record.js)
    figure, panels = gt.plots.figure(1, 3)
    curves.Curves(panels, measured).set(measured)
    assert "step" in {panel.get_xlabel() for panel in panels} and figure is panels[0].figure


def test_points_of_ones_own_have_no_density_and_the_lab_says_so(points: Tensor) -> None:
    own = lab(data=points, steps=3, **SMALL)
    assert own.game.record.steps == [] and own.game.settings.distribution == OWN_DATA
    words = [text.get_text() for panel in own.still().axes for text in panel.texts]
    assert words == ["the density of these\npoints is not known"] * 2


def test_the_still_picture_holds_all_layers_and_curves() -> None:
    made = lab(steps=70, **SMALL)
    assert made.run.step == 70 and made.game.record.steps == list(range(0, 70, 3))
    titles = [axes.get_title() for axes in made.still().axes]
    assert made.game.record.steps[-1] == 70
    assert titles == ["ring, step 70", "losses", "modes covered", "distance from the truth"]
