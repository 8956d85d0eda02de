"""Finite differences of series as features for a discriminator, and their inverse for a generator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import check_tensors, checked, integer
from gantutor._errors import InputError, type_name


class FiniteDifferences(nn.Module):
    """Series with their finite differences up to an order: (N, L, F) to (N, L, F · (order + 1)).

    Neighbouring values of a smooth series differ little, so the roughness of a generated series is a small
    signal that a discriminator hardly notices. Here each order of differences is divided by its standard
    deviation in the real data, so that all orders are equally large. The k-th differences of the first k
    steps are 0.

    Args:
        real: real series (N, L, F), floats, from which the mean and the standard deviations are computed.
        order: the highest order of differences, at least 0 and at most L − 2.

    Attributes:
        centre: mean of the real series, (F,).
        spread: standard deviation of each order of differences, (order + 1, F).
        order: the highest order.
        length: length L of the real series.
        features: number F of features.

    Raises:
        InputError: if ``real`` is not a tensor of finite floats of this shape, if differences of some order
            do not vary, or if the input of a call has another shape.

    >>> differences = FiniteDifferences(torch.tensor([[[0.0], [1.0], [4.0]], [[2.0], [1.0], [0.0]]]), order=1)
    >>> features = differences(torch.ones(5, 3, 1))
    >>> features.shape, differences.series(features)[0].flatten().tolist()
    (torch.Size([5, 3, 2]), [1.0, 1.0, 1.0])
    """

    centre: Tensor
    spread: Tensor

    @checked(order=integer(0))
    def __init__(self, real: Tensor, order: int = 2) -> None:
        super().__init__()
        check_tensors(real=real)
        if real.dim() != 3 or not real.is_floating_point() or not len(real) or real.shape[1] < order + 2:
            expected = f"floats (count, length ≥ {order + 2}, features)"
            raise InputError(f"series must be {expected}, not {real.dtype} of {tuple(real.shape)}")
        if not bool(real.isfinite().all()):
            raise InputError("the series contain values that are not finite (NaN or infinity)")
        spread = torch.stack([real.diff(n=k, dim=1).flatten(0, 1).std(0) for k in range(order + 1)])
        if not bool((spread > 0).all()):
            constant = int((spread <= 0).any(1).nonzero()[0])
            raise InputError(
                f"the differences of order {constant} of a feature do not vary: use a lower order"
            )
        self.order, self.length, self.features = order, real.shape[1], real.shape[2]
        self.register_buffer("centre", real.mean((0, 1)))
        self.register_buffer("spread", spread)

    def forward(self, series: Tensor) -> Tensor:
        if series.dim() != 3 or series.shape[2] != self.features or series.shape[1] <= self.order:
            expected = f"(count, length > {self.order}, {self.features})"
            raise InputError(f"series must have shape {expected}, not {tuple(series.shape)}")
        centre, spread = self.centre.to(series.device), self.spread.to(series.device)
        orders = [(series - centre) / spread[0]]
        for k in range(1, self.order + 1):
            orders.append(F.pad(series.diff(n=k, dim=1), (0, 0, k, 0)) / spread[k])
        return torch.cat(orders, 2)

    def series(self, features: Tensor) -> Tensor:
        """Recover the series from the features that this module computed.

        Args:
            features: (N, L, F · (order + 1)).

        Returns:
            Series (N, L, F).
        """
        return features[..., : self.features] * self.spread[0].to(features) + self.centre.to(features)


class Standardize(nn.Module):
    """Shifts and scales each series (N, L, F) to mean 0 and standard deviation 1, per feature.

    Use it as the last layer of a generator if the data were standardised in this way.

    >>> Standardize()(torch.tensor([[[1.0], [2.0], [3.0]]])).flatten().tolist()
    [-1.0, 0.0, 1.0]
    """

    def forward(self, series: Tensor) -> Tensor:
        centred = series - series.mean(1, keepdim=True)
        return centred / centred.std(1, keepdim=True)


class CumulativeSum(nn.Module):
    """Sums up generated differences to series and returns their features, (N, L, F · (order + 1)).

    Use it as the last layer of a generator. Its input holds the differences of the highest order, in units of
    their standard deviation; the first ``order`` steps hold the initial values of the series and of its lower
    differences. Its output is the series as ``FiniteDifferences`` shows it to the discriminator.

    Args:
        differences: gives the order, the mean and the standard deviations.

    Raises:
        InputError: if ``differences`` is not a ``FiniteDifferences``.

    >>> differences = FiniteDifferences(torch.randn(50, 6, 1), order=2)
    >>> generator = nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (6, 1)), CumulativeSum(differences))
    >>> generator(torch.zeros(3, 4)).shape
    torch.Size([3, 6, 3])
    """

    def __init__(self, differences: FiniteDifferences) -> None:
        super().__init__()
        if not isinstance(differences, FiniteDifferences):
            raise InputError(
                f"differences must be a FiniteDifferences of real series, not {type_name(differences)}"
            )
        self.differences = differences

    def forward(self, increments: Tensor) -> Tensor:
        spread, order = self.differences.spread, self.differences.order
        series = increments[:, order:] * spread[order]  # differences of the highest order
        for k in reversed(range(order)):
            initial = increments[:, k : k + 1] * spread[k]
            series = torch.cat([initial, series], 1).cumsum(1)  # one order lower, one step longer
        features: Tensor = self.differences(series + self.differences.centre)
        return features
