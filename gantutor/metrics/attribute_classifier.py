"""The frozen classifier of drawn faces' attributes, and scores of how well attributes are obeyed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from gantutor._checks import check_floats, checked, integer
from gantutor._errors import InputError
from gantutor._files import read_tensors
from gantutor.data.drawn_faces import FACE_ATTRIBUTES, check_attributes, draw_faces, random_faces
from gantutor.metrics.score import Score, Scores

WEIGHTS = Path(__file__).with_name("attribute_classifier.safetensors")
"""The shipped weights, written by ``scripts/weights/train_attribute_classifier.py``."""

CHUNK_SIZE = 100
"""Images classified at once."""

FACE_SEEDS = {"training": 1_000_000, "test": 1_000_001, "variety": 1_000_002}
"""Seeds of the faces that the classifier learnt from, was tested on, and that variety is compared with."""


class AttributeClassifier(nn.Module):
    """A convolutional classifier of drawn faces (N, 3, 64, 64) in [−1, 1] by each of their attributes.

    It returns a tuple of class logits (N, options), one for each of ``FACE_ATTRIBUTES``.

    >>> [logits.shape[1] for logits in AttributeClassifier()(torch.zeros(2, 3, 64, 64))]
    [8, 6, 5, 4, 4, 5, 5]
    """

    def __init__(self) -> None:
        super().__init__()
        self.options = [len(options) for options in FACE_ATTRIBUTES.values()]
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), *_block(12, 24), *_block(24, 48, 2), *_block(48, 64, 2), *_block(64, 64, 2),
            nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU(), nn.Linear(64, sum(self.options)),
        )  # fmt: skip

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        logits: Tensor = self.body(images)
        return torch.split(logits, self.options, 1)


def _block(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


@cache
def attribute_classifier() -> AttributeClassifier:
    """Return the shipped classifier of attributes, frozen, on the CPU.

    It was trained once on drawn faces of its own, blurred and noisy at random, and never saw a generated one.

    >>> len(attribute_classifier()(torch.zeros(2, 3, 64, 64)))
    7
    """
    classifier = AttributeClassifier()
    classifier.load_state_dict(read_tensors(WEIGHTS))
    return classifier.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@torch.no_grad()
def read_attributes(images: Tensor) -> Tensor:
    """Return the attributes that the shipped classifier reads in faces.

    Args:
        images: floats (N, 3, 64, 64) in [−1, 1], N ≥ 1.

    Returns:
        Attributes (N, 7), whole numbers, one column for each of ``FACE_ATTRIBUTES``.

    Raises:
        InputError: for images of another type, shape or range, or not finite.

    >>> read_attributes(torch.zeros(3, 3, 64, 64)).shape
    torch.Size([3, 7])
    """
    check_floats(images=images)
    if images.dim() != 4 or images.shape[1:] != (3, 64, 64) or not len(images):
        raise InputError(f"faces must be floats of shape (count, 3, 64, 64), not {tuple(images.shape)}")
    if float(images.abs().max()) > 1 + 1e-4:
        raise InputError("faces must lie in [-1, 1]")
    classifier = attribute_classifier()
    chunks = [classifier(chunk) for chunk in torch.split(images.detach().cpu().float(), CHUNK_SIZE)]
    return torch.cat([torch.stack([part.argmax(1) for part in chunk], 1) for chunk in chunks])


def attribute_scores(images: Tensor, attributes: Tensor, real: tuple[Tensor, Tensor]) -> Scores:
    """Score how often the shipped classifier reads the attributes that faces were made for.

    Args:
        images: generated faces (N, 3, 64, 64) in [−1, 1].
        attributes: the attributes that they were made for, (N, 7).
        real: images and attributes of real faces, whose accuracy is the real-data value.

    Returns:
        ``attributes_obeyed``, the share that is read as asked for, averaged over the attributes; and
        ``all_attributes_obeyed``, the share of faces of which all seven are.

    Raises:
        InputError: for tensors of another type, shape or range.

    >>> faces = draw_faces(*random_faces(4)), random_faces(4)[0]
    >>> sorted(attribute_scores(*faces, faces))
    ['all_attributes_obeyed', 'attributes_obeyed']
    """
    right, right_real = _right(images, attributes), _right(*real)
    reference = f"the classifier's accuracy on {len(right_real):,} real faces"
    pairs = {
        "attributes_obeyed": (right.mean(), right_real.mean()),
        "all_attributes_obeyed": (right.amin(1).mean(), right_real.amin(1).mean()),
    }
    units = {"attributes_obeyed": "share of attributes", "all_attributes_obeyed": "share of faces"}
    return Scores(
        {
            name: Score(float(ours), float(theirs), units[name], "higher", len(right), reference)
            for name, (ours, theirs) in pairs.items()
        }
    )


def _right(images: Tensor, attributes: Tensor) -> Tensor:
    """Whether each attribute is read as it should be, (N, 7), 0.0 or 1.0."""
    attributes = check_attributes(attributes)
    if len(images) != len(attributes):
        raise InputError(f"there must be {len(images)} rows of attributes, not {len(attributes)}")
    return (read_attributes(images) == attributes).double()


def edit_scores(edited: Tensor, wanted: Tensor, before: Tensor) -> Scores:
    """Score edits of faces: is the changed attribute there, and did the others stay?

    Args:
        edited: the faces after the edit (N, 3, 64, 64) in [−1, 1].
        wanted: the attributes after the edit (N, 7), each row with at least one change.
        before: the true attributes before the edit (N, 7).

    Returns:
        ``edit_obeyed``, the share of changed attributes that are read as wanted, and ``edit_others_kept``,
        the share of unchanged ones that are read as before; the real-data value is 1 for both, up to the
        classifier's errors.

    Raises:
        InputError: for tensors of another type, shape or range, or if nothing is changed.

    >>> attributes, style = random_faces(4)
    >>> wanted = attributes.clone()
    >>> wanted[:, 3] = (wanted[:, 3] + 1) % 4
    >>> edit_scores(draw_faces(wanted, style), wanted, attributes)["edit_obeyed"].value
    1.0
    """
    right, changed = _right(edited, wanted), check_attributes(wanted) != check_attributes(before)
    if not bool(changed.any(1).all()):
        raise InputError("each edit must change at least one attribute")
    reference = "edits drawn with the true style"
    obeyed, kept = float(right[changed].mean()), float(right[~changed].mean())
    return Scores(
        edit_obeyed=Score(obeyed, 1.0, "share of changed attributes", "higher", len(edited), reference),
        edit_others_kept=Score(kept, 1.0, "share of unchanged attributes", "higher", len(edited), reference),
    )


@checked(each=integer(2))
def variety_within_condition(images: Tensor, attributes: Tensor, each: int = 2) -> Score:
    """Return the mean distance of faces with equal attributes, relative to that of real faces.

    0 means that the latent changes nothing; 1, that it changes as much as what is not among the attributes
    (background, shirt and eyebrows) does in real faces.

    Args:
        images: generated faces (N · ``each``, 3, S, S), in groups of ``each`` with equal attributes.
        attributes: the attributes of each group (N, 7).
        each: faces in a group, at least 2.

    Raises:
        InputError: if the shapes do not fit.

    >>> attributes = random_faces(2)[0]
    >>> variety_within_condition(torch.zeros(4, 3, 64, 64), attributes).value
    0.0
    """
    attributes = check_attributes(attributes)
    check_floats(images=images)
    if images.dim() != 4 or len(images) != each * len(attributes):
        raise InputError(f"there must be {each * len(attributes)} faces, not {tuple(images.shape)}")
    _, style = random_faces(len(images), FACE_SEEDS["variety"])
    real = draw_faces(attributes.repeat_interleave(each, 0), style, images.shape[3])
    value, real_value = (_spread(part, each) for part in (images.detach().cpu(), real))
    reference = "real faces of equal attributes"
    return Score(value / real_value, 1.0, "of the distance of real faces", "higher", len(images), reference)


def _spread(images: Tensor, each: int) -> float:
    """The mean Euclidean distance of all pairs within groups of ``each`` neighbours."""
    groups = images.float().view(-1, each, images[0].numel())  # (N, each, D)
    distances = torch.cdist(groups, groups)
    return float(distances.sum() / (len(groups) * each * (each - 1)))
