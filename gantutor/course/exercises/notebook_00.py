"""Exercises of notebook 00: reading a score, other parameters, from bytes to pixels, a page of classes."""

from __future__ import annotations

import shlex
from typing import Any

import torch
from torch import Tensor

from gantutor.course.exercises.checking import WrongAnswer, as_tensor, call, check_letters, describe, is_same
from gantutor.course.exercises.exercise import Exercise

# --- 00.1 ---------------------------------------------------------------------------------------------------


def check_reading(answer: Any) -> None:
    """Check an answer to exercise 00.1."""
    check_letters(
        answer,
        "ac",
        {
            "a": "Compare the generator with the baseline: which of the two is lower, and what does lower "
            "mean?",
            "b": "a distance between distributions is not a share of pictures: no single picture was judged.",
            "c": "Compare the generator with real data: which score would a perfect generator have?",
            "d": "copies of training digits would score well too, so copying needs a separate test.",
        },
    )


READING = Exercise(
    number="00.1",
    title="Reading a score",
    question="A generator has a digit FID of 30. Real data score 10, and ten class means score 600. "
    'Which of these statements does that support? Answer with letters, such as "bd".\n'
    "a: It beats a method that makes one average picture for each digit.\n"
    "b: About 30 % of its digits are unreadable.\n"
    "c: Seen as a distribution, its digits still differ from real ones.\n"
    "d: None of its digits is a copy of a training digit.",
    hints=(
        "Lower is better. Compare the score with its real-data value and with its baseline.",
        "For each statement, ask: could it be false with the same three numbers?",
    ),
    solution="ac",
    explanation="30 is far below the 600 of the class means, and three times the 10 of real data.",
    check=check_reading,
    wrong=(
        ("abc", "not a share of pictures"),
        ("acd", "separate test"),
        ("a", "with real data"),
        ("c", "the baseline"),
    ),
)

# --- 00.2 ---------------------------------------------------------------------------------------------------

COMMAND = "papermill notebooks/00_start_here.ipynb seven.ipynb -p preset smoke -p seed 7"


def check_command(answer: Any) -> None:
    """Check an answer to exercise 00.2."""
    if not isinstance(answer, str):
        raise WrongAnswer(f"The answer should be a command in quotes, not {describe(answer)}.")
    try:
        words = shlex.split(answer.strip().lstrip("!"))
    except ValueError:
        raise WrongAnswer("A quotation mark in the command is not closed.") from None
    if not words or words[0] != "papermill":
        raise WrongAnswer("The command should begin with `papermill`, the program that runs notebooks.")
    files, parameters = parse_command(words[1:])
    if not files or not files[0].endswith("00_start_here.ipynb"):
        raise WrongAnswer("The first file should be the notebook to run, 00_start_here.ipynb in its folder.")
    if len(files) == 1:
        raise WrongAnswer("The command does not say into which file to write the executed copy.")
    if files[1] == files[0]:
        raise WrongAnswer("This overwrites the notebook itself: give the executed copy another name.")
    if len(files) > 2 or not files[1].endswith("seven.ipynb"):
        raise WrongAnswer(f"The executed copy should be seven.ipynb, not {' '.join(files[1:])}.")
    expected = {"preset": "smoke", "seed": "7"}
    for name, value in parameters.items():
        if name not in ("preset", "seed", "device", "steps"):
            raise WrongAnswer(f"The notebook has no parameter {name!r}: look at its first code cell.")
        if name in expected and value != expected[name]:
            raise WrongAnswer(f"The parameter {name} should be {expected[name]}, not {value}.")
    if missing := [name for name in expected if name not in parameters]:
        raise WrongAnswer(f"The parameter {missing[0]} is not set, so it keeps the notebook's value.")


def parse_command(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the files and the parameters of a papermill command.

    Args:
        words: the command without its first word.
    """
    files, parameters, remaining = [], {}, iter(words)
    for word in remaining:
        if word in ("-p", "--parameters"):
            name = next(remaining, "")
            if "=" in name:
                raise WrongAnswer(f"Put a space between a parameter and its value, not as in {name!r}.")
            parameters[name] = next(remaining, "nothing")
        elif word.startswith("-"):
            raise WrongAnswer(f"The option {word!r} is not needed: parameters are given with -p.")
        else:
            files.append(word)
    return files, parameters


RUNNING = Exercise(
    number="00.2",
    title="Other parameters",
    question="Write the command that runs `notebooks/00_start_here.ipynb` with the preset `smoke` and the "
    "seed 7, and writes the executed copy to `seven.ipynb`. Give it as a text in quotes.",
    hints=(
        "The section “How the course works” shows such a command.",
        "Each parameter needs its own -p.",
    ),
    solution=COMMAND,
    explanation="The notebook to run, the copy to write, and -p, name and value for each parameter.",
    check=check_command,
    wrong=(
        ("papermill notebooks/00_start_here.ipynb -p preset smoke -p seed 7", "into which file"),
        (
            "papermill 00_start_here.ipynb 00_start_here.ipynb -p preset smoke -p seed 7",
            "overwrites the notebook",
        ),
        ("papermill 00_start_here.ipynb seven.ipynb -p preset smoke -p sed 7", "no parameter 'sed'"),
        ("papermill 00_start_here.ipynb seven.ipynb -p preset smoke -p seed=7", "Put a space"),
        ("papermill 00_start_here.ipynb seven.ipynb -p seed 7", "preset is not set"),
        ("papermill 00_start_here.ipynb seven.ipynb -p preset cpu -p seed 7", "not cpu"),
        ("jupyter run 00_start_here.ipynb", "should begin with"),
    ),
)

# --- 00.3 ---------------------------------------------------------------------------------------------------


def to_network(pixels: Tensor) -> Tensor:
    return pixels / 127.5 - 1


def check_pixels(answer: Any) -> None:
    """Check an answer to exercise 00.3."""
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    output = call(answer, pixels.clone(), usage="to_network(pixels)")
    result = as_tensor(output, (1, 1, 16, 16)).flatten()
    expected = torch.linspace(-1, 1, 256, dtype=torch.float64)
    if is_same(result, expected):
        return
    if is_same(result, (expected + 1) / 2):
        raise WrongAnswer("Black becomes 0 and white becomes 1: the range is half as wide as it should be.")
    if is_same(result, -expected):
        raise WrongAnswer("Black and white are exchanged.")
    if bool((result.diff() < -0.1).any()):
        raise WrongAnswer(
            "Some brighter pixels become darker ones: arithmetic with bytes starts again at 0 above 255. "
            "Convert them to floating-point numbers first."
        )
    if len(set(result.tolist())) < 200:
        raise WrongAnswer(
            f"Of 256 grey levels only {len(set(result.tolist()))} are left: divide without rounding."
        )
    raise WrongAnswer(f"Black, 0, becomes {result[0]:.3f}, and white, 255, becomes {result[-1]:.3f}.")


PIXELS = Exercise(
    number="00.3",
    title="From bytes to pixels",
    question="Image files hold bytes from 0 (black) to 255 (white). The networks here take numbers from −1 "
    "to 1. Write `to_network(pixels)`, which converts a tensor of bytes (`torch.uint8`).",
    hints=(
        "First scale 0 … 255 to 0 … 2, then subtract 1.",
        "Divide first: a division turns bytes into floating-point numbers.",
    ),
    solution=to_network,
    explanation="The division gives floating-point numbers from 0 to 2, so no byte can overflow.",
    check=check_pixels,
    wrong=(
        (lambda pixels: pixels / 255, "half as wide"),
        (lambda pixels: pixels * 2 / 255 - 1, "starts again at 0"),
        (lambda pixels: (pixels.float() - 128) / 128, "becomes 0.992"),
        (lambda pixels: 1 - pixels / 127.5, "are exchanged"),
        (lambda pixels: (pixels > 127).float() * 2 - 1, "only 2 are left"),
    ),
)

# --- 00.4 ---------------------------------------------------------------------------------------------------


def class_rows(columns: int) -> tuple[Tensor, Tensor]:
    latents = torch.randn(columns, 64).repeat(10, 1)
    labels = torch.arange(10).repeat_interleave(columns)
    return latents, labels


def check_class_rows(answer: Any) -> None:
    """Check an answer to exercise 00.4."""
    result = call(answer, 6, usage="class_rows(columns)")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise WrongAnswer(
            f"The function should return two tensors, latents and labels, not {describe(result)}."
        )
    latents = as_tensor(result[0], (60, 64), "With columns=6, the first of the two, the latents,")
    labels = as_tensor(result[1], (60,), "With columns=6, the second of the two, the labels,")
    if result[1].dtype not in (torch.int64, torch.int32):
        raise WrongAnswer("The labels should be whole numbers: an embedding looks its rows up by them.")
    classes = torch.arange(10)
    if torch.equal(labels, classes.repeat(6).double()):
        raise WrongAnswer(
            "The labels run 0, 1, 2, … along each row, as in the page above. There each column is a class. "
            "Here each row should be a class."
        )
    if not torch.equal(labels, classes.repeat_interleave(6).double()):
        raise WrongAnswer(
            f"The first eight labels should be 0 0 0 0 0 0 1 1, not {labels[:8].int().tolist()}."
        )
    page = latents.view(10, 6, 64)
    if is_same(page[0, :1].expand(6, 64), page[0]):
        raise WrongAnswer(
            "All pictures of a row have the same latent and the same class, so they would be equal."
        )
    if not is_same(page[:1].expand_as(page), page):
        raise WrongAnswer(
            "The latent changes within a column: draw one latent for each column, and use the same latents "
            "in each row."
        )
    if abs(float(page[0].mean())) > 0.2 or abs(float(page[0].std()) - 1) > 0.2:
        mean, spread = page[0].mean(), page[0].std()
        raise WrongAnswer(
            f"The latents have mean {mean:.2f} and standard deviation {spread:.2f}, not those of the "
            "normal distribution that the generator was trained with, 0 and 1."
        )


CLASS_ROWS = Exercise(
    number="00.4",
    title="A page with a class in each row",
    question="Write `class_rows(columns)`, which returns latents (10 · columns, 64) and labels "
    "(10 · columns,) for a page where each row is a class, 0 to 9, and each column has one latent.",
    hints=(
        "`repeat` repeats the whole sequence; `repeat_interleave` repeats each element.",
        "The labels begin with `columns` zeros. The latents repeat after `columns` of them.",
    ),
    solution=class_rows,
    explanation="Pictures fill the page row by row: the label changes with each row, and the latent with "
    "each picture.",
    check=check_class_rows,
    wrong=(
        (
            lambda columns: (
                torch.randn(columns, 64).repeat_interleave(10, 0),
                torch.arange(10).repeat(columns),
            ),
            "Here each row should be a class",
        ),
        (
            lambda columns: (torch.randn(10 * columns, 64), torch.arange(10).repeat_interleave(columns)),
            "latent changes within",
        ),
        (
            lambda columns: (
                torch.rand(columns, 64).repeat(10, 1),
                torch.arange(10).repeat_interleave(columns),
            ),
            "normal distribution",
        ),
        (
            lambda columns: (
                torch.randn(10, 64).repeat_interleave(columns, 0),
                torch.arange(10).repeat_interleave(columns),
            ),
            "would be equal",
        ),
        (lambda columns: (torch.randn(columns, 64), torch.arange(10)), "shape (60, 64)"),
    ),
)

EXERCISES = (READING, RUNNING, PIXELS, CLASS_ROWS)
