"""Letters from a recurrent network: a choice that gradients pass through."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import integer, number, validate
from gantutor._errors import InputError


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
        validate(sizes, latent=integer(1), letters=integer(2), length=integer(1), hidden=integer(1))
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
        noise = gumbel_noise(latent[:, self.latent :]).view(-1, self.length, self.letters)
        state, letter = self.start(cause).tanh(), latent.new_zeros(len(latent), self.letters)
        name = []
        for step in range(self.length):
            state = self.cell(torch.cat([cause, letter], 1), state)
            letter = straight_through(self.head(state) + noise[:, step], self.temperature)
            name.append(letter)
        return torch.stack(name, 1)

    def next_letters(self, latent: Tensor, names: Tensor) -> Tensor:
        """Logits (N, ``length``, ``letters``) of each letter of given names, one-hot, after those before it.

        This is teacher forcing (Williams & Zipser 1989): the network is fed the real letters, not its own.
        By the Gumbel-max trick ``forward`` draws from the softmax of just these logits. ``latent``: (N,
        ``inputs``), of which only the first ``latent`` count. Raises InputError for names of another shape.
        """
        if names.shape != (len(latent), self.length, self.letters):
            wanted = (len(latent), self.length, self.letters)
            raise InputError(f"names must have shape {wanted}, not {tuple(names.shape)}")
        cause = latent[:, : self.latent]
        state, before = self.start(cause).tanh(), torch.zeros_like(names[:, 0])
        logits = []
        for step in range(self.length):
            state = self.cell(torch.cat([cause, before], 1), state)
            logits.append(self.head(state))
            before = names[:, step]
        return torch.stack(logits, 1)


def gumbel_noise(normal: Tensor) -> Tensor:
    """Standard normal numbers as Gumbel noise, in order: −log(−log Φ(z)).

    >>> round(float(gumbel_noise(torch.zeros(1))), 4)  # the median, −log log 2
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
