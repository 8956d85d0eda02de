"""Damage on disk is seen: an older checkpoint serves, and nothing false is read."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoint_cases import RUINS, Killed, edit, everything, flip, go, ruin
from torch import Tensor

import gantutor as gt
from gantutor import _files
from gantutor.training import checkpoint

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]


def alike(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("how", [*RUINS, "no settings"])
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
    assert checkpoint.read(tmp_path / "step-000000009.zip")[0]["step"] == 9
    ruin(tmp_path / "step-000000009.zip", how)
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
    for path in list(tmp_path.iterdir()):
        ruin(path, "cut")
    before = everything(tmp_path)
    with pytest.raises(gt.InputError, match=r"No other checkpoint is left in .*move the folder away"):
        go(point_game(), points, tmp_path)
    assert everything(tmp_path) == before and len(before) == 2


def test_a_damaged_checkpoint_costs_no_good_one_its_place(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=9)
    ruin(tmp_path / "step-000000009.zip", "cut")
    go(point_game(), points, tmp_path, checkpoint_every=60)
    names = ["damaged-step-000000009.zip", "step-000000008.zip", "step-000000020.zip"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_from_a_flipped_bit_of_a_checkpoint_nothing_false_is_read(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    """Nearly all of them are seen; a flip in a time stamp of the archive changes nothing that is read."""
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path, kill=2)
    path, places = tmp_path / "step-000000002.zip", random.Random(0)
    good, (content, tensors), seen = path.read_bytes(), checkpoint.read(path), 0
    for _ in range(200):
        flip(path, places.random())
        try:
            found, others = checkpoint.read(path)
        except gt.InputError as error:
            assert "is damaged" in str(error) and "\n" not in str(error)
            seen += 1
        else:
            assert found == content and alike(others, tensors)
        path.write_bytes(good)
    assert seen > 190


# --- formats ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, _files.FORMAT_VERSION + 1])
def test_a_checkpoint_of_another_format_is_refused_and_stays(
    number: int, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        go(point_game(), points, tmp_path / "of format 9", kill=4)
    edit(tmp_path / "of format 9" / "step-000000004.zip", lambda content: content.update(format=number))
    before = everything(tmp_path)
    with pytest.raises(gt.InputError) as error:
        go(point_game(), points, tmp_path / "of format 9")
    said = str(error.value)
    assert f"a checkpoint of format {number}, and this version" in said and "move" in said
    assert "damaged" not in said and "\n" not in said and everything(tmp_path) == before


def test_damage_is_no_other_format_whatever_the_folder_is_called(
    point_game: Make, points: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "of format 9"
    with pytest.raises(Killed):
        go(point_game(), points, folder, kill=4)
    ruin(folder / "step-000000004.zip", "cut")
    go(point_game(), points, folder)
    assert "Resumed at step 3" in capsys.readouterr().out


def test_the_folders_of_an_older_version_are_refused_and_stay(
    point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    """They were checkpoints up to format 2: a training must not begin anew beside them unsaid."""
    (tmp_path / "step-000000004").mkdir()
    (tmp_path / "step-000000004" / "run.json").write_text('{"format": 2}')
    before = everything(tmp_path)
    with pytest.raises(gt.InputError, match="a checkpoint of format 2, and this version"):
        go(point_game(), points, tmp_path)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("number", [1, _files.FORMAT_VERSION + 1])
def test_a_run_of_another_format_is_refused_and_stays(
    number: int, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    run = gt.train(point_game(), points, steps=2, batch_size=16, progress=False)
    edit(run.save(tmp_path / "run"), lambda content: content.update(format=number))
    before = everything(tmp_path)
    with pytest.raises(gt.InputError, match=f"a saved run of format {number}, and this version") as error:
        gt.Run.load(tmp_path / "run", point_game())
    assert "\n" not in str(error.value) and everything(tmp_path) == before


# --- saved runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", RUINS)
def test_a_damaged_run_is_named_and_leaves_the_networks(
    how: str, point_game: Make, points: Tensor, tmp_path: Path
) -> None:
    gt.train(point_game(), points, steps=2, batch_size=16, progress=False).save(tmp_path / "run")
    gt.Run.load(tmp_path / "run", point_game())
    ruin(tmp_path / "run", how)
    gan = point_game()
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    with pytest.raises(gt.InputError, match=r"run is damaged") as error:
        gt.Run.load(tmp_path / "run", gan)
    assert "\n" not in str(error.value) and alike(before, gan.state_dict())


def test_from_a_flipped_bit_of_a_run_nothing_false_is_read(
    point_game: Make, points: Tensor, tmp_path: Path, same_weights: Same
) -> None:
    run = gt.train(point_game(), points, steps=2, batch_size=16, progress=False)
    path, places, seen = run.save(tmp_path / "run"), random.Random(1), 0
    good = path.read_bytes()
    for _ in range(100):
        flip(path, places.random())
        try:
            loaded = gt.Run.load(path, point_game())
        except gt.InputError:
            seen += 1
        else:
            assert same_weights(run, loaded) and loaded.metadata() == run.metadata()
        path.write_bytes(good)
    assert seen > 90
