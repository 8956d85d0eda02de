"""Nested tuples and lists of tensors, such as batches and conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to every leaf of nested tuples and lists; None stays None.

    Args:
        function: function of a leaf.
        tree: a leaf, or nested tuples and lists of leaves, whose form is kept.

    >>> tree_map(lambda leaf: 2 * leaf, (1, [2, None]))
    (2, [4, None])
    """
    if isinstance(tree, tuple | list):
        return type(tree)(tree_map(function, part) for part in tree)
    return None if tree is None else function(tree)


def tree_leaves(tree: Any) -> list[Any]:
    """Return the leaves of nested tuples and lists in order, without None.

    >>> tree_leaves([(1, None), (2,)])
    [1, 2]
    """
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in tree_leaves(part)]
    return [] if tree is None else [tree]


def tree_split(tree: Any, parts: int) -> list[Any]:
    """Split the tensors of nested tuples and lists along their first dimension.

    Args:
        tree: tensors of N rows, however nested, or None.
        parts: the number of parts.

    >>> import torch
    >>> tree_split((torch.arange(4), None), 2)
    [(tensor([0, 1]), None), (tensor([2, 3]), None)]
    """
    if isinstance(tree, tuple | list):
        columns = [tree_split(part, parts) for part in tree]
        return [type(tree)(column[index] for column in columns) for index in range(parts)]
    return [None] * parts if tree is None else list(tree.tensor_split(parts))
