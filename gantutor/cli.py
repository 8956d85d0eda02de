"""``python -m gantutor``: is everything here? ``python -m gantutor scores FOLDER``: what was scored?
``python -m gantutor train RECIPE``: train, and in several processes at once by
``torchrun --nproc-per-node=2 -m gantutor train RECIPE``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from gantutor._errors import DataUnavailable, InputError, OutOfMemory, ProcessLost, TrainingDiverged
from gantutor.course import recipes
from gantutor.course.environment import environment_report
from gantutor.course.launch import TOLD, check_budget, check_out
from gantutor.course.score_report import as_markdown, collect
from gantutor.training.distributed import rank
from gantutor.training.trainer import train


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one sentence, without a page of usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}: {self.prog} --help says what is allowed\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, 1 where something needed is missing or fails, 2 where the input cannot be
    used."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "scores":
            return _scores(given)
        if given.command == "train":
            with _signals_heeded(given.checkpoint):
                return _train(given)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except (DataUnavailable, OutOfMemory, ProcessLost, TrainingDiverged) as error:
        print(error, file=sys.stderr)
        return 1
    report = environment_report()
    print(report)
    return 0 if report.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m gantutor",
        description="Without a command: say whether everything the course needs is here.",
    )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    scores = commands.add_parser(
        "scores", help="the scores that the notebooks of a folder recorded, as one table"
    )
    scores.add_argument("folder", metavar="FOLDER", help="a folder of executed notebooks")
    training = commands.add_parser("train", help="train a recipe, alone or, under torchrun, together")
    add = training.add_argument
    known = ", ".join(make.__name__ for make in recipes.RECIPES)
    add("recipe", metavar="RECIPE", help=f"{known}, or package.module:function")
    add("--steps", type=int, metavar="N", help="the budget, in steps")
    add("--seconds", type=float, metavar="S", help="or in seconds of training")
    add("--batch-size", type=int, metavar="N", help="of each process; the recipe's if left out")
    add("--seed", type=int, default=0, metavar="N", help="of the networks, the data and the noise; 0")
    add("--device", default="auto", help="cpu, cuda, …; the first GPU if there is one")
    add("--precision", default="float32", help="float32, or bfloat16 for mixed precision")
    add(
        "--accumulate", type=int, default=1, metavar="N", help="parts that each batch is worked through in; 1"
    )
    add("--checkpoint", metavar="FOLDER", help="where to keep what is needed to go on after an end")
    add("--checkpoint-every", type=float, default=60.0, metavar="S", help="between two checkpoints; 60")
    add("--out", metavar="FOLDER", help="where to save the run")
    return parser


def _scores(given: argparse.Namespace) -> int:
    found = collect(given.folder)
    print(as_markdown(found) if found else f"the notebooks in {given.folder!r} have recorded no scores")
    return 0


def _train(given: argparse.Namespace) -> int:
    """Train; the first process saves the run and says what it is worth."""
    leader = rank() == 0
    check_budget(given.steps, given.seconds)
    if leader and given.out is not None:
        check_out(given.out)
    recipe = recipes.make_recipe(given.recipe, given.seed)
    options = dict(recipe.options)
    if given.batch_size is not None:
        options["batch_size"] = given.batch_size
    run = train(
        recipe.gan,
        recipe.data,
        steps=given.steps,
        seconds=given.seconds,
        device=given.device,
        checkpoint=given.checkpoint,
        checkpoint_every=given.checkpoint_every,
        precision=given.precision,
        accumulate=given.accumulate,
        progress=leader,
        **options,
    )
    if leader:
        print(run)
        if given.out is not None:
            print(f"saved to {run.save(given.out)}")
        if recipe.held_out is not None and recipe.score is not None:
            print(run.scores(recipe.held_out, score=recipe.score))
    return 0


@contextmanager
def _signals_heeded(checkpoint: str | None) -> Iterator[None]:
    """Inside the block an order to end is explained, and Ctrl-C is for the first process, which tells the
    others."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        how = (
            f"the same command goes on from the last checkpoint in {checkpoint}"
            if checkpoint
            else "with --checkpoint FOLDER the same command would go on from where it was"
        )
        print(f"{TOLD}: {how}", file=sys.stderr, flush=True)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end), signal.getsignal(signal.SIGINT)
    if rank() > 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
