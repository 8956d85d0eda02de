"""Data of any kind are trained on as they are, or refused in one sentence that names what is wrong."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gantutor as gt

KINDS = ("tensor", "tensors", "data set", "changing data set", "arrays", "loader", "list")
SHAPES = ((), (3,), (2, 3), (1, 4, 4), (3, 4, 4), (2, 2, 3, 3))
FLOATS, OTHERS = (
    (torch.float32, torch.float64, torch.float16, torch.bfloat16),
    (torch.uint8, torch.int64, torch.bool),
)
LAYOUTS = ("contiguous", "transposed", "channels last", "every second", "expanded")


class Samples(Dataset[Any]):
    """Items of a tensor, as tensors or numpy arrays; those of a changing one draw a random number."""

    def __init__(self, samples: Tensor, labels: Tensor, changing: bool = False, arrays: bool = False) -> None:
        self.samples, self.labels, self.changing, self.arrays = samples, labels, changing, arrays

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if self.changing:
            torch.rand(())
        sample = self.samples[index]
        return (sample.numpy() if self.arrays else sample), int(self.labels[index])


def laid_out(samples: Tensor, layout: str) -> Tensor:
    if layout == "transposed" and samples.dim() > 1:
        return samples.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "channels last" and samples.dim() == 4:
        return samples.contiguous(memory_format=torch.channels_last)
    if layout == "every second":
        return samples.repeat_interleave(2, 0)[::2]
    if layout == "expanded":
        return samples[:1].expand(samples.shape)
    return samples


def game(shape: tuple[int, ...]) -> gt.GAN:
    size = int(np.prod(shape)) if shape else 1

    class WithLabel(nn.Module):
        """Takes a label where there is one."""

        def __init__(self, inputs: int, shape: tuple[int, ...]) -> None:
            super().__init__()
            self.line, self.classes = nn.Linear(inputs, int(np.prod(shape))), nn.Embedding(8, inputs)
            self.shape = shape

        def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
            flat = x.flatten(1) if x.dim() > 1 else x[:, None]
            flat = flat if label is None else flat + self.classes(label).to(x.dtype)
            return self.line(flat).view(-1, *self.shape)

    return gt.GAN(WithLabel(2, shape or (1,)), WithLabel(size, (1,)), latent=2)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "kind": draw(st.sampled_from(KINDS)),
        "shape": draw(st.sampled_from(SHAPES)),
        "dtype": draw(st.sampled_from(FLOATS[:1] * 6 + FLOATS + OTHERS)),
        "layout": draw(st.sampled_from(LAYOUTS)),
        "count": draw(st.integers(1, 40)),
        "batch": draw(st.integers(1, 17)),
        "scale": draw(st.sampled_from((1e-6, 0.4, 1.0, 1e3))),
        "offset": draw(st.sampled_from((0.0, 0.5, 300.0))),
        "broken": draw(st.one_of(st.none(), st.none(), st.integers(0, 39))),
        "bad": draw(st.sampled_from((float("nan"), float("inf"), -float("inf")))),
        "seed": draw(st.integers(0, 9)),
    }


@settings(max_examples=250, deadline=None, derandomize=True)
@given(cases())
def test_data_are_trained_on_as_they_are_or_refused_with_what_is_wrong(case: dict[str, Any]) -> None:
    rng = torch.Generator().manual_seed(case["seed"])
    count, shape, dtype = case["count"], case["shape"], case["dtype"]
    samples = case["offset"] + case["scale"] * torch.randn(count, *shape, generator=rng)
    samples = laid_out(samples.to(dtype), case["layout"])
    broken = None if case["broken"] is None or not samples.is_floating_point() else case["broken"] % count
    if broken is not None:
        samples = samples.clone()
        samples[broken][(-1,) * len(shape)] = case["bad"]
    labels = (torch.rand(count, generator=rng) < 0.05).long() * 7  # one class is rare, or missing
    data, batch_size = wrapped(case["kind"], samples, labels, case["batch"]), case["batch"]
    streamed = case["kind"] in ("loader", "list")
    if case["kind"] == "arrays" and dtype == torch.bfloat16:
        return  # numpy has no such type
    expected = ""
    if not streamed and batch_size > count:
        expected = "batch_size"
    elif not shape:
        expected = "shape"
    elif not samples.is_floating_point():
        expected = "floating-point"
    elif broken is not None:
        expected = "not finite"
    elif len(shape) == 3 and not bool(((samples >= -1) & (samples <= 1)).all()):
        expected = "images must lie"
    elif dtype != torch.float32:
        expected = str(dtype).removeprefix("torch.")
    gan = game(shape)
    passes = -(-count // batch_size) + 1
    options = {"steps": passes, "batch_size": batch_size, "progress": False, "snapshots": 2, "gallery": 3}
    try:
        run = gt.train(gan, data, **options)
    except gt.InputError as error:
        message = str(error)
        assert expected, (case, message)
        streams = streamed or case["kind"] == "changing data set"
        # What is wrong in several ways is refused for one of them; of streams the first batch is looked at.
        others = {"shape", "floating-point", "not finite", "images must lie", "batch_size", str(dtype)[6:]}
        assert expected in message or (streams and any(word in message for word in others)), (case, message)
        if expected == "not finite" and "not finite" in message:
            assert names_the_place(message, broken, batch_size, case["kind"]), (case, message)
        assert "\n" not in message
        return
    # Of streams only the batches that came can be refused: a value out of range may lie in a later one.
    assert not expected or (
        expected == "images must lie" and case["kind"] in ("loader", "list", "changing data set")
    )
    assert run.ended == "complete" and run.step == passes
    assert all(bool(value.isfinite().all()) for value in run.weights().values())
    assert run.sample(5).shape == (5, *shape)


def wrapped(kind: str, samples: Tensor, labels: Tensor, batch_size: int) -> Any:
    if kind == "tensor":
        return samples
    if kind == "tensors":
        return TensorDataset(samples, labels)
    if kind in ("data set", "changing data set", "arrays"):
        return Samples(
            samples, labels, kind == "changing data set", kind == "arrays" and samples.dtype != torch.bfloat16
        )
    if kind == "loader":
        return DataLoader(TensorDataset(samples, labels), batch_size)
    return list(zip(samples.split(batch_size), labels.split(batch_size), strict=True))


def names_the_place(message: str, broken: int | None, batch_size: int, kind: str) -> bool:
    """Whether the numbers in a message are those of the broken sample."""
    assert broken is not None
    numbers = [int(number) for number in re.findall(r"\d+", message)]
    if kind in ("loader", "list"):
        return numbers[:2] == [broken // batch_size + 1, broken % batch_size] or numbers[:1] == [
            broken % batch_size
        ]
    return broken in numbers


def test_a_last_batch_of_one_sample_under_batch_norm_says_what_to_do() -> None:
    gan = gt.GAN(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), nn.Linear(2, 1), latent=2)
    with pytest.raises(gt.InputError, match="drop_last=True"):
        gt.train(gan, DataLoader(TensorDataset(torch.randn(9, 2)), 4), steps=6, progress=False)


def test_every_sample_of_a_pass_arrives_once_and_unchanged() -> None:
    seen: list[Tensor] = []

    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        seen.append(batch.real.clone())
        return {"total": gan.networks["line"](batch.real).mean()}

    values = (torch.arange(24.0) * 1e-3 + 1e4)[:, None]
    for data in (
        values,
        Samples(values, torch.zeros(24), changing=True),
        DataLoader(TensorDataset(values), 8),
    ):
        gan = gt.GAN.of({"line": nn.Linear(1, 1)}, [gt.Turn("line", loss)], latent=1)
        if isinstance(data, Samples):
            data.__class__ = type(
                "Unlabelled", (Samples,), {"__getitem__": lambda self, i: (torch.rand(()), values[i])[1]}
            )
        seen.clear()
        gt.train(gan, data, steps=3, batch_size=8, progress=False, snapshots=0)
        rehearsed, *batches = seen
        assert torch.equal(torch.cat(batches).sort(0).values, values) and len(rehearsed) == 8
