"""A killed training goes on exactly where it was."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from benchmark_scripts import load
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantutor as gt
from gantutor import checkpoint, companions, files
from gantutor.data.batches import ResidentBatches
from gantutor.distributed import Group

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
    options = {"steps": 20, "batch_size": 16, "snapshots": 6, "gallery": 3, "progress": False} | options
    options = {"callbacks": [KillAt(kill)] if kill else [], "every_seconds": 0} | options
    return gt.train(gan, data, checkpoint=folder, **options)


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


def flip(file: Path, place: float) -> None:
    """Flip a bit at this fraction of a file."""
    content = bytearray(file.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    file.write_bytes(content)


def seal(folder: Path) -> None:
    """Checksums that are right for what stands in a folder now."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
        if file.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def ruin(folder: Path, how: str) -> None:
    if how == "cut":
        (folder / "state.safetensors").write_bytes((folder / "state.safetensors").read_bytes()[:-1])
    elif how == "gone":
        (folder / "weights.safetensors").unlink()
    elif how == "no checksums":
        (folder / "SHA256SUMS").unlink()
    elif how == "nothing":
        shutil.rmtree(folder)
        folder.mkdir()
    elif how == "pickle":
        torch.save({"weights": torch.zeros(3)}, folder / "weights.safetensors")
    elif how == "pickle, sealed":
        torch.save({"weights": torch.zeros(3)}, folder / "weights.safetensors")
        seal(folder)
    elif how == "garbage":
        (folder / "run.json").write_bytes(b'{"format": 2, "\xff')
    elif how == "garbage, sealed":
        (folder / "run.json").write_bytes(b'{"format": 2, "\xff')
        seal(folder)
    elif how.startswith("flip"):
        _, name, place = how.split()
        flip(folder / name, float(place))
    else:
        (folder / "run.json").write_text(json.dumps({"format": 1}))


PICKLED = ["pickle", "pickle, sealed", "garbage", "garbage, sealed"]
FLIPS = [
    f"flip {name} {place}"
    for name in ("weights.safetensors", "state.safetensors", "run.json", "SHA256SUMS")
    for place in (0, 0.3, 0.999)
]


@pytest.mark.parametrize(
    "how",
    ["cut", "gone", "empty facts", "no checksums", "nothing", *PICKLED, *FLIPS],
)
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
    assert checkpoint.read(tmp_path / "step-000000009")[0]["step"] == 9
    ruin(tmp_path / "step-000000009", how)
    resumed = go(point_game(), points, tmp_path)
    said = capsys.readouterr().out
    assert "Passed over a damaged checkpoint" in said and "Resumed at step 8" in said
    assert said.count("Passed over") == 1 and said.count("\n") == 1
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


def test_a_flipped_bit_is_seen_wherever_it_is(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=2)
    folder, places = tmp_path / "step-000000002", random.Random(0)
    for name in sorted(path.name for path in folder.iterdir()):
        good = (folder / name).read_bytes()
        for _ in range(100):
            flip(folder / name, places.random())
            with pytest.raises(gt.InputError, match=r"is damaged"):
                checkpoint.read(folder)
            (folder / name).write_bytes(good)
    checkpoint.read(folder)


def test_a_damaged_checkpoint_costs_no_good_one_its_place(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=9)
    ruin(tmp_path / "step-000000009", "cut")
    go(point_game(), points, tmp_path, every_seconds=60)
    names = ["damaged-step-000000009", "step-000000008", "step-000000020"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


# --- formats ------------------------------------------------------------------------------------------------


def as_format(folder: Path, number: int) -> None:
    """Make a folder one of another format; that of format 1 has no checksums."""
    facts = json.loads((folder / "run.json").read_text())
    assert facts["format"] == 2
    (folder / "run.json").write_text(json.dumps(facts | {"format": number}))
    (folder / "SHA256SUMS").unlink() if number == 1 else seal(folder)


@pytest.mark.parametrize("number", [1, 3])
def test_a_checkpoint_of_another_format_is_refused_and_stays(
    number: int, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=4)
    as_format(tmp_path / "step-000000004", number)
    before = everything(tmp_path)
    with pytest.raises(gt.InputError) as error:
        go(point_game(), points, tmp_path)
    said = str(error.value)
    assert f"a checkpoint of format {number}, and this version of gantutor reads format 2" in said
    assert "move" in said and "damaged" not in said and "\n" not in said
    assert everything(tmp_path) == before


@pytest.mark.parametrize("number", [1, 3])
def test_a_run_of_another_format_is_refused_and_stays(
    number: int, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    run = gt.train(point_game(), points, steps=2, batch_size=16, progress=False)
    run.save(tmp_path / "run")
    as_format(tmp_path / "run", number)
    before = everything(tmp_path)
    said = f"not written by Run.save of this version: it is of format {number}, and this one reads format 2; "
    with pytest.raises(gt.InputError, match=said) as error:
        gt.Run.load(tmp_path / "run", point_game())
    assert "\n" not in str(error.value) and everything(tmp_path) == before


# --- saved runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    ["no checksums", *PICKLED, *(how for how in FLIPS if "state" not in how)],
)
def test_a_damaged_run_is_named_and_leaves_the_networks(
    how: str, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    gt.train(point_game(), points, steps=2, batch_size=16, progress=False).save(tmp_path / "run")
    gt.Run.load(tmp_path / "run", point_game())
    ruin(tmp_path / "run", how)
    gan = point_game()
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    with pytest.raises(gt.InputError, match=r"is damaged|there is no SHA256SUMS in") as error:
        gt.Run.load(tmp_path / "run", gan)
    assert "\n" not in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in gan.state_dict().items())


def test_a_flipped_bit_of_a_run_is_never_read(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    gt.train(point_game(), points, steps=2, batch_size=16, progress=False).save(tmp_path / "run")
    folder, places = tmp_path / "run", random.Random(1)
    for name in sorted(path.name for path in folder.iterdir()):
        good = (folder / name).read_bytes()
        for _ in range(50):
            flip(folder / name, places.random())
            with pytest.raises(gt.InputError):
                gt.Run.load(folder, point_game())
            (folder / name).write_bytes(good)
    gt.Run.load(folder, point_game())


def test_a_run_whose_writer_was_killed_between_two_renames_is_found(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    run = gt.train(point_game(), points, steps=2, batch_size=16, progress=False)
    run.save(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / ".run-abcdefgh.old")
    back = gt.Run.load(tmp_path / "run", point_game())
    assert torch.equal(back.sample(3), run.sample(3))
    (tmp_path / "run").rename(tmp_path / ".run-abcdefgh.old")
    run.save(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


# --- folders that cannot be written -------------------------------------------------------------------------


class Steps(gt.Callback):
    """Remembers the steps that were taken; does something after one of them."""

    def __init__(self, **after: Callable[[], object]) -> None:
        self.taken: list[int] = []
        self.after = {int(name.removeprefix("step")): what for name, what in after.items()}

    def on_step(self, run: gt.Run) -> None:
        self.taken.append(run.step)
        self.after.get(run.step, lambda: None)()


def train_watched(gan: gt.GAN, data: Any, folder: Path, view: Steps) -> gt.Run:
    """As ``go`` does, with a view of the steps."""
    return go(gan, data, folder, callbacks=[view])


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_permission(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize(
    ("where", "refuse", "said"),
    [
        ("file/below", None, r"no checkpoint can be written to .*below: Not a directory; give checkpoint= "),
        ("file/far/below", None, r"no checkpoint can be written to .*below: Not a directory; give"),
        ("here", (tempfile, "mkdtemp", no_permission), r"can be written to .*here: Permission denied; give"),
        ("here", (Path, "mkdir", no_permission), r"can be written to .*here: Permission denied; give"),
        ("here", (checkpoint, "write_tensors", no_space), r"can be written to .*here: No space left on"),
    ],
    ids=["below a file", "far below", "no permission", "no permission to make it", "full disk"],
)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_trained(
    where: str,
    refuse: Any,
    said: str,
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("years of work")
    steps = Steps()
    if refuse is not None:
        monkeypatch.setattr(*refuse)
    with pytest.raises(gt.InputError, match=said) as error:
        train_watched(point_game(), points, tmp_path / where, steps)
    assert "\n" not in str(error.value) and not steps.taken
    assert everything(tmp_path) == {"file": b"years of work"}


def test_a_folder_that_may_not_be_looked_into_is_refused(
    point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", no_permission)
    with pytest.raises(gt.InputError, match=r"the checkpoints in .* cannot be read: Permission denied"):
        go(point_game(), points, tmp_path, kill=1)


def test_a_missing_folder_is_made(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    go(point_game(), points, tmp_path / "not" / "there" / "yet")
    assert len(list((tmp_path / "not" / "there" / "yet").iterdir())) == 2


@pytest.mark.parametrize(
    ("refuse", "reason"),
    [
        ((checkpoint, "write_tensors", no_space), "No space left on device"),
        ((files.os, "fsync", no_space), "No space left on device"),
        ((tempfile, "mkdtemp", no_permission), "Permission denied"),
    ],
    ids=["full", "full at last", "no permission"],
)
def test_a_write_that_fails_in_the_middle_ends_no_training(
    refuse: Any,
    reason: str,
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    same_weights: Same,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From step 8 to step 14 nothing can be written."""
    names: list[list[str]] = []

    def note() -> None:
        names.append(sorted(path.name for path in tmp_path.iterdir()))

    def end() -> None:
        note()
        patch.undo()

    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(step7=lambda: (note(), patch.setattr(*refuse)), step14=end, step16=note)
        run = train_watched(point_game(), points, tmp_path, steps)
    assert names[0] == names[1] == ["step-000000006", "step-000000007"]
    assert names[2] == ["step-000000015", "step-000000016"]
    said = capsys.readouterr().out
    assert said == (
        f"The checkpoint of step 8 was not saved in {tmp_path}: {reason}; the training goes on, and tries "
        "again when the next one is due.\n"
    )
    assert run.ended == "complete" and steps.taken == list(range(1, 21))
    assert same_weights(run, go(point_game(), points, None))
    assert checkpoint.read(tmp_path / "step-000000020")[0]["step"] == 20


def test_each_reason_is_told_once(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(
            step3=lambda: patch.setattr(tempfile, "mkdtemp", no_space),
            step6=lambda: patch.setattr(tempfile, "mkdtemp", no_permission),
            step9=lambda: patch.setattr(tempfile, "mkdtemp", no_space),
            step12=patch.undo,
        )
        train_watched(point_game(), points, tmp_path, steps)
    said = capsys.readouterr().out
    assert said.count("No space left on device") == said.count("Permission denied") == 1
    assert said.count("\n") == 2


@pytest.mark.parametrize("fails", [False, True])
def test_a_write_is_tried_when_it_is_due_whether_or_not_the_last_one_failed(
    fails: bool, point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock by which a step takes a second."""
    now, tried = [0.0], []

    class Tick(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            now[0] += 1.0

    def save(folder: Path, state: checkpoint.State, *_: object) -> None:
        tried.append(state.run.step)
        if fails:
            raise files.WriteFailed("cannot write", "no")

    monkeypatch.setattr(companions.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "save", save)
    go(point_game(), points, tmp_path, callbacks=[Tick()], every_seconds=6)
    assert len(tried) == 4 and tried[-1] == 20
    assert tried[1] - tried[0] == tried[2] - tried[1] == 6


def test_all_processes_are_refused_where_the_first_cannot_write(tmp_path: Path) -> None:
    class Two(Group):
        """What the second of two processes is told where the first cannot write."""

        def decide(self, numbers: Any) -> list[float]:
            return [1.0 if self.rank else numbers[0]]

    (tmp_path / "file").write_text("")
    run, optimizers, batches = parts(0)
    said = {0: r"no checkpoint can be written to .*below: Not a dir", 1: r"no checkpoint .* rank 0 says why"}
    for rank in (0, 1):
        training: Any = SimpleNamespace(
            run=run, optimizers=optimizers, batches=batches, noise=torch.Generator(), group=Two(rank, 2)
        )
        with pytest.raises(gt.InputError, match=said[rank]):
            companions.Saver(training, tmp_path / "file" / "below", 60)


def test_a_last_state_that_cannot_be_written_costs_no_run(
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    same_weights: Same,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(step17=lambda: patch.setattr(checkpoint, "write_tensors", no_space))
        run = train_watched(point_game(), points, tmp_path, steps)
    said = capsys.readouterr().out.splitlines()
    reason = f"was not saved in {tmp_path}: No space left on device"
    assert said[1:] == [f"The last state, of step 20, {reason}."]
    assert said[0].startswith(f"The checkpoint of step 18 {reason}; the training goes on")
    assert run.ended == "complete" and run.step == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000016", "step-000000017"]
    resumed = go(point_game(), points, tmp_path)
    assert "Resumed at step 17" in capsys.readouterr().out and same_weights(run, resumed)


def test_a_folder_that_is_removed_is_made_again(point_game: Make, points: Tensor, tmp_path: Path) -> None:
    steps = Steps(step19=lambda: shutil.rmtree(tmp_path / "here"))
    train_watched(point_game(), points, tmp_path / "here", steps)
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["step-000000020"]


def test_a_folder_that_becomes_a_file_ends_no_training(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def replace() -> None:
        shutil.rmtree(tmp_path / "here")
        (tmp_path / "here").write_text("a file")

    run = train_watched(point_game(), points, tmp_path / "here", Steps(step9=replace))
    assert run.ended == "complete" and capsys.readouterr().out.count("here is a file") == 2
    assert everything(tmp_path) == {"here": b"a file"}


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_during_the_last_write_costs_neither_run_nor_state(
    point_game: Make, points: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_json

    def pressed(path: Path, content: Any) -> None:
        if content["ended"] == "complete":
            os.kill(os.getpid(), signal.SIGINT)
        write(path, content)

    monkeypatch.setattr(checkpoint, "write_json", pressed)
    run = gt.train(point_game(), points, steps=5, batch_size=16, progress=False, checkpoint=tmp_path)
    assert run.step == 5 and run.ended == "complete"
    assert checkpoint.read(tmp_path / "step-000000005")[0]["step"] == 5


@pytest.mark.usefixtures("interruptible")
def test_an_impatient_interrupt_during_the_last_write_still_gives_the_run(
    point_game: Make,
    points: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def pressed_twice(path: Path, content: Any) -> None:
        if content["ended"] == "complete":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        files.write_json(path, content)

    monkeypatch.setattr(checkpoint, "write_json", pressed_twice)
    run = gt.train(point_game(), points, steps=5, batch_size=16, progress=False, checkpoint=tmp_path)
    assert run.ended == "complete" and not list(tmp_path.iterdir())
    said = f"The last state, of step 5, was not saved in {tmp_path}: interrupted.\n"
    assert capsys.readouterr().out == said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of one megabyte; not everybody may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_for_a_while(
    small_disk: Path, point_game: Make, points: Tensor, same_weights: Same, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, ballast = small_disk / "runs", small_disk / "ballast"
    names: list[list[str]] = []

    def fill() -> None:
        with pytest.raises(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1024))

    def note() -> None:
        names.append(sorted(path.name for path in folder.iterdir()))
        for path in folder.iterdir():
            checkpoint.read(path)

    steps = Steps(step7=fill, step13=lambda: (note(), ballast.unlink()), step14=note)
    run = train_watched(point_game(), points, folder, steps)
    assert names == [["step-000000006", "step-000000007"], ["step-000000007", "step-000000014"]]
    said = capsys.readouterr().out
    assert said.count("No space left on device") == said.count("\n") == 1
    assert "The checkpoint of step 8 was not saved" in said
    assert same_weights(run, go(point_game(), points, folder)) and run.ended == "complete"


def test_a_disk_that_is_full_from_the_start_is_refused(
    small_disk: Path, point_game: Make, points: Tensor
) -> None:
    with pytest.raises(OSError), (small_disk / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    with pytest.raises(gt.InputError, match=r"no checkpoint can be written to .*: No space left on device"):
        go(point_game(), points, small_disk, kill=1)
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


# --- what killed trainings leave ----------------------------------------------------------------------------


def test_leftovers_of_a_killed_training_go_at_the_next_start(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=4)
    (tmp_path / ".step-000000005-abcdefgh.new").mkdir()
    (tmp_path / ".step-000000005-abcdefgh.new" / "weights.safetensors").write_bytes(b"half")
    shutil.copytree(tmp_path / "step-000000003", tmp_path / ".step-000000003-abcdefgh.old")
    shutil.copytree(tmp_path / "step-000000003", tmp_path / ".step-000000003-old")
    (tmp_path / ".step-000000006-xyz").mkdir()
    (tmp_path / "step-by-step.txt").write_text("notes of mine")
    (tmp_path / "step-000000004").rename(tmp_path / ".step-000000004-12345678.old")
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=5, every_seconds=60)
    assert "Resumed at step 4 from" in capsys.readouterr().out
    left = ["step-000000003", "step-000000004", "step-by-step.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_three_kills_change_no_bit(tmp_path: Path) -> None:
    """The benchmark in small: real processes, killed at random moments."""
    script = load("kills")
    rows = script.killed(tmp_path, kills=3, longest=0.5, steps=300, small=True, seed=0)
    assert len(rows) == 3 and not any(row["unreadable"] for row in rows)
    assert script.play(tmp_path, 300, small=True, every=60).step == 300
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 2 and left[1] == "step-000000300" and left[0].startswith("step-")
    straight, found = script.play(None, 300, small=True).weights(), script.weights_in(tmp_path)
    assert found.keys() == straight.keys()
    assert all(torch.equal(found[name], straight[name]) for name in straight)


# --- iterables with a state ---------------------------------------------------------------------------------


class Loader:
    """Batches of 16 in an order drawn anew for each pass, from a place that it can tell and go back to."""

    def __init__(self, points: Tensor, seed: int = 0, **more: Any) -> None:
        self.points, self.random, self.more = points, random.Random(seed), more
        self.order: list[int] = []
        self.resumed = False

    def __iter__(self) -> Iterator[Tensor]:
        if not self.resumed:
            self.order = self.random.sample(range(len(self.points)), len(self.points))
        self.resumed = False
        while self.order:
            batch, self.order = self.order[:16], self.order[16:]
            yield self.points[batch]

    def state_dict(self) -> dict[str, Any]:
        return {"random": self.random.getstate(), "order": torch.tensor(self.order), **self.more}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.random.setstate(state["random"])
        self.order, self.resumed = state["order"].tolist(), True


@pytest.mark.parametrize("kill", [1, 4, 13])
def test_an_iterable_with_a_state_is_resumed_bit_for_bit(
    kill: int, point_game: Make, points: Tensor, tmp_path: Path, same_weights: Same
) -> None:
    """64 samples are four batches, so that the fourth step ends a pass."""
    straight = go(point_game(), Loader(points[:64]), None)
    with pytest.raises(Killed):
        go(point_game(), Loader(points[:64]), tmp_path, kill)
    resumed = go(point_game(), Loader(points[:64], seed=5), tmp_path)
    assert same_weights(straight, resumed) and straight.history.to_json() == resumed.history.to_json()
    assert not same_weights(straight, go(point_game(), Loader(points[:64], seed=5), None))


def test_a_state_that_cannot_be_kept_is_refused_before_anything_is_trained(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    steps = Steps()
    said = r"^state\['data'\]\['source'\]\['rng'\] cannot be saved: it is a Random, and only dicts, lists, "
    with pytest.raises(gt.InputError, match=said) as error:
        train_watched(point_game(), Loader(points, rng=random.Random(0)), tmp_path / "here", steps)
    assert not steps.taken and "\n" not in str(error.value) and not list((tmp_path / "here").glob("*"))


def test_a_state_that_cannot_be_kept_any_more_ends_no_training(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loader = Loader(points)
    steps = Steps(step5=lambda: loader.more.update(seen={1, 2}))
    run = train_watched(point_game(), loader, tmp_path, steps)
    assert run.ended == "complete" and run.step == 20
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and all("state['data']['source']['seen'] cannot be saved" in line for line in said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000004", "step-000000005"]


# --- the parts ----------------------------------------------------------------------------------------------


class Odd(torch.optim.SGD):
    """An optimiser whose state nests tensors in lists and dicts, and whose rate is a tensor."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, lr=torch.tensor(0.01), momentum=0.5)

    def step(self, closure: Any = None) -> None:
        super().step(closure)
        for parameter in self.param_groups[0]["params"]:
            state = self.state[parameter]
            state["past"] = [*state.get("past", []), parameter.detach().sum()][-2:]
            state["deep"] = {"counts": (len(state["past"]), None)}


def parts(seed: int) -> tuple[gt.Run, dict[str, torch.optim.Optimizer], ResidentBatches]:
    torch.manual_seed(seed)
    run = gt.Run(gt.GAN(nn.Linear(2, 2), nn.Linear(2, 1), latent=2), {"game": "none"})
    batches = ResidentBatches((torch.arange(9.0),), 4, seed, torch.device("cpu"))
    return run, {"generator": Odd(run.gan.networks["generator"].parameters())}, batches


def test_named_tensors_are_handed_back(tmp_path: Path) -> None:
    extra = {"random.of.ranks": torch.randint(256, (3, 5), dtype=torch.uint8), "one": torch.tensor(1.5)}
    noise = {"noise": torch.Generator().manual_seed(1)}
    run, optimizers, batches = parts(0)
    checkpoint.save(tmp_path, checkpoint.State(run, optimizers, batches, noise), extra)
    resumed = checkpoint.resume(tmp_path, checkpoint.State(*parts(1), {"noise": torch.Generator()}))
    assert resumed is not None and resumed.extra.keys() == extra.keys()
    assert all(torch.equal(resumed.extra[name], extra[name]) for name in extra)
    assert str(resumed) == resumed.said == f"Resumed at step 0 from {tmp_path / 'step-000000000'}."


def test_without_named_tensors_none_are_handed_back(tmp_path: Path) -> None:
    noise = {"noise": torch.Generator().manual_seed(1)}
    assert checkpoint.resume(tmp_path / "nowhere", checkpoint.State(*parts(1), noise)) is None
    checkpoint.save(tmp_path, checkpoint.State(*parts(0), noise))
    resumed = checkpoint.resume(tmp_path, checkpoint.State(*parts(1), noise))
    assert resumed is not None and resumed.extra == {}


def test_nested_states_of_optimizers_come_back_and_tensors_of_groups_stay_the_same_ones(
    tmp_path: Path,
) -> None:
    run, optimizers, batches = parts(0)
    for _ in range(3):
        run.gan.networks["generator"](torch.ones(1, 2)).sum().backward()
        optimizers["generator"].step()
    optimizers["generator"].param_groups[0]["lr"].fill_(0.25)
    checkpoint.save(tmp_path, checkpoint.State(run, optimizers, batches, {}))
    other, others, more = parts(1)
    rate = others["generator"].param_groups[0]["lr"]
    checkpoint.resume(tmp_path, checkpoint.State(other, others, more, {}))
    assert others["generator"].param_groups[0]["lr"] is rate and rate == 0.25
    mine, theirs = (each["generator"].state_dict()["state"] for each in (optimizers, others))
    assert mine.keys() == theirs.keys() == {0, 1}
    for index in mine:
        assert torch.equal(mine[index]["momentum_buffer"], theirs[index]["momentum_buffer"])
        assert mine[index]["past"] == theirs[index]["past"] and len(theirs[index]["past"]) == 2
        assert theirs[index]["deep"] == {"counts": (2, None)}
