"""Networks for sequences: series (N, ``length``, ``features``), and names as one-hot letters (N, ``length``,
``letters``).

The generators are recurrent. The discriminators are a recurrent and a convolutional one that see the same:
the series and its first differences, in which jumps that the eye forgives stand out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor.errors import InputError
from gantutor.parameters import number, validate, whole


class GRUGenerator(nn.Module):
    """Latents (N, ``latent``) → series (N, ``length``, ``features``); ``output=nn.Sigmoid`` for data in
    [0, 1].

    One gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) reads the same latent at every step beside the
    position in [−1, 1], and starts from a state made of the latent: a series has one cause, and knows where
    it is.

    >>> GRUGenerator(16, features=5, length=24)(torch.zeros(3, 16)).shape
    torch.Size([3, 24, 5])
    """

    position: Tensor

    def __init__(
        self,
        latent: int,
        features: int,
        length: int,
        hidden: int = 64,
        output: Callable[[], nn.Module] = nn.Identity,
    ) -> None:
        super().__init__()
        sizes = {"latent": latent, "features": features, "length": length, "hidden": hidden}
        validate(sizes, latent=whole(1), features=whole(1), length=whole(2), hidden=whole(1))
        self.register_buffer("position", torch.linspace(-1, 1, length), persistent=False)
        self.start = nn.Linear(latent, hidden)
        self.cell = nn.GRU(latent + 1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, features)
        self.output = output()

    def forward(self, latent: Tensor) -> Tensor:
        count, length = len(latent), len(self.position)
        position = self.position.to(latent.dtype).view(1, length, 1).expand(count, length, 1)
        inputs = torch.cat([latent[:, None].expand(count, length, -1), position], 2)
        states, _ = self.cell(inputs, self.start(latent).tanh()[None])
        series: Tensor = self.output(self.head(states))
        return series


def with_differences(series: Tensor, scale: float = 5.0) -> Tensor:
    """The series and ``scale`` × its first differences side by side: (N, L, F) → (N, L, 2 F).

    The first difference is 0. Neighbours in a smooth series differ little, so the differences are magnified.

    >>> with_differences(torch.tensor([[[1.0], [1.5]]])).tolist()
    [[[1.0, 0.0], [1.5, 2.5]]]
    """
    return torch.cat([series, scale * F.pad(series.diff(dim=1), (0, 0, 1, 0))], 2)


class GRUDiscriminator(nn.Module):
    """Series (N, ``length``, ``features``) of any length → logits (N,), read off the last state.

    ``differences`` magnifies the first differences beside the series; 0 leaves them out. cuDNN's recurrent
    layers cannot be differentiated twice, as a gradient penalty must: where the series asks for its own
    gradient, the layer runs without cuDNN.

    >>> GRUDiscriminator(5)(torch.zeros(3, 24, 5)).shape
    torch.Size([3])
    """

    def __init__(self, features: int, hidden: int = 64, differences: float = 5.0) -> None:
        super().__init__()
        _check_series(features, hidden, differences)
        self.features, self.differences = features, differences
        self.cell = nn.GRU(features * (2 if differences else 1), hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, series: Tensor) -> Tensor:
        _need_series(series, self.features)
        inputs = with_differences(series, self.differences) if self.differences else series
        if series.requires_grad and series.is_cuda:
            with torch.backends.cudnn.flags(enabled=False):
                _, state = self.cell(inputs)
        else:
            _, state = self.cell(inputs)
        logits: Tensor = self.head(state[-1])
        return logits.squeeze(1)


class SequenceConvDiscriminator(nn.Module):
    """Series (N, ``length``, ``features``) → logits (N,), by two strided convolutions of kernel 5 over time.

    ``differences`` magnifies the first differences beside the series; 0 leaves them out, as for letters.

    >>> SequenceConvDiscriminator(5, length=24)(torch.zeros(3, 24, 5)).shape
    torch.Size([3])
    """

    def __init__(self, features: int, length: int, channels: int = 64, differences: float = 5.0) -> None:
        super().__init__()
        _check_series(features, channels, differences, "channels")
        validate({"length": length}, length=whole(2))
        self.features, self.length, self.differences = features, length, differences
        self.body = nn.Sequential(
            nn.Conv1d(features * (2 if differences else 1), channels, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(channels, channels, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(channels * math.ceil(math.ceil(length / 2) / 2), channels),
            nn.LeakyReLU(0.2),
            nn.Linear(channels, 1),
        )

    def forward(self, series: Tensor) -> Tensor:
        _need_series(series, self.features, self.length)
        inputs = with_differences(series, self.differences) if self.differences else series
        logits: Tensor = self.body(inputs.transpose(1, 2))
        return logits.squeeze(1)


class NameGenerator(nn.Module):
    """Latents (N, ``inputs``) → names as one-hot letters (N, ``length``, ``letters``), one by one with
    feedback.

    A letter is a choice, and a choice has no gradient: forwards the letter with the largest logit plus Gumbel
    noise is taken, backwards the softmax of the same sums stands in for it (straight-through Gumbel-softmax:
    Jang et al. 2017, arXiv:1611.01144, section 2.2). The noise is part of the latent, so that a latent always
    spells the same name: ``inputs`` = ``latent`` + ``length`` × ``letters``, all standard normal.

    >>> generator = NameGenerator(length=10)
    >>> generator.inputs, generator(torch.zeros(3, generator.inputs)).shape
    (302, torch.Size([3, 10, 27]))
    """

    def __init__(
        self,
        latent: int = 32,
        letters: int = 27,
        length: int = 12,
        hidden: int = 128,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        sizes = {"latent": latent, "letters": letters, "length": length, "hidden": hidden}
        validate(sizes, latent=whole(1), letters=whole(2), length=whole(1), hidden=whole(1))
        validate({"temperature": temperature}, temperature=number(above=0))
        self.latent, self.letters, self.length, self.temperature = latent, letters, length, temperature
        self.inputs = latent + length * letters
        self.start = nn.Linear(latent, hidden)
        self.cell = nn.GRUCell(latent + letters, hidden)
        self.head = nn.Linear(hidden, letters)

    def forward(self, latent: Tensor) -> Tensor:
        if latent.dim() != 2 or latent.shape[1] != self.inputs:
            wanted = f"(count, {self.inputs}), the {self.latent} of the latent and the Gumbel noise"
            raise InputError(f"latents must have shape {wanted}, not {tuple(latent.shape)}")
        cause = latent[:, : self.latent]
        noise = gumbel(latent[:, self.latent :]).view(-1, self.length, self.letters)
        state, letter = self.start(cause).tanh(), latent.new_zeros(len(latent), self.letters)
        name = []
        for step in range(self.length):
            state = self.cell(torch.cat([cause, letter], 1), state)
            letter = straight_through(self.head(state) + noise[:, step], self.temperature)
            name.append(letter)
        return torch.stack(name, 1)


def gumbel(normal: Tensor) -> Tensor:
    """Standard normal numbers as Gumbel noise, in order: −log(−log Φ(z)).

    >>> round(float(gumbel(torch.zeros(1))), 4)  # the median, −log log 2
    0.3665
    """
    log_share: Tensor = torch.special.log_ndtr(normal.clamp(-8, 8))
    return -(-log_share).log()


def straight_through(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """The one-hot of the largest logit forwards, the gradient of softmax(logits / temperature) backwards:
    shape kept.

    >>> straight_through(torch.tensor([[0.0, 2.0, 1.0]])).tolist()
    [[0.0, 1.0, 0.0]]
    """
    soft: Tensor = (logits / temperature).softmax(-1)
    hard: Tensor = F.one_hot(soft.argmax(-1), logits.shape[-1]).to(soft.dtype)
    letters: Tensor = hard - soft.detach() + soft
    return letters


def _check_series(features: int, width: int, differences: float, name: str = "hidden") -> None:
    validate({"features": features, name: width}, features=whole(1), **{name: whole(1)})
    validate({"differences": differences}, differences=number(0))


def _need_series(series: Tensor, features: int, length: int | None = None) -> None:
    wrong_length = length is not None and series.dim() == 3 and series.shape[1] != length
    if series.dim() != 3 or series.shape[2] != features or not series.shape[1] or wrong_length:
        wanted = f"(count, {length or 'length'}, {features})"
        raise InputError(f"series must have shape {wanted}, not {tuple(series.shape)}")
