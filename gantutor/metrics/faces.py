"""Scores of generated faces, measured against people who are not in the training data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from gantutor._checks import check_finite, check_floats, checked, integer, string
from gantutor._errors import InputError, type_name
from gantutor.data.faces import faces
from gantutor.metrics.face_features import principal_directions
from gantutor.metrics.kernel_distance import kernel_distance
from gantutor.metrics.neighbours import nearest_neighbour_ratio
from gantutor.metrics.precision_recall import precision_recall
from gantutor.metrics.score import Score, Scores

EIGENFACES = 64
"""The number of principal directions in ``eigenface_features``."""


@checked(k=integer(1), seed=integer(0), features_name=string())
def face_scores(
    generated: Tensor,
    reference: Any,
    train: Any = None,
    features: Callable[[Tensor], Tensor] | None = None,
    features_name: str = "eigenface features",
    k: int = 3,
    seed: int = 0,
) -> Scores:
    """Return the kernel distance, precision, recall and nearest-neighbour ratio of generated faces.

    No person is both in ``train`` and in ``reference``. The real-data values are therefore what real people
    score against other real people: the training faces take the place of the generated ones, except that for
    precision the held-out ones do. A generator that copies its training faces reaches the real-data value of
    the kernel distance too; the ratio, whose real-data value is 1, detects this. There are few people, so a
    kernel distance and its real-data value depend on the same choice of held-out people: their difference
    says more than their ratio.

    Args:
        generated: images (N, C, H, W) in [−1, 1], N ≥ 10.
        reference: a TensorDataset of at least 10 images of held-out people, for the kernel distance and the
            recall.
        train: a TensorDataset of at least 10 faces that the generator learned from, for the precision and the
            ratio; by default the training faces of ``faces()``.
        features: a function of images that gives features (N, D); by default ``eigenface_features``.
        features_name: what the units call the features.
        k: which neighbour sets the radius in precision and recall, at least 1.
        seed: the seed by which equal numbers of generated and training faces are drawn for precision and
            recall.

    Returns:
        ``kernel_distance``, ``precision``, ``recall`` and ``nearest_neighbour_ratio``.

    Raises:
        InputError: for other types, shapes, ranges or sizes.

    >>> data = faces()
    >>> scores = face_scores(data.train.tensors[0], data.held_out)
    >>> sorted(scores), scores["nearest_neighbour_ratio"].value
    (['kernel_distance', 'nearest_neighbour_ratio', 'precision', 'recall'], 0.0)
    """
    held_out = _images(reference, "reference")
    known = faces().train.tensors[0] if train is None else _images(train, "train")
    generated = _checked(generated, "generated faces")
    if generated.shape[1:] != held_out.shape[1:] or generated.shape[1:] != known.shape[1:]:
        shapes = " and ".join(str(tuple(images.shape[1:])) for images in (generated, held_out, known))
        raise InputError(f"generated, reference and training faces must be of one shape, not {shapes}")
    if features is not None and not callable(features):
        raise InputError(f"features must be a function of images, not {type_name(features)}")
    extract = eigenface_features if features is None else features
    generated_features, held_out_features, train_features = (
        extract(generated),
        extract(held_out),
        extract(known),
    )
    count = min(len(generated_features), len(train_features))
    rng = torch.Generator().manual_seed(seed)
    generated_subset, train_subset = (
        rows[torch.randperm(len(rows), generator=rng)[:count]]
        for rows in (generated_features, train_features)
    )
    people = f"{len(held_out):,} photographs of held-out people"
    distance = Score(
        kernel_distance(generated_features, held_out_features),
        kernel_distance(train_features, held_out_features),
        f"squared kernel distance on {features_name}",
        "lower",
        len(generated),
        people,
    )
    real_precision = precision_recall(train_subset, held_out_features, k)[0]
    precision = precision_recall(train_subset, generated_subset, k)[0]
    recall = precision_recall(held_out_features, generated_subset, k)[1]
    photographs = f"{count:,} training photographs"
    ratio = nearest_neighbour_ratio(generated, known, held_out)
    return Scores(
        kernel_distance=distance,
        precision=Score(precision, real_precision, f"share on {features_name}", "higher", count, photographs),
        recall=Score(recall, real_precision, f"share on {features_name}", "higher", count, people),
        nearest_neighbour_ratio=Score(
            ratio,
            1.0,
            "of the distance of held-out people",
            "higher",
            len(generated),
            f"{len(known):,} training photographs",
        ),
    )


def eigenface_features(images: Tensor) -> Tensor:
    """Return the coefficients of faces along the first 64 eigenfaces of the training faces of ``faces()``.

    Eigenfaces are the principal directions of the 320 training faces (Turk & Pentland 1991,
    doi:10.1162/jocn.1991.3.1.71). They miss all fine detail: blurred faces, and two faces laid over one
    another, have the kernel distance of real ones. A low distance on them says that light, pose and outline
    are right, and not that a face looks real.

    Args:
        images: faces (N, 1, 64, 64) in [−1, 1].

    Returns:
        Features (N, 64), float64, each with mean 0 and variance 1 over the training faces.

    Raises:
        InputError: for images of another type or shape, or not finite.

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
    """The mean face (4096,) and the principal directions (4096, 64), scaled to give unit variance."""
    return principal_directions(faces().train.tensors[0], EIGENFACES)


def _images(dataset: Any, name: str) -> Tensor:
    """The images of a TensorDataset, checked."""
    tensors = getattr(dataset, "tensors", None)
    if not tensors:
        raise InputError(f"{name} must be a TensorDataset such as faces().held_out, not {type_name(dataset)}")
    return _checked(tensors[0], f"the {name} faces")


def _checked(images: Any, name: str) -> Tensor:
    if not isinstance(images, Tensor) or images.dim() != 4 or not images.is_floating_point():
        shape = tuple(images.shape) if isinstance(images, Tensor) else type_name(images)
        raise InputError(f"{name} must be floats of shape (N, C, H, W), not {shape}")
    if len(images) < 10:
        raise InputError(f"{name} must be at least 10, not {len(images)}")
    check_finite(name.removeprefix("the "), images)
    if float(images.abs().max()) > 1 + 1e-4:
        raise InputError(f"{name} must lie in [-1, 1]")
    return images.detach().cpu()
