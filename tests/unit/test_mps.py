"""Nothing asks Apple's GPU for double precision, which it lacks. Not run on one: a device stands in."""

from __future__ import annotations

import pytest
import torch
from mps_device import PretendMPS, onto_mps
from right_calls import Call
from right_calls_data import CALLS as DATA
from right_calls_games import CALLS as GAMES
from right_calls_metrics import CALLS as METRICS
from right_calls_plots import CALLS as PLOTS
from torch import Tensor

from gantutor.doctor.measures import separation

ELSEWHERE = {
    "data.align_faces": "the stand-in cannot be optimised",
    "data.sample_futures": "clips are rendered on the CPU",
    "plots.sample_grid series": "the function of the call itself asks for double precision",
    "sampling.invert": "the stand-in cannot be optimised",
}


def on_one_device(call: Call) -> bool:
    tensors = [value for value in call.right.values() if isinstance(value, Tensor)]
    return bool(tensors) and all(tensor.dtype != torch.float64 for tensor in tensors)


CALLS = [
    call
    for call in [*METRICS, *DATA, *PLOTS, *(call for call in GAMES if call.name.startswith("sampling."))]
    if on_one_device(call) and call.name not in ELSEWHERE
]


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_samples_on_mps_are_taken(call: Call) -> None:
    arguments = call.arguments()
    with PretendMPS():
        call.play(
            {n: onto_mps(value) if isinstance(value, Tensor) else value for n, value in arguments.items()}
        )


def test_separation_of_logits_on_mps() -> None:
    with PretendMPS():
        assert separation(onto_mps(torch.tensor([2.0, 3.0])), onto_mps(torch.tensor([0.0, 2.0]))) == 0.875


def test_the_stand_in_has_no_double_precision_and_does_not_mix() -> None:
    with PretendMPS():
        samples = onto_mps(torch.randn(4, 3))
        assert samples.device.type == "mps" and samples.cpu().device.type == "cpu"
        with pytest.raises(TypeError, match="float64"):
            samples.double()
        with pytest.raises(TypeError, match="float64"):
            torch.zeros(2, dtype=torch.float64, device=samples.device)
        with pytest.raises(RuntimeError, match="mixed"):
            samples + torch.randn(4, 3)
