"""Classes that nobody has named: the best way to say which is which."""

from __future__ import annotations

import torch
from torch import Tensor

from gantutor._checks import check_integers, integer, validate
from gantutor._errors import InputError


def clustering_accuracy(read: Tensor, labels: Tensor, classes: int) -> tuple[float, Tensor]:
    """The largest share of ``read`` (N,) that equals ``labels`` (N,) under one permutation of the classes,
    and that permutation (classes,): what is read as ``c`` stands for ``permutation[c]``.

    >>> clustering_accuracy(torch.tensor([1, 1, 2, 2, 0, 1]), torch.tensor([0, 0, 1, 1, 2, 2]), 3)
    (0.8333333333333334, tensor([2, 0, 1]))
    """
    check_integers(read=read, labels=labels)
    validate({"classes": classes}, classes=integer(1, 10_000))
    if read.shape != labels.shape or read.dim() != 1:
        raise InputError(
            "read and labels must have the same shape, (count,), "
            f"not {tuple(read.shape)} and {tuple(labels.shape)}"
        )
    if int(min(read.min(), labels.min())) < 0 or int(max(read.max(), labels.max())) >= classes:
        raise InputError(f"read and labels must lie from 0 to {classes - 1}")
    table = (read.cpu() * classes + labels.cpu()).bincount(minlength=classes**2).view(classes, classes)
    permutation = assignment(-table)
    right = int(table[torch.arange(classes), permutation].sum())
    return right / len(read), permutation


def assignment(cost: Tensor) -> Tensor:
    """The column (n,) of each row of a cost matrix (n, n), no column twice, such that the sum of costs is the
    least.

    Row after row is added along a shortest path of exchanges; potentials keep all costs of exchanges above 0
    (Kuhn 1955, doi:10.1002/nav.3800020109; O(n³)).

    >>> assignment(torch.tensor([[4, 1, 3], [2, 0, 5], [3, 2, 2]]))
    tensor([1, 0, 2])
    """
    count, table = len(cost), cost.double().tolist()
    rows, columns = [0.0] * count, [0.0] * (count + 1)  # potentials; the last column is where a path begins
    owner = [-1] * (count + 1)
    for row in range(count):
        owner[count], here = row, count
        least, before, visited = [float("inf")] * count, [count] * count, [False] * (count + 1)
        while owner[here] >= 0:
            visited[here], holder = True, owner[here]
            for column in (each for each in range(count) if not visited[each]):
                through = table[holder][column] - rows[holder] - columns[column]
                if through < least[column]:
                    least[column], before[column] = through, here
            nearest = min((each for each in range(count) if not visited[each]), key=least.__getitem__)
            step = least[nearest]
            for column in range(count + 1):
                if visited[column]:
                    rows[owner[column]] += step
                    columns[column] -= step
                elif column < count:
                    least[column] -= step
            here = nearest
        while here != count:  # each on the path takes what the one before it had
            owner[here], here = owner[before[here]], before[here]
    found = torch.empty(count, dtype=torch.long)
    found[torch.tensor(owner[:count])] = torch.arange(count)
    return found
