"""What a training gives back: samples, scores, and a file that is read without unpickling anything."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoint_cases import edit
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import gantutor as gt

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]
LABELS = torch.arange(64) % 4


@pytest.fixture
def run(image_game: Make, images: Tensor) -> gt.Run:
    return gt.train(
        image_game(4),
        TensorDataset(images, LABELS),
        steps=6,
        batch_size=16,
        snapshots=3,
        gallery=5,
        progress=False,
    )


def test_samples_are_those_of_their_seed(run: gt.Run) -> None:
    assert torch.equal(run.sample(5, condition=2, seed=1), run.sample(5, condition=2, seed=1))
    assert not torch.equal(run.sample(5, condition=2, seed=1), run.sample(5, condition=2, seed=2))
    assert not run.sample(5, condition=2).requires_grad


def test_a_condition_is_one_label_or_one_for_each_sample(run: gt.Run) -> None:
    alike = [2, torch.tensor(2), np.int64(2), [2, 2, 2], torch.tensor([2, 2, 2]), np.array([2, 2, 2])]
    pictures = [run.sample(3, condition=condition) for condition in alike]
    assert all(torch.equal(pictures[0], other) for other in pictures)
    assert not torch.equal(pictures[0], run.sample(3, condition=1))
    mixed = run.sample(3, condition=[2, 1, 2])
    assert torch.equal(mixed[0], pictures[0][0]) and not torch.equal(mixed[1], pictures[0][1])


def test_conditions_left_out_are_like_those_of_the_data(run: gt.Run) -> None:
    assert torch.equal(run.sample(64), run.sample(64, condition=run.conditions))


def test_generation_in_parts_is_generation_at_once(point_game: Make) -> None:
    run = gt.Run(point_game())
    latents = torch.randn(1203, 2)
    assert torch.allclose(run.generate(latents), run.averaged["generator"](latents), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda run: run.sample(0), "count must be .*at least 1"),
        (lambda run: run.sample(-3), "count must be .*at least 1"),
        (lambda run: run.sample(2.5), "count must be a whole number"),
        (lambda run: run.sample(True), "count must be a whole number"),
        (lambda run: run.sample(3, seed="x"), "seed must be a whole number"),
        (lambda run: run.sample(3, condition=[1, 2]), r"one label, or 3 labels"),
        (lambda run: run.sample(3, condition="seven"), "condition must be a label"),
        (lambda run: run.sample(3, condition=4), "the generator cannot use these latents and conditions"),
        (lambda run: run.sample(3, condition=True), "the generator cannot use these latents and conditions"),
        (lambda run: run.generate(torch.zeros(3, 5), LABELS[:3]), "the generator cannot use these latents"),
        (lambda run: run.generate(torch.zeros(3, 4), LABELS[:2]), "3 latents and 2 conditions"),
        (lambda run: run.generate(torch.zeros(3, 4)), "needs a label"),
        (lambda run: run.generate(torch.zeros(0, 4), LABELS[:0]), "at least one latent"),
        (lambda run: run.scores(torch.zeros(5, 1, 8, 8)), "reference must be a TensorDataset"),
        (lambda run: run.scores(TensorDataset(torch.zeros(5, 1, 8, 8)), samples=-1), "samples must be"),
    ],
)
def test_bad_requests(call: Callable[[gt.Run], object], says: str, run: gt.Run) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        call(run)
    assert "\n" not in str(error.value)


def test_scores_hand_over_samples_with_the_labels_of_the_reference(run: gt.Run) -> None:
    seen: dict[str, Any] = {}

    def score(generated: Tensor, reference: Any, **more: Any) -> gt.metrics.Scores:
        seen.update(generated=generated, reference=reference, **more)
        return {}

    reference = TensorDataset(torch.zeros(3, 1, 8, 8), torch.tensor([3, 1, 2]))
    assert run.scores(reference, samples=5, score=score) == {}
    assert seen["reference"] is reference and seen["generated_labels"].tolist() == [3, 1, 2, 3, 1]
    assert torch.equal(seen["generated"], run.sample(5, condition=seen["generated_labels"]))
    run.scores(reference, score=score)
    assert len(seen["generated"]) == 12
    seen.clear()
    run.scores(TensorDataset(torch.zeros(3, 1, 8, 8)), score=score)
    assert "generated_labels" not in seen and len(seen["generated"]) == 12


def test_batch_norm_of_the_average_is_settled_on_its_own_statistics(run: gt.Run) -> None:
    """Independently: the first norm's mean over the same batches of 64 latents and conditions: 16, or 2 after
    the 96 images that this run has seen."""
    for images, batches in ((96, 2), (1024, 16)):
        run.images = images
        generator = run.generator
        draw, means = torch.Generator().manual_seed(0), []
        for index in range(batches):
            latents = torch.randn(64, 4, generator=draw)
            labels = run.conditions[torch.arange(64 * index, 64 * (index + 1)) % len(run.conditions)]
            start = generator.start(torch.cat([latents, generator.label(labels)], 1))  # type: ignore[operator]
            means.append(start.view(64, 64, -1).mean((0, 2)))
        assert torch.allclose(generator.blocks[0].running_mean, torch.stack(means).mean(0), atol=1e-5)  # type: ignore
        assert generator.blocks[0].momentum == 0.1 and not generator.training  # type: ignore[index, union-attr]


# --- saving and loading -------------------------------------------------------------------------------------


def test_a_saved_run_comes_back_whole(
    run: gt.Run, image_game: Make, tmp_path: Path, same_weights: Same
) -> None:
    before = run.sample(7)
    assert run.save(tmp_path / "a" / "run") == tmp_path / "a" / "run"
    back = gt.Run.load(tmp_path / "a" / "run", image_game(4))
    assert torch.equal(back.sample(7), before) and same_weights(run, back)
    assert (back.step, back.images, back.seconds, back.ended) == (6, 96, run.seconds, "complete")
    assert back.history.to_json() == run.history.to_json() and back.settings == run.settings
    assert [s.step for s in back.snapshots] == [s.step for s in run.snapshots]
    for one, other in zip(back.snapshots, run.snapshots, strict=True):
        assert one.outputs.keys() == other.outputs.keys() and torch.equal(one.samples, other.samples)
    assert torch.equal(back.conditions, run.conditions) and back.budget == run.budget


def test_a_saved_run_is_one_file_of_json_and_safetensors(run: gt.Run, tmp_path: Path) -> None:
    with zipfile.ZipFile(run.save(tmp_path / "run.zip")) as archive:
        assert archive.namelist() == ["content.json", "tensors.safetensors"] and archive.testzip() is None
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]


def test_snapshots_of_several_outputs_come_back(images: Tensor, tmp_path: Path) -> None:
    def make() -> gt.GAN:
        def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
            return {"total": (gan.one(batch.latent) - gan.other(batch.latent)).square().mean()}

        torch.manual_seed(5)
        networks = {"one": nn.Linear(2, 3), "other": nn.Linear(2, 3)}
        return gt.GAN.of(
            networks, [gt.Turn("both", loss, updates=("one", "other"))], latent=2, outputs=("one", "other")
        )

    run = gt.train(make(), images[:, 0, :3, 0], steps=2, batch_size=16, snapshots=2, progress=False)
    back = gt.Run.load(run.save(tmp_path / "run"), make())
    assert len(back.snapshots) == 2
    for mine, theirs in zip(run.snapshots, back.snapshots, strict=True):
        assert list(mine.outputs) == list(theirs.outputs) == ["one", "other"]
        assert all(torch.equal(mine.outputs[name], theirs.outputs[name]) for name in mine.outputs)


def test_the_home_folder_may_be_written_as_a_tilde(
    run: gt.Run, image_game: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run.save("~/runs/digits.zip") == tmp_path / "runs" / "digits.zip"
    assert gt.Run.load("~/runs/digits.zip", image_game(4)).step == 6
    for call in (run.save, lambda path: gt.Run.load(path, image_game(4))):
        with pytest.raises(gt.InputError, match="home folder"):
            call("~nobody-of-this-name/run")


def test_saving_again_replaces_the_run(run: gt.Run, point_game: Make, points: Tensor, tmp_path: Path) -> None:
    run.save(tmp_path / "run")
    other = gt.train(point_game(), points, steps=2, progress=False)
    other.save(str(tmp_path / "run"))
    assert gt.Run.load(tmp_path / "run", point_game()).step == 2
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_is_no_run_is_not_replaced(run: gt.Run, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    torch.save({"a": 1}, tmp_path / "weights.pt")  # a zip file, as a saved run is
    before = (tmp_path / "weights.pt").read_bytes()
    for name in ("thesis", "file", "weights.pt"):
        with pytest.raises(gt.InputError, match=f"{name} exists and is not a saved run: choose another name"):
            run.save(tmp_path / name)
    with pytest.raises(gt.InputError, match="cannot write to"):
        run.save(tmp_path / "file" / "run")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"
    assert (tmp_path / "weights.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content.update(format=7), "of format 7, and this version"),
        (lambda content: content.pop("step"), "is damaged: 'step'"),
        (lambda content: content.pop("budget"), "is damaged: 'budget'"),
        (lambda content: content.update(budget={"hours": 3}), "is damaged"),
        (lambda content: content.update(history={"generator": 3}), "is damaged"),
        (lambda content: content.update(snapshots=content["snapshots"] * 2), "is damaged: 'snapshot.00003"),
        (lambda content: content["snapshots"][0].update(outputs=["other"]), "damaged: 'snapshot.00000.other"),
    ],
)
def test_odd_content_ends_in_one_sentence_and_touches_nothing(
    change: Callable[[dict[str, Any]], object], says: str, run: gt.Run, image_game: Make, tmp_path: Path
) -> None:
    edit(run.save(tmp_path / "run"), change)
    gan = image_game(4)
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    with pytest.raises(gt.InputError, match=says) as error:
        gt.Run.load(tmp_path / "run", gan)
    assert "\n" not in str(error.value)
    assert all(torch.equal(before[name], value) for name, value in gan.state_dict().items())


def test_a_run_of_other_networks_is_refused_naming_the_first_difference(
    run: gt.Run, image_game: Make, point_game: Make, tmp_path: Path
) -> None:
    run.save(tmp_path / "run")
    with pytest.raises(
        gt.InputError, match=r"other networks: averaged.generator.label.weight is not in these"
    ):
        gt.Run.load(tmp_path / "run", image_game(0))
    with pytest.raises(gt.InputError, match=r"has shape \(4, 16\) there and \(5, 16\) here"):
        gt.Run.load(tmp_path / "run", image_game(5))
    with pytest.raises(gt.InputError, match="there is no saved run at"):
        gt.Run.load(tmp_path / "nowhere", point_game())


def test_nothing_in_the_package_unpickles() -> None:
    package = Path(gt.__file__).parent
    sources = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    for word in (
        "torch.load",
        "torch.save",
        "import pickle",
        "from pickle",
        "allow_pickle=True",
        "joblib",
        "cloudpickle",
    ):
        assert word not in sources


def test_any_module_may_be_saved(points: Tensor, tmp_path: Path) -> None:
    """A network whose layers share a weight, which safetensors refuses unless somebody took care."""

    def make() -> gt.GAN:
        shared = nn.Linear(2, 2)
        return gt.GAN(nn.Sequential(shared, nn.Tanh(), shared), nn.Linear(2, 1), latent=2)

    run = gt.train(make(), points, steps=2, progress=False)
    run.save(tmp_path / "run")
    assert torch.equal(gt.Run.load(tmp_path / "run", make()).sample(4), run.sample(4))


def test_a_game_may_average_nothing(points: Tensor) -> None:
    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": gan.line(batch.real).square().mean()}

    game = gt.GAN.of({"line": nn.Linear(2, 1)}, [gt.Turn("line", loss)], averaged=())
    run = gt.train(game, points, steps=2, batch_size=16, progress=False)
    assert run.step == 2 and run.averaged == {}
