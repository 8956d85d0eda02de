"""A killed training goes on exactly where it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmark_scripts import load
from checkpoint_cases import Killed, go
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantutor as gt
from gantutor.training import checkpoint

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


class Jittered(Dataset[Tensor]):
    """Changes its items at every visit, so that it cannot be held in memory."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index] * (0.9 + 0.1 * torch.rand(()))


@pytest.mark.parametrize("kind", ["images", "labelled", "set", "points", "colour"])
@pytest.mark.parametrize("kill", [1, 13])
def test_killed_and_resumed_is_bit_for_bit_uninterrupted(
    kind: str,
    kill: int,
    image_game: Make,
    point_game: Make,
    images: Tensor,
    points: Tensor,
    tmp_path: Path,
    same_weights: Same,
) -> None:
    def colour() -> gt.GAN:
        torch.manual_seed(8)
        networks = (
            gt.networks.ConvGenerator(4, channels=3, size=8),
            gt.networks.ConvDiscriminator(channels=3, size=8),
        )
        return gt.GAN(*networks, gt.objectives.relativistic(r1=0.1, r2=0.1), latent=4)

    data: Any
    make, data = {
        "images": (image_game, images),
        "labelled": (lambda: image_game(4), TensorDataset(images, torch.arange(64) % 4)),
        "set": (image_game, Jittered(images)),
        "points": (
            lambda: point_game(gt.objectives.wasserstein(), turns=2),
            points,
        ),  # draws global random numbers
        "colour": (colour, images.expand(64, 3, 8, 8)),
    }[kind]
    schedule = gt.optim.linear_decay(0.3)
    straight = go(make(), data, None, schedule=schedule)
    with pytest.raises(Killed):
        go(make(), data, tmp_path, kill, schedule=schedule)
    torch.manual_seed(99)
    resumed = go(make(), data, tmp_path, schedule=schedule)
    assert (resumed.step, resumed.images, resumed.ended) == (20, 320, "complete")
    assert same_weights(straight, resumed)
    assert straight.history.to_json() == resumed.history.to_json()
    assert [s.step for s in straight.snapshots] == [s.step for s in resumed.snapshots]
    assert all(
        torch.equal(a.outputs[name], b.outputs[name])
        for a, b in zip(straight.snapshots, resumed.snapshots, strict=True)
        for name in a.outputs
    )


def test_it_says_where_it_goes_on(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=5)
    assert capsys.readouterr().out == ""
    steps: list[int] = []

    class Steps(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            steps.append(run.step)

    gt.train(
        point_game(),
        points,
        steps=20,
        batch_size=16,
        callbacks=[Steps()],
        checkpoint=tmp_path,
        progress=False,
    )
    assert "Resumed at step 5 from" in capsys.readouterr().out and steps == list(range(6, 21))


def test_a_finished_training_is_not_run_again(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    first = go(point_game(), points, tmp_path)
    again = go(point_game(), points, tmp_path, kill=20)  # a step would end in Killed
    assert again.step == 20 and again.ended == "complete" and torch.equal(first.sample(5), again.sample(5))


def test_a_stopped_training_goes_on(
    point_game: Make, points: Tensor, tmp_path: Path, same_weights: Same
) -> None:
    control = gt.Control()

    class Stop(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 7:
                control.stop()

    options: dict[str, Any] = {"steps": 20, "batch_size": 16, "progress": False, "checkpoint": tmp_path}
    assert gt.train(point_game(), points, callbacks=[Stop()], control=control, **options).ended == "stopped"
    resumed = gt.train(point_game(), points, **options)
    assert same_weights(resumed, go(point_game(), points, None)) and resumed.ended == "complete"


def test_only_the_last_two_are_kept(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    go(point_game(), points, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000019.zip", "step-000000020.zip"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"seed": 4}, "seed was 0 and is 4"),
        ({"batch_size": 8}, "batch_size was 16 and is 8"),
        ({"steps": 30}, "steps was 20 and is 30"),
        ({"ema_half_life": 5}, "ema_half_life was 10000 and is 5"),
        ({"optimizer": gt.optim.adam(1e-4)}, "optimizers was .*0.0015.* and is .*0.0001"),
        ({"optimizer": lambda p: torch.optim.SGD(p, lr=1e-3)}, "optimizers was .*Adam.* and is .*SGD"),
        (
            {"schedule": gt.optim.linear_decay(0.7)},
            r"schedule was 'schedule\(0.5\)' and is 'schedule\(0.7\)'",
        ),
        ({"objective": gt.objectives.hinge(r1=0.1)}, "game was .*non_saturating.* and is .*hinge"),
        ({"objective": gt.objectives.non_saturating(r1=0.1, every=4)}, "game was"),
        (
            {"objective": gt.objectives.non_saturating(r1=0.3)},
            "game was .*r1\\(0.1\\).* and is .*r1\\(0.3\\)",
        ),
        ({"samples": 200}, "samples was 256 and is 200"),
    ],
)
def test_other_settings_are_refused_naming_what_differs(
    change: dict[str, Any], names: str, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    schedule = gt.optim.linear_decay(0.5)
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=3, schedule=schedule)
    gan, change = point_game(change.get("objective")), {k: v for k, v in change.items() if k != "objective"}
    data = points[: change.pop("samples", 256)]
    with pytest.raises(gt.InputError, match=f"belongs to another training: .*{names}") as error:
        go(gan, data, tmp_path, **({"schedule": schedule} | change))
    assert "\n" not in str(error.value)


def test_other_networks_are_refused(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=3)
    with pytest.raises(
        gt.InputError, match=r"other networks: .* has shape \(16, 2\) there and \(17, 2\) here"
    ):
        go(point_game(width=17), points, tmp_path)


@pytest.mark.parametrize("kind", ["loader", "list"])
def test_a_training_on_an_iterable_goes_on_with_data_that_start_again(
    kind: str, point_game: Make, points: Tensor, tmp_path: Path, capsys: Any
) -> None:
    data = DataLoader(TensorDataset(points), batch_size=16) if kind == "loader" else list(points.split(16))
    with pytest.raises(Killed):
        go(point_game(), data, tmp_path, kill=3)
    run = go(point_game(), data, tmp_path)
    assert run.ended == "complete" and "start again from their beginning" in capsys.readouterr().out


def test_a_file_is_no_folder_of_checkpoints(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(gt.InputError, match="checkpoint must be a folder"):
        go(point_game(), points, tmp_path / "file")


def test_the_home_folder_may_be_written_as_a_tilde(
    point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Killed):
        go(point_game(), points, Path("~/kept"), kill=3)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    with pytest.raises(gt.InputError, match="home folder"):
        go(point_game(), points, Path("~nobody-of-this-name/kept"), kill=1)


def test_a_checkpoint_is_loaded_as_a_run(
    image_game: Make, images: Tensor, tmp_path: Path, same_weights: Same
) -> None:
    """Its samples are those of the run at that moment, batch norm and all."""
    run = go(image_game(), images, tmp_path, snapshots=0)
    loaded = gt.Run.load(tmp_path / "step-000000020.zip", image_game())
    assert (loaded.step, loaded.ended) == (20, "complete")
    assert torch.equal(loaded.sample(5), run.sample(5)) and same_weights(run, loaded)


def test_optimizers_with_other_states_are_kept_too(
    points: Tensor, tmp_path: Path, same_weights: Same
) -> None:
    def make() -> gt.GAN:
        torch.manual_seed(3)
        return gt.GAN(nn.Linear(2, 2), nn.Linear(2, 1), gt.objectives.hinge(), latent=2)

    optimizers = {
        "generator": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9),
        "discriminator": lambda p: torch.optim.AdamW(p, lr=1e-3, amsgrad=True),
    }
    with pytest.raises(Killed):
        go(make(), points, tmp_path, kill=9, optimizer=optimizers)
    resumed = go(make(), points, tmp_path, optimizer=optimizers)
    assert same_weights(resumed, go(make(), points, None, optimizer=optimizers))


# --- what killed trainings leave ----------------------------------------------------------------------------


def test_leftovers_of_a_killed_training_go_at_the_next_start(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=4)
    for name in ("step-000000005.zip", "step-000000004.zip", checkpoint.PROBE):
        (tmp_path / f".{name}-abcd_f12.new").write_bytes(b"half")
    (tmp_path / checkpoint.PROBE).write_bytes(b"whole, and not yet removed")
    (tmp_path / "step-by-step.txt").write_text("notes of mine")
    (tmp_path / ".step-notes.new").write_text("more of them")
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=5, checkpoint_every=60)
    assert "Resumed at step 4 from" in capsys.readouterr().out
    left = [".step-notes.new", "step-000000003.zip", "step-000000004.zip", "step-by-step.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_three_kills_change_no_bit(tmp_path: Path) -> None:
    """The benchmark in small: real processes, killed at random moments."""
    script = load("kills")
    for longest in (0.5, 1.0, 2.0, 4.0):  # a slow machine writes no checkpoint in so short a life
        folder = tmp_path / str(longest)
        rows = script.killed(folder, kills=3, longest=longest, steps=300, small=True, seed=0)
        assert len(rows) == 3 and not any(row["unreadable"] for row in rows)
        if (resumed := rows[-1]["newest"]) is not None:
            break
    assert script.play(folder, 300, small=True, every=60).step == 300
    left = sorted(path.name for path in folder.iterdir())
    assert left == [f"step-{resumed:09d}.zip", "step-000000300.zip"]
    straight, found = script.play(None, 300, small=True).weights(), script.weights_in(folder)
    assert found.keys() == straight.keys()
    assert all(torch.equal(found[name], straight[name]) for name in straight)
