"""How often does the doctor name an illness, and how often one that is not there? Ten seeds each, committed.

    python benchmarks/doctor.py                # all games; about ten minutes on one thread
    python benchmarks/doctor.py "50 digits"    # one of them, the others as they are committed
    python benchmarks/doctor.py --table        # print the table of what is committed

The games are those of ``tests/helpers/doctor_cases.py``. The counts go to ``gantutor/doctor/hits.json``, and
the table of them stands in the docstring of ``gantutor.doctor.Doctor``, where a test compares the two.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

import gantutor as gt
import gantutor.doctor

SEEDS = 10
RESULTS = Path(gantutor.doctor.__file__).parent / "hits.json"


def games() -> ModuleType:
    """The module ``tests/helpers/doctor_cases.py``."""
    path = Path(__file__).resolve().parents[1] / "tests/helpers/doctor_cases.py"
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


def play(case: Any, seed: int) -> dict[str, Any]:
    """One game under the doctor: whether it is what it is meant to be, and the step of each diagnosis."""
    doctor, true = case.play(seed)
    return {"seed": seed, "true": true, "named": {each.illness: each.step for each in doctor.diagnoses}}


def counts(content: dict[str, Any]) -> dict[str, dict[str, int]]:
    """For each illness: the runs played, those that were ill, those of them where it was named and where
    something else was named too; the healthy runs, and those of them where it was named."""
    healthy = [run for row in content["rows"] if row["illness"] is None for run in row["runs"] if run["true"]]
    table = {}
    for illness in gantutor.doctor.ILLNESSES:
        ill = [run for row in content["rows"] if row["illness"] == illness for run in row["runs"]]
        table[illness] = {
            "played": len(ill),
            "ill": sum(run["true"] for run in ill),
            "named": sum(run["true"] and illness in run["named"] for run in ill),
            "others": sum(run["true"] and bool(set(run["named"]) - {illness}) for run in ill),
            "healthy": len(healthy),
            "false": sum(illness in run["named"] for run in healthy),
        }
    return table


def table(content: dict[str, Any]) -> str:
    """The table as it stands in the docstring of ``gantutor.doctor.Doctor``."""
    rows = counts(content)
    lines = [f"| {'illness':25} | named, of ill | others named | false, of healthy |"]
    lines.append(f"| {'-' * 25} | {'-' * 13} | {'-' * 12} | {'-' * 17} |")
    for illness, row in rows.items():
        named, false = f"{row['named']} of {row['ill']}", f"{row['false']} of {row['healthy']}"
        lines.append(f"| {illness:25} | {named:13} | {row['others']:<12} | {false:17} |")
    return "\n".join(lines)


def played(case: Any) -> dict[str, Any]:
    """All seeds of one game."""
    runs = []
    for seed in range(SEEDS):
        runs.append(play(case, seed))
        print(case.name, json.dumps(runs[-1], ensure_ascii=False), flush=True)
    recipe = " ".join((case.play.__doc__ or "").split())
    return {"game": case.name, "recipe": recipe, "illness": case.illness, "runs": runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("games", nargs="*", help="the games to play anew; all if left out")
    parser.add_argument("--table", action="store_true", help="print the table of what is committed")
    given, cases = parser.parse_args(), games().CASES
    if unknown := set(given.games) - {case.name for case in cases}:
        parser.error(f"no game is called {sorted(unknown)[0]!r}")
    if not given.table:
        kept = {row["game"]: row for row in gt._files.read_json(RESULTS)["rows"]} if given.games else {}
        again = given.games or [case.name for case in cases]
        rows = [played(case) if case.name in again else kept[case.name] for case in cases]
        made_on = {"torch": torch.__version__.split("+")[0], "threads": torch.get_num_threads()}
        content = {"recipe": {"seeds": SEEDS}, "made_on": made_on, "rows": rows}
        content["counts"] = counts(content)
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        RESULTS.write_text(text, encoding="utf-8")
    print(table(gt._files.read_json(RESULTS)))


if __name__ == "__main__":
    main()
