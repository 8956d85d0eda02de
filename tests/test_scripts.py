"""The scripts that run the course and look after its outputs, on notebooks small enough to run here."""

from __future__ import annotations

import copy
import doctest
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import adopt_outputs  # noqa: E402
import counts  # noqa: E402
import notebook_files  # noqa: E402
import readme_scores  # noqa: E402
import run_course  # noqa: E402
import tolerance  # noqa: E402

from gantutor.metrics import MIME  # noqa: E402

PARAMETERS = "# Parameters\npreset = 'cpu'\nseed = 0"
RECORD = f"""from pathlib import Path
from IPython.display import display
Path("outputs").mkdir()
Path("outputs/seed.txt").write_text(str(seed))
scores = {{"modes": {{"value": 8 + seed, "floor": 8, "unit": "modes", "better": "higher"}}}}
display({{"{MIME}": scores, "text/plain": "8 modes"}}, raw=True)
import sys
print("trained in", Path.cwd())
print("a warning", file=sys.stderr)
1 + 1"""


def cell(source: str, *tags: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    head = {"cell_type": kind, "id": f"c{abs(hash((source, tags)))}"[:12], "metadata": {"tags": list(tags)}}
    return {**head, "source": source, **code, **more}


def notebook(*cells: dict[str, Any], **about: Any) -> dict[str, Any]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, **({"gantutor": about} if about else {})}
    return {"cells": [*cells], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def executed(*outputs: dict[str, Any], preset: str = "cpu") -> tuple[dict[str, Any], dict[str, Any]]:
    """A notebook, and what papermill makes of it where its one cell has these outputs."""
    source = notebook(cell("# Title", kind="markdown"), cell(PARAMETERS, "parameters"), cell("run()"))
    done = copy.deepcopy(source)
    injected = cell(f"# Parameters\npreset = {preset!r}\nseed = 3", "injected-parameters")
    done["cells"].insert(2, injected)
    done["cells"][3].update(outputs=list(outputs), execution_count=3)
    done["cells"][3]["metadata"]["papermill"] = {"duration": 1.5}
    done["metadata"]["papermill"] = {"output_path": "/home/ada/out.ipynb", "duration": 2.0}
    return source, done


def shown(text: str = "done", **data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text, **data}}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of three notebooks, of which the second fails, and one run of it at seed 1."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "notebooks").mkdir()
    failing = "x = 1\nraise ValueError('first line\\nthe last line')"
    sources = {"01_good": RECORD, "02_bad": failing, "03_good": "2"}
    for name, source in sources.items():
        content = notebook(cell(PARAMETERS, "parameters"), cell(source))
        notebook_files.write(folder / "notebooks" / f"{name}.ipynb", content)
    command = [sys.executable, ROOT / "scripts" / "run_course.py", "--notebooks", "notebooks", "--seed", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    (folder / "said").write_text(done.stdout)
    (folder / "status").write_text(str(done.returncode))
    return folder


def test_a_notebook_that_fails_is_named_and_the_others_run(course: Path) -> None:
    said = (course / "said").read_text()
    assert (course / "status").read_text() == "1"
    assert "FAILED 02_bad: the last line" in said
    assert said.splitlines()[-1] == "notebooks: 2 passed, 1 failed, 0 not run"


def test_each_notebook_runs_in_a_folder_of_its_own(course: Path) -> None:
    folder = course / "runs" / "course" / "01_good"
    assert (folder / "outputs" / "seed.txt").read_text() == "1"
    assert (folder / "01_good.ipynb").exists()
    assert not (course / "notebooks" / "outputs").exists()


def test_the_scores_are_written_as_table_and_as_json(course: Path) -> None:
    content = json.loads((course / "runs" / "scores.json").read_text())
    assert content["parameters"] == {"preset": "cpu", "seed": 1}
    assert content["scores"]["01_good"]["scores"]["modes"]["value"] == 9
    assert [entry["state"] for entry in content["notebooks"].values()] == ["done", "failed", "done"]
    table = (course / "runs" / "scores.md").read_text()
    assert "| 01_good  | modes | 9     | 8     | 1.1     | modes | higher |" in table
    assert table.splitlines()[2] in (course / "said").read_text()


def test_outputs_of_a_run_are_adopted_and_compared(course: Path, tmp_path: Path) -> None:
    path = tmp_path / "01_good.ipynb"
    path.write_text((course / "notebooks" / "01_good.ipynb").read_text())
    assert adopt_outputs.main(["--check", "--notebooks", str(tmp_path)]) == 1
    run = course / "runs" / "course"
    assert run_course.compare(path, run / "01_good" / path.name) == ([], "no outputs are committed")
    notebook_files.write(path, adopt_without_paths(path, run))
    assert adopt_outputs.main(["--check", "--notebooks", str(tmp_path)]) == 0
    assert run_course.compare(path, run / "01_good" / path.name) == ([], "")
    adopted = notebook_files.read(path)
    assert adopted["metadata"]["gantutor"]["seed"] == 1
    for output in adopted["cells"][1]["outputs"]:
        if MIME in output.get("data", {}):
            output["data"][MIME]["modes"]["value"] = 4
    notebook_files.write(path, adopted)
    (difference,), _ = run_course.compare(path, run / "01_good" / path.name)
    assert difference.startswith("modes is 9, but 4 is committed")


def adopt_without_paths(path: Path, run: Path) -> dict[str, Any]:
    """The printed working folder lies outside of the project here: it is refused, and adopted without."""
    done = notebook_files.read(run / path.stem / path.name)
    with pytest.raises(adopt_outputs.RefusedError, match="absolute path"):
        adopt_outputs.adopt(notebook_files.read(path), done)
    outputs = done["cells"][2]["outputs"]
    assert {output["output_type"] for output in outputs} == {"display_data", "stream", "execute_result"}
    done["cells"][2]["outputs"] = [output for output in outputs if output.get("name") != "stdout"]
    return adopt_outputs.adopt(notebook_files.read(path), done, 2.2)


def test_a_run_that_differs_from_the_committed_scores_fails(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(path: Path, out: Path, given: dict[str, Any]) -> run_course.Result:
        return run_course.Result(path.stem, "done", 1.0)

    monkeypatch.setattr(run_course, "run_one", answer)
    monkeypatch.setattr(run_course, "compare", lambda path, copy: (["modes is 3, but 8 is committed"], ""))
    arguments = ["01", "--notebooks", str(course / "notebooks"), "--out", str(tmp_path / "a")]
    assert run_course.main([*arguments, "--scores", str(tmp_path / "scores")]) == 1
    said = capsys.readouterr().out
    assert "DIFFERS 01_good: modes is 3, but 8 is committed" in said
    assert said.splitlines()[-1] == "notebooks: 0 passed, 1 failed, 0 not run"


def test_another_source_or_seed_is_not_compared(tmp_path: Path) -> None:
    source, done = executed(shown())
    run, path = tmp_path / "run.ipynb", tmp_path / "committed.ipynb"
    notebook_files.write(run, done)
    for about, reason in (
        ({"source_hash": "0"}, "the committed outputs belong to an older source"),
        (
            {"source_hash": notebook_files.source_hash(source), "preset": "cpu", "seed": 0},
            "committed are preset 'cpu' and seed 0",
        ),
    ):
        notebook_files.write(path, {**source, "metadata": {"gantutor": about}})
        assert run_course.compare(path, run) == ([], reason)


def test_no_notebook_begins_once_the_minutes_are_spent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([0.0, 0.0, 61.0])
    monkeypatch.setattr(run_course, "run_one", lambda path, out, given: run_course.Result(path.stem, "done"))
    monkeypatch.setattr(run_course, "compare", lambda path, copy: ([], ""))
    results = run_course.run_all([Path("a"), Path("b"), Path("c")], tmp_path, {}, 1, lambda: next(times))
    assert [result.state for result in results] == ["done", "not run", "not run"]
    assert "NOT RUN: b, c" in run_course.summary(results)
    assert "1 minutes are spent" in capsys.readouterr().out


def test_rotation_gives_each_notebook_its_turn() -> None:
    paths = [Path(name) for name in "abcd"]
    orders = [run_course.rotate(paths, f"{number:x}") for number in range(4)]
    assert {order[0] for order in orders} == set(paths)
    assert all(sorted(order) == paths for order in orders)


def test_names_pick_notebooks(course: Path) -> None:
    folder = course / "notebooks"
    found = run_course.find(folder, ["03", "notebooks/01_good.ipynb"])
    assert [path.stem for path in found] == ["01_good", "03_good"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["07"], "there is no notebook '07': the notebooks are 01_good, 02_bad, 03_good"),
        (["--seed", "-1"], "--seed must be a whole number of at least 0, not -1"),
        (["--seed", "1.5"], "invalid int value: '1.5'"),
        (["--minutes", "0"], "--minutes must be a number greater than 0, not 0"),
        (["--minutes", "nan"], "--minutes must be a number greater than 0, not nan"),
        (["--preset", "big"], "invalid choice: 'big'"),
        (["--notebooks", "nowhere"], "there is no notebook in 'nowhere'"),
    ],
)
def test_bad_input_ends_in_a_sentence(
    course: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: Any = run_course.main(["--notebooks", str(course / "notebooks"), *arguments])
    except SystemExit as exit:
        status = exit.code
    assert status == 2
    assert said in capsys.readouterr().err


def test_an_interruption_ends_cleanly(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    sleeping = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    for name in ("01", "02"):
        content = notebook(cell(PARAMETERS, "parameters"), cell(sleeping))
        notebook_files.write(tmp_path / "notebooks" / f"{name}.ipynb", content)
    command = [sys.executable, ROOT / "scripts" / "run_course.py", "--notebooks", "notebooks"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    pid = tmp_path / "runs" / "course" / "01" / "pid"
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-2:] == ["NOT RUN: 01, 02", "notebooks: 0 passed, 0 failed, 2 not run"]
    with pytest.raises(ProcessLookupError):  # the kernel is gone too
        os.kill(int(pid.read_text()), 0)


def test_the_hash_is_that_of_the_code_alone() -> None:
    source, done = executed(shown())
    first = notebook_files.source_hash(source)
    assert first == notebook_files.source_hash(done)
    listed = copy.deepcopy(source)
    listed["cells"][1]["source"] = PARAMETERS.splitlines(keepends=True)
    assert first == notebook_files.source_hash(listed)
    for index, changed, same in ((0, "# Other title", True), (2, "run(1)", False)):
        other = copy.deepcopy(source)
        other["cells"][index]["source"] = changed
        assert (first == notebook_files.source_hash(other)) is same


def test_adoption_takes_outputs_and_leaves_the_rest() -> None:
    kept = shown("a figure", **{"image/png": "iVBOR"})
    wrote = f"wrote {ROOT}/runs/a.png, {Path.home()}/b.png"
    source, done = executed(
        {"output_type": "stream", "name": "stderr", "text": ["/tmp/ipykernel_1/2.py: warning"]},
        {"output_type": "stream", "name": "stdout", "text": [wrote]},
        shown("HBox()", **{adopt_outputs.WIDGET: {"model_id": "0"}}),
        shown("a figure", **{"image/png": "iVBOR", adopt_outputs.WIDGET: {"model_id": "0"}}),
        {"output_type": "execute_result", "execution_count": 3, "metadata": {}, "data": {"text/plain": "2"}},
    )
    source["metadata"]["gantutor"] = {"tolerance": {"modes": [0, 1]}}
    result = adopt_outputs.adopt(source, done, 61.7)
    assert [one["source"] for one in result["cells"]] == [one["source"] for one in source["cells"]]
    assert result["cells"][1]["metadata"] == {"tags": ["parameters"]}
    printed, figure, value = result["cells"][2]["outputs"]
    assert printed["text"] == "wrote runs/a.png, ~/b.png"
    assert figure == kept
    assert value["execution_count"] == result["cells"][2]["execution_count"] == 2
    about = {"source_hash": notebook_files.source_hash(source), "preset": "cpu", "seed": 3, "seconds": 62}
    assert result["metadata"]["gantutor"] == {"tolerance": {"modes": [0, 1]}, **about}
    assert set(result["metadata"]) == {"kernelspec", "language_info", "gantutor"}
    assert adopt_outputs.check(result) == []


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ([], "it has no outputs"),
        ([{"output_type": "error", "ename": "KeyError", "evalue": ""}], "a cell ended in KeyError"),
        ([shown("saved in /home/ada/x.png")], "an absolute path"),
        ([shown("saved in C:\\Users\\ada")], "an absolute path"),
        ([shown("<p>", **{"text/html": "<a href='/Users/ada/x'>"})], "an absolute path"),
        ([shown("data", **{"application/json": {"file": "/mnt/x/y"}})], "an absolute path"),
        ([shown("big", **{"image/png": "A" * 3_000_001})], "it has 3.0 MB, more than 3 MB"),
    ],
)
def test_outputs_that_cannot_be_committed_are_refused(outputs: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(adopt_outputs.RefusedError, match=why):
        adopt_outputs.adopt(*executed(*outputs))


def test_the_name_of_the_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    with pytest.raises(adopt_outputs.RefusedError, match="name of the user"):
        adopt_outputs.adopt(*executed(shown("made by ada on monday")))
    assert adopt_outputs.adopt(*executed(shown("an adage")))


@pytest.mark.parametrize("text", ["https://a.org/home/x", "</tmp/a>", "ratio 1/2", "a/tmp/b", "x</opt/p>"])
def test_what_is_no_absolute_path_passes(text: str) -> None:
    assert adopt_outputs.adopt(*executed(shown(text)))


def test_a_picture_in_html_is_not_searched_for_paths() -> None:
    picture = "<img src='data:image/png;base64,AAAA+/tmp/aa/opt/b=='>"
    assert adopt_outputs.adopt(*executed(shown("x", **{"text/html": picture})))


def test_another_source_or_preset_is_refused() -> None:
    source, done = executed(shown(), preset="smoke")
    with pytest.raises(adopt_outputs.RefusedError, match="preset 'cpu', this run was 'smoke'"):
        adopt_outputs.adopt(source, done)
    source["cells"][2]["source"] = "run(again=True)"
    with pytest.raises(adopt_outputs.RefusedError, match="changed since it was run"):
        adopt_outputs.adopt(source, done)


def test_a_committed_notebook_that_was_edited_is_found() -> None:
    good = adopt_outputs.adopt(*executed(shown()))
    assert adopt_outputs.check(good) == []
    good["cells"][0]["source"] = "# New title"
    assert adopt_outputs.check(good) == []
    good["cells"][2]["source"] = "run(2)"
    (problem,) = adopt_outputs.check(good)
    assert problem.startswith("its outputs belong to another source")
    _, done = executed(shown())
    assert "it holds a cell of parameters that belongs to one run" in adopt_outputs.check(done)


@pytest.mark.parametrize(
    ("unit", "better", "before", "now", "agree"),
    [
        ("share", "higher", 0.90, 0.851, True),
        ("share", "higher", 0.90, 0.84, False),
        ("share", "lower", 0.01, 0.055, True),
        ("distance", "lower", 1.0, 1.99, True),
        ("distance", "lower", 1.0, 2.01, False),
        ("distance", "lower", 1.0, 0.49, False),
        ("distance", "lower", 0.001, 0.02, True),
        ("modes", "higher", 8, 7, True),
        ("modes", "higher", 8, 5, False),
        ("distance", "lower", None, None, True),
        ("distance", "lower", 1.0, None, False),
    ],
)
def test_the_default_tolerance(unit: str, better: str, before: Any, now: Any, agree: bool) -> None:
    score = {"unit": unit, "better": better}
    found = tolerance.differences({"s": {**score, "value": before}}, {"s": {**score, "value": now}}, {})
    assert (not found) == agree


def test_a_notebook_states_its_own_tolerance() -> None:
    before, now = ({"s": {"unit": "share", "better": "higher", "value": value}} for value in (0.9, 0.8))
    assert tolerance.differences(before, now, {})
    assert not tolerance.differences(before, now, {"s": (0.0, 0.11)})
    assert not tolerance.differences(before, now, {"s": (0.12, 0.0)})
    assert tolerance.differences(before, now, {"s": (0.1, 0.0)})


def test_a_score_that_only_one_side_has_is_a_difference() -> None:
    score = {"unit": "share", "better": "higher", "value": 1}
    assert tolerance.differences({"old": score}, {"new": score}, {}) == [
        "new was recorded but is not committed",
        "old is committed but was not recorded",
    ]


def test_the_readme_is_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"modes": {"value": 8, "floor": 8, "unit": "modes", "better": "higher"}}
    notebook_files.write(tmp_path / "01.ipynb", adopt_outputs.adopt(*executed(shown(**{MIME: scores})), 60))
    readme = tmp_path / "README.md"
    arguments = ["--readme", str(readme), "--notebooks", str(tmp_path)]
    readme.write_text("# Title\n")
    assert readme_scores.main(arguments) == 2
    assert "the README must hold <!-- scores -->" in capsys.readouterr().err
    readme.write_text("# Title\n<!-- scores -->\n<!-- /scores -->\nThe end\n")
    assert readme_scores.main([*arguments, "--check"]) == 1
    assert readme_scores.main(arguments) == 0
    assert readme_scores.main([*arguments, "--check"]) == 0
    text = readme.read_text()
    assert "| 01       | modes | 8     | 8     | 1.0     | modes | higher | 60      |" in text
    assert text.startswith("# Title\n<!-- scores -->\n") and text.endswith("\n<!-- /scores -->\nThe end\n")


def test_the_counts_are_those_of_the_reports(tmp_path: Path) -> None:
    (tmp_path / "unit.xml").write_text(
        '<testsuites><testsuite tests="10" failures="1" errors="1" skipped="2"/></testsuites>'
    )
    states = ["done", "done", "failed", "differs", "interrupted", "not run"]
    content = {"notebooks": {str(index): {"state": state} for index, state in enumerate(states)}}
    (tmp_path / "scores.json").write_text(json.dumps(content))
    assert counts.line(tmp_path) == (
        "tests: 6 passed, 2 failed, 2 skipped; browser tests: 0 passed, 0 failed, 0 skipped; "
        "notebook cells repeated: 0 passed, 0 failed, 0 skipped; "
        "smoke notebooks: 0 passed, 0 failed, 0 not run; course notebooks: 2 passed, 2 failed, 2 not run"
    )


def test_the_examples_of_the_scripts_run() -> None:
    for module in (run_course, readme_scores):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed


def test_lines_of_progress_are_left_as_they_stood_last() -> None:
    def text(content: str) -> dict[str, Any]:
        return {"output_type": "stream", "name": "stdout", "text": content}

    picture = {"output_type": "display_data", "data": {"image/png": "iVBOR"}, "metadata": {}}
    before, after = ("\r10 %", "\r20 %"), ("\r90 %\r", "100 %\r\ndone\n", "\r\n")
    outputs = [*map(text, before), picture, *map(text, after)]
    joined = adopt_outputs.joined(outputs)
    assert [output.get("text") for output in joined] == ["20 %", None, "100 %\ndone\n\n"]
