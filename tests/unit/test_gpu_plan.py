"""The script for figures of a GPU keeps its plan of time, continues, and names the commit, with stand-ins."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmark_scripts import load

gpu = load("gpu")
questions = load("gpu_questions")
Part = gpu.Part


class World:
    """A clock that only ``sleep`` moves, and processes that take as many seconds as they are told."""

    def __init__(self, seconds: dict[str, float], statuses: dict[str, int] | None = None) -> None:
        self.now, self.seconds, self.statuses = 0.0, seconds, statuses or {}
        self.running: list[str] = []
        self.most = 0
        self.log: list[tuple[float, str, str]] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def start(self, part: Any) -> Any:
        self.running.append(part.name)
        self.most = max(self.most, len(self.running))
        self.log.append((self.now, "begins", part.name))
        world, since = self, self.now

        class Process:
            def status(self) -> int | None:
                over = world.now - since >= world.seconds[part.name]
                return world.statuses.get(part.name, 0) if over else None

            def end(self) -> None:
                world.log.append((world.now, "is ended", part.name))
                if part.name in world.running:
                    world.running.remove(part.name)

        return Process()

    def ended(self, part: Any, state: str, seconds: float) -> None:
        self.log.append((self.now, state, part.name))
        if part.name in self.running:
            self.running.remove(part.name)

    def run(self, parts: list[Any], budget: float = 1000, jobs: int = 2) -> list[str]:
        left: list[str] = gpu.run_plan(parts, budget, jobs, self.start, self.ended, self.clock, self.sleep)
        return left

    def states(self) -> dict[str, str]:
        return {name: state for _, state, name in self.log if state not in ("begins", "is ended")}


def part(name: str, limit: float = 10, alone: bool = False) -> Any:
    return Part(name, ("-c", "pass"), limit, lambda folder: None, alone)


# --- the plan of time ---------------------------------------------------------------------------------------


def test_the_whole_plan_takes_less_than_ten_minutes() -> None:
    assert gpu.seconds_at_most(gpu.PLAN, 10) <= 60 * gpu.MINUTES < 600
    names = [part.name for part in gpu.PLAN]
    assert len(set(names)) == len(names) and names[0] == "tests"
    assert {f"notebook {number}" for number in ("00", "03", "05", "06", "07")} <= set(names)
    assert sum(name.startswith("loop ") for name in names) == 4


def test_with_every_part_at_its_limit_the_plan_still_ends_in_time() -> None:
    world = World({part.name: 10_000 for part in gpu.PLAN})
    assert world.run(gpu.PLAN, 60 * gpu.MINUTES, 10) == []
    assert set(world.states().values()) == {"out of time"} and world.now < 600


def test_fewer_processes_leave_parts_for_the_next_call() -> None:
    world = World({part.name: 10_000 for part in gpu.PLAN})
    left = world.run(gpu.PLAN, 60 * gpu.MINUTES, 4)
    assert left and world.now < 600 and world.most == 4
    assert set(left) | set(world.states()) == {part.name for part in gpu.PLAN}


def test_what_measures_time_runs_by_itself() -> None:
    world = World({"a": 3, "b": 4, "c": 2, "d": 2})
    assert world.run([part("c"), part("a", alone=True), part("d"), part("b", alone=True)]) == []
    assert world.log[:4] == [(0, "begins", "a"), (3, "done", "a"), (3, "begins", "b"), (7, "done", "b")]
    assert [entry for entry in world.log if entry[1] == "begins"][2:] == [
        (7, "begins", "c"),
        (7, "begins", "d"),
    ]


def test_the_others_share_so_many_processes() -> None:
    world = World(dict.fromkeys("abcde", 4.0))
    world.run([part(name) for name in "abcde"], jobs=2)
    assert world.most == 2 and world.now == 12 and set(world.states().values()) == {"done"}


def test_a_part_is_ended_at_its_limit_and_the_next_one_begins() -> None:
    world = World({"endless": 1e9, "short": 2})
    world.run([part("endless"), part("short")], jobs=1)
    assert world.states() == {"endless": "out of time", "short": "done"}
    assert (10, "is ended", "endless") in world.log and (10, "begins", "short") in world.log


def test_what_fails_is_said_and_stops_nothing() -> None:
    world = World({"a": 1, "b": 1}, {"a": 1})
    world.run([part("a", alone=True), part("b")])
    assert world.states() == {"a": "failed", "b": "done"}


def test_with_the_budget_all_ends() -> None:
    world = World({"a": 1e9, "b": 1e9})
    assert world.run([part("a", 100), part("b", 100)], budget=30) == ["a", "b"]  # less than half of a limit
    world = World({"a": 1e9, "b": 1e9})
    assert world.run([part("a", 50), part("b", 50)], budget=30, jobs=1) == ["b"]
    assert world.states() == {"a": "out of time"} and world.now == 30


def test_after_an_interruption_nothing_goes_on() -> None:
    world = World({"a": 1e9, "b": 1e9})

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    world.sleep = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.run([part("a"), part("b")])
    assert {name for _, what, name in world.log if what == "is ended"} == {"a", "b"}


# --- results ------------------------------------------------------------------------------------------------


def test_only_what_was_done_at_this_commit_is_not_repeated() -> None:
    results = {
        "done": {"state": "done", "commit": "abc"},
        "older": {"state": "done", "commit": "abd"},
        "failed": {"state": "failed", "commit": "abc"},
        "late": {"state": "out of time", "commit": "abc"},
    }
    parts = [part(name) for name in (*results, "new")]
    assert [p.name for p in gpu.to_do(parts, results, "abc")] == ["older", "failed", "late", "new"]


def test_results_name_commit_and_machine_and_a_second_call_continues(tmp_path: Path) -> None:
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('{\"rows\": [1]}')"
    one = Part("one", ("-c", write, "{folder}/one.json"), 60, gpu.of_question("one"))
    two = Part("two", ("-c", "raise SystemExit(3)"), 60, gpu.of_question("two"), alone=True)
    results = gpu.measure(tmp_path, [one, two], 1, 2, "abc")
    assert (results["one"]["state"], results["one"]["result"]) == ("done", [1])
    assert (results["two"]["state"], results["two"]["result"]) == ("failed", None)
    assert json.loads((tmp_path / "gpu.json").read_text())["parts"] == results
    for result in results.values():
        assert result["commit"] == result["machine"]["commit"] == "abc" and "torch" in result["machine"]
    before = results["one"]["seconds"]
    (tmp_path / "abc" / "one.json").unlink()
    again = gpu.measure(tmp_path, [one, two], 1, 2, "abc")
    assert again["one"]["result"] == [1] and again["one"]["seconds"] == before


def test_without_a_gpu_it_says_so_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == "There is no GPU here, so nothing was measured.\n"
    assert not (tmp_path / "out").exists()


def test_without_a_commit_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("GANTUTOR_COMMIT", "unknown")
    assert gpu.main(["--out", str(tmp_path / "out")]) == 2
    assert "pass --commit" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_the_plan_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main(["--plan", "--only", "loop", "--jobs", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and lines[-1].endswith("s  at most, 3 parts at once")


# --- the questions ------------------------------------------------------------------------------------------


def test_every_cause_is_tried_with_every_seed_and_a_file_is_continued(tmp_path: Path) -> None:
    played: list[tuple[str, int]] = []

    def play(setting: Any, seed: int) -> dict[str, float]:
        if len(played) == 5:
            raise KeyboardInterrupt
        played.append((setting.name, seed))
        return {"modes_strict": 8.0 - seed}

    out, settings = tmp_path / "ring.json", questions.SETTINGS["ring"]
    arguments = ("ring", out, settings, range(2), play)
    with pytest.raises(KeyboardInterrupt):
        questions.answer(*arguments, {"commit": "abc"})
    assert len(json.loads(out.read_text())["rows"]) == 5
    assert [seed for _, seed in played] == [0, 0, 0, 0, 1]
    first = list(played)
    played[:] = []
    rows = questions.answer(*arguments, {"commit": "abc"})
    assert len(rows) == 8 and not set(first) & set(played)
    played[:] = []
    assert len(questions.answer("ring", out, settings[:1], range(2), play, {"commit": "other"})) == 2


@pytest.mark.parametrize("question", ["ring", "video"])
def test_the_causes_are_those_that_are_suspected(question: str) -> None:
    names = [setting.name for setting in questions.SETTINGS[question]]
    assert {f"{g}, {n}" for g in ("graphs", "no graphs") for n in ("float32", "tf32")} <= set(names)
    assert names[0] == ("graphs, bfloat16" if question == "video" else "graphs, float32")


def test_a_training_of_the_ring_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        scores = questions.ring(questions.Setting(True, "tf32"), 0, "cpu", 3)
        assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
        questions.ring(questions.Setting(False, "float32"), 0, "cpu", 3)
        assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
    assert {"modes_strict", "reverse_kl", "modes_strict_averaged", "seconds"} <= set(scores)


def test_the_examples_run() -> None:
    for module in (gpu, questions):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed
