"""Clustering accuracy: the best one-to-one match between predicted and true classes."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_integers, integer, validate
from gantutor._errors import InputError


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
        InputError: for tensors of different shapes, values that are not whole numbers, or classes out of
            range.

    >>> clustering_accuracy(torch.tensor([1, 1, 2, 2, 0, 1]), torch.tensor([0, 0, 1, 1, 2, 2]), 3)
    (0.8333333333333334, tensor([2, 0, 1]))
    """
    check_integers(predicted=predicted, labels=labels)
    validate({"classes": classes}, classes=integer(1, 10_000))
    if predicted.shape != labels.shape or predicted.dim() != 1:
        raise InputError(
            "predicted and labels must have the same shape, (count,), "
            f"not {tuple(predicted.shape)} and {tuple(labels.shape)}"
        )
    if int(min(predicted.min(), labels.min())) < 0 or int(max(predicted.max(), labels.max())) >= classes:
        raise InputError(f"predicted and labels must lie from 0 to {classes - 1}")
    confusion = (predicted.cpu() * classes + labels.cpu()).bincount(minlength=classes**2)
    confusion = confusion.view(classes, classes)  # [predicted, label]
    permutation = assignment(-confusion)
    correct = int(confusion[torch.arange(classes), permutation].sum())
    return correct / len(predicted), permutation


def assignment(cost: Tensor) -> Tensor:
    """Assign each row of a cost matrix to a column of its own, so that the sum of the costs is minimal.

    The Hungarian method (Kuhn 1955, doi:10.1002/nav.3800020109), in O(n³): rows are added one by one, each
    along a shortest augmenting path. Potentials keep all reduced costs at least 0.

    Args:
        cost: the cost of each row and column, (n, n).

    Returns:
        The column of each row, (n,).

    >>> assignment(torch.tensor([[4, 1, 3], [2, 0, 5], [3, 2, 2]]))
    tensor([1, 0, 2])
    """
    count, costs = len(cost), cost.double().tolist()
    # The last of the count + 1 columns is virtual: a path begins there.
    row_potentials, column_potentials = [0.0] * count, [0.0] * (count + 1)
    row_of = [-1] * (count + 1)  # the row of each column, -1 where it is free
    for row in range(count):
        row_of[count], current = row, count
        distances, previous = [float("inf")] * count, [count] * count
        visited = [False] * (count + 1)
        while row_of[current] >= 0:
            visited[current], current_row = True, row_of[current]
            unvisited = [column for column in range(count) if not visited[column]]
            for column in unvisited:
                reduced = costs[current_row][column] - row_potentials[current_row] - column_potentials[column]
                if reduced < distances[column]:
                    distances[column], previous[column] = reduced, current
            nearest = min(unvisited, key=distances.__getitem__)
            step = distances[nearest]
            for column in range(count + 1):
                if visited[column]:
                    row_potentials[row_of[column]] += step
                    column_potentials[column] -= step
                elif column < count:
                    distances[column] -= step
            current = nearest
        while current != count:  # each column on the path takes the row of the one before it
            row_of[current], current = row_of[previous[current]], previous[current]
    columns = torch.empty(count, dtype=torch.long)
    columns[torch.tensor(row_of[:count])] = torch.arange(count)
    return columns
