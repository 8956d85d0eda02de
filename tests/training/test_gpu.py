"""What only a GPU can show: recorded steps agree with steps as they stand, and live controls reach them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.training import cuda_graphs as recordings

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]

Make = Callable[..., gt.GAN]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[recordings.StepGraphs]:
    """The StepGraphs of every training in the test."""
    found: list[recordings.StepGraphs] = []
    usual = recordings.StepGraphs.__init__

    def note(self: recordings.StepGraphs, recorder: recordings.Recorder) -> None:
        usual(self, recorder)
        found.append(self)

    monkeypatch.setattr(recordings.StepGraphs, "__init__", note)
    return found


def go(gan: gt.GAN, data: Any, steps: int = 60, **options: Any) -> gt.Run:
    options = {"batch_size": 16, "progress": False, "snapshots": 2, "gallery": 4, "device": "cuda"} | options
    return gt.train(gan, data, steps=steps, **options)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_recorded_steps_agree_with_steps_as_they_stand(
    precision: str, image_game: Make, images: Tensor, made: list[recordings.StepGraphs]
) -> None:
    data = TensorDataset(images, torch.arange(64) % 4)
    options: dict[str, Any] = {"precision": precision, "schedule": gt.optim.linear_decay(0.3)}
    plain = go(image_game(4), data, cuda_graphs=False, **options)
    recorded = go(image_game(4), data, **options)
    (graphs,) = made
    assert graphs.reason == "" and len(graphs._recordings) == 2
    tolerance = 0.02 if precision == "float32" else 0.2
    for name in plain.history.names:
        one, other = plain.history.column(name), recorded.history.column(name)
        assert one[0] == other[0] and one[1][:10] == pytest.approx(
            other[1][:10], rel=tolerance, abs=tolerance
        )


def test_penalties_that_are_due_now_and_then_are_recorded_too(
    point_game: Make, points: Tensor, made: list[recordings.StepGraphs]
) -> None:
    objective = gt.objectives.non_saturating(r1=1.0, r2=1.0, every=4)
    plain = go(point_game(objective), points, 400, cuda_graphs=False)
    recorded = go(point_game(objective), points, 400)
    assert made[0].reason == "" and len(made[0]._recordings) == 2
    for name in plain.history.names:
        one, other = plain.history.column(name), recorded.history.column(name)
        assert one[0] == other[0] and one[1] == pytest.approx(other[1], rel=1e-3, abs=1e-4)
    torch.testing.assert_close(plain.sample(500), recorded.sample(500), rtol=1e-3, atol=1e-3)


def test_two_recorded_runs_draw_alike(
    point_game: Make, points: Tensor, made: list[recordings.StepGraphs]
) -> None:
    one, other = (go(point_game(), points).sample(50) for _ in range(2))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_learning_rate_reaches_a_recorded_step(
    point_game: Make, points: Tensor, made: list[recordings.StepGraphs]
) -> None:
    class Freeze(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 30:
                run.control.set_learning_rate("generator", 0)
                self.kept = [weight.clone() for weight in run.gan.generator.parameters()]

    watch = Freeze()
    run = go(point_game(), points, callbacks=[watch])
    assert len(made[0]._recordings) == 2
    assert all(map(torch.equal, watch.kept, run.gan.generator.parameters()))


def test_other_turns_of_the_same_names_are_recorded_anew(
    point_game: Make, points: Tensor, made: list[recordings.StepGraphs]
) -> None:
    found = []
    for wanted in (False, True):
        trainer = gt.Trainer(
            point_game(), points, batch_size=16, device="cuda", cuda_graphs=wanted, progress=False
        )
        for objective in (gt.objectives.non_saturating(), gt.objectives.least_squares()):
            trainer.replace_turns(gt.games.classical_turns(objective))
            for _ in range(12):
                trainer.step()
        found.append(trainer.result)
    assert len(made[-1]._recordings) == 1 and made[-1].reason == ""
    torch.testing.assert_close(found[0].sample(50), found[1].sample(50), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_random_states_outside_are_left_alone(by_hand: bool, point_game: Make, points: Tensor) -> None:
    gan = point_game(gt.objectives.wasserstein())  # its penalty draws on the GPU
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    trainer = gt.Trainer(gan, points, steps=12, batch_size=16, device="cuda", progress=False)
    if by_hand:
        for _ in range(12):
            trainer.step()
    else:
        trainer.run()
    assert torch.equal(before[0], torch.get_rng_state())
    assert torch.equal(before[1], torch.cuda.get_rng_state())


def test_a_loss_that_waits_for_the_gpu_is_told(points: Tensor, capsys: pytest.CaptureFixture[str]) -> None:
    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        value = gan.net(batch.real).square().mean()
        return {"total": value * (1.0 if value.item() > 0 else 2.0)}

    run = go(gt.GAN.of({"net": nn.Linear(2, 1)}, [gt.Turn("net", loss)]), points)
    said = capsys.readouterr().out
    assert "Without CUDA graphs from here on: a loss reads a number" in said and "(test_gpu.py, line " in said
    assert run.step == 60


def test_a_killed_run_goes_on_as_if_nothing_had_been(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    class Halfway(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 30:
                run.control.stop()

    straight = go(point_game(), points)
    go(point_game(), points, checkpoint=tmp_path, callbacks=[Halfway()])
    resumed = go(point_game(), points, checkpoint=tmp_path)
    assert resumed.step == 60
    torch.testing.assert_close(straight.sample(50), resumed.sample(50), rtol=1e-3, atol=1e-4)


def test_memory_is_measured(image_game: Make, images: Tensor) -> None:
    run = go(image_game(), images, steps=2)
    assert run.memory.step > 0 and run.memory.free > 0 and run.memory.data == images.nbytes


def test_a_label_out_of_range_is_told_and_the_gpu_lives_on(
    image_game: Make, images: Tensor, points: Tensor, point_game: Make
) -> None:
    labels = torch.arange(64) % 4
    labels[50] = 4
    with pytest.raises(gt.InputError, match="failed: index out of range"):
        go(image_game(4), TensorDataset(images, labels))
    assert go(point_game(), points, 4).step == 4


@pytest.mark.filterwarnings("error")
def test_recurrent_networks_lie_together_in_memory() -> None:
    series = torch.randn(64, 12, 2, generator=torch.Generator().manual_seed(1))
    gan = gt.GAN(gt.networks.GRUGenerator(4, 2, 12), gt.networks.GRUDiscriminator(2), latent=4)
    assert go(gan, series).sample(3).shape == (3, 12, 2)


def test_series_are_shown_where_they_are() -> None:
    shown = gt.networks.FiniteDifferences(torch.randn(8, 6, 1)).cuda()
    assert shown(torch.randn(3, 6, 1)).device.type == "cpu"


def test_samples_are_drawn_with_labels_from_anywhere(image_game: Make, images: Tensor) -> None:
    run = go(image_game(4), TensorDataset(images, torch.arange(64) % 4), 2)
    assert run.gan.sample(4, torch.arange(4)).device.type == "cuda"
    run.gan.to("cpu")
    assert run.sample(4, torch.arange(4)).device.type == "cpu"


def test_a_full_gpu_is_told(points: Tensor) -> None:
    class Hungry(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            torch.empty(2**50, dtype=torch.uint8, device=x.device)
            return super().forward(x)

    with pytest.raises(gt.OutOfMemory, match="the memory of cuda is used up: use a smaller batch_size"):
        go(gt.GAN(nn.Linear(2, 2), Hungry(2, 1), latent=2), points)
