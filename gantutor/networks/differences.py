"""Series beside their differences, and series summed up from them.

Neighbours in a smooth series differ little: what is rough about a generated one hides in its differences, and
to a discriminator they are small numbers. ``FiniteDifferences`` shows each order in units of its own spread, and
``CumulativeSum`` lets a generator write them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import check_tensors, integer, validate
from gantutor._errors import InputError, type_name


class FiniteDifferences(nn.Module):
    """Series (N, L, F) → the series and their differences up to ``order``, side by side: (N, L, F · (order +
    1)).

    ``real``: series (N, L, F) of which the mean, and the spread of each order, are learnt: what is shown has
    spread 1 throughout. The k-th difference of the first k steps is 0. ``series`` finds the series in what is
    shown. Raises InputError for other shapes, values that are not finite, or an order that does not vary.

    >>> shown = FiniteDifferences(torch.tensor([[[0.0], [1.0], [4.0]], [[2.0], [1.0], [0.0]]]), order=1)
    >>> shown(torch.zeros(5, 3, 1)).shape, shown.series(shown(torch.ones(1, 3, 1))).flatten().tolist()
    (torch.Size([5, 3, 2]), [1.0, 1.0, 1.0])
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, real: Tensor, order: int = 2) -> None:
        super().__init__()
        validate({"order": order}, order=integer(0))
        check_tensors(real=real)
        if real.dim() != 3 or not real.is_floating_point() or not len(real) or real.shape[1] < order + 2:
            wanted = f"floats (count, length ≥ {order + 2}, features)"
            raise InputError(f"series must be {wanted}, not {real.dtype} of {tuple(real.shape)}")
        if not bool(real.isfinite().all()):
            raise InputError("the series contain values that are not finite (NaN or infinity)")
        spread = torch.stack([real.diff(n=k, dim=1).flatten(0, 1).std(0) for k in range(order + 1)])
        if not bool((spread > 0).all()):
            still = int((spread <= 0).any(1).nonzero()[0])
            raise InputError(f"the differences of order {still} of a feature do not vary: take a lower order")
        self.order, self.length, self.features = order, real.shape[1], real.shape[2]
        self.register_buffer("centre", real.mean((0, 1)))
        self.register_buffer("spread", spread)

    def forward(self, series: Tensor) -> Tensor:
        if series.dim() != 3 or series.shape[2] != self.features or series.shape[1] <= self.order:
            wanted = f"(count, length > {self.order}, {self.features})"
            raise InputError(f"series must have shape {wanted}, not {tuple(series.shape)}")
        centre, spread = self.centre.to(series.device), self.spread.to(series.device)
        orders = [(series - centre) / spread[0]]
        for k in range(1, self.order + 1):
            orders.append(F.pad(series.diff(n=k, dim=1), (0, 0, k, 0)) / spread[k])
        return torch.cat(orders, 2)

    def series(self, shown: Tensor) -> Tensor:
        """The series (N, L, F) in what is shown of them."""
        return shown[..., : self.features] * self.spread[0].to(shown) + self.centre.to(shown)


class Standardize(nn.Module):
    """Series (N, L, F), each brought to mean 0 and standard deviation 1: the last step of a generator whose
    data were.

    >>> Standardize()(torch.tensor([[[1.0], [2.0], [3.0]]])).flatten().tolist()
    [-1.0, 0.0, 1.0]
    """

    def forward(self, series: Tensor) -> Tensor:
        centred = series - series.mean(1, keepdim=True)
        return centred / centred.std(1, keepdim=True)


class CumulativeSum(nn.Module):
    """What a generator writes, (N, L, F), summed up to series and shown by ``differences``:
    (N, L, F · (order + 1)).

    It writes the highest differences, in units of their spread; at its first steps, where there are none yet,
    the value and the lower differences to begin with.

    >>> shown = FiniteDifferences(torch.randn(50, 6, 1), order=2)
    >>> generator = nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (6, 1)), CumulativeSum(shown))
    >>> generator(torch.zeros(3, 4)).shape
    torch.Size([3, 6, 3])
    """

    def __init__(self, differences: FiniteDifferences) -> None:
        super().__init__()
        if not isinstance(differences, FiniteDifferences):
            raise InputError(f"differences must be Differences of real series, not {type_name(differences)}")
        self.differences = differences

    def forward(self, written: Tensor) -> Tensor:
        spread, order = self.differences.spread, self.differences.order
        summed = written[:, order:] * spread[order]
        for k in reversed(range(order)):
            begin = written[:, k : k + 1] * spread[k]
            summed = torch.cat([begin, summed], 1).cumsum(1)
        shown: Tensor = self.differences(summed + self.differences.centre)
        return shown
