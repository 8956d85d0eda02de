"""The command ``gantutor``, and what each of its commands takes; ``course/commands`` does the work.

Nothing here imports torch, so that ``gantutor --help`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import io
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from gantutor._errors import DataUnavailable, InputError, OutOfMemory, ProcessLost, TrainingDiverged

COMMANDS = {
    "To learn": {
        "lab": "open the course in JupyterLab",
        "report": "say whether this machine has what the course needs",
    },
    "To run notebooks by themselves": {
        "course": "run the notebooks from beginning to end, and collect their scores",
        "sweep": "run one notebook with several seeds and values, and tabulate the scores",
        "scores": "print the scores that the notebooks of a folder recorded",
    },
    "To teach": {
        "exercises": "write the exercises of each notebook into a separate notebook",
        "grade": "run notebooks that were handed in, and say who solved what",
    },
    "To train": {"train": "train a recipe, alone or, under torchrun, in several processes"},
    "To work on GANTutor": {"test": "run the checks of the project, in a checkout of it"},
}
"""What each command does, under the headings of the overview."""

EXAMPLES = {
    "lab": "gantutor lab\ngantutor lab 03 --folder D:\\course --port 9000",
    "course": "gantutor course --preset smoke --minutes 20\ngantutor course 02 03 --seed 1",
    "sweep": "gantutor sweep 02 --seeds 0 1 2 --set compare=False steps=300,600",
    "scores": "gantutor scores runs/course",
    "exercises": "gantutor exercises 01 02 --out handout",
    "grade": "gantutor grade handed_in\ngantutor grade handed_in/ada --name Ada",
    "train": "gantutor train digits --steps 900 --out runs/digits.zip\n"
    "torchrun --standalone --nproc-per-node=2 -m gantutor train digits --steps 900",
    "test": "gantutor test lint unit",
}
"""Commands to begin with."""

_WITHOUT_TORCH = ("lab", "checks")
"""Modules of ``course/commands`` that begin at once; the others wait some seconds for torch."""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one sentence, without the usage text before it."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ") if ": must " in message else message
        self.exit(2, f"{message.replace(': must ', ' must ')}: {self.prog} --help says what is allowed\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command, such as ``gantutor lab``; ``python -m gantutor`` is the same program.

    Args:
        arguments: the arguments after the program's name; those of this process by default. Without any, an
            overview of the commands is printed.

    Returns:
        0; 1 if something that is needed is missing or fails; 2 if the arguments cannot be used; 130 when
        interrupted.
    """
    _write_utf8()
    parser = _parser()
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        parser.print_help()
        return 0
    _check_command(parser, arguments[0])
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except (DataUnavailable, OutOfMemory, ProcessLost, TrainingDiverged) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _write_utf8() -> None:
    """Let both outputs hold every sign, also where Windows writes them to a file."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(encoding="utf-8", errors="replace")


def _check_command(parser: argparse.ArgumentParser, name: str) -> None:
    known = [command for group in COMMANDS.values() for command in group]
    if name in known or name.startswith("-"):
        return
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? The" if near else "the"
    parser.error(f"there is no command {name!r}: {hint} commands are {', '.join(known)}")


# --- what the commands take ---------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gantutor",
        usage="gantutor COMMAND …",
        description=_overview(),
        epilog="gantutor COMMAND --help says what a command takes. Begin with: gantutor report",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", help=argparse.SUPPRESS, required=True)
    for group in COMMANDS.values():
        for name, sentence in group.items():
            example = EXAMPLES.get(name, f"gantutor {name}").replace("\n", "\n  ")
            command = commands.add_parser(
                name,
                prog=f"gantutor {name}",
                description=f"{sentence[0].upper()}{sentence[1:]}.",
                epilog=f"for instance:\n  {example}",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            _TAKES[name](command)
    return parser


def _overview() -> str:
    lines = ["GANTutor: learn generative adversarial networks by watching them learn."]
    for heading, group in COMMANDS.items():
        lines += ["", f"{heading}:", *(f"  {name:<11}{sentence}" for name, sentence in group.items())]
    return "\n".join(lines)


def _work_of(module: str) -> Callable[[argparse.Namespace], int]:
    """The function ``run`` of a module of ``course/commands``, which is imported when it is called."""

    def run(options: argparse.Namespace) -> int:
        if module not in _WITHOUT_TORCH:
            _say_on_a_terminal("One moment: loading PyTorch …")
        status: int = importlib.import_module(f"gantutor.course.commands.{module}").run(options)
        return status

    return run


def _lab(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_work_of("lab"))
    add = parser.add_argument
    add("notebook", nargs="?", metavar="NOTEBOOK", help="the one to open, for instance 03; 00 if left out")
    add(
        "--folder",
        type=Path,
        help="where your copy of the course lies or is to lie; gantutor-course in this folder if left out. "
        "What you have changed there stays. In a checkout the checkout itself is opened",
    )
    add("--port", type=int, metavar="N", help="of the server; a free one if left out")
    add("--no-browser", action="store_true", help="print the address instead of opening it")


def _report(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_print_report)


def _course(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_work_of("run_course"))
    add = parser.add_argument
    _add_names(parser)
    _add_preset(parser)
    add("--seed", type=_whole(0), metavar="N", help="the seed of every notebook; otherwise the one it states")
    add("--minutes", type=_positive, metavar="M", help="start no further notebook after M minutes")
    add("--jobs", type=_whole(1), default=1, metavar="N", help="run N notebooks at a time; 1")
    _add_out(parser, "runs/course", "where the executed copies go")
    add(
        "--scores",
        type=Path,
        default=Path("runs/scores"),
        metavar="STEM",
        help="where the table goes, as .md and .json; runs/scores",
    )
    add("--start-from-commit", action="store_true", help="begin where the commit's hash points, as CI does")
    _add_notebooks(parser)


def _sweep(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_work_of("sweep"))
    add = parser.add_argument
    add("name", metavar="NOTEBOOK", help="for instance 02")
    add("--seeds", type=_whole(0), nargs="+", default=[0, 1, 2], metavar="N", help="0 1 2 if left out")
    add(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUES",
        help="parameters and their values, as in steps=300,600; every combination runs with every seed",
    )
    _add_preset(parser)
    add("--jobs", type=_whole(1), default=2, metavar="N", help="runs at once; 2")
    add("--threads", type=_whole(1), metavar="N", help="of each run; otherwise its share of the processors")
    _add_out(parser, "runs/sweep", "where the runs and the table go")
    _add_notebooks(parser)


def _scores(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_print_scores)
    parser.add_argument(
        "folder",
        nargs="?",
        default="runs/course",
        metavar="FOLDER",
        help="of executed notebooks; runs/course",
    )


def _exercises(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_work_of("exercises_only"))
    _add_names(parser)
    parser.add_argument(
        "--format",
        choices=("jupyter", "nbgrader"),
        default="jupyter",
        help="jupyter (used if left out), or nbgrader: with solutions between its marks, and points",
    )
    _add_out(parser, "runs/exercises", "where they go")
    _add_notebooks(parser)


def _grade(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_work_of("grade"))
    parser.description = f"{parser.description} This runs other people's code."
    parser.add_argument("notebooks", nargs="+", metavar="FILE", help="notebooks, or folders of notebooks")
    _add_out(parser, "runs/grades", "where the table and the executed copies go")
    parser.add_argument(
        "--patience", type=_whole(1), default=120, metavar="S", help="seconds that a cell may take; 120"
    )
    parser.add_argument(
        "--name",
        type=_name,
        metavar="NAME",
        help="of the learner who handed in all of these: writes a certificate of progress too",
    )


def _train(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_work_of("train"))
    add = parser.add_argument
    add(
        "recipe",
        metavar="RECIPE",
        help="such as ring or digits, or package.module:function; a wrong name ends in a list of all",
    )
    add("--steps", type=int, metavar="N", help="the budget, in steps")
    add("--seconds", type=float, metavar="S", help="or in seconds of training")
    add("--batch-size", type=int, metavar="N", help="of each process; the recipe's if left out")
    add("--seed", type=int, default=0, metavar="N", help="of the networks, the data and the noise; 0")
    add("--device", default="auto", help="cpu, cuda, …; the first GPU if there is one")
    add("--precision", default="float32", help="float32, or bfloat16 for mixed precision")
    add("--accumulate", type=int, default=1, metavar="N", help="parts that each batch is split into; 1")
    add("--threads", type=_threads, default="auto", metavar="N", help="CPU threads of each process; auto")
    add("--checkpoint", metavar="FOLDER", help="where to save checkpoints, and to resume from one")
    add("--checkpoint-every", type=float, default=60.0, metavar="S", help="between two checkpoints; 60")
    add("--out", metavar="FILE", help="where to save the run")


def _test(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_work_of("checks"))
    # Those of commands.checks.PARTS.
    parts = ("lint", "unit", "smoke", "repeat", "browser", "platforms", "site", "check")
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        type=_one_of(*parts),
        help=f"{', '.join(parts)}; all but platforms and site if left out",
    )


_TAKES = {
    "lab": _lab,
    "report": _report,
    "course": _course,
    "sweep": _sweep,
    "scores": _scores,
    "exercises": _exercises,
    "grade": _grade,
    "train": _train,
    "test": _test,
}


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NOTEBOOK", help="for instance 02 03; all if left out")


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        choices=("cpu", "smoke", "gpu"),
        default="cpu",
        help="smoke (does every cell run?), cpu (the results of the course; used if left out) or gpu",
    )


def _add_out(parser: argparse.ArgumentParser, default: str, what: str) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path(default), metavar="FOLDER", help=f"{what}; {default}"
    )


def _add_notebooks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--notebooks", type=Path, metavar="FOLDER", help="notebooks of your own instead of the course's"
    )


def _whole(minimum: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.lstrip("-").isdigit() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {minimum}, not {text}")
        return int(text)

    return read


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise argparse.ArgumentTypeError(f"must be 1 to 80 characters that can be printed, not {text!r}")
    return name


def _threads(text: str) -> int | str:
    return text if text == "auto" else _whole(1)(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be a number greater than 0, not {text}")
    return value


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise argparse.ArgumentTypeError(
                f"must be {', '.join(allowed[:-1])} or {allowed[-1]}, not {text}"
            )
        return text

    return read


# --- the commands that need no module of their own ----------------------------------------------------------


def _print_report(options: argparse.Namespace) -> int:
    _say_on_a_terminal("Looking at this machine …")
    from gantutor.course.environment import environment_report

    report = environment_report()
    print(report)
    return 0 if report.ok else 1


def _print_scores(options: argparse.Namespace) -> int:
    from gantutor.course.score_report import as_markdown, collect

    scores = collect(options.folder)
    print(as_markdown(scores) if scores else f"the notebooks in {options.folder!r} have recorded no scores")
    return 0


def _say_on_a_terminal(text: str) -> None:
    """Show a person that something is going on, and leave no trace in a file."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)
