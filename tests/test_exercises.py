"""Exercises: every solution passes, every known wrong answer is told what is wrong, nothing ever raises."""

from __future__ import annotations

import ast
import copy
import io
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

import gantutor as gt
from gantutor.data.names import decode
from gantutor.exercises import EXERCISES, Exercise, Note, Reply, keeping, showing

ALL = list(EXERCISES.values())
every = pytest.mark.parametrize("exercise", ALL, ids=[exercise.number for exercise in ALL])
WRONG = [(exercise, answer, said) for exercise in ALL for answer, said in exercise.wrong]
CASES = [f"{exercise.number}-{said}" for exercise, _, said in WRONG]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of progress, somewhere of its own."""
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv("GANTUTOR_PROGRESS", str(path))
    return path


def right(number: str) -> Reply:
    return gt.exercises.check(number, EXERCISES[number].solution)


# --- solutions and wrong answers ----------------------------------------------------------------------------


def test_every_notebook_has_three_to_five() -> None:
    for notebook in ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10"):
        own = [number for number in gt.exercises.numbers() if number.startswith(notebook)]
        assert own == [f"{notebook}.{i}" for i in range(1, len(own) + 1)] and 3 <= len(own) <= 5
    assert gt.exercises.numbers() == sorted(EXERCISES)


@every
def test_the_solution_passes_in_less_than_a_second(exercise: Exercise) -> None:
    exercise.judge(exercise.solution)  # torch loads some of its parts when they are first used
    began = time.process_time()
    reply = exercise.judge(exercise.solution)
    assert (reply.verdict, reply.text) == ("right", exercise.why)
    assert time.process_time() - began < 1


NAMES = {
    "00": {"torch": torch, "gt": gt},
    "01": {"math": math, "torch": torch, "softplus": softplus, "gt": gt},
    "02": {"copy": copy, "torch": torch, "nn": nn, "softplus": softplus, "gt": gt},
    "03": {"copy": copy, "torch": torch, "nn": nn, "gt": gt},
    "04": {"torch": torch, "gt": gt},
    "05": {"torch": torch, "gt": gt},
    "06": {"torch": torch, "F": nn.functional, "gt": gt},
    "07": {"permutations": permutations, "torch": torch, "gt": gt},
    "08": {"torch": torch, "gt": gt},
    "09": {"torch": torch, "F": nn.functional, "gt": gt},
    "10": {"median": median, "torch": torch, "gt": gt},
}
"""What each notebook has imported where its exercises stand."""


def run_alone(exercise: Exercise, code: str) -> list[Any]:
    """What code defines when it is run in a cell of the notebook."""
    namespace = dict(NAMES[exercise.number[:2]])
    before = {*namespace, "__builtins__"}
    exec(compile(code, exercise.number, "exec"), namespace)
    return [value for name, value in namespace.items() if name not in before]


@every
def test_the_shown_source_is_the_solution(exercise: Exercise) -> None:
    """What is printed passes when it is copied into the notebook."""
    [answer] = run_alone(exercise, gt.exercises.solution(exercise.number).code)
    assert exercise.judge(answer() if exercise.working else answer).verdict == "right"


@every
def test_the_shown_bug_is_the_bug(exercise: Exercise) -> None:
    """What is printed with the question is told the same when it is copied into the notebook."""
    said = [exercise.judge(answer).text for answer in run_alone(exercise, exercise.shown_source)]
    assert said[:1] == [exercise.judge(buggy).text for buggy in exercise.shown[:1]]


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


def pair_by_pair(one: torch.Tensor, other: torch.Tensor, part: float) -> torch.Tensor:
    walked = []
    for a, b in zip(one, other, strict=True):
        angle = torch.acos((a @ b / a.norm() / b.norm()).clamp(-1, 1))
        arc = (torch.sin((1 - part) * angle) * a + torch.sin(part * angle) * b) / torch.sin(angle)
        walked.append(a if angle < 0.01 else arc)
    return torch.stack(walked)


def three_turns(generator: nn.Module, discriminator: nn.Module) -> gt.GAN:
    classical = gt.GAN(generator, discriminator, gt.objectives.non_saturating())
    first, second = classical.turns
    return gt.GAN.of(classical.networks, [first, second, second])


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


def changes_in_a_loop(series: torch.Tensor, scale: float) -> torch.Tensor:
    changes = [torch.zeros_like(series[:, 0])]
    changes += [scale * (series[:, t] - series[:, t - 1]) for t in range(1, series.shape[1])]
    return torch.cat([series, torch.stack(changes, 1)], -1)


def changes_by_roll(series: torch.Tensor, scale: float) -> torch.Tensor:
    changes = scale * (series - series.roll(1, 1))
    changes[:, 0] = 0
    return torch.cat([series, changes], 2)


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
    for name in decode(names):
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


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("00.2", "!papermill 00_start_here.ipynb ./seven.ipynb --parameters seed 7 -p preset smoke"),
        ("00.3", lambda pixels: pixels.float() / 255 * 2 - 1),
        ("00.3", lambda pixels: (pixels.double() - 127.5) / 127.5),
        (
            "00.4",
            lambda columns: [torch.randn(columns, 64).repeat(10, 1), torch.arange(10 * columns) // columns],
        ),
        ("01.2", (0.667, 0, 0.216)),
        ("01.2", [2 / 3, 0.0, 0.22]),
        ("01.3", (-0.00247, -0.998)),
        ("01.4", logits_by_torch),
        ("01.4", lambda logits: -nn.functional.logsigmoid(logits).mean()),
        ("01.5", counts_in_a_loop),
        ("02.1", nn.BatchNorm1d(100, 1e-5, 0.8).eval()),
        ("02.1", nn.BatchNorm1d(100, momentum=0.8, affine=False)),
        ("02.1", lambda: nn.BatchNorm1d(100, momentum=0.8)),
        ("02.2", turn_without_gradients),
        ("02.3", lambda distance, train, held_out, generated: distance(held_out, generated)),
        (
            "02.4",
            lambda real, fake: [(1 - real).clamp(min=0).mean() + (1 + fake).clamp(0).mean(), -fake.mean()],
        ),
        ("02.5", gt.objectives.gradient_penalty(1.0)),
        ("03.1", [3.0, 2.0]),
        ("03.2", pair_by_pair),
        ("03.3", three_turns),
        ("03.4", update_data),
        ("03.5", saved_and_loaded),
        ("04.1", [0.17, 0, 0.16]),
        ("04.1", torch.tensor([0.17, 0.0, 0.16])),
        ("04.2", changes_in_a_loop),
        ("04.2", changes_by_roll),
        ("04.3", every_fifth_is_held_out),
        ("04.3", five_judges),
        ("04.4", Choice.apply),
        ("04.4", choice_in_one_detach),
        ("04.5", filling_ignored),
        ("04.5", name_by_name),
        ("05.1", [500, 8, 7.8]),
        ("05.1", np.array([500.0, 8.0, 7.8125])),
        ("05.2", lambda picture: (10 ** (1.7 * picture + 0.2) - 10**-1.5).clamp(min=0)),
        ("05.2", lambda picture: gt.networks.audio.magnitude(picture[:, None, None])[:, 0]),
        ("05.3", found_by_division),
        ("05.3", found_first),
        ("05.4", from_the_cosine),
        ("05.4", wave_by_wave),
        ("05.4", gt.metrics.scale_invariant_sdr),
        ("05.5", {"c", "e"}),
        ("05.5", "E, C"),
        ("06.1", [0.6, 0.83]),
        ("06.1", torch.tensor([0.6, 5 / 6])),
        ("06.2", augmented_once),
        ("06.2", augmented_together),
        ("06.3", lambda logits, uniform: uniform.log() <= logits - logits.amax()),
        ("06.3", lambda logits, uniform: (uniform * logits.exp().max() < logits.exp()).long()),
        ("06.4", lambda x, y: torch.tensor(gt.metrics.kernel_distance(x, y))),
        ("06.4", pair_of_samples_by_pair),
        ("07.1", [-1, -0.33333, 0.66667]),
        ("07.1", torch.tensor([-1.0, -1 / 3, 2 / 3])),
        ("07.3", lambda g, f, x, y: torch.nn.functional.l1_loss(g(f(y)), y) + (x - f(g(x))).abs().mean()),
        ("07.4", lambda *given: gt.metrics.best_permutation(*given)[0]),
        ("07.2", {"a", "c", "d"}),
        ("07.2", "D, C, A"),
        ("08.1", "D, A"),
        ("08.1", ["a", "d"]),
        ("08.2", bounced_by_folding),
        ("08.3", picked_one_by_one),
        ("08.3", picked_by_gather),
        ("08.4", gt.metrics.wasserstein_distance),
        ("08.4", lambda one, other: (one.msort() - other.msort()).abs().sum() / len(one)),
        ("10.1", 1.25),
        ("10.1", torch.tensor(1.2501)),
        ("10.2", lambda ours, theirs: (torch.tensor(theirs) / torch.tensor(ours)).quantile(0.5)),
        ("10.2", lambda ours, theirs: np.median(np.divide(theirs, ours))),
        ("10.3", scaled_at_the_end),
        ("10.3", sums_over_samples),
        ("10.4", weighed_by_hand),
        ("10.4", lambda gradients, counts: tuple(EXERCISES["10.4"].solution(gradients, counts))),
        ("10.5", saved_in_a_folder),
        ("10.5", saved_by_a_random_name),
        ("10.5", saved_with_an_error_of_its_own),
    ],
)
def test_other_right_answers_pass(number: str, answer: Any) -> None:
    reply = EXERCISES[number].judge(answer)
    assert reply.verdict == "right", reply.text


@every
def test_it_takes_every_word_that_it_shows(exercise: Exercise) -> None:
    assert exercise.title and exercise.question and exercise.why.endswith(".")
    assert 1 <= len(exercise.hints) <= 3 and len(exercise.wrong) >= 3
    assert len(exercise.question.split()) <= 80
    for code in (exercise.solution_source, exercise.shown_source):
        ast.parse(code)
        assert "type: ignore" not in code and "fmt:" not in code and "noqa" not in code
        assert (
            "->" not in code
            and ": Tensor" not in code
            and "Tensor)" not in code
            and all(len(line) <= 110 for line in code.split("\n"))
        )
    for text in (exercise.question, exercise.why, *exercise.hints):
        assert "simply" not in text.lower() and "$" not in text


@pytest.mark.parametrize(("exercise", "answer", "said"), WRONG, ids=CASES)
def test_a_wrong_answer_is_told_what_is_wrong(exercise: Exercise, answer: Any, said: str) -> None:
    reply = exercise.judge(answer)
    assert reply.verdict == "wrong" and said in reply.text, reply.text
    assert "could not be read" not in reply.text
    assert reply.text.endswith((".", "?")) and len(reply.text.split()) < 50
    body = [line.strip() for line in exercise.solution_source.splitlines()[1:]]
    assert not any(len(line) > 12 and line in reply.text for line in body)
    if not callable(exercise.solution):
        assert repr(exercise.solution) not in reply.text


@every
def test_wrong_answers_are_told_apart(exercise: Exercise) -> None:
    said = [exercise.judge(answer).text for answer, _ in exercise.wrong]
    assert len(set(said)) == len(said)


@every
def test_the_code_with_the_bug_is_a_wrong_answer(exercise: Exercise) -> None:
    if "ind the bug" in exercise.title:
        buggy = exercise.shown[0]
        assert any(answer is buggy for answer, _ in exercise.wrong)
        assert f"def {buggy.__name__}" in gt.exercises.question(exercise.number).code


def pops(gradients: list[Any], counts: list[int]) -> None:
    gradients[0].pop()


def puts_a_number(gradients: list[Any], counts: list[int]) -> None:
    gradients[0][0] = 3


def puts_another_tensor(gradients: list[Any], counts: list[int]) -> None:
    gradients[0][0] = gradients[0][0] + 1


def puts_nothing(gradients: list[Any], counts: list[int]) -> None:
    gradients[0] = None


def counts_on(gradients: list[Any], counts: list[int]) -> None:
    counts[0] += 1


@pytest.mark.parametrize("change", [pops, puts_a_number, puts_another_tensor, puts_nothing, counts_on])
def test_what_was_given_stays_as_it_was(change: Any) -> None:
    def average(gradients: list[Any], counts: list[int]) -> Any:
        result = EXERCISES["10.4"].solution(gradients, counts)
        change(gradients, counts)
        return result

    reply = gt.exercises.check("10.4", average)
    assert reply.verdict == "wrong" and "is changed" in reply.text, reply.text


def test_a_trial_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    exercise = EXERCISES["10.5"]
    for answer in (exercise.solution, *(answer for answer, _ in exercise.wrong)):
        exercise.judge(answer)
    assert not [*(tmp_path / "temporary").iterdir()]


# --- junk ---------------------------------------------------------------------------------------------------


def raises(*_: Any) -> None:
    raise RuntimeError("no\nsecond line")


def leaves(*_: Any) -> None:
    raise SystemExit(3)


class Strange:
    """Everything about it raises."""

    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise ValueError("no equality")

    __hash__ = None  # type: ignore[assignment]


JUNK: dict[str, Any] = {
    "none": None,
    "text": "x",
    "empty text": "",
    "html": "<script>alert(1)</script>",
    "complex": 3j,
    "flag": True,
    "nan": math.nan,
    "infinity": math.inf,
    "huge": 10**400,
    "object": object(),
    "strange": Strange(),
    "list": [],
    "nested": [[1, [2]], {}],
    "three of nothing": (None, None, None),
    "two strange": (Strange(), Strange()),
    "three nan": (math.nan,) * 3,
    "two complex": (1j, 2j),
    "set of numbers": {1, 2},
    "dict": {"networks": 3},
    "bytes": b"ab",
    "tensor": torch.zeros(0),
    "many": torch.zeros(2, 3),
    "complex tensor": torch.zeros(2, dtype=torch.complex64),
    "type": int,
    "module": nn.Linear(3, 3),
    "no arguments": lambda: 1,
    "raises": raises,
    "leaves": leaves,
    "raises strangely": lambda *_: {}[Strange()],
    "gives none": lambda *_: print(end=""),
    "gives nan": lambda *_: torch.tensor(math.nan),
    "gives two nan": lambda *_: (torch.tensor(math.nan), torch.tensor(math.nan)),
    "gives a number": lambda *_: 0.5,
    "gives text": lambda *_: "x",
    "gives html": lambda *_: "<b>x</b>",
    "gives strange": lambda *_: Strange(),
    "gives two strange": lambda *_: (Strange(), Strange()),
    "gives a shape": lambda *_: torch.zeros(7, 7),
    "gives whole numbers": lambda *_: torch.zeros((), dtype=torch.int64),
    "gives complex": lambda *_: torch.zeros((), dtype=torch.complex64),
    "gives a dict": lambda *_: {"total": 1},
    "gives bad networks": lambda *_: {"networks": 1, "optimizers": 2, "draw": 3},
    "gives itself": lambda *parts: parts,
    "spoils": lambda *parts: [part.zero_() for part in parts if isinstance(part, torch.Tensor)],
    "recurses": lambda *parts: JUNK["recurses"](*parts),
}


@every
@pytest.mark.parametrize("name", JUNK)
def test_junk_gets_a_sentence(exercise: Exercise, name: str) -> None:
    reply = gt.exercises.check(exercise.number, JUNK[name])
    assert reply.verdict == "wrong", reply.text
    assert str(reply) and "<script>" not in reply._repr_html_() and "<b>x" not in reply._repr_html_()
    assert "could not be read" not in reply.text, reply.text
    assert "second line" not in reply.text and len(reply.text) < 400


@pytest.mark.parametrize("answer", [..., (..., ...), lambda *_: ...], ids=["ellipsis", "pair", "stub"])
@every
def test_an_open_answer_is_no_wrong_one(exercise: Exercise, answer: Any, kept: Path) -> None:
    value = isinstance(exercise.solution, str | float | tuple | dict | nn.Module)
    if value and answer is not ... and callable(answer):
        return
    if isinstance(answer, tuple) and not isinstance(exercise.solution, tuple):
        return
    if isinstance(answer, tuple):
        answer = (...,) * len(exercise.solution)
    reply = gt.exercises.check(exercise.number, answer)
    assert reply.verdict == "open" and "Not answered yet" in str(reply)
    assert not kept.parent.exists()


def test_an_empty_stub_is_open() -> None:
    def generator_loss(fake_logits: torch.Tensor) -> Any: ...

    assert gt.exercises.check("01.4", generator_loss).verdict == "open"


@pytest.mark.parametrize("number", ["1.2", "01.9", "", 1.2, None, ["01.1"]])
def test_unknown_numbers(number: Any) -> None:
    for ask in (
        lambda n: gt.exercises.check(n, 1),
        gt.exercises.hint,
        gt.exercises.solution,
        gt.exercises.question,
    ):
        with pytest.raises(gt.InputError, match=r"there is no exercise .*01\.1, 01\.2"):
            ask(number)


def test_a_near_number_is_suggested() -> None:
    with pytest.raises(gt.InputError, match=r"did you mean '01\.2'\?"):
        gt.exercises.hint("1.2")


def test_numbers_come_in_many_types() -> None:
    pair = EXERCISES["01.3"].solution
    tensor = torch.tensor(pair, dtype=torch.float64)
    for answer in (list(pair), tensor, (tensor[0], tensor[1:]), tensor.numpy(), tuple(tensor.numpy())):
        assert gt.exercises.check("01.3", answer).verdict == "right"


def test_letters_come_in_many_types() -> None:
    for answer in ("ac", "ca", "A, C", {"a", "c"}, ["c", "a"], ("a", "c")):
        assert gt.exercises.check("00.1", answer).verdict == "right"


def test_an_endless_loop_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantutor.exercises.judging.LIMIT", 0.3)

    def endless(*_: Any) -> None:
        while True:
            with suppress(Exception):
                torch.zeros(1)

    reply = gt.exercises.check("01.4", endless)
    assert reply.verdict == "wrong" and "never ends" in reply.text
    time.sleep(0.4)  # the timer is off again


def test_checks_run_in_other_threads() -> None:
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(right("01.4")))
    thread.start()
    thread.join()
    assert replies[0].verdict == "right"


@every
def test_the_random_state_stays(exercise: Exercise) -> None:
    before = torch.get_rng_state()
    with torch.no_grad():
        assert exercise.judge(exercise.solution).verdict == "right"
    assert torch.equal(before, torch.get_rng_state())


def test_loading_them_draws_nothing_and_is_left_until_needed() -> None:
    code = (
        "import sys, torch, gantutor as gt\n"
        "assert not any(name.startswith('gantutor.exercises') for name in sys.modules)\n"
        "before = torch.get_rng_state()\ngt.exercises.numbers()\n"
        "assert torch.equal(before, torch.get_rng_state())\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- hints, questions, looks --------------------------------------------------------------------------------


def test_each_further_hint_is_the_next_one() -> None:
    hints = EXERCISES["02.5"].hints
    given = [gt.exercises.hint("02.5") for _ in range(3)]
    assert [note.text for note in given[:2]] == list(hints)
    assert (
        given[2].text
        == f'{hints[1]} There is no further hint: `gt.exercises.solution("02.5")` shows an answer.'
    )
    assert given[1].heading == "Hint 2 of 2 for 02.5"


def test_replies_carry_a_word_and_a_symbol() -> None:
    replies = [right("01.1"), gt.exercises.check("01.1", "a"), gt.exercises.check("01.1", ...)]
    for reply, words in zip(replies, ("✓ Right", "✗ Not yet", "○ Not answered yet"), strict=True):
        assert str(reply).startswith(words) and repr(reply) == str(reply) and words in reply._repr_html_()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_badges_can_be_read() -> None:
    for _, _, background, colour in showing.VERDICTS.values():
        light, dark = sorted((luminance(background), luminance(colour)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_what_a_learner_wrote_is_escaped() -> None:
    def loss(*_: Any) -> None:
        raise ValueError("<img src=x onerror=alert(1)> & `<b>`")

    shown = gt.exercises.check("01.4", loss)._repr_html_()
    assert "<img" not in shown and "&lt;img" in shown and "<code>&lt;b&gt;</code>" in shown
    assert "&lt;" in Note("<", "<", "<")._repr_html_() and "<<" not in Note("<", "<", "<")._repr_html_()


@every
def test_html_is_well_formed(exercise: Exercise) -> None:
    number = exercise.number
    replies = [gt.exercises.question(number), gt.exercises.hint(number), gt.exercises.solution(number)]
    for thing in (*replies, right(number), gt.exercises.progress()):
        tags = re.findall(r"<(/?)(\w+)[^>]*?>", thing._repr_html_().replace("<br>", ""))
        stack: list[str] = []
        for closing, tag in tags:
            if closing:
                assert stack.pop() == tag
            else:
                stack.append(tag)
        assert not stack


# --- progress -----------------------------------------------------------------------------------------------


def test_progress_counts_what_was_solved_and_tried(kept: Path) -> None:
    assert gt.exercises.progress().summary.startswith("Exercises: 0 of")
    right("01.1"), gt.exercises.check("01.2", 3), gt.exercises.check("01.3", ...)
    gt.exercises.check("01.1", "c")  # what was solved stays solved
    progress = gt.exercises.progress()
    assert dict(progress.notebooks["01"]) == {
        "01.1": "solved", "01.2": "tried", "01.3": "open", "01.4": "open", "01.5": "open"
    }  # fmt: skip
    assert "notebook 01: 1 of 5 solved (✓ 01.1 solved, ✗ 01.2 tried, ○ 01.3 open" in str(progress)
    for words in ("✓ solved", "✗ tried", "○ open", "Exercises: 1 of"):
        assert words in progress._repr_html_()
    assert [path.name for path in kept.parent.iterdir()] == ["progress.json"]


def test_progress_survives_the_process(kept: Path) -> None:
    code = "import gantutor as gt; gt.exercises.check('00.1', 'ac'); print(gt.exercises.progress())"
    assert (
        "✓ 00.1 solved" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    )
    assert gt.exercises.progress().notebooks["00"]["00.1"] == "solved"


def test_two_processes_lose_nothing(kept: Path) -> None:
    code = (
        "import sys\nfrom gantutor.exercises import keeping\n"
        "for i in range(40): keeping.keep(f'{sys.argv[1]}.{i}', 'solved')"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    assert len(keeping.read_states(kept)) == 80


def test_states_of_exercises_that_are_not_there_are_kept(kept: Path) -> None:
    keeping.keep("09.1", "solved")
    right("01.1")
    assert keeping.read_states(kept) == {"01.1": "solved", "09.1": "solved"}


@pytest.mark.parametrize(
    "content", ["{", "[]", "3", '{"exercises": []}', '{"exercises": {"01.1": [3]}}', "\x00"]
)
def test_a_damaged_file_is_left_as_it_is(kept: Path, content: str) -> None:
    kept.parent.mkdir()
    kept.write_text(content)
    reply = right("01.1")
    assert reply.verdict == "right" and "not saved" in reply.remark and "damaged" in reply._repr_html_()
    assert kept.read_text() == content and "could not be read" in gt.exercises.progress()._repr_html_()


def test_a_place_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "progress.json", tmp_path):
        monkeypatch.setenv("GANTUTOR_PROGRESS", str(place))
        reply = right("01.1")
        assert reply.verdict == "right" and reply.remark.startswith("Your progress was not saved: ")
        assert "\n" not in reply.remark and str(gt.exercises.progress())


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GANTUTOR_PROGRESS")
    monkeypatch.setattr(Path, "home", homeless)
    assert "no home folder" in right("01.1").remark


def test_a_lock_left_behind_is_taken_away(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PATIENCE", 0.05)
    kept.parent.mkdir()
    (kept.parent / ".progress.json.lock").touch()
    assert right("01.1").remark == "" and json.loads(kept.read_text())["exercises"] == {"01.1": "solved"}


def test_the_usual_place_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTUTOR_PROGRESS", "")
    assert keeping.place() == Path.home() / ".cache" / "gantutor" / "progress.json"
    monkeypatch.setenv("GANTUTOR_PROGRESS", "~/mine.json")
    assert keeping.place() == Path.home() / "mine.json"
