"""``gantutor train``: train a recipe, alone or in several processes under torchrun."""

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

from gantutor._user_errors import user_traceback
from gantutor.course import recipes
from gantutor.course.child_processes import INTERRUPTIONS
from gantutor.course.processes import STOP_MESSAGE, check_budget, check_out
from gantutor.training.distributed import rank
from gantutor.training.trainer import train


def run(options: argparse.Namespace) -> int:
    """Train a recipe; the first process saves the run and prints its scores.

    Args:
        options: of the command line.

    Returns:
        0.

    Raises:
        InputError: if an option cannot be used.
    """
    if not {"", str(Path.cwd())} & set(sys.path):  # the program gantutor finds recipes as python -m does
        sys.path.insert(0, "")
    with _handle_signals(options.checkpoint), _reported_to_the_supervisor():
        return _train(options)


def _train(options: argparse.Namespace) -> int:
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
        threads=options.threads,
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

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, *INTERRUPTIONS)}
    signal.signal(signal.SIGTERM, terminate)
    for number in INTERRUPTIONS:
        if rank() > 0:
            signal.signal(number, signal.SIG_IGN)
        elif number != signal.SIGINT:  # Windows would end the process
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
