"""Every solution passes, other right answers pass too, and every known wrong one is told what is wrong."""

from __future__ import annotations

import ast
import copy
import math
import tempfile
import time
from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import other_answers as other
import pytest
import torch
from exercise_cases import CASES, WRONG, every
from torch import nn
from torch.nn.functional import softplus

import gantutor as gt
from gantutor.course.exercises import EXERCISES, Exercise

pytestmark = pytest.mark.usefixtures("kept")


def test_every_notebook_has_three_to_five() -> None:
    for notebook in ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10"):
        own = [number for number in gt.exercises.numbers() if number.startswith(notebook)]
        assert own == [f"{notebook}.{i}" for i in range(1, len(own) + 1)] and 3 <= len(own) <= 5
    assert gt.exercises.numbers() == sorted(EXERCISES)


@every
def test_the_solution_passes_in_less_than_a_second(exercise: Exercise) -> None:
    exercise.grade(exercise.solution)  # torch loads some of its parts when they are first used
    began = time.process_time()
    reply = exercise.grade(exercise.solution)
    assert (reply.verdict, reply.text) == ("right", exercise.explanation)
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
    assert exercise.grade(answer() if exercise.derivation else answer).verdict == "right"


@every
def test_the_shown_bug_is_the_bug(exercise: Exercise) -> None:
    """What is printed with the question is told the same when it is copied into the notebook."""
    said = [exercise.grade(answer).text for answer in run_alone(exercise, exercise.listings_source)]
    assert said[:1] == [exercise.grade(buggy).text for buggy in exercise.listings[:1]]


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
        ("01.4", other.logits_by_torch),
        ("01.4", lambda logits: -nn.functional.logsigmoid(logits).mean()),
        ("01.5", other.counts_in_a_loop),
        ("02.1", {"b", "d"}),
        ("02.1", "D, B"),
        ("02.2", other.turn_without_gradients),
        ("02.3", other.guarded_by_clones),
        ("02.4", gt.objectives.gradient_penalty(1.0)),
        ("03.1", [3.0, 2.0]),
        ("03.2", other.pair_by_pair),
        ("03.3", other.labels_by_one_hot_products),
        ("03.4", other.update_data),
        ("03.5", other.saved_and_loaded),
        ("04.1", [0.17, 0, 0.16]),
        ("04.1", torch.tensor([0.17, 0.0, 0.16])),
        ("04.2", other.gap_of_a_loop),
        ("04.2", other.gap_as_a_tensor),
        ("04.3", other.every_fifth_is_held_out),
        ("04.3", other.five_judges),
        ("04.4", other.Choice.apply),
        ("04.4", other.choice_in_one_detach),
        ("04.5", other.filling_ignored),
        ("04.5", other.name_by_name),
        ("05.1", [500, 8, 7.8]),
        ("05.1", np.array([500.0, 8.0, 7.8125])),
        ("05.2", lambda picture: (10 ** (1.7 * picture + 0.2) - 10**-1.5).clamp(min=0)),
        ("05.2", lambda picture: gt.data.magnitude(picture[:, None, None])[:, 0]),
        ("05.3", other.found_by_division),
        ("05.3", other.found_first),
        ("05.4", other.from_the_cosine),
        ("05.4", other.wave_by_wave),
        ("05.4", gt.metrics.scale_invariant_sdr),
        ("05.5", {"c", "e"}),
        ("05.5", "E, C"),
        ("06.1", [0.6, 0.83]),
        ("06.1", torch.tensor([0.6, 5 / 6])),
        ("06.2", other.augmented_once),
        ("06.2", other.augmented_together),
        ("06.3", lambda logits, uniform: uniform.log() <= logits - logits.amax()),
        ("06.3", lambda logits, uniform: (uniform * logits.exp().max() < logits.exp()).long()),
        ("06.4", lambda x, y: torch.tensor(gt.metrics.kernel_distance(x, y))),
        ("06.4", other.pair_of_samples_by_pair),
        ("06.5", lambda x, w, film: x + x * film(w)[:, :6, None, None] + film(w)[:, 6:, None, None]),
        ("07.1", [-1, -0.33333, 0.66667]),
        ("07.1", torch.tensor([-1.0, -1 / 3, 2 / 3])),
        ("07.3", lambda g, f, x, y: torch.nn.functional.l1_loss(g(f(y)), y) + (x - f(g(x))).abs().mean()),
        ("07.4", lambda *given: gt.metrics.clustering_accuracy(*given)[0]),
        ("07.2", {"a", "c", "d"}),
        ("07.2", "D, C, A"),
        ("08.1", "D, A"),
        ("08.1", ["a", "d"]),
        ("08.2", other.bounced_by_folding),
        ("08.3", other.picked_one_by_one),
        ("08.3", other.picked_by_gather),
        ("08.4", gt.metrics.wasserstein_distance),
        ("08.4", lambda one, other: (one.msort() - other.msort()).abs().sum() / len(one)),
        ("10.1", 1.25),
        ("10.1", torch.tensor(1.2501)),
        ("10.2", lambda ours, theirs: (torch.tensor(theirs) / torch.tensor(ours)).quantile(0.5)),
        ("10.2", lambda ours, theirs: np.median(np.divide(theirs, ours))),
        ("10.3", other.scaled_at_the_end),
        ("10.3", other.sums_over_samples),
        ("10.4", other.weighed_by_hand),
        ("10.4", lambda gradients, counts: tuple(EXERCISES["10.4"].solution(gradients, counts))),
        ("10.5", other.saved_in_a_folder),
        ("10.5", other.saved_by_a_random_name),
        ("10.5", other.saved_with_an_error_of_its_own),
    ],
)
def test_other_right_answers_pass(number: str, answer: Any) -> None:
    reply = EXERCISES[number].grade(answer)
    assert reply.verdict == "right", reply.text


@every
def test_it_takes_every_word_that_it_shows(exercise: Exercise) -> None:
    assert exercise.title and exercise.question and exercise.explanation.endswith(".")
    assert 1 <= len(exercise.hints) <= 3 and len(exercise.wrong) >= 3
    assert len(exercise.question.split()) <= 80
    for code in (exercise.solution_source, exercise.listings_source):
        ast.parse(code)
        assert "type: ignore" not in code and "fmt:" not in code and "noqa" not in code
        assert (
            "->" not in code
            and ": Tensor" not in code
            and "Tensor)" not in code
            and all(len(line) <= 110 for line in code.split("\n"))
        )
    for text in (exercise.question, exercise.explanation, *exercise.hints):
        assert "simply" not in text.lower() and "$" not in text


@pytest.mark.parametrize(("exercise", "answer", "said"), WRONG, ids=CASES)
def test_a_wrong_answer_is_told_what_is_wrong(exercise: Exercise, answer: Any, said: str) -> None:
    reply = exercise.grade(answer)
    assert reply.verdict == "wrong" and said in reply.text, reply.text
    assert "could not be read" not in reply.text
    assert reply.text.endswith((".", "?")) and len(reply.text.split()) < 50
    body = [line.strip() for line in exercise.solution_source.splitlines()[1:]]
    assert not any(len(line) > 12 and line in reply.text for line in body)
    if not callable(exercise.solution):
        assert repr(exercise.solution) not in reply.text


@every
def test_wrong_answers_are_told_apart(exercise: Exercise) -> None:
    said = [exercise.grade(answer).text for answer, _ in exercise.wrong]
    assert len(set(said)) == len(said)


@every
def test_the_code_with_the_bug_is_a_wrong_answer(exercise: Exercise) -> None:
    if "ind the bug" in exercise.title:
        buggy = exercise.listings[0]
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
        exercise.grade(answer)
    assert not [*(tmp_path / "temporary").iterdir()]
