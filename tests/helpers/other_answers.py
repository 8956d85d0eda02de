"""Right answers that are not the solution: the same thing another way."""

from __future__ import annotations

import io
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from gantutor.course.exercises import EXERCISES
from gantutor.data.names import decode_names


def logits_by_torch(logits: torch.Tensor) -> torch.Tensor:
    return binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def counts_in_a_loop(samples: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    shares = [(torch.cdist(samples, centres).argmin(1) == i).float().mean() for i in range(len(centres))]
    return torch.stack([q * (len(centres) * q).log() for q in shares if q > 0]).sum()


def turn_without_gradients(
    generator: Any, discriminator: Any, optimizer: Any, real: Any, latent: Any
) -> None:
    optimizer.zero_grad()
    with torch.no_grad():
        fake = generator(latent)
    softplus(-discriminator(real)).mean().backward()
    softplus(discriminator(fake)).mean().backward()
    optimizer.step()


def guarded_by_clones(step: Any, network: Any, steps: int) -> int:
    """Keep a clone of each weight, and copy them back."""
    for done in range(steps):
        kept = [weight.detach().clone() for weight in network.parameters()]
        total = float(step() + sum(weight.detach().sum() for weight in network.parameters()))
        if not math.isfinite(total):
            with torch.no_grad():
                for weight, good in zip(network.parameters(), kept, strict=True):
                    weight.copy_(good)
            return done
    return steps


def pair_by_pair(one: torch.Tensor, other: torch.Tensor, part: float) -> torch.Tensor:
    walked = []
    for a, b in zip(one, other, strict=True):
        angle = torch.acos((a @ b / a.norm() / b.norm()).clamp(-1, 1))
        arc = (torch.sin((1 - part) * angle) * a + torch.sin(part * angle) * b) / torch.sin(angle)
        walked.append(a if angle < 0.01 else arc)
    return torch.stack(walked)


def labels_by_one_hot_products(z: Any, h: Any, label: Any, embed_g: Any, embed_d: Any, psi: Any) -> Any:
    one_hot = nn.functional.one_hot(label, embed_g.num_embeddings).to(z)
    projection = torch.einsum("nc,cd,nd->n", one_hot, embed_d.weight, h) / h.shape[-1] ** 0.5
    return [torch.hstack([z, one_hot @ embed_g.weight]), psi(h)[:, 0] + projection]


def update_data(average: nn.Module, network: nn.Module, decay: float) -> None:
    mine, new = average.state_dict(), network.state_dict()
    average.load_state_dict({name: decay * mine[name] + (1 - decay) * new[name] for name in mine})


def saved_and_loaded(networks: Any, optimizers: Any, draw: torch.Generator) -> Any:
    file = io.BytesIO()
    parts = {"networks": networks, "optimizers": optimizers}
    state = {name: {key: each.state_dict() for key, each in part.items()} for name, part in parts.items()}
    torch.save(state | {"draw": draw.get_state(), "step": 3}, file)
    file.seek(0)
    return torch.load(file)


def gap_of_a_loop(fit: Any, error: Any, *sets: torch.Tensor) -> float:
    errors = []
    for series in sets[:2]:
        forecaster = fit(series)
        errors.append(error(forecaster, sets[2]))
    return (errors[0] - errors[1]) / errors[1]


def gap_as_a_tensor(fit: Any, error: Any, *sets: torch.Tensor) -> torch.Tensor:
    real, generated = (torch.tensor(error(fit(series), sets[2])) for series in (sets[1], sets[0]))
    return torch.log(generated / real).expm1()


def every_fifth_is_held_out(fit: Any, real: torch.Tensor, generated: torch.Tensor) -> Any:
    """Two sorted sets, of which the larger is thinned out; one call of the judge, and answers as numbers."""
    series = torch.cat([real[::3], generated])
    answers, apart = torch.tensor([1.0] * 100 + [0.0] * 100), torch.arange(200) % 5 == 4
    said = fit(series[~apart], answers[~apart])(series[apart])
    return abs((said.float() == answers[apart]).float().mean().item() - 0.5)


def five_judges(fit: Any, real: torch.Tensor, generated: torch.Tensor) -> Any:
    """Each fifth is held out once."""
    kinds = [
        series[torch.from_numpy(np.random.permutation(len(series)))][:100] for series in (real, generated)
    ]
    right = 0
    for fold in range(5):
        apart = torch.arange(100) // 20 == fold
        judge = fit(torch.cat([series[~apart] for series in kinds]), torch.arange(160) < 80)
        right += int(judge(kinds[0][apart]).sum() + (~judge(kinds[1][apart])).sum())
    return np.abs(right / 200 - 0.5)


class Choice(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(logits.softmax(1))
        return (logits == logits.amax(1, keepdim=True)).float()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (soft,) = ctx.saved_tensors
        return soft * (gradient - (soft * gradient).sum(1, keepdim=True))


def choice_in_one_detach(logits: torch.Tensor) -> torch.Tensor:
    soft = logits.exp() / logits.exp().sum(1, keepdim=True)
    return (nn.functional.one_hot(soft.argmax(1), soft.shape[1]) - soft).detach() + soft


def filling_ignored(network: Any, names: torch.Tensor) -> torch.Tensor:
    letters = names.argmax(2)
    behind = ((letters == 0).cumsum(1) > 1).nonzero(as_tuple=True)
    targets = letters.index_put(behind, torch.tensor(-100))
    logits = network(nn.functional.pad(names, (0, 0, 1, 0))[:, :-1])
    return nn.functional.cross_entropy(logits.transpose(1, 2), targets)


def name_by_name(network: Any, names: torch.Tensor) -> torch.Tensor:
    losses = []
    for name in decode_names(names):
        letters = torch.tensor([ord(letter) - 96 for letter in name] + [0])
        before = nn.functional.one_hot(letters, 27).float().roll(1, 0)
        before[0] = 0
        losses.append(nn.functional.cross_entropy(network(before[None])[0], letters, reduction="none"))
    return torch.cat(losses).mean()


def found_by_division(size: torch.Tensor, phase: torch.Tensor, rounds: int, stft: Any, istft: Any) -> Any:
    """The phase as a number on the unit circle."""
    spectrum = size * torch.exp(1j * phase)
    for _ in range(rounds):
        reached = stft(istft(spectrum))
        spectrum = size * reached / (reached.abs() + 1e-9)
    return istft(spectrum)


def found_first(size: torch.Tensor, phase: torch.Tensor, rounds: int, stft: Any, istft: Any) -> Any:
    waves = istft(torch.complex(size * phase.cos(), size * phase.sin()))
    for _ in range(rounds):
        found = stft(waves)
        waves = istft(torch.polar(size, torch.atan2(found.imag, found.real)))
    return waves.float()


def from_the_cosine(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    share = nn.functional.cosine_similarity(estimate, target) ** 2
    return 10 * (share / (1 - share)).log10()


def wave_by_wave(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    scores = []
    for e, t in zip(estimate.double(), target.double(), strict=True):
        wanted = e.dot(t) / t.dot(t) * t
        scores.append(20 * torch.log10(wanted.norm() / (e - wanted).norm()))
    return torch.stack(scores)


def augmented_once(discriminator: Any, augment: Any, real: torch.Tensor, fake: torch.Tensor) -> Any:
    shown = augment(fake)
    apart = softplus(-discriminator(augment(real))).mean() + softplus(discriminator(shown.detach())).mean()
    return [apart, softplus(-discriminator(shown)).mean()]


def augmented_together(discriminator: Any, augment: Any, real: torch.Tensor, fake: torch.Tensor) -> Any:
    logits = discriminator(augment(torch.cat([real, fake.detach()])))
    answers = (torch.arange(len(logits)) < len(real)).float()
    apart = 2 * binary_cross_entropy_with_logits(logits, answers)
    return apart, -nn.functional.logsigmoid(discriminator(augment(fake))).mean()


def pair_of_samples_by_pair(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    def mean(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        pairs = [(a, b) for i, a in enumerate(first) for j, b in enumerate(second)
                 if first is not second or i != j]  # fmt: skip
        return torch.stack([(a.dot(b) / len(a) + 1) ** 3 for a, b in pairs]).mean()

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def scaled_at_the_end(network: nn.Module, loss: Any, parts: list[torch.Tensor], optimizer: Any) -> None:
    network.zero_grad()
    for part in parts:
        (len(part) * loss(network(part))).backward()
    for weight in network.parameters():
        weight.grad /= sum(len(part) for part in parts)
    optimizer.step()
    optimizer.zero_grad()


def sums_over_samples(network: nn.Module, loss: Any, parts: list[torch.Tensor], optimizer: Any) -> None:
    optimizer.zero_grad()
    for part in parts:
        with torch.no_grad():
            loss(network(part))
        (sum(loss(output) for output in network(part)) / len(torch.cat(parts))).backward()
    optimizer.step()


def weighed_by_hand(gradients: list[list[torch.Tensor]], counts: list[int]) -> list[torch.Tensor]:
    average = [torch.zeros_like(tensor) for tensor in gradients[0]]
    for own, count in zip(gradients, counts, strict=True):
        for mean, tensor in zip(average, own, strict=True):
            mean += tensor * count
    return [mean / sum(counts) for mean in average]


def saved_in_a_folder(path: Path, text: str, write: Any) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write(Path(folder) / "fresh", text)
        os.replace(Path(folder) / "fresh", path)  # noqa: PTH105


def saved_by_a_random_name(path: Path, text: str, write: Any) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    os.close(handle)
    try:
        write(name, text)
    except BaseException:
        Path(name).unlink()
        raise
    Path(name).rename(path)


def saved_with_an_error_of_its_own(path: Path, text: str, write: Any) -> None:
    try:
        EXERCISES["10.5"].solution(path, text, write)
    except OSError as error:
        raise RuntimeError("not saved") from error


def picked_one_by_one(clips: torch.Tensor) -> torch.Tensor:
    return torch.stack([clip[int(torch.randint(1, len(clip), ()))] for clip in clips])


def picked_by_gather(clips: torch.Tensor) -> torch.Tensor:
    later = clips[:, 1:]
    chosen = torch.rand(later.shape[:2]).argmax(1)
    return later.take_along_dim(chosen.view(-1, 1, 1, 1, 1), 1)[:, 0]


def bounced_by_folding(place: torch.Tensor, velocity: torch.Tensor, room: float) -> list[torch.Tensor]:
    folded = torch.remainder(place + velocity + room, 4 * room)
    sign = torch.where(folded > 2 * room, -1.0, 1.0)
    return [torch.minimum(folded, 4 * room - folded) - room, sign * velocity]
