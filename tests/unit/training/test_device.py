"""Device, memory format, random state, clock."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from gantutor import InputError
from gantutor._random import RandomState, random_state, set_random_state
from gantutor.course.parameters import choose_device
from gantutor.training.device import (
    Clock,
    QueueLimit,
    has_bfloat16,
    mixed_precision,
    move_to_device,
    resolve_device,
    without_denormals,
)


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


# --- Apple's GPU, not run on one: what is asked of torch is checked with a stand-in ------------------------


@pytest.mark.parametrize(
    ("cuda", "mps", "device"), [(True, False, "cuda"), (True, True, "cuda"), (False, True, "mps")]
)
def test_gpu_is_cuda_or_else_mps(cuda: bool, mps: bool, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    for name in ("gpu", "auto"):
        assert resolve_device(name).type == device
    assert choose_device("gpu").type == device
    assert choose_device("gpu", "cpu").type == "cpu"


def test_without_a_gpu_the_preset_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"CUDA, or MPS .* preset='cpu'"):
        choose_device("gpu")
    assert choose_device("cpu").type == "cpu"


def test_the_random_state_of_mps_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = torch.Generator()  # in its place
    monkeypatch.setattr(torch.mps, "get_rng_state", gpu.get_state)
    monkeypatch.setattr(torch.mps, "set_rng_state", gpu.set_state)
    monkeypatch.setattr(torch.mps, "manual_seed", gpu.manual_seed)
    device, before, found = torch.device("mps"), gpu.get_state(), []
    state = RandomState(7, device)
    for _ in range(2):
        with state:
            found.append(torch.rand(2, generator=gpu))
        torch.rand(5, generator=gpu)
    with RandomState(7, device):
        assert torch.equal(torch.cat(found), torch.rand(4, generator=gpu))
    saved = random_state(device)
    drawn = torch.rand(3, generator=gpu)
    set_random_state(saved, device)
    assert torch.equal(drawn, torch.rand(3, generator=gpu)) and not torch.equal(before, gpu.get_state())


def test_the_clock_waits_for_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append(True))
    QueueLimit(torch.device("mps")).synchronize()
    assert waited == [True]


def test_mps_computes_in_float32_and_in_torchs_memory_format() -> None:
    assert not has_bfloat16(torch.device("mps"))
    with pytest.raises(InputError, match="float32"):
        mixed_precision("bfloat16", torch.device("mps"))
