"""Damage on disk is seen: an older checkpoint serves, and nothing false is read."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoint_cases import FLIPS, PICKLED, Killed, everything, flip, go, ruin, seal
from torch import Tensor

import gantutor as gt
from gantutor.training import checkpoint

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


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
    go(point_game(), points, tmp_path, checkpoint_every=60)
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
