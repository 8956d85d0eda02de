"""The command line: the environment report, recorded scores, and training of recipes."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from gantutor._errors import DataUnavailable, InputError, OutOfMemory, ProcessLost, TrainingDiverged
from gantutor._user_errors import user_traceback
from gantutor.course import recipes
from gantutor.course.environment import environment_report
from gantutor.course.processes import STOP_MESSAGE, check_budget, check_out
from gantutor.course.score_report import as_markdown, collect
from gantutor.training.distributed import rank
from gantutor.training.trainer import train


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one sentence, without the usage text before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}: {self.prog} --help says what is allowed\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    ``python -m gantutor`` reports whether everything that the course needs is here, ``python -m gantutor
    scores FOLDER`` prints recorded scores, and ``python -m gantutor train RECIPE`` trains, in several
    processes with ``torchrun --nproc-per-node=2 -m gantutor train RECIPE``.

    Args:
        arguments: the arguments after the program's name; those of this process by default.

    Returns:
        0; 1 if something that is needed is missing or fails; 2 if the arguments cannot be used.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.command == "scores":
            return _scores(options)
        if options.command == "train":
            with _handle_signals(options.checkpoint), _reported_to_the_supervisor():
                return _train(options)
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
    names = ", ".join(make.__name__ for make in recipes.RECIPES)
    add("recipe", metavar="RECIPE", help=f"{names}, or package.module:function")
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
    add("--out", metavar="FILE", help="where to save the run")
    return parser


def _scores(options: argparse.Namespace) -> int:
    scores = collect(options.folder)
    print(as_markdown(scores) if scores else f"the notebooks in {options.folder!r} have recorded no scores")
    return 0


def _train(options: argparse.Namespace) -> int:
    """Train a recipe; the first process saves the run and prints its scores."""
    leader = rank() == 0
    check_budget(options.steps, options.seconds)
    if leader and options.out is not None:
        check_out(options.out)
    recipe = recipes.make_recipe(options.recipe, options.seed)
    training_options = dict(recipe.options)
    if options.batch_size is not None:
        training_options["batch_size"] = options.batch_size
    run = train(
        recipe.gan,
        recipe.data,
        steps=options.steps,
        seconds=options.seconds,
        device=options.device,
        checkpoint=options.checkpoint,
        checkpoint_every=options.checkpoint_every,
        precision=options.precision,
        accumulate=options.accumulate,
        progress=leader,
        **training_options,
    )
    if leader:
        print(run)
        if options.out is not None:
            print(f"saved to {run.save(options.out)}")
        if recipe.held_out is not None and recipe.score is not None:
            print(run.scores(recipe.held_out, score=recipe.score))
    return 0


@contextmanager
def _reported_to_the_supervisor() -> Iterator[None]:
    """Under torchrun, write an error of the block where the process that supervises this one reads it."""
    try:
        yield
    except Exception as error:
        if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
            callstack = traceback.format_exc()
            ours = type(error).__module__ == "gantutor"
            message = str(error) if ours else f"a process ended with this error:\n{user_traceback(error)}"
            details = {"py_callstack": callstack, "timestamp": str(int(time.time()))}
            with suppress(OSError):
                content = {"message": {"message": message, "extraInfo": details}}
                Path(path).write_text(json.dumps(content), encoding="utf-8")
        raise


@contextmanager
def _handle_signals(checkpoint: str | None) -> Iterator[None]:
    """Explain a termination signal inside the block, and let only the first process react to Ctrl-C.

    The first process then tells the others to stop.
    """

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        advice = (
            f"the same command goes on from the last checkpoint in {checkpoint}"
            if checkpoint
            else "with --checkpoint FOLDER the same command would go on from where it was"
        )
        print(f"{STOP_MESSAGE}: {advice}", file=sys.stderr, flush=True)
        raise SystemExit(128 + number)

    handlers = signal.signal(signal.SIGTERM, terminate), signal.getsignal(signal.SIGINT)
    if rank() > 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handlers[0])
        signal.signal(signal.SIGINT, handlers[1])
