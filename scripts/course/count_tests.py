"""One plain line that counts what ``make test`` and ``make course`` did, read from what they left in runs/.

python scripts/course/count_tests.py
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]


def tests(report: Path) -> Counter[str]:
    """Tests passed, failed and skipped by a JUnit report; nothing where there is none."""
    found: Counter[str] = Counter()
    if report.exists():
        for suite in ElementTree.parse(report).iter("testsuite"):
            count = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
            failed = count["failures"] + count["errors"]
            found += Counter(
                failed=failed, skipped=count["skipped"], passed=count["tests"] - failed - count["skipped"]
            )
    return found


def notebooks(scores: Path) -> Counter[str]:
    """Notebooks passed, failed and not run by the file that a run of the course wrote."""
    found: Counter[str] = Counter()
    if scores.exists():
        for entry in json.loads(scores.read_text(encoding="utf-8"))["notebooks"].values():
            ended = {"done": "passed", "not run": "not run", "interrupted": "not run"}
            found[ended.get(entry["state"], "failed")] += 1
    return found


def line(runs: Path) -> str:
    """The counts of everything that lies in ``runs``."""
    unit, browser, platforms, site, repeat = (
        tests(runs / f"{name}.xml") for name in ("unit", "browser", "platforms", "site", "repeat")
    )
    smoke, course = notebooks(runs / "smoke" / "scores.json"), notebooks(runs / "scores.json")
    return "; ".join(
        [
            *(
                f"{name}: {found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped"
                for name, found in (
                    ("tests", unit),
                    ("browser tests", browser),
                    ("tests of platforms", platforms),
                    ("tests of the site", site),
                    ("notebook cells repeated", repeat),
                )
            ),
            *(
                f"{name}: {found['passed']} passed, {found['failed']} failed, {found['not run']} not run"
                for name, found in (("smoke notebooks", smoke), ("course notebooks", course))
            ),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the line; returns 0."""
    parser = argparse.ArgumentParser(description="Count what make test and make course did.")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    print(line(parser.parse_args(arguments).runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
