"""Clustering accuracy: the best one-to-one match between predicted and true classes."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_integers, checked, integer
from gantutor._errors import InputError


@checked(classes=integer(1, 10_000))
def clustering_accuracy(predicted: Tensor, labels: Tensor, classes: int) -> tuple[float, Tensor]:
    """Return the accuracy under the best permutation of the predicted classes, and this permutation.

    Args:
        predicted: predicted classes (N,), from 0 to ``classes`` − 1.
        labels: true classes (N,), in the same range.
        classes: the number of classes, from 1 to 10,000.

    Returns:
        The share of samples whose permuted class equals the label, and the permutation (``classes``,): the
        predicted class ``c`` stands for the true class ``permutation[c]``.

    Raises:
        InputError: for tensors of different shapes or without values, values that are not whole numbers, or
            classes out of range.

    >>> clustering_accuracy(torch.tensor([1, 1, 2, 2, 0, 1]), torch.tensor([0, 0, 1, 1, 2, 2]), 3)
    (0.8333333333333334, tensor([2, 0, 1]))
    """
    from scipy.optimize import linear_sum_assignment

    check_integers(predicted=predicted, labels=labels)
    if predicted.shape != labels.shape or predicted.dim() != 1:
        raise InputError(
            "predicted and labels must have the same shape, (count,), "
            f"not {tuple(predicted.shape)} and {tuple(labels.shape)}"
        )
    if not len(predicted):
        raise InputError("predicted and labels must hold at least one class each")
    predicted, labels = predicted.cpu().long(), labels.cpu().long()  # of bytes, the products below overflow
    if int(min(predicted.min(), labels.min())) < 0 or int(max(predicted.max(), labels.max())) >= classes:
        raise InputError(f"predicted and labels must lie from 0 to {classes - 1}")
    confusion = (predicted * classes + labels).bincount(minlength=classes**2)
    confusion = confusion.view(classes, classes)  # [predicted, label]
    permutation = torch.from_numpy(linear_sum_assignment(-confusion.numpy())[1])
    correct = int(confusion[torch.arange(classes), permutation].sum())
    return correct / len(predicted), permutation
