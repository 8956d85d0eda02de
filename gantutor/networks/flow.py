"""Flows: a network of velocities, and the generator that follows it from noise to samples."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import MAX_INT, check_floats, checked, integer, number, validate
from gantutor._errors import InputError, type_name
from gantutor.networks.conv import check_label


class Flow(nn.Module):
    """A generator that follows a velocity from noise at t = 1 to a sample at t = 0, by Euler's method.

    dx/dt = v(x, t), solved in equal steps: x ← x − v(x, t) / n (rectified flow: Liu, Gong & Liu 2022,
    arXiv:2209.03003; flow matching: Lipman et al. 2022, arXiv:2210.02747). More evaluations follow the curved
    paths more closely. With one evaluation the flow is a generator like that of a GAN.

    Args:
        velocity: called ``velocity(x, t)``, or ``velocity(x, t, condition)`` where there are conditions, on
            points x (N, …) and times t (N,) from 0 to 1; returns velocities (N, …).
        evaluations: how often the velocity is evaluated for a sample, n; at least 1. It may be changed later.
        limit: samples are clamped smoothly to [-limit, limit]; None for no limit.

    Raises:
        InputError: if the velocity is no module, or a number is out of range.

    >>> class Still(nn.Module):
    ...     def forward(self, x, t): return torch.zeros_like(x)
    >>> Flow(Still(), evaluations=4)(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """

    def __init__(self, velocity: nn.Module, evaluations: int = 8, limit: float | None = None) -> None:
        super().__init__()
        if not isinstance(velocity, nn.Module):
            raise InputError(f"velocity must be a torch.nn.Module, not {type_name(velocity)}")
        validate({"evaluations": evaluations}, evaluations=integer(1, MAX_INT))
        if limit is not None and not (type(limit) in (int, float) and 0 < limit < math.inf):
            raise InputError(f"limit must be a number above 0 or None, not {limit!r}")
        self.velocity, self.evaluations, self.limit = velocity, evaluations, limit

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        x = noise
        inputs = () if condition is None else (condition,)
        for step in range(self.evaluations):
            time = torch.full((len(x),), 1 - step / self.evaluations, device=x.device)
            x = x - self.velocity(x, time, *inputs) / self.evaluations
        return x if self.limit is None else soft_clamp(x, self.limit)


@checked(limit=number(above=0), sharpness=number(above=0))
def soft_clamp(x: Tensor, limit: float = 1.0, sharpness: float = 10.0) -> Tensor:
    """Return values clamped to [-limit, limit], with a gradient that does not vanish at once outside.

    x − softplus(β (x − limit)) / β + softplus(β (−x − limit)) / β, the difference to a clamp being at most
    log(2) / β.

    Args:
        x: values of any shape.
        limit: above 0.
        sharpness: β, above 0.

    >>> soft_clamp(torch.tensor([-3.0, 0.0, 3.0])).round(decimals=3)
    tensor([-1.,  0.,  1.])
    """
    check_floats(x=x)
    return x - F.softplus(x - limit, beta=sharpness) + F.softplus(-x - limit, beta=sharpness)


@checked(count=integer(2))
def time_features(time: Tensor, count: int = 64) -> Tensor:
    """Return sines and cosines of a time, at frequencies from 1 to 1,000 radians (Ho et al. 2020).

    Args:
        time: (N,), from 0 to 1.
        count: number of features, at least 2; an odd number is rounded down.

    Returns:
        Features (N, count) in [-1, 1].

    >>> time_features(torch.zeros(3), 8).shape
    torch.Size([3, 8])
    """
    check_floats(time=time)
    if time.dim() != 1:
        raise InputError(f"time must have the shape (N,), not {tuple(time.shape)}")
    frequencies = torch.logspace(0, 3, count // 2, device=time.device)
    angles = time[:, None].float() * frequencies  # (N, count / 2)
    return torch.cat([angles.sin(), angles.cos()], 1)


class _Block(nn.Module):
    """Two convolutions with a way around them, modulated by an embedding (N, E)."""

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, inputs), nn.GroupNorm(8, outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * outputs)
        self.around = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        h = self.norm2(self.conv1(F.silu(self.norm1(x)))) * (1 + scale) + shift
        outputs: Tensor = self.around(x) + self.conv2(F.silu(h))
        return outputs


class FlowUNet(nn.Module):
    """A U-Net that gives the velocity of small images at a time.

    It maps images (N, C, H, W), times (N,) and, with ``classes``, labels (N,) to velocities (N, C, H, W). A
    pixel unshuffle gives half the side, a strided convolution a quarter, and a skip connection joins both on
    the way back. Time and label modulate each block by FiLM (Perez et al. 2018): one scale and one shift for
    each channel.

    Args:
        classes: number of classes; 0 means no labels.
        channels: channels of the images: 1 for grey, 3 for colour.
        widths: channels at half and at a quarter of the side, multiples of 8.

    Raises:
        InputError: if a number is out of range, a side is no multiple of 4, or labels are missing in a call.

    >>> FlowUNet(classes=10)(torch.zeros(2, 1, 28, 28), torch.rand(2), torch.arange(2)).shape
    torch.Size([2, 1, 28, 28])
    """

    @checked(classes=integer(0), channels=integer(1))
    def __init__(self, classes: int = 0, channels: int = 1, widths: tuple[int, int] = (48, 96)) -> None:
        super().__init__()
        sides = list(widths) if isinstance(widths, tuple | list) else []
        if len(sides) != 2 or any(type(side) is not int or side < 8 or side % 8 for side in sides):
            raise InputError(f"widths must be two multiples of 8, not {widths!r}")
        fine, coarse = sides
        embedding = 2 * coarse
        self.time = nn.Sequential(nn.Linear(64, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.label = nn.Embedding(classes, embedding) if classes else None
        self.start = nn.Conv2d(4 * channels, fine, 3, padding=1)
        self.fine = _Block(fine, fine, embedding)
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.coarse = nn.ModuleList([_Block(coarse, coarse, embedding) for _ in range(2)])
        self.up = nn.Conv2d(coarse, fine, 3, padding=1)
        self.joined = _Block(2 * fine, fine, embedding)
        last = nn.Conv2d(fine, 4 * channels, 3, padding=1)
        self.end = nn.Sequential(nn.GroupNorm(8, fine), nn.SiLU(), last)

    def forward(self, images: Tensor, time: Tensor, label: Tensor | None = None) -> Tensor:
        if images.dim() != 4 or images.shape[2] % 4 or images.shape[3] % 4:
            shape = tuple(images.shape)
            raise InputError(f"images must be (N, C, H, W) with sides that are multiples of 4, not {shape}")
        embedding = self.time(time_features(time))
        if self.label is not None:
            embedding = embedding + self.label(check_label(label))
        embedding = F.silu(embedding)
        x = F.pixel_unshuffle(images, 2).contiguous(memory_format=torch.channels_last)
        skip = self.fine(self.start(x), embedding)  # (N, fine, H / 2, W / 2)
        x = self.down(skip)  # (N, coarse, H / 4, W / 4)
        for block in self.coarse:
            x = block(x, embedding)
        x = self.up(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        x = self.joined(torch.cat([x, skip], 1), embedding)
        velocities: Tensor = F.pixel_shuffle(self.end(x), 2)
        return velocities
