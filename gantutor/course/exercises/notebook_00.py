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
            "b": "a distance between distributions is no share of pictures; nothing was counted one by one.",
            "c": "Compare the generator with the floor: what would it score if nobody could tell it from "
            "real?",
            "d": "copies of the training digits would score well too; whether something was copied is a "
            "question of its own.",
        },
    )


READING = Exercise(
    number="00.1",
    title="Reading a score",
    question="A generator scores a digit FID of 30, where real digits score 10 and ten class means 600. "
    'Which of these does that support? Answer with letters, such as "bd".\n'
    "a: It beats a method that makes one average picture for each digit.\n"
    "b: About 30 % of its digits are unreadable.\n"
    "c: Seen as a distribution, its digits still differ from real ones.\n"
    "d: None of its digits is a copy of a training digit.",
    hints=(
        "Lower is better, and a score means something only beside its floor and its baseline.",
        "Ask of each sentence: could it be false while the three numbers stay what they are?",
    ),
    solution="ac",
    explanation="30 is far below the 600 of the class means, and three times the 10 that real digits reach.",
    check=check_reading,
    wrong=(
        ("abc", "no share of pictures"),
        ("acd", "question of its own"),
        ("a", "the floor"),
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
        raise WrongAnswer("A quotation mark in the command is opened and not closed.") from None
    if not words or words[0] != "papermill":
        raise WrongAnswer(
            "The command should begin with the name of the program that runs notebooks, papermill."
        )
    files, parameters = parse_command(words[1:])
    if not files or not files[0].endswith("00_start_here.ipynb"):
        raise WrongAnswer("The first file should be the notebook to run, 00_start_here.ipynb in its folder.")
    if len(files) == 1:
        raise WrongAnswer("The command does not say into which file to write the executed copy.")
    if files[1] == files[0]:
        raise WrongAnswer("This writes over the notebook itself: give the executed copy a name of its own.")
    if len(files) > 2 or not files[1].endswith("seven.ipynb"):
        raise WrongAnswer(f"The executed copy should be seven.ipynb, and here it is {' '.join(files[1:])}.")
    expected = {"preset": "smoke", "seed": "7"}
    for name, value in parameters.items():
        if name not in ("preset", "seed", "device", "steps"):
            raise WrongAnswer(f"The notebook has no parameter {name!r}: look at its first code cell.")
        if name in expected and value != expected[name]:
            raise WrongAnswer(f"The parameter {name} is set to {value}, which is not what was asked for.")
    if missing := [name for name in expected if name not in parameters]:
        raise WrongAnswer(f"The parameter {missing[0]} is not set, so it keeps the notebook's own value.")


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
                raise WrongAnswer(f"Between a parameter and its value stands a space, not as in {name!r}.")
            parameters[name] = next(remaining, "nothing")
        elif word.startswith("-"):
            raise WrongAnswer(f"The option {word!r} is not needed: parameters are given with -p.")
        else:
            files.append(word)
    return files, parameters


RUNNING = Exercise(
    number="00.2",
    title="Other parameters",
    question="Write, as a text in quotes, the command that runs `notebooks/00_start_here.ipynb` with the "
    "preset `smoke` and the seed 7 and writes the executed copy to `seven.ipynb`.",
    hints=(
        "The section “How the course works” shows such a command.",
        "Each parameter takes a -p of its own.",
    ),
    solution=COMMAND,
    explanation="The notebook to run, the copy to write, and a -p with name and value for each parameter.",
    check=check_command,
    wrong=(
        ("papermill notebooks/00_start_here.ipynb -p preset smoke -p seed 7", "into which file"),
        ("papermill 00_start_here.ipynb 00_start_here.ipynb -p preset smoke -p seed 7", "over the notebook"),
        ("papermill 00_start_here.ipynb seven.ipynb -p preset smoke -p sed 7", "no parameter 'sed'"),
        ("papermill 00_start_here.ipynb seven.ipynb -p preset smoke -p seed=7", "stands a space"),
        ("papermill 00_start_here.ipynb seven.ipynb -p seed 7", "preset is not set"),
        ("papermill 00_start_here.ipynb seven.ipynb -p preset cpu -p seed 7", "set to cpu"),
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
        raise WrongAnswer(
            "Black becomes 0 and white 1: the whole range is only half as wide as it should be."
        )
    if is_same(result, -expected):
        raise WrongAnswer("Black and white have changed places.")
    if bool((result.diff() < -0.1).any()):
        raise WrongAnswer(
            "Somewhere a brighter pixel becomes a darker one: a byte that is multiplied or subtracted from "
            "before it is a floating-point number starts again at 0 when it passes 255."
        )
    if len(set(result.tolist())) < 200:
        raise WrongAnswer(
            f"Of 256 shades of grey only {len(set(result.tolist()))} are left: divide without rounding."
        )
    raise WrongAnswer(f"Black, 0, becomes {result[0]:.3f}, and white, 255, becomes {result[-1]:.3f}.")


PIXELS = Exercise(
    number="00.3",
    title="From bytes to pixels",
    question="Picture files hold bytes from 0 (black) to 255 (white), the networks here take numbers from "
    "−1 to 1. Write `to_network(pixels)`, which turns a tensor of bytes (`torch.uint8`) into such numbers.",
    hints=(
        "First stretch 0 … 255 to 0 … 2, then move it.",
        "Divide first: a division turns bytes into floating-point numbers.",
    ),
    solution=to_network,
    explanation="The division makes floating-point numbers from 0 to 2, and nothing can pass 255 any more.",
    check=check_pixels,
    wrong=(
        (lambda pixels: pixels / 255, "half as wide"),
        (lambda pixels: pixels * 2 / 255 - 1, "starts again at 0"),
        (lambda pixels: (pixels.float() - 128) / 128, "becomes 0.992"),
        (lambda pixels: 1 - pixels / 127.5, "changed places"),
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
            "The labels run 0, 1, 2, … along the page, as in the picture above: there each column "
            "is a class, and here each row is to be one."
        )
    if not torch.equal(labels, classes.repeat_interleave(6).double()):
        raise WrongAnswer(
            f"The first eight labels should be 0 0 0 0 0 0 1 1, not {labels[:8].int().tolist()}."
        )
    page = latents.view(10, 6, 64)
    if is_same(page[0, :1].expand(6, 64), page[0]):
        raise WrongAnswer("All pictures of a row have the same latent, so they would all be one picture.")
    if not is_same(page[:1].expand_as(page), page):
        raise WrongAnswer(
            "Down a column the latent changes: draw as many latents as there are columns, and use "
            "them again in each row."
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
    "(10 · columns) for a page where each row is a class, 0 to 9, and each column one latent.",
    hints=(
        "`repeat` goes through all and begins again; `repeat_interleave` says each one several times.",
        "The labels begin with `columns` zeros; the latents begin again after `columns` of them.",
    ),
    solution=class_rows,
    explanation="Pictures fill the page row by row, so the label changes slowly and the latent with each "
    "picture.",
    check=check_class_rows,
    wrong=(
        (
            lambda columns: (
                torch.randn(columns, 64).repeat_interleave(10, 0),
                torch.arange(10).repeat(columns),
            ),
            "here each row is to be one",
        ),
        (
            lambda columns: (torch.randn(10 * columns, 64), torch.arange(10).repeat_interleave(columns)),
            "the latent changes",
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
            "all be one picture",
        ),
        (lambda columns: (torch.randn(columns, 64), torch.arange(10)), "shape (60, 64)"),
    ),
)

EXERCISES = (READING, RUNNING, PIXELS, CLASS_ROWS)
