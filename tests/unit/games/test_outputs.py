"""Games of which several networks make samples, or none: two generators against one discriminator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pages import Display
from torch import Tensor, nn

import gantutor as gt
from gantutor.games.turn import Batch, Turn

Same = Callable[[gt.Run, gt.Run], bool]

pytestmark = pytest.mark.usefixtures("no_widget_is_left")

OBJECTIVE = gt.objectives.non_saturating()


def judge(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
    """The discriminator's loss, half of whose generated samples come from each generator."""
    fake = torch.cat([batch.output(name).detach() for name in gan.outputs])
    return gt.games.discriminator_loss(OBJECTIVE, gan, batch.replace(real=batch.real, fake=fake))


def fool(name: str) -> Callable[[gt.GAN, Batch], dict[str, Tensor]]:
    def loss(gan: gt.GAN, batch: Batch) -> dict[str, Tensor]:
        seen = batch.replace(real=batch.real, fake=batch.output(name))
        return gt.games.generator_loss(OBJECTIVE, gan, seen)

    return loss


def two_generators(shape: tuple[int, ...] = (2,), **options: Any) -> gt.GAN:
    """g1 and g2, of points of the plane if nothing else is asked; they begin differently."""
    torch.manual_seed(3)
    networks = {
        "g1": gt.networks.MLPGenerator(2, shape, width=16, output=nn.Tanh if len(shape) > 1 else nn.Identity),
        "g2": gt.networks.MLPGenerator(2, shape, width=16, output=nn.Tanh if len(shape) > 1 else nn.Identity),
        "discriminator": gt.networks.MLPDiscriminator(shape, width=16),
    }
    turns = [Turn("discriminator", judge), Turn("g1", fool("g1")), Turn("g2", fool("g2"))]
    return gt.GAN.of(networks, turns, latent=2, **({"outputs": ("g1", "g2")} | options))


def go(gan: gt.GAN, points: Tensor, steps: int = 6, **options: Any) -> gt.Run:
    options = {"batch_size": 16, "snapshots": 3, "gallery": 8, "progress": False, "device": "cpu"} | options
    return gt.train(gan, points, steps=steps, **options)


@pytest.fixture
def run(points: Tensor) -> gt.Run:
    return go(two_generators(), points)


# --- training -----------------------------------------------------------------------------------------------


def test_both_generators_learn_the_points(points: Tensor) -> None:
    run = go(two_generators(), points, 600, batch_size=64, optimizer=gt.optim.adam(3e-3))
    for name in ("g1", "g2"):
        assert (run.sample(1000, output=name).mean(0) - points.mean(0)).abs().max() < 0.3
    assert {"discriminator.real_logit", "g1", "g2"} <= set(run.history.names)


def test_outputs_are_averaged_and_shown_by_the_snapshots(run: gt.Run) -> None:
    assert run.outputs == run.gan.outputs == ("g1", "g2") and list(run.averaged) == ["g1", "g2"]
    assert run.gan.first_output == "g1" and run.gan.pair is None
    assert [each.step for each in run.snapshots] == [0, 3, 6]
    for snapshot in run.snapshots:
        assert list(snapshot.outputs) == ["g1", "g2"] and snapshot.samples is snapshot.outputs["g1"]
        assert all(samples.shape == (8, 2) for samples in snapshot.outputs.values())
        assert not torch.equal(snapshot.outputs["g1"], snapshot.outputs["g2"])
    for name in run.outputs:
        assert torch.equal(run.snapshots[-1].outputs[name], run.sample(8, output=name))


def test_samples_are_those_of_the_output_that_is_named(run: gt.Run) -> None:
    latents = torch.randn(5, 2)
    with torch.no_grad():
        for name in run.outputs:
            expected = run.averaged[name](latents)
            assert torch.allclose(run.generate(latents, output=name), expected)
            assert run.output(name) is run.averaged[name]
    assert torch.equal(run.sample(5), run.sample(5, output="g1")) and run.generator is run.output("g1")
    assert not torch.equal(run.sample(5), run.sample(5, output="g2"))
    assert torch.equal(run.gan.sample(5), run.gan.sample(5, output="g1"))
    assert not torch.equal(run.gan.sample(5), run.gan.sample(5, output="g2"))


def test_an_output_that_there_is_not_is_refused_with_those_there_are(run: gt.Run) -> None:
    said = r"^no output is called 'discriminator': there are g1, g2$"
    for call in (run.sample, run.gan.sample):
        with pytest.raises(gt.InputError, match=said):
            call(3, output="discriminator")
    with pytest.raises(gt.InputError, match=said):
        run.generate(torch.zeros(3, 2), output="discriminator")


def test_an_output_may_be_left_out_of_the_averages(points: Tensor) -> None:
    run = go(two_generators(averaged=["g2"]), points)
    assert run.outputs == ("g2",) and list(run.snapshots[-1].outputs) == ["g2"]
    assert torch.equal(run.sample(4), run.sample(4, output="g2")) and run.gan.first_output == "g1"


def test_a_saved_run_of_two_outputs_comes_back(run: gt.Run, tmp_path: Path, same_weights: Same) -> None:
    again = gt.Run.load(run.save(tmp_path / "two"), two_generators())
    assert same_weights(run, again) and again.outputs == ("g1", "g2")
    for name in run.outputs:
        assert torch.equal(run.sample(5, output=name), again.sample(5, output=name))
    for mine, theirs in zip(run.snapshots, again.snapshots, strict=True):
        assert mine.step == theirs.step and list(mine.outputs) == list(theirs.outputs)
        assert all(torch.equal(mine.outputs[name], theirs.outputs[name]) for name in mine.outputs)


def test_a_stopped_training_goes_on_exactly(points: Tensor, tmp_path: Path, same_weights: Same) -> None:
    class Stop(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 3:
                run.control.stop()

    straight = go(two_generators(), points)
    assert go(two_generators(), points, checkpoint=tmp_path, callbacks=[Stop()]).step == 3
    resumed = go(two_generators(), points, checkpoint=tmp_path)
    assert same_weights(straight, resumed) and straight.history.to_json() == resumed.history.to_json()
    for mine, theirs in zip(straight.snapshots, resumed.snapshots, strict=True):
        assert all(torch.equal(mine.outputs[name], theirs.outputs[name]) for name in mine.outputs)


# --- looking ------------------------------------------------------------------------------------------------


def test_a_figure_shows_both_outputs(run: gt.Run) -> None:
    panel = gt.plots.samples(run, gt.plots.figure()[1]).axes[0]
    assert panel.get_title() == "Generated, step 6: g1 and g2"
    drawn = torch.as_tensor(panel.collections[0].get_offsets().data).float()
    expected = torch.cat([run.sample(8, output=name) for name in run.outputs])
    torch.testing.assert_close(drawn, expected)


@pytest.mark.parametrize("page", ["display", "unwatched"])
def test_a_time_machine_shows_it(page: str, images: Tensor, request: pytest.FixtureRequest) -> None:
    shown: Display = request.getfixturevalue(page)
    run = go(two_generators((1, 8, 8)), images)
    machine = gt.live.time_machine(run)
    assert shown.shown and "step 6" in machine.describe()
    assert machine.picture().axes and machine.still().axes
    assert gt.plots.time_machine(run, output="g2").axes


@pytest.mark.parametrize("page", ["display", "unwatched"])
@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
def test_a_dashboard_shows_it(
    shape: tuple[int, ...], page: str, points: Tensor, images: Tensor, request: pytest.FixtureRequest
) -> None:
    shown: Display = request.getfixturevalue(page)
    board = gt.live.Dashboard()
    run = go(two_generators(shape), points if shape == (2,) else images, callbacks=[board])
    assert run.ended == "complete" and shown.shown and len(board.still().axes) >= 3


def test_the_doctor_examines_it(points: Tensor) -> None:
    doctor = gt.doctor.Doctor(points, every=2)
    go(two_generators(), points, 8, callbacks=[doctor])
    latest = doctor.signs[-1]
    assert latest.step == 8 and latest.outputs == ("g1", "g2")
    assert set(latest.dead_units) >= {"g1", "g2"} and set(latest.update) == {"g1", "g2", "discriminator"}
    assert latest.variety is not None and str(doctor)


# --- batches ------------------------------------------------------------------------------------------------


def test_each_output_is_made_once_and_forgotten_alone(points: Tensor) -> None:
    gan, calls = two_generators(), list[str]()
    for name in gan.outputs:
        gan.networks[name].register_forward_hook(lambda *_, name=name: calls.append(name))
    batch = Batch(gan, points[:4], latent=torch.randn(4, 2))
    assert batch.fake is batch.output("g1") and batch.output("g2") is batch.output("g2")
    assert calls == ["g1", "g2"]
    batch.forget(["g1"])
    batch.output("g2"), batch.output("g1")
    assert calls == ["g1", "g2", "g1"]


def test_a_step_makes_one_batch_of_each_output(points: Tensor) -> None:
    gan, calls = two_generators(), list[str]()
    trainer = gt.training.Trainer(gan, points, batch_size=16, snapshots=0)
    for name in gan.outputs:
        gan.networks[name].register_forward_hook(lambda *_, name=name: calls.append(name))
    trainer.step()
    assert calls == ["g1", "g2"]


def test_a_replaced_batch_leaves_the_first_as_it_is(points: Tensor) -> None:
    gan = two_generators()
    batch = Batch(gan, points[:4], latent=torch.randn(4, 2))
    made, batch.condition = batch.fake, torch.arange(4)
    other = batch.replace(real=points[4:8], fake=torch.zeros(4, 2))
    assert torch.equal(other.real, points[4:8]) and other.condition is None and other.latent is batch.latent
    assert torch.equal(other.fake, torch.zeros(4, 2)) and batch.fake is made
    assert torch.equal(batch.real, points[:4]) and batch.condition is not None


# --- refusals -----------------------------------------------------------------------------------------------


def line(**options: Any) -> gt.GAN:
    turn = Turn("line", lambda gan, batch: {"total": gan.networks["line"](batch.real).square().mean()})
    return gt.GAN.of({"line": nn.Linear(2, 1)}, [turn], latent=2, **options)


def test_a_game_without_outputs_refuses_to_make_samples(points: Tensor) -> None:
    said = r"^this game makes no samples: name the networks that do with outputs= of gantutor.GAN.of$"
    batch = Batch(line(), points[:4], latent=torch.randn(4, 2))
    for call in (lambda: batch.fake, lambda: line().sample(3), lambda: batch.replace(real=None, fake=None)):
        with pytest.raises(gt.InputError, match=said):
            call()
    run = go(line(), points)
    assert run.outputs == () and run.snapshots == [] and list(run.averaged) == ["line"]
    with pytest.raises(gt.InputError, match=r"^this game averages line, but no network that makes samples: "):
        run.sample(3)


def test_a_loss_that_uses_samples_of_no_output_is_refused_before_the_training(points: Tensor) -> None:
    turn = Turn("line", lambda gan, batch: {"total": gan.networks["line"](batch.fake).mean()})
    with pytest.raises(gt.InputError, match="this game makes no samples: name the networks that do"):
        go(gt.GAN.of({"line": nn.Linear(2, 1)}, [turn], latent=2), points)


def test_two_turns_of_one_name_are_refused() -> None:
    turns = [Turn("both", judge, "discriminator"), Turn("both", fool("g1"), "g1")]
    with pytest.raises(
        gt.InputError, match=r"^two turns are called 'both': give each turn a name of its own$"
    ):
        gt.GAN.of(two_generators().networks, turns)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outputs": ["g3"]}, "no network is called 'g3': there are g1, g2, discriminator"),
        ({"outputs": "g1"}, "averaged and outputs lists of names or None"),
        ({"averaged": "g1"}, "averaged and outputs lists of names or None"),
    ],
)
def test_outputs_that_are_no_networks_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(gt.InputError, match=said):
        two_generators(**options)


def test_the_generator_is_the_output_where_none_is_named(point_game: Callable[..., gt.GAN]) -> None:
    classical = point_game()
    assert classical.outputs == ("generator",) and classical.pair == ("generator", "discriminator")
    game = gt.GAN.of(classical.networks, classical.turns, latent=2)
    assert game.outputs == game.averaged == ("generator",) and game.pair is None
    none = gt.GAN.of(classical.networks, classical.turns, latent=2, outputs=())
    assert none.outputs == () and none.averaged == ("generator", "discriminator")
