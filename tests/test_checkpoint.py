"""A killed training goes on exactly where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantutor as gt

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


class Killed(Exception):  # noqa: N818
    """Stands for the plug that is pulled: nothing is written after it."""


class KillAt(gt.Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: gt.Run) -> None:
        if run.step == self.step:
            raise Killed


def go(gan: gt.GAN, data: Any, folder: Path | None, kill: int = 0, **options: Any) -> gt.Run:
    """Twenty steps with a checkpoint after every one; ``kill`` pulls the plug."""
    callbacks = [KillAt(kill)] if kill else []
    options = {"steps": 20, "batch_size": 16, "snapshots": 6, "gallery": 3, "progress": False} | options
    return gt.train(gan, data, callbacks=callbacks, checkpoint=folder, every_seconds=0, **options)


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
    schedule = gt.optimization.linear_decay(0.3)
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
        torch.equal(a.samples, b.samples) for a, b in zip(straight.snapshots, resumed.snapshots, strict=True)
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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000019", "step-000000020"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"seed": 4}, "seed was 0 and is 4"),
        ({"batch_size": 8}, "batch_size was 16 and is 8"),
        ({"steps": 30}, "steps was 20 and is 30"),
        ({"half_life": 5}, "half_life was 10000 and is 5"),
        ({"optimizer": gt.optimization.adam(1e-4)}, "optimizers was .*0.0015.* and is .*0.0001"),
        ({"optimizer": lambda p: torch.optim.SGD(p, lr=1e-3)}, "optimizers was .*Adam.* and is .*SGD"),
        (
            {"schedule": gt.optimization.linear_decay(0.7)},
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
    schedule = gt.optimization.linear_decay(0.5)
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


def ruin(folder: Path, how: str) -> None:
    if how == "cut":
        (folder / "state.safetensors").write_bytes((folder / "state.safetensors").read_bytes()[:-1])
    elif how == "gone":
        (folder / "weights.safetensors").unlink()
    else:
        (folder / "run.json").write_text(json.dumps({"format": 1}))


@pytest.mark.parametrize("how", ["cut", "gone", "empty facts"])
def test_a_damaged_newest_checkpoint_is_passed_over_for_the_one_before(
    how: str,
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    same_weights: Same,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=9)  # the last that was written is of step 9
    ruin(tmp_path / "step-000000009", how)
    resumed = go(point_game(), points, tmp_path)
    said = capsys.readouterr().out
    assert "Passed over a damaged checkpoint" in said and "Resumed at step 8" in said
    assert same_weights(resumed, go(point_game(), points, None))


def test_when_all_are_damaged_it_says_so_and_overwrites_nothing(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=9)
    for folder in list(tmp_path.iterdir()):
        ruin(folder, "cut")
    with pytest.raises(gt.InputError, match=r"No other checkpoint is left in .*move the folder away"):
        go(point_game(), points, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("kind", ["loader", "list"])
def test_iterables_are_refused_with_the_reason_before_anything_is_trained(
    kind: str, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    data = DataLoader(TensorDataset(points), batch_size=16) if kind == "loader" else list(points.split(16))
    with pytest.raises(
        gt.InputError, match=r"cannot be resumed exactly: give .*tensor or a map-style data set"
    ):
        go(point_game(), data, tmp_path, kill=1)


def test_a_file_is_no_folder_of_checkpoints(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(gt.InputError, match="checkpoint must be a folder"):
        go(point_game(), points, tmp_path / "file")


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
