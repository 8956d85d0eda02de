"""A recurrent generator of names, and the straight-through gradient for its discrete letters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantutor._checks import checked, integer, number
from gantutor._errors import InputError


class NameGenerator(nn.Module):
    """A recurrent generator of names: latents (N, inputs) to one-hot letters (N, length, letters).

    It generates one letter at a time and feeds it back. Choosing a letter has no gradient. Therefore the
    forward pass takes the letter with the largest logit plus Gumbel noise, and the backward pass uses the
    gradient of the softmax of these sums (straight-through Gumbel-softmax: Jang et al. 2017,
    arXiv:1611.01144, section 2.2). The noise is part of the latent, so that a latent always gives the same
    name.

    Args:
        latent: dimension of the latent without the noise, at least 1.
        letters: number of different letters, at least 2.
        length: letters in a name, at least 1.
        hidden: units of the gated recurrent unit, at least 1.
        temperature: temperature of the softmax in the backward pass, greater than 0.

    Attributes:
        inputs: dimension of the whole latent, latent + length · letters, all standard normal.

    Raises:
        InputError: if a number is out of range, or a latent in a call has another shape.

    >>> generator = NameGenerator(length=10)
    >>> generator.inputs, generator(torch.zeros(3, generator.inputs)).shape
    (302, torch.Size([3, 10, 27]))
    """

    @checked(
        latent=integer(1),
        letters=integer(2),
        length=integer(1),
        hidden=integer(1),
        temperature=number(above=0),
    )
    def __init__(
        self,
        latent: int = 32,
        letters: int = 27,
        length: int = 12,
        hidden: int = 128,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.latent, self.letters, self.length, self.temperature = latent, letters, length, temperature
        self.inputs = latent + length * letters
        self.start = nn.Linear(latent, hidden)
        self.cell = nn.GRUCell(latent + letters, hidden)
        self.head = nn.Linear(hidden, letters)

    def forward(self, latent: Tensor) -> Tensor:
        if latent.dim() != 2 or latent.shape[1] != self.inputs:
            expected = f"(count, {self.inputs}), the {self.latent} of the latent and the Gumbel noise"
            raise InputError(f"latents must have shape {expected}, not {tuple(latent.shape)}")
        code = latent[:, : self.latent]  # the part without the noise
        noise = gumbel_noise(latent[:, self.latent :]).view(-1, self.length, self.letters)
        state, letter = self.start(code).tanh(), latent.new_zeros(len(latent), self.letters)
        letters = []
        for step in range(self.length):
            state = self.cell(torch.cat([code, letter], 1), state)
            letter = straight_through(self.head(state) + noise[:, step], self.temperature)
            letters.append(letter)
        return torch.stack(letters, 1)

    def next_letter_logits(self, latent: Tensor, names: Tensor) -> Tensor:
        """Return the logits of each letter of real names, given the letters before it.

        This is teacher forcing (Williams & Zipser 1989): the network is fed the real letters, not its own. By
        the Gumbel-max trick, ``forward`` draws its letters from the softmax of such logits.

        Args:
            latent: (N, inputs); the noise in it is not used.
            names: one-hot letters, (N, length, letters).

        Returns:
            Logits (N, length, letters).

        Raises:
            InputError: if the names have another shape.
        """
        if names.shape != (len(latent), self.length, self.letters):
            expected = (len(latent), self.length, self.letters)
            raise InputError(f"names must have shape {expected}, not {tuple(names.shape)}")
        code = latent[:, : self.latent]
        state, letter = self.start(code).tanh(), torch.zeros_like(names[:, 0])
        logits = []
        for step in range(self.length):
            state = self.cell(torch.cat([code, letter], 1), state)
            logits.append(self.head(state))
            letter = names[:, step]
        return torch.stack(logits, 1)


def gumbel_noise(normal: Tensor) -> Tensor:
    """Transform standard normal numbers into Gumbel noise, −log(−log Φ(z)), which keeps their order.

    Args:
        normal: standard normal numbers z of any shape; clipped to [−8, 8], so that the result is finite.

    Returns:
        Gumbel noise of the same shape.

    >>> round(float(gumbel_noise(torch.zeros(1))), 4)  # the median, −log log 2
    0.3665
    """
    log_probability: Tensor = torch.special.log_ndtr(normal.clamp(-8, 8))
    return -(-log_probability).log()


def straight_through(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the one-hot of the largest logit, with the gradient of softmax(logits / temperature).

    Jang et al. 2017, arXiv:1611.01144, section 2.2 (straight-through estimator).

    Args:
        logits: (…, letters).
        temperature: the temperature of the softmax, greater than 0.

    Returns:
        One-hot letters of the same shape.

    >>> straight_through(torch.tensor([[0.0, 2.0, 1.0]])).tolist()
    [[0.0, 1.0, 0.0]]
    """
    soft: Tensor = (logits / temperature).softmax(-1)
    hard: Tensor = F.one_hot(soft.argmax(-1), logits.shape[-1]).to(soft.dtype)
    letters: Tensor = hard - soft.detach() + soft  # the value of hard, the gradient of soft
    return letters
