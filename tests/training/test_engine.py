"""How a step is computed: in which precision, in how many parts, with how much memory."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor.training import device as devices
from gantutor.training.control import Control, stop_on_interrupt
from gantutor.training.memory import measure_memory

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]
CPU = torch.device("cpu")


def quick(gan: gt.GAN, data: Any, steps: int = 20, **options: Any) -> gt.Run:
    options = {"batch_size": 16, "progress": False, "snapshots": 2, "gallery": 4} | options
    return gt.train(gan, data, steps=steps, **options)


# --- precision ----------------------------------------------------------------------------------------------


class Spy(nn.Module):
    """A linear layer that notes the kinds of numbers it computes with and sees."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.seen = nn.Linear(2, 1), set[tuple[torch.dtype, torch.dtype]]()

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.line(x)
        self.seen.add((x.dtype, made.dtype))
        return made


@pytest.mark.skipif(not devices.has_bfloat16(torch.device("cpu")), reason="this CPU has no bfloat16")
def test_bfloat16_is_for_forward_passes_alone_and_penalties_stay_in_full() -> None:
    torch.manual_seed(0)
    spy = Spy()
    gan = gt.GAN(nn.Linear(2, 2), spy, gt.objectives.wasserstein(), latent=2)
    run = quick(gan, torch.randn(64, 2), precision="bfloat16")
    assert spy.seen == {(torch.float32, torch.bfloat16), (torch.float32, torch.float32)}
    assert all(weight.dtype == torch.float32 for weight in gan.parameters())
    assert run.settings["precision"] == "bfloat16" and run.ended == "complete"


@pytest.mark.skipif(not devices.has_bfloat16(torch.device("cpu")), reason="this CPU has no bfloat16")
def test_bfloat16_learns_what_float32_learns(point_game: Make, points: Tensor) -> None:
    full, mixed = (
        quick(point_game(), points, steps=600, batch_size=64, precision=precision).sample(2000)
        for precision in ("float32", "bfloat16")
    )
    assert not torch.equal(full, mixed)
    assert (mixed.mean(0) - torch.tensor([2.0, -1.0])).abs().max() < 0.25
    assert (full.mean(0) - mixed.mean(0)).abs().max() < 0.25


@pytest.mark.parametrize("name", ["float16", "bf16", "", 16, None])
def test_another_precision_is_refused(name: Any, point_game: Make, points: Tensor) -> None:
    with pytest.raises(gt.InputError, match="precision must be 'float32' or 'bfloat16', not") as error:
        quick(point_game(), points, precision=name)
    assert "\n" not in str(error.value)


def test_a_device_without_bfloat16_says_so(
    point_game: Make, points: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "has_bfloat16", lambda device: False)
    with pytest.raises(gt.InputError, match="'bfloat16' is not supported on this cpu: use 'float32'"):
        quick(point_game(), points, precision="bfloat16")


# --- parts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [2, 4, 16])
def test_a_batch_in_parts_gives_the_weights_of_the_whole(
    parts: int, point_game: Make, points: Tensor
) -> None:
    objective = gt.objectives.non_saturating(r1=0.3, r2=0.1, every=2)
    whole = quick(point_game(objective), points)
    run = quick(point_game(objective), points, accumulate=parts)
    mine, theirs = whole.weights(), run.weights()
    assert all(torch.allclose(mine[name], theirs[name], rtol=1e-4, atol=1e-6) for name in mine)
    for name in whole.history.names:
        assert run.history.column(name)[1] == pytest.approx(whole.history.column(name)[1], rel=1e-3, abs=1e-5)
    assert run.images == whole.images


def test_no_network_sees_more_than_a_part(points: Tensor) -> None:
    sizes: list[int] = []

    class Sized(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                sizes.append(len(x))
            return super().forward(x)

    quick(gt.GAN(Sized(2, 2), Sized(2, 1), latent=2), points, accumulate=4)
    assert max(sizes) == 4


def test_labels_and_the_turns_of_a_critic_go_in_parts_too(image_game: Make, images: Tensor) -> None:
    data = torch.utils.data.TensorDataset(images, torch.arange(64) % 4)
    run = quick(image_game(4), data, steps=4, accumulate=2)
    assert run.step == 4 and run.images == 64


@pytest.mark.parametrize(("parts", "said"), [(3, "must divide"), (32, "must divide"), (0, "whole number")])
def test_parts_that_do_not_fit_are_refused(parts: int, said: str, point_game: Make, points: Tensor) -> None:
    with pytest.raises(gt.InputError, match=f"accumulate .*{said}"):
        quick(point_game(), points, accumulate=parts)


# --- memory -------------------------------------------------------------------------------------------------


def test_the_memory_of_a_training_is_reckoned_before_it_begins(point_game: Make, points: Tensor) -> None:
    seen: list[Any] = []

    class Start(gt.Callback):
        def on_start(self, run: gt.Run) -> None:
            seen.append(run.memory)

    gan = point_game()
    run = quick(gan, points, callbacks=[Start()])
    bytes_of = {name: sum(p.nbytes for p in net.parameters()) for name, net in gan.networks.items()}
    found = seen[0]
    assert found.networks == sum(bytes_of.values()) and found.averages == bytes_of["generator"]
    assert found.optimizers == 2 * sum(bytes_of.values()) and found.data == points.nbytes
    optimizer = torch.optim.Adam(gan.parameters())
    for parameter in gan.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    after = measure_memory(CPU, [], [], [optimizer], [], 0).optimizers
    assert found.optimizers < after < 1.05 * found.optimizers  # a count of steps for every weight tensor more
    assert "optimisers" in str(run.memory)


class Hungry(nn.Linear):
    """Asks for more memory than there is when it is called for the n-th time."""

    def __init__(self, calls: int) -> None:
        super().__init__(2, 1)
        self.calls = calls

    def forward(self, x: Tensor) -> Tensor:
        self.calls -= 1
        if not self.calls:
            torch.empty(2**60, dtype=torch.uint8)
        return super().forward(x)


@pytest.mark.parametrize(("calls", "begun"), [(2, False), (30, True)])
def test_when_memory_runs_out_it_says_what_to_reduce(calls: int, begun: bool, points: Tensor) -> None:
    gan = gt.GAN(nn.Linear(2, 2), Hungry(calls), latent=2)
    said = "the memory of cpu is used up: use a smaller batch_size than 16, or accumulate=4"
    with pytest.raises(gt.OutOfMemory, match=said) as error:
        quick(gan, points, accumulate=2)
    assert "\n" not in str(error.value)
    run = error.value.run
    assert (run is not None) == begun
    if run is not None:
        assert run.step > 0 and run.ended == f"failed at step {run.step}" and run.sample(3).shape == (3, 2)


def test_a_gpu_that_is_full_counts_as_such(points: Tensor) -> None:
    class Full(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with pytest.raises(gt.OutOfMemory, match="use a smaller batch_size than 16"):
        quick(gt.GAN(nn.Linear(2, 2), Full(2, 1), latent=2), points)


# --- interrupts of one of several processes -----------------------------------------------------------------


def test_an_interrupt_stops_instead_of_breaking_off(interruptible: None) -> None:
    control = Control()
    with stop_on_interrupt(control):
        signal.raise_signal(signal.SIGINT)
        assert control.stopped
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
