"""Drawn faces in colour: attributes that are known and asked for, and others that are left to the latent."""

from __future__ import annotations

import colorsys
import io
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import TensorDataset

from gantutor._checks import check_integers, checked, integer
from gantutor._errors import DataUnavailable, InputError, type_name
from gantutor.data.dataset import Card, Dataset

FACE_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "hair": ("short", "quiff", "shaggy", "curls", "bun", "bob", "long", "mohawk"),
    "hair colour": ("black", "brown", "blond", "red", "grey", "pink"),
    "skin": ("pale", "light", "tan", "brown", "dark"),
    "glasses": ("none", "round", "square", "white"),
    "beard": ("none", "moustache", "short beard", "full beard"),
    "mouth": ("smile", "laugh", "serious", "scream", "tongue"),
    "eyes": ("open", "happy", "wide", "wink", "hearts"),
}
"""The options of each attribute that a generator is asked for, in the order of the columns."""

_HAIR = ("SHORT_FLAT", "QUIFF", "SHAGGY", "CURLY", "BUN", "BOB", "STRAIGHT_STRAND", "MOHAWK")
_HAIR_COLOURS = ("#2C1B18", "#724133", "#D6B370", "#C93305", "#C4C4CC", "#F59797")
_SKIN_COLOURS = ("#FFDBB4", "#EDB98A", "#D08B5B", "#AE5D29", "#614335")
_GLASSES = ("NONE", "ROUND", "PRESCRIPTION_2", "PRESCRIPTION_1")
_BEARDS = ("NONE", "MOUSTACHE_MAGNUM", "BEARD_LIGHT", "BEARD_MEDIUM")
_MOUTHS = ("SMILE", "BIG_SMILE", "SERIOUS", "SCREAM_OPEN", "TONGUE")
_EYES = ("DEFAULT", "HAPPY", "SURPRISED", "WINK", "HEART")
_BROWS = ("DEFAULT", "ANGRY_NATURAL", "RAISED_EXCITED_NATURAL", "FLAT_NATURAL")
_SHIRTS = ("HOODIE", "SHIRT_CREW_NECK", "SHIRT_V_NECK", "OVERALL")
_SHIRT_COLOURS = ("#262E33", "#5199E4", "#25557C", "#E6E6E6", "#A7FFC4", "#FFDEB5", "#FF488E", "#FF5C5C")

_BOX = (19.0, 6.0, 226.0)
"""Left, top and side of the square that is kept, in the units of the drawings (264 × 280)."""

_SCALE = 4
"""Pixels of a layer along each side for one pixel of the image; they are averaged."""

_PARTS = {"top": "NONE", "eyes": None, "eyebrows": None, "nose": None, "mouth": None, "clothing": None,
          "accessory": None, "facial_hair": None}  # fmt: skip


@dataclass(frozen=True)
class FaceStyle:
    """What is drawn without being asked for: a generator has to leave it to the latent.

    Attributes:
        background: colours (N, 3) from 0 to 1.
        shirt: the kind of shirt (N,), from 0 to 3.
        shirt_colour: its colour (N,), from 0 to 7.
        brows: the shape of the eyebrows (N,), from 0 to 3.
    """

    background: Tensor
    shirt: Tensor
    shirt_colour: Tensor
    brows: Tensor

    def __len__(self) -> int:
        return len(self.shirt)

    def rows(self, index: Any) -> FaceStyle:
        """Return the styles that an index or a slice chooses."""
        return FaceStyle(
            self.background[index], self.shirt[index], self.shirt_colour[index], self.brows[index]
        )


@checked(count=integer(1), seed=integer(0))
def random_faces(count: int, seed: int = 0) -> tuple[Tensor, FaceStyle]:
    """Draw attributes and styles of faces at random, each option with the same probability.

    Args:
        count: how many faces, N.
        seed: the seed of the random numbers.

    Returns:
        Attributes (N, 7), whole numbers, one column for each of ``FACE_ATTRIBUTES``; and the styles.

    Raises:
        InputError: if a number is out of range.

    >>> attributes, style = random_faces(3)
    >>> attributes.shape, style.background.shape
    (torch.Size([3, 7]), torch.Size([3, 3]))
    """
    rng = torch.Generator().manual_seed(seed)

    def draw(options: int) -> Tensor:
        return torch.randint(options, (count,), generator=rng)

    attributes = torch.stack([draw(len(options)) for options in FACE_ATTRIBUTES.values()], 1)
    hues = torch.rand(count, generator=rng).tolist()
    background = torch.tensor([colorsys.hsv_to_rgb(hue, 0.42, 0.93) for hue in hues])
    return attributes, FaceStyle(background, draw(len(_SHIRTS)), draw(len(_SHIRT_COLOURS)), draw(len(_BROWS)))


@checked(side=integer(16, 128))
def draw_faces(attributes: Tensor, style: FaceStyle, side: int = 64) -> Tensor:
    """Draw faces with the given attributes and styles.

    Args:
        attributes: whole numbers (N, 7), one column for each of ``FACE_ATTRIBUTES``.
        style: the styles of N faces.
        side: height and width of the images in pixels, from 16 to 128.

    Returns:
        Images (N, 3, ``side``, ``side``), float32 in [−1, 1].

    Raises:
        InputError: if the attributes have another shape, are out of range, or are not as many as the styles.
        DataUnavailable: if python_avatars or resvg_py is missing.

    >>> draw_faces(*random_faces(2)).shape
    torch.Size([2, 3, 64, 64])
    """
    attributes = check_attributes(attributes)
    if not isinstance(style, FaceStyle) or len(style) != len(attributes):
        words = f"of {len(style)}" if isinstance(style, FaceStyle) else type_name(style)
        raise InputError(f"style must be the FaceStyle of {len(attributes)} faces, not {words}")
    layers = _layers(side)
    images = torch.empty(len(attributes), 3, side, side)
    for start in range(0, len(attributes), 500):
        rows = slice(start, start + 500)
        hair, colour, skin, glasses, beard, mouth, eyes = attributes[rows].T
        part = style.rows(rows)
        canvas = part.background[:, :, None, None].expand(-1, -1, side, side)
        for name, index in (
            ("skin", skin),
            ("shirt", part.shirt * len(_SHIRT_COLOURS) + part.shirt_colour),
            ("mouth", mouth),
            ("nose", torch.zeros_like(mouth)),
            ("eyes", eyes),
            ("brows", part.brows),
            ("hair", hair * len(_HAIR_COLOURS) + colour),
            ("beard", beard * len(_HAIR_COLOURS) + colour),
            ("glasses", glasses),
        ):
            layer = layers[name][index]  # (n, 4, side, side): colours times opacity, and opacity
            canvas = layer[:, :3] + (1 - layer[:, 3:]) * canvas
        images[rows] = canvas
    return (2 * images - 1).clamp(-1, 1)


@checked(count=integer(1), held_out=integer(1), seed=integer(0))
def drawn_faces(count: int = 6000, held_out: int = 1000, side: int = 64, seed: int = 0) -> Dataset:
    """Draw a data set of faces in colour, with seven attributes of each.

    The background, the shirt and the eyebrows vary too, but are not among the attributes: a generator that is
    given the attributes has to take them from its latent.

    Args:
        count: faces to train on, at least 1.
        held_out: other faces, at least 1; most of their combinations of attributes are not among the first.
        side: height and width of the images in pixels, from 16 to 128.
        seed: the seed of the attributes and styles.

    Returns:
        In each part, images (N, 3, ``side``, ``side``), float32 in [−1, 1], and attributes (N, 7).

    Raises:
        InputError: if a number is out of range.
        DataUnavailable: if python_avatars or resvg_py is missing.

    >>> data = drawn_faces(20, 10)
    >>> [tuple(tensor.shape) for tensor in data.train.tensors]
    [(20, 3, 64, 64), (20, 7)]
    """
    attributes, style = random_faces(count + held_out, seed)
    images = draw_faces(attributes, style, side)
    card = Card(
        "drawn faces",
        f"drawings of faces, and {len(FACE_ATTRIBUTES)} attributes of each; no person is shown",
        "shapes by Pablo Stanley (Avataaars), through the package python_avatars, drawn by resvg_py",
        "MIT (python_avatars); the shapes are free for personal and commercial use",
        f"{count:,} to train on and {held_out:,} held out, {side} × {side} colour pixels in [−1, 1]",
    )
    parts = (TensorDataset(images[rows], attributes[rows]) for rows in (slice(count), slice(count, None)))
    train, other = parts
    return Dataset("drawn faces", train, other, card)


def check_attributes(attributes: Any) -> Tensor:
    """Return attributes of faces, or raise InputError where they are none.

    Args:
        attributes: whole numbers (N, 7), N ≥ 1, each from 0 to the number of its options − 1.

    Raises:
        InputError: if the type, the shape or a number is another.

    >>> check_attributes(torch.zeros(1, 7, dtype=torch.long)).shape
    torch.Size([1, 7])
    """
    columns = len(FACE_ATTRIBUTES)
    if not isinstance(attributes, Tensor) or attributes.dim() != 2 or attributes.shape[1] != columns:
        words = tuple(attributes.shape) if isinstance(attributes, Tensor) else type_name(attributes)
        raise InputError(f"attributes must be whole numbers of shape (count, {columns}), not {words}")
    check_integers(attributes=attributes)
    if not len(attributes):
        raise InputError("there must be at least one face")
    checked_attributes: Tensor = attributes.detach().cpu().long()
    for column, (name, options) in zip(checked_attributes.T, FACE_ATTRIBUTES.items(), strict=True):
        if int(column.min()) < 0 or int(column.max()) >= len(options):
            raise InputError(f"{name} must be from 0 to {len(options) - 1}: {', '.join(options)}")
    return checked_attributes


# --- the layers ---------------------------------------------------------------------------------------------


@cache
def _layers(side: int) -> dict[str, Tensor]:
    """The layers of each part, (options, 4, side, side): colours times opacity, and opacity."""
    try:
        import python_avatars as avatars  # type: ignore[import-untyped]
        import resvg_py
    except ImportError as error:
        raise DataUnavailable(
            f"drawn faces need the package {error.name}, which is missing: "
            "pip install python_avatars resvg_py"
        ) from None

    def layer(skin: str | None = None, **parts: Any) -> Tensor:
        enums = {
            "top": avatars.HairType, "eyes": avatars.EyeType, "eyebrows": avatars.EyebrowType,
            "nose": avatars.NoseType, "mouth": avatars.MouthType, "clothing": avatars.ClothingType,
            "accessory": avatars.AccessoryType, "facial_hair": avatars.FacialHairType,
        }  # fmt: skip
        chosen = {
            name: enums[name][value] if name in enums and value is not None else value
            for name, value in (_PARTS | parts).items()
        }
        avatar = avatars.Avatar(style=avatars.AvatarStyle.TRANSPARENT, skin_color=skin or "#000000", **chosen)
        drawing = _only(avatar.render(), with_body=skin is not None)
        picture = resvg_py.svg_to_bytes(svg_string=drawing, width=side * _SCALE, skip_system_fonts=True)
        return _premultiplied(bytes(picture), side)

    return {
        "skin": torch.stack([layer(colour) for colour in _SKIN_COLOURS]),
        "shirt": torch.stack(
            [layer(clothing=kind, clothing_color=colour) for kind in _SHIRTS for colour in _SHIRT_COLOURS]
        ),
        "mouth": torch.stack([layer(mouth=mouth) for mouth in _MOUTHS]),
        "nose": layer(nose="DEFAULT")[None],
        "eyes": torch.stack([layer(eyes=eyes) for eyes in _EYES]),
        "brows": torch.stack([layer(eyebrows=brows) for brows in _BROWS]),
        "hair": torch.stack(
            [layer(top=kind, hair_color=colour) for kind in _HAIR for colour in _HAIR_COLOURS]
        ),
        "beard": torch.stack(
            [layer(facial_hair=kind, facial_hair_color=tint) for kind in _BEARDS for tint in _HAIR_COLOURS]
        ),
        "glasses": torch.stack([layer(accessory=kind) for kind in _GLASSES]),
    }


def _only(drawing: str, with_body: bool) -> str:
    """Crop a drawing to the square that is kept, and remove its body unless it is asked for."""
    root = ElementTree.fromstring(drawing)
    left, top, edge = _BOX
    root.set("viewBox", f"{left} {top} {edge} {edge}")
    root.set("width", f"{edge}")
    root.set("height", f"{edge}")
    if not with_body:
        for parent in root.iter():
            for child in list(parent):
                if re.fullmatch(r"\w+_Body", child.get("id", "")):
                    parent.remove(child)
    return ElementTree.tostring(root, encoding="unicode")


def _premultiplied(picture: bytes, side: int) -> Tensor:
    """Read a PNG (side · 4, side · 4) as colours times opacity, and opacity, (4, side, side) from 0 to 1."""
    try:
        from PIL import Image
    except ImportError:
        raise DataUnavailable(
            "drawn faces are read by the package Pillow, which is missing: pip install pillow"
        ) from None
    with Image.open(io.BytesIO(picture)) as image:
        pixels = torch.from_numpy(np.array(image.convert("RGBA"))).permute(2, 0, 1).float() / 255
    pixels = torch.cat([pixels[:3] * pixels[3:], pixels[3:]])
    return F.adaptive_avg_pool2d(pixels, side)
