"""Euclidean distances that stay accurate, however far the samples lie from the origin.

The quick way to all distances of two sets is a matrix product, |x|² + |y|² − 2 x·y. Far from the origin it
subtracts large numbers that agree in most of their digits. Here the samples are moved to the origin first,
and each result has an error bound. Where the bound is too wide, the distance is computed again from the
difference of the two samples, in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

SPARE = 4
"""Candidates beyond the k nearest neighbours that are compared exactly."""

BLOCK = 2**22
"""Numbers of a block that is held in double precision."""

CENTRE_ROWS = 8
"""Samples of each set whose median is taken for the middle of all; a few outliers do not move it."""

RELATIVE_ERROR = 1e-7
"""A distance with a larger relative error is computed again."""

TIE = 1 + 1e-12
"""A distance counts as equal to a radius within this factor, the rounding of double precision."""

UNIT_RANGE = 1e-12, 1e12
"""Extents of the samples whose squares neither overflow nor vanish, in single precision too."""


def nearest(queries: Tensor, data: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Return the distances of each query to its k nearest neighbours in the data, and their indices.

    Args:
        queries: finite samples (N, …), N ≥ 1, of any real dtype.
        data: finite samples (M, …) of the same shape, M ≥ k.
        k: how many neighbours, at least 1.

    Returns:
        Distances (N, k), float64, in ascending order, and indices into ``data`` (N, k). Of neighbours at one
        distance the one with the lower index comes first.

    >>> nearest(torch.tensor([[1e6 + 1.0]]), 1e6 + torch.tensor([[0.0], [1.0], [3.0]]), k=2)
    (tensor([[0., 1.]], dtype=torch.float64), tensor([[1, 0]]))
    """
    x, y = _flat(queries), _flat(data)
    frame = Frame(x, y)
    # A GPU, or a CPU that is told to, may multiply single-precision numbers with fewer digits than they have.
    quick = x.device.type == "cpu" and torch.get_float32_matmul_precision() == "highest"
    dtype = torch.float32 if quick else torch.float64
    squares, index, limits, unsure = _candidates(x, y, k, frame, dtype)
    if quick and bool(unsure.any()):
        rows = unsure.nonzero()[:, 0]
        more = _candidates(x[rows], y, k, frame, torch.float64)
        limits = limits.double()
        squares[rows], index[rows], limits[rows], unsure[rows] = more
    rows = unsure.nonzero()[:, 0]
    limits = limits[rows]
    for part in _row_blocks(len(rows), max(len(y), x.shape[1])):
        chunk = rows[part]
        squares[chunk], index[chunk] = _nearest_within(x[chunk], y, k, frame, limits[part])
    return squares.sqrt() * frame.unit, index


def inside_balls(points: Tensor, centres: Tensor, radii: Tensor) -> Tensor:
    """Return whether each point lies in at least one of the balls around some centres.

    Args:
        points: finite samples (N, …), of any real dtype.
        centres: finite samples (M, …) of the same shape, M ≥ 1.
        radii: the radius of each ball (M,), float64; a point on its surface lies inside.

    Returns:
        Flags (N,).

    >>> inside_balls(torch.tensor([[1e6], [3e6]]), torch.tensor([[0.0]]), torch.tensor([1e6]).double())
    tensor([ True, False])
    """
    x, y = _flat(points), _flat(centres)
    frame = Frame(x, y)
    limits = (radii.to(y.device) / frame.unit * TIE).square()
    inside = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    for columns in _row_blocks(*y.shape):
        v, limit = frame.centred(y[columns]), limits[columns]
        for rows in _row_blocks(len(x), max(len(v), x.shape[1])):
            u = frame.centred(x[rows])
            squares, sums = _squares(u, v)
            error = _error_factor(u) * sums
            surely = (squares + error <= limit).any(1) | inside[rows]
            row, column = ((squares - error <= limit) & ~surely[:, None]).nonzero(as_tuple=True)
            within = _squares_by_difference(x[rows], y[columns], row, column, frame) <= limit[column]
            surely[row[within]] = True
            inside[rows] = surely
    return inside


def pairwise_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return the distance of each sample of one set to each of another.

    Args:
        first: finite samples (N, …), of any real dtype.
        second: finite samples (M, …) of the same shape.

    Returns:
        Distances (N, M), float64; 0 for copies.

    >>> pairwise_distances(torch.tensor([[1e6], [1e6 + 2]]), torch.tensor([[1e6]])).tolist()
    [[0.0], [2.0]]
    """
    x, y = _flat(first), _flat(second)
    frame = Frame(x, y)
    distances = torch.empty(len(x), len(y), dtype=torch.float64, device=x.device)
    for columns in _row_blocks(*y.shape):
        v = frame.centred(y[columns])
        for rows in _row_blocks(len(x), max(len(v), x.shape[1])):
            u = frame.centred(x[rows])
            squares, sums = _squares(u, v)
            rough = _error_factor(u) * sums > 2 * RELATIVE_ERROR * squares
            row, column = rough.nonzero(as_tuple=True)
            squares[row, column] = _squares_by_difference(x[rows], y[columns], row, column, frame)
            distances[rows, columns] = squares.sqrt()
    return distances * frame.unit


def to_double(tensor: Tensor) -> Tensor:
    """Return a tensor in double precision and without its gradient; on the CPU where its device has none.

    Args:
        tensor: real numbers.

    >>> to_double(torch.ones(2, dtype=torch.uint8))
    tensor([1., 1.], dtype=torch.float64)
    """
    tensor = tensor.detach()
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).double()


def some(samples: Tensor) -> Tensor:
    """Return a few samples, evenly spaced, in double precision.

    Args:
        samples: real numbers (N, …).

    >>> some(torch.arange(100))
    tensor([ 0., 12., 24., 36., 48., 60., 72., 84.], dtype=torch.float64)
    """
    return to_double(samples[:: max(1, len(samples) // CENTRE_ROWS)][:CENTRE_ROWS])


def result_dtype(*tensors: Tensor) -> torch.dtype:
    """Return the dtype of a result: double precision if one of the tensors has it, otherwise single.

    Args:
        *tensors: what the result is computed from.

    >>> result_dtype(torch.ones(2, dtype=torch.uint8))
    torch.float32
    """
    return torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32


class Frame:
    """The middle of two sets of samples, and a unit, a power of two, in which no square overflows.

    Args:
        first: finite samples (N, D), N ≥ 1.
        second: finite samples (M, D).

    Attributes:
        middle: the median of a few samples (D,), float64, in units.
        unit: 1 unless the samples are extremely large or extremely close together.

    >>> Frame(torch.tensor([[1e6], [1e6 + 2]]), torch.tensor([[1e6]])).centred(torch.tensor([[1e6 + 1]]))
    tensor([[1.]], dtype=torch.float64)
    """

    def __init__(self, first: Tensor, second: Tensor) -> None:
        rows = torch.cat([some(first), some(second)])
        self.unit = 1.0
        self.middle = rows.median(0).values if rows.numel() else rows.new_zeros(first.shape[1])
        ends = [float(end) for part in (first, second) if part.numel() for end in part.aminmax()]
        half_extent = max(ends) / 2 - min(ends) / 2 if ends else 0.0  # the whole one might overflow
        if half_extent > 0 and not UNIT_RANGE[0] < half_extent < UNIT_RANGE[1]:
            self.unit = 2.0 ** min(max(math.frexp(half_extent)[1], -1000), 1000)
            self.middle = self.middle / self.unit

    def scaled(self, samples: Tensor) -> Tensor:
        """Return samples in double precision, divided by the unit."""
        return to_double(samples) if self.unit == 1 else to_double(samples) / self.unit

    def centred(self, samples: Tensor) -> Tensor:
        """Return scaled samples, seen from the middle."""
        return self.scaled(samples) - self.middle


def _candidates(
    x: Tensor, y: Tensor, k: int, frame: Frame, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Look for the k nearest among the few that a matrix product in some precision calls the nearest.

    Returns their squared distances (N, k), computed from the differences, and indices (N, k); the squared
    distances (N,) by the product within which they lie for certain; and flags (N,) where more samples lie
    within them than were compared.
    """
    width = min(k + SPARE, len(y))
    best, index = x.new_empty(len(x), 0, dtype=dtype), x.new_empty(len(x), 0, dtype=torch.int64)
    error = x.new_zeros(len(x), dtype=dtype)
    for columns in _row_blocks(*y.shape):
        v = frame.centred(y[columns]).to(dtype)
        tops = []
        for rows in _row_blocks(len(x), max(len(v), x.shape[1])):
            u = frame.centred(x[rows]).to(dtype)
            squares, sums = _squares(u, v)
            tops.append(squares.topk(min(width, len(v)), largest=False))
            error[rows] = torch.maximum(error[rows], _error_factor(u) * sums.amax(1))
        best = torch.cat([best, torch.cat([top.values for top in tops])], 1)
        index = torch.cat([index, torch.cat([top.indices for top in tops]) + columns.start], 1)
        best, order = best.topk(min(width, best.shape[1]), largest=False)
        index = index.gather(1, order)
    limits = best[:, k - 1] + 2 * error
    unsure = best[:, -1] <= limits if width < len(y) else error < 0
    index = index.sort(1).values
    row = torch.arange(len(x), device=x.device).repeat_interleave(width)
    squares = _squares_by_difference(x, y, row, index.flatten(), frame).view(index.shape)
    order = squares.argsort(dim=1, stable=True)[:, :k]
    return squares.gather(1, order), index.gather(1, order), limits, unsure


def _nearest_within(x: Tensor, y: Tensor, k: int, frame: Frame, limits: Tensor) -> tuple[Tensor, Tensor]:
    """The k smallest squared distances (N, k) and indices (N, k) of all samples within limits (N,)."""
    squares = x.new_full((len(x), len(y)), math.inf, dtype=torch.float64)
    for columns in _row_blocks(*y.shape):
        by_product, _ = _squares(frame.centred(x), frame.centred(y[columns]))
        row, column = (by_product <= limits[:, None]).nonzero(as_tuple=True)
        squares[row, column + columns.start] = _squares_by_difference(x, y[columns], row, column, frame)
    found, every = [], torch.arange(len(x), device=x.device)
    for _ in range(k):
        smallest = squares.amin(1, keepdim=True)
        index = (squares == smallest).byte().argmax(1)  # the first one
        squares[every, index] = math.inf
        found.append((smallest[:, 0], index))
    smallest, index = (torch.stack(parts, 1) for parts in zip(*found, strict=True))
    return smallest, index


def _squares(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances (N, M) of samples (N, D) and (M, D) by a matrix product, and the sums |u|² + |v|².

    The error is at most ``_error_factor`` times the sum: D products are added, each rounded, and a few steps
    follow.
    """
    sums = u.square().sum(1)[:, None] + v.square().sum(1)
    with torch.autocast(u.device.type, enabled=False):
        return torch.addmm(sums, u, v.T, alpha=-2), sums


def _error_factor(u: Tensor) -> float:
    return (u.shape[1] + 8) * torch.finfo(u.dtype).eps


def _squares_by_difference(x: Tensor, y: Tensor, row: Tensor, column: Tensor, frame: Frame) -> Tensor:
    """Squared distances (P,) of the samples x[row] and y[column], in units of the frame."""
    squares = x.new_empty(len(row), dtype=torch.float64)
    for part in _row_blocks(len(row), 16 * x.shape[1]):  # few enough for the cache of a processor
        gaps = frame.scaled(x[row[part]]) - frame.scaled(y[column[part]])
        squares[part] = gaps.square().sum(1)
    return squares


def _row_blocks(count: int, width: int) -> Iterator[slice]:
    """Slices of rows of some width that hold at most BLOCK numbers each."""
    size = max(1, BLOCK // max(1, width))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _flat(samples: Tensor) -> Tensor:
    """Samples as rows (N, D), on a device that has double precision."""
    samples = samples.detach()
    rows = samples.reshape(len(samples), math.prod(samples.shape[1:]))
    return rows.cpu() if rows.device.type == "mps" else rows
