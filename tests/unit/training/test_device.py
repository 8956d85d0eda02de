"""Device, memory format, random state, clock."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from gantutor import InputError
from gantutor._random import RandomState
from gantutor.training.device import Clock, move_to_device, resolve_device, without_denormals


def test_auto_is_a_device_that_works() -> None:
    assert torch.zeros(1, device=resolve_device("auto")).item() == 0
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "", "tpu"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(InputError, match="cpu") as error:
        resolve_device(name)
    assert "\n" not in str(error.value)


def test_images_put_a_network_into_channels_last_and_points_do_not() -> None:
    network = nn.Conv2d(3, 4, 3)
    move_to_device(network, torch.device("cpu"), torch.zeros(5, 2))
    assert network.weight.is_contiguous()
    move_to_device(network, torch.device("cpu"), torch.zeros(5, 3, 8, 8))
    assert (
        network.weight.is_contiguous(memory_format=torch.channels_last) and not network.weight.is_contiguous()
    )


def test_reproducible_seeds_inside_and_restores_outside() -> None:
    before = torch.get_rng_state()
    with RandomState(7, torch.device("cpu")):
        first = torch.rand(3)
    with RandomState(7, torch.device("cpu")):
        assert torch.equal(first, torch.rand(3))
    with RandomState(8, torch.device("cpu")):
        assert not torch.equal(first, torch.rand(3))
    assert torch.equal(before, torch.get_rng_state())


def test_a_random_state_goes_on_where_it_was_left_whatever_is_drawn_outside() -> None:
    state, found = RandomState(7, torch.device("cpu")), []
    for outside in range(3):
        with state:
            found.append(torch.rand(2))
        torch.manual_seed(outside)
        torch.rand(5)
    with RandomState(7, torch.device("cpu")):
        assert torch.equal(torch.cat(found), torch.rand(6))


def test_a_random_state_is_left_and_kept_where_its_block_fails() -> None:
    state, before = RandomState(7, torch.device("cpu")), torch.get_rng_state()
    with pytest.raises(ValueError), state:
        first = torch.rand(2)
        raise ValueError
    assert torch.equal(before, torch.get_rng_state())
    with state:
        second = torch.rand(2)
    with RandomState(7, torch.device("cpu")):
        assert torch.equal(torch.cat([first, second]), torch.rand(4))


def test_denormals_are_zero_inside_only() -> None:
    tiny = torch.full((4,), 1e-38)
    with without_denormals():
        inside = float((tiny * 0.01).sum())
    assert inside == 0 and float((tiny * 0.01).sum()) > 0


def test_the_clock_stands_still_outside_of_its_block() -> None:
    clock = Clock(5.0)
    with clock:
        time.sleep(0.02)
    after = clock.seconds
    time.sleep(0.02)
    assert 5.02 <= after == clock.seconds < 6
    with pytest.raises(ValueError), clock:
        raise ValueError
    assert clock.seconds > after
