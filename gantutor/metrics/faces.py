"""Scores of generated faces, against people whom no network saw."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_floats, integer, string, validate
from gantutor._errors import InputError, type_name
from gantutor.data.faces import faces
from gantutor.metrics.face_features import eigenfaces_of
from gantutor.metrics.kernel_distance import kernel_distance
from gantutor.metrics.neighbours import nearest_neighbour_ratio
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.score import Score, Scores

EIGENFACES = 64


def face_scores(
    generated: Tensor,
    reference: Any,
    train: Any = None,
    features: Callable[[Tensor], Tensor] | None = None,
    named: str = "eigenface features",
    k: int = 3,
    seed: int = 0,
) -> Scores:
    """``kernel_distance``, ``precision``, ``recall`` and ``nearest_neighbour_ratio`` of generated faces
    (N, C, H, W) in [−1, 1].

    ``reference``: a TensorDataset of real, held-out people, by whom the kernel distance and the recall are
    measured; ``train``: the real faces that the generator learnt from, by whom the precision and the ratio
    are, by default those of ``faces()``. No person is in both, so that the floors are what real people score
    against other real people: the training faces in the place of the generated ones, and for precision the
    held-out ones. A generator that copies its training faces reaches the floor of the kernel distance too:
    the ratio tells, whose floor is 1.

    ``features`` maps images to (N, D), by default the eigenfaces of the training faces; ``named`` is what the
    unit calls them. Precision and recall take as many generated as training faces, drawn with ``seed``. There
    are few people: a kernel distance and its floor share the chance of who was held out, so that their
    difference says more than their ratio. Raises InputError for images of other shapes or ranges.

    >>> data = faces()
    >>> scores = face_scores(data.train.tensors[0], data.held_out)
    >>> sorted(scores), scores["nearest_neighbour_ratio"].value
    (['kernel_distance', 'nearest_neighbour_ratio', 'precision', 'recall'], 0.0)
    """
    validate({"k": k, "seed": seed, "named": named}, k=integer(1), seed=integer(0), named=string())
    held_out = _images(reference, "reference")
    known = faces().train.tensors[0] if train is None else _images(train, "train")
    made = _checked(generated, "generated faces")
    if made.shape[1:] != held_out.shape[1:] or made.shape[1:] != known.shape[1:]:
        shapes = " and ".join(str(tuple(each.shape[1:])) for each in (made, held_out, known))
        raise InputError(f"generated, reference and training faces must be of one shape, not {shapes}")
    if features is not None and not callable(features):
        raise InputError(f"features must be a function of images, not {type_name(features)}")
    read = eigenface_features if features is None else features
    seen, new, old = read(made), read(held_out), read(known)
    few = min(len(seen), len(old))
    draw = torch.Generator().manual_seed(seed)
    some, others = (cloud[torch.randperm(len(cloud), generator=draw)[:few]] for cloud in (seen, old))
    people = f"{len(held_out):,} photographs of held-out people"
    distance = Score(
        kernel_distance(seen, new),
        kernel_distance(old, new),
        f"squared kernel distance on {named}",
        "lower",
        len(made),
        people,
    )
    inside = precision_recall(others, new, k)[0]
    precision = precision_recall(others, some, k)[0]
    recall = precision_recall(new, some, k)[1]
    known_too = f"{few:,} training photographs"
    ratio = nearest_neighbour_ratio(made, known, held_out)
    return Scores(
        kernel_distance=distance,
        precision=Score(precision, inside, f"share on {named}", "higher", few, known_too),
        recall=Score(recall, inside, f"share on {named}", "higher", few, people),
        nearest_neighbour_ratio=Score(
            ratio,
            1.0,
            "of the distance of held-out people",
            "higher",
            len(made),
            f"{len(known):,} training photographs",
        ),
    )


def eigenface_features(images: Tensor) -> Tensor:
    """What the first 64 principal directions of the 320 training faces say of faces (N, 1, 64, 64) from −1 to
    1: features (N, 64), each with mean 0 and variance 1 over the training faces.

    Turk & Pentland 1991, doi:10.1162/jocn.1991.3.1.71. They are blind to all that is fine: blurred faces, and
    the ghosts of two faces laid over one another, have the kernel distance of real ones. A low distance on
    them says that light, pose and outline are right, and not that a face looks real. Raises InputError for
    images of another shape.

    >>> eigenface_features(faces().held_out.tensors[0]).shape
    torch.Size([80, 64])
    """
    check_floats(images=images)
    if images.dim() != 4 or images.shape[1:] != (1, 64, 64):
        raise InputError(f"eigenfaces take faces of shape (N, 1, 64, 64), not {tuple(images.shape)}")
    mean, directions = _eigenfaces()
    return (images.detach().cpu().double().flatten(1) - mean) @ directions


@cache
def _eigenfaces() -> tuple[Tensor, Tensor]:
    """The mean face (4096,) and the principal directions (4096, 64), each divided by its deviation."""
    return eigenfaces_of(faces().train.tensors[0], EIGENFACES)


def _images(part: Any, name: str) -> Tensor:
    """The images of a TensorDataset."""
    tensors = getattr(part, "tensors", None)
    if not tensors:
        raise InputError(f"{name} must be a TensorDataset such as faces().held_out, not {type_name(part)}")
    return _checked(tensors[0], f"the {name} faces")


def _checked(images: Any, name: str) -> Tensor:
    if not isinstance(images, Tensor) or images.dim() != 4 or not images.is_floating_point():
        given = tuple(images.shape) if isinstance(images, Tensor) else type_name(images)
        raise InputError(f"{name} must be floats of shape (N, C, H, W), not {given}")
    if len(images) < 10:
        raise InputError(f"{name} must be at least 10, not {len(images)}")
    check_finite(name.removeprefix("the "), images)
    if float(images.abs().max()) > 1 + 1e-4:
        raise InputError(f"{name} must lie in [-1, 1]")
    return images.detach().cpu()
