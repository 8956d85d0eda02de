"""Typeset characters: what is drawn is what was asked for."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import gantutor as gt
from gantutor.data.handwriting_type import paired_handwriting
from gantutor.data.letters import letters
from gantutor.data.typefaces import DEFAULT_FONTS, Typeface, matplotlib_fonts, typefaces
from gantutor.data.typeset import render, typeset, typeset_line

FONTS = matplotlib_fonts()
SANS, BOLD = FONTS / "DejaVuSans.ttf", FONTS / "DejaVuSans-Bold.ttf"


def ink(images: Tensor) -> Tensor:
    """Pixels from 0 to 1: (N, H, W)."""
    return (images[:, 0] + 1) / 2


def box(image: Tensor) -> tuple[int, int, int, int]:
    """First and last row and column with ink."""
    rows, columns = (image > 0.05).any(1).nonzero()[:, 0], (image > 0.05).any(0).nonzero()[:, 0]
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


# --- typefaces ----------------------------------------------------------------------------------------------


def test_the_default_typefaces_are_eight_and_differ() -> None:
    faces = typefaces()
    assert len(faces) == len(DEFAULT_FONTS) == len({face.name for face in faces}) == 8
    grid = torch.cartesian_prod(torch.arange(8), torch.arange(10)).T
    images = render(faces, "0123456789", grid[1], grid[0]).flatten(1)
    apart = torch.cdist(images, images) + 100 * torch.eye(80)
    assert float(apart.min()) > 3  # no two of the eighty are nearly the same picture


def test_a_typeface_comes_from_a_path_a_text_or_bytes() -> None:
    faces = typefaces([SANS, str(SANS), SANS.read_bytes(), Typeface(SANS)])
    assert {face.name for face in faces} == {"DejaVu Sans"}
    images = render(faces, "0123456789", torch.tensor([4, 4, 4, 4]), torch.arange(4))
    assert all(torch.equal(image, images[0]) for image in images)


NO_FONTS: list[tuple[Any, str]] = [
    (["nowhere.ttf"], "there is no file 'nowhere.ttf': give the path of a TTF or OTF file"),
    ([Path(__file__)], "test_typeset.py cannot be read as a font: use a TTF or OTF file"),
    ([b""], "this cannot be read as a font"),
    ([SANS.read_bytes()[:5000]], "this cannot be read as a font"),
    ([3], "a font must be the path of a TTF or OTF file or its bytes, not 3"),
    (3, "fonts must be a list of font files, not int"),
    ([], "fonts must name at least one font file"),
    ([FONTS / "STIXNonUni.ttf"], "STIXNonUnicode has no glyph for '0': choose a font that has one"),
    ([FONTS / "DejaVuSansDisplay.ttf"], "DejaVu Sans Display has no glyph for '0'"),
    (
        [SANS, FONTS / "LastResortHE-Regular.ttf"],
        "Resort.* draws '0' and '1' identically|Resort.* has no glyph for '0'",
    ),
]


@pytest.mark.parametrize(("fonts", "says"), NO_FONTS)
def test_fonts_that_cannot_be_used_end_in_a_sentence(fonts: Any, says: str) -> None:
    with pytest.raises(gt.InputError, match=says) as error:
        typeset(fonts)
    assert "\n" not in str(error.value)


# --- images -------------------------------------------------------------------------------------------------


def test_the_frame_and_polarity_are_those_of_the_digits() -> None:
    images = typeset(copies=4, shift=0, scale=0).train.tensors[0]
    real = gt.data.digits().train.tensors[0]
    assert images.dtype == torch.float32 and float(images.min()) == -1 and float(images.max()) <= 1
    boxes = torch.tensor([box(image) for image in ink(images)])
    heights = boxes[:, 1] - boxes[:, 0] + 1
    assert int(heights.min()) >= 18 and int(heights.max()) <= 21
    middle = (boxes[:, 2] + boxes[:, 3]) / 2
    assert float((middle - 13.5).abs().max()) <= 1
    assert abs(float(images[..., 0].mean()) + 1) < 1e-6 and float(real[..., 0].mean()) < -0.99  # black rim


def test_shift_and_scale_stay_within_what_was_said() -> None:
    still = {
        (int(face), int(label)): box(image)
        for image, label, face in zip(
            *(part[:80] for part in typeset(copies=1, shift=0, scale=0).train.tensors), strict=True
        )
        for image in [ink(image[None])[0]]
    }
    images, labels, faces = typeset(copies=20, shift=3, scale=0).train.tensors
    moves = []
    for image, label, face in zip(ink(images), labels, faces, strict=True):
        now, before = box(image), still[int(face), int(label)]
        moves.append([now[0] - before[0], now[2] - before[2]])
    moved = torch.tensor(moves).float()
    assert float(moved.abs().max()) <= 4 and bool((moved.std(0) > 1.3).all())
    sizes = torch.tensor(
        [box(image)[1] - box(image)[0] for image in ink(typeset(scale=0.2, shift=0).train.tensors[0])]
    )
    assert int(sizes.min()) <= 16 and int(sizes.max()) >= 22


def test_a_seed_repeats_and_the_parts_differ() -> None:
    one, same, other = (typeset(copies=4, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.train.tensors[0], same.train.tensors[0])
    assert not torch.equal(one.train.tensors[0], other.train.tensors[0])
    assert len(one.held_out) == 80 and not torch.equal(one.held_out.tensors[0], one.train.tensors[0][:80])
    assert not torch.equal(one.held_out.tensors[0], other.train.tensors[0][:80])
    for part in (one.train, one.held_out):
        assert part.tensors[1].bincount().unique().numel() == part.tensors[2].bincount().unique().numel() == 1


def test_letters_and_fonts_of_ones_own() -> None:
    data = typeset([BOLD], characters="AgZ", copies=2)
    assert data.train.tensors[1].tolist() == [0, 1, 2, 0, 1, 2] and "DejaVu Sans Bold" in data.card.content
    a, g, _ = (box(image) for image in ink(typeset([SANS], "AgZ", 1, 0, 0).train.tensors[0]))
    assert g[1] > a[1] + 2 and g[0] > a[0] + 2  # on one line: the g hangs below it


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"copies": 0}, "copies must be a whole number of at least 1, not 0"),
        ({"shift": 9}, "shift must be a number of at least 0 and at most 4, not 9"),
        ({"scale": -1}, "scale must be"),
        ({"characters": "0120"}, "characters must be a text of different characters"),
        ({"characters": ""}, "characters must be a text of different characters"),
        ({"characters": 7}, "characters must be a text of different characters"),
        ({"characters": "1日"}, "DejaVu Sans has no glyph for '日'"),
    ],
)
def test_what_cannot_be_typeset_ends_in_a_sentence(given: dict[str, Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        typeset(**given)


# --- lines --------------------------------------------------------------------------------------------------


def test_a_line_of_cells_holds_the_characters_of_the_set() -> None:
    line = typeset_line("20 4", BOLD)
    images, labels, _ = typeset([BOLD], copies=1, shift=0, scale=0).train.tensors
    assert line.shape == (1, 28, 112) and labels.tolist() == list(range(10))
    for cell, digit in zip(line.split(28, 2), (2, 0, None, 4), strict=True):
        expected = torch.full((1, 28, 28), -1.0) if digit is None else images[digit]
        assert torch.equal(cell, expected)


def test_a_tight_line_is_as_wide_as_the_typeface_sets_it() -> None:
    narrow, wide = typeset_line("1234", tight=True), typeset_line("1234", BOLD, tight=True)
    assert narrow.shape[1] == 28 and narrow.shape[2] < wide.shape[2] < 112
    assert typeset_line("12341234", tight=True).shape[2] - narrow.shape[2] == pytest.approx(
        narrow.shape[2] - 8, abs=6
    )
    top, bottom, left, right = box(ink(wide[None])[0])
    assert (top, bottom) == (4, 23) and left >= 2 and right < wide.shape[2] - 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("",), "line must be a text in quotes"),
        ((2024,), "line must be a text in quotes, not 2024"),
        (("1" * 201,), "the line has 201 characters, but at most 200"),
        (("20日",), "DejaVu Sans has no glyph for '日'"),
    ],
)
def test_what_makes_no_line_ends_in_a_sentence(given: tuple[Any], says: str) -> None:
    with pytest.raises(gt.InputError, match=says):
        typeset_line(*given)


# --- letters ------------------------------------------------------------------------------------------------


def torchvision_with(monkeypatch: pytest.MonkeyPatch, emnist: Any) -> None:
    """A torchvision whose EMNIST is another."""
    fake: Any = types.ModuleType("torchvision.datasets")
    fake.EMNIST = emnist
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", fake)


class FakeEMNIST:
    """As torchvision gives it: pixels transposed, targets from 1."""

    def __init__(self, root: str, split: str, train: bool, download: bool) -> None:
        assert split == "letters" and download
        self.data = torch.zeros(260 if train else 52, 28, 28, dtype=torch.uint8)
        self.data[:, 3, 20] = 255
        self.targets = torch.arange(len(self.data)) % 26 + 1


def test_letters_stand_upright_and_count_from_0(monkeypatch: pytest.MonkeyPatch) -> None:
    torchvision_with(monkeypatch, FakeEMNIST)
    data = letters()
    assert len(data.train) == 260 and data.held_out.tensors[1].tolist() == list(range(26)) * 2
    assert float(data.train.tensors[0][0, 0, 20, 3]) == 1 and float(data.train.tensors[0].min()) == -1
    pairs = paired_handwriting("emnist_letters", fonts=[SANS, BOLD], copies=1)
    assert pairs.characters[0] == "A" and len(pairs.held_out) == 104


def test_without_a_network_letters_end_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any, **__: Any) -> None:
        raise OSError("no route")

    torchvision_with(monkeypatch, no_network)
    with pytest.raises(
        gt.DataUnavailable, match=r"emnist_letters could not be downloaded .*\"digits\", needs none"
    ):
        letters()


def test_traits_are_families_bold_and_slanted() -> None:
    faces = gt.data.typefaces()
    traits = gt.data.typeface_traits(faces)
    assert traits.shape == (8, 5 + 2) and bool((traits[:, :5].sum(1) == 1).all())
    named = {face.name: row[-2:].tolist() for face, row in zip(faces, traits, strict=True)}
    assert named["DejaVu Serif Bold"] == [1, 0] and named["STIXGeneral Italic"] == [0, 1]
    assert named["cmtt10"] == [0, 0] and bool((traits[0, :5] == traits[1, :5]).all())
    with pytest.raises(gt.InputError, match="at least one typeface"):
        gt.data.typeface_traits([])
