"""The statistics of averaged networks."""

from __future__ import annotations

import torch
from torch import nn

from gantutor.training import ema


def test_batch_statistics_normalise_a_batch_alone_and_leave_the_stored_ones() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).eval()
    frozen = nn.BatchNorm1d(4, track_running_stats=False).eval()
    batch, before = torch.randn(50, 3), {name: value.clone() for name, value in network.state_dict().items()}
    with ema.batch_statistics(network):
        samples = network(batch)
        assert not network[2].training  # only the norms count batches
    assert torch.allclose(samples.mean(0), torch.zeros(4), atol=1e-6)
    assert torch.allclose(samples.var(0, unbiased=False), torch.ones(4), atol=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network[1].track_running_stats and not network[1].training
    with ema.batch_statistics(frozen):
        frozen(torch.randn(5, 4))
    assert not frozen.track_running_stats
