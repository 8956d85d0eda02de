"""A folder of the user's own pictures, of any size and mode, becomes a data set that can be trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gantutor as gt

MODES = ("L", "RGB", "RGBA", "P", "1", "LA", "CMYK", "I;16")
SIZES = ((28, 28), (200, 90), (64, 300), (41, 40))


def picture(mode: str, width: int, height: int, seed: int) -> Image.Image:
    """A ramp with a rectangle in another shade, in one of Pillow's modes."""
    draw = np.random.default_rng(seed)
    shades = np.tile(np.linspace(0, 200, width), (height, 1))
    shades[height // 4 : height // 2, width // 4 : width // 2] = draw.integers(150, 255)
    grey = Image.fromarray(shades.astype(np.uint8))
    if mode == "I;16":
        return Image.fromarray((shades * 256).astype(np.uint16))
    return grey.convert("RGB").convert(mode) if mode in ("CMYK", "P") else grey.convert(mode)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Thirty-two pictures of eight modes and four sizes, some of them in a folder of the folder."""
    (tmp_path / "more").mkdir()
    for i, mode in enumerate(MODES):
        suffix = {"CMYK": "jpg", "I;16": "png"}.get(mode, "png")
        for j, size in enumerate(SIZES):
            folder = tmp_path / "more" if j % 2 else tmp_path
            picture(mode, *size, seed=4 * i + j).save(folder / f"{i}_{j}.{suffix}")
    return tmp_path


def test_pictures_of_any_size_and_mode_become_images_of_one_shape(mixed: Path) -> None:
    dataset = gt.data.picture_folder(mixed, side=28)
    (train,), (held_out,) = dataset.train.tensors, dataset.held_out.tensors
    assert train.shape == (26, 1, 28, 28) and held_out.shape == (6, 1, 28, 28)
    assert train.min() >= -1 and train.max() <= 1 and train.std() > 0.1


def test_colour_is_kept_if_asked_for(mixed: Path) -> None:
    assert gt.data.picture_folder(mixed, side=16, grey=False).train.tensors[0].shape == (26, 3, 16, 16)


def test_the_two_parts_depend_on_the_seed_and_share_no_picture(mixed: Path) -> None:
    first, again, other = (gt.data.picture_folder(mixed, seed=seed).train.tensors[0] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    dataset = gt.data.picture_folder(mixed)
    distances = torch.cdist(dataset.train.tensors[0].flatten(1), dataset.held_out.tensors[0].flatten(1))
    assert distances.min() > 0


def test_a_file_that_cannot_be_used_is_left_out_and_named_on_the_card(mixed: Path) -> None:
    (mixed / "torn.png").write_bytes((mixed / "0_0.png").read_bytes()[:40])
    Image.new("L", (64, 64), 100).save(mixed / "blank.png")
    (mixed / "notes.txt").write_text("no picture")
    dataset = gt.data.picture_folder(mixed)
    assert len(dataset.train) + len(dataset.held_out) == 32
    assert "2 left out" in dataset.card.size
    assert "torn.png" in dataset.card.size and "blank.png" in dataset.card.size
    assert str(mixed) not in str(dataset.card)


def test_a_training_runs_on_them(mixed: Path) -> None:
    dataset = gt.data.picture_folder(mixed)
    gan = gt.GAN(
        gt.networks.ConvGenerator(), gt.networks.ConvDiscriminator(), gt.objectives.non_saturating(r1=0.1)
    )
    run = gt.train(gan, dataset.train, steps=1, batch_size=8, snapshots=0, progress=False)
    assert run.sample(3).shape == (3, 1, 28, 28)


def test_too_few_pictures_are_refused_with_the_reasons(tmp_path: Path) -> None:
    picture("L", 40, 40, seed=0).save(tmp_path / "only.png")
    picture("L", 8, 8, seed=0).save(tmp_path / "tiny.png")
    with pytest.raises(gt.InputError, match=r"has 1 pictures .*16 are needed.*tiny\.png"):
        gt.data.picture_folder(tmp_path)


@pytest.mark.parametrize("folder", ["no/such/folder", Path("no"), 3, None])
def test_what_is_no_folder_is_refused(folder: object) -> None:
    with pytest.raises(gt.InputError, match="folder"):
        gt.data.picture_folder(folder)  # type: ignore[arg-type]
