"""Committed results belong to the recipe that their notebook shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark_scripts import load

import gantutor as gt
from gantutor.course.results import RESULTS_FOLDER

NAMES = sorted(path.stem for path in RESULTS_FOLDER.glob("*.json"))
failures, tables, recipe, image_parts, faces = map(
    load, ("failures", "tables", "recipe", "image_parts", "faces")
)
audio_extension = load("audio_extension")


def test_every_failure_and_table_has_its_results() -> None:
    named = {*failures.FAILURES, *tables.TABLES, "image_parts", "audio_extension", "faces_augmentation"}
    assert named <= set(NAMES) <= named | set(faces.BENCHMARKS)


@pytest.mark.parametrize("name", [name for name in faces.BENCHMARKS if name in NAMES])
def test_the_results_of_notebook_06_are_of_its_recipe_and_of_the_first_seeds(name: str) -> None:
    wanted = recipe.dict_in("06_faces", faces.BENCHMARKS[name][0])
    seeds = [row["seed"] for row in gt.course.committed_results(name, wanted)["seeds"]]
    assert seeds == list(range(len(seeds))) and 1 <= len(seeds) <= faces.SEEDS


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_table_is_of_the_recipe_in_notebook_09_and_of_all_its_seeds(name: str) -> None:
    content = gt.course.committed_results(name, tables.recipe_of(name, tables.recipes()))
    assert [row["seed"] for row in content["seeds"]] == list(range(tables.TABLES[name][1]))


@pytest.mark.parametrize("name", failures.FAILURES)
def test_the_committed_recipe_is_that_of_the_notebook(name: str) -> None:
    content = gt.course.committed_results(name, failures.recipe_in(failures.FAILURES[name][0]))
    assert [row["seed"] for row in content["seeds"]] == list(range(failures.SEEDS))


def test_the_parts_of_notebook_03_are_of_its_recipe_and_of_the_first_seeds() -> None:
    wanted = recipe.dict_in("03_cnn_image_gan", "parts")
    content = gt.course.committed_results("image_parts", wanted)
    seeds = [row["seed"] for row in content["seeds"]]
    assert seeds == list(range(len(seeds))) and 1 <= len(seeds) <= image_parts.SEEDS
    for row in content["seeds"]:
        assert set(wanted["replaced"]) < set(row) - {"seed"}


def test_the_extension_of_notebook_05_is_of_its_recipe_and_won_at_equal_cpu_time() -> None:
    wanted = recipe.dict_in("05_audio_gan", "extension")
    content = gt.course.committed_results("audio_extension", wanted)
    seeds = [row["seed"] for row in content["seeds"]]
    assert seeds == list(range(len(seeds))) and 1 <= len(seeds) <= audio_extension.SEEDS
    for row in content["seeds"]:
        plain, won = row["regression"], row["adversarial"]
        assert won["cpu_seconds"] == pytest.approx(plain["cpu_seconds"], rel=0.15)
        assert won["extension_frechet"] < plain["extension_frechet"]
        assert abs(won["extension_contrast"] - 1) < abs(plain["extension_contrast"] - 1)
        assert won["extension_distortion"] > plain["extension_distortion"]


def test_another_recipe_is_refused_naming_what_differs() -> None:
    other = failures.recipe_in("01_concepts") | {"steps": 1}
    with pytest.raises(gt.InputError, match="steps was 3000 and is 1"):
        gt.course.committed_results("ring_collapse", other)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(gt.InputError, match=r"no committed results called 'nothing', only .*ring_collapse"):
        gt.course.committed_results("nothing", {})


def test_a_benchmark_goes_on_with_the_seeds_that_are_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gt.course.results, "RESULTS_FOLDER", tmp_path)
    played: list[int] = []

    def play(seed: int) -> dict[str, dict[str, float]]:
        if len(played) == 2:
            raise KeyboardInterrupt
        played.append(seed)
        return {"cured": {"modes": float(seed)}}

    with pytest.raises(KeyboardInterrupt):
        recipe.complete("ring", {"steps": 5}, play, 3)
    assert [row["seed"] for row in gt._files.read_json(tmp_path / "ring.json")["seeds"]] == [0, 1]
    played.clear()
    recipe.complete("ring", {"steps": 5}, play, 3)
    assert played == [2] and len(gt.course.committed_results("ring", {"steps": 5})["seeds"]) == 3
    played.clear()
    recipe.complete("ring", {"steps": 6}, play, 2)
    assert played == [0, 1] and len(gt.course.committed_results("ring", {"steps": 6})["seeds"]) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"recipe": {}, "seeds": []}', '{"recipe": 3, "seeds": [1]}', "{"]
)
def test_damaged_results_are_refused_in_a_sentence(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.json").write_text(text)
    monkeypatch.setattr(gt.course.results, "RESULTS_FOLDER", tmp_path)
    with pytest.raises(gt.InputError, match="damaged"):
        gt.course.committed_results("broken", {})
