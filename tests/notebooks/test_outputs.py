"""The scripts that look after the course's outputs: what is adopted, compared and written."""

from __future__ import annotations

import copy
import doctest
import json
from pathlib import Path
from typing import Any

import adopt_outputs
import api_pages
import count_tests
import pytest
import readme_scores
import site_sources
from small_course import PARAMETERS, executed, shown

from gantutor.course.commands import notebook_files, run_course, tolerance
from gantutor.metrics import MIME

ROOT = Path(__file__).resolve().parents[2]


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
    assert "| 01       | modes | 8     | 8         | 1.0    | modes | higher | 60      |" in text
    assert text.startswith("# Title\n<!-- scores -->\n") and text.endswith("\n<!-- /scores -->\nThe end\n")


def test_the_counts_are_those_of_the_reports(tmp_path: Path) -> None:
    (tmp_path / "unit.xml").write_text(
        '<testsuites><testsuite tests="10" failures="1" errors="1" skipped="2"/></testsuites>'
    )
    states = ["done", "done", "failed", "differs", "interrupted", "not run"]
    content = {"notebooks": {str(index): {"state": state} for index, state in enumerate(states)}}
    (tmp_path / "scores.json").write_text(json.dumps(content))
    assert count_tests.line(tmp_path) == (
        "tests: 6 passed, 2 failed, 2 skipped; browser tests: 0 passed, 0 failed, 0 skipped; tests of platforms: 0 passed, 0 failed, 0 skipped; "
        "tests of the site: 0 passed, 0 failed, 0 skipped; "
        "notebook cells repeated: 0 passed, 0 failed, 0 skipped; "
        "smoke notebooks: 0 passed, 0 failed, 0 not run; course notebooks: 2 passed, 2 failed, 2 not run"
    )


def test_the_examples_of_the_scripts_run() -> None:
    for module in (run_course, readme_scores, api_pages, site_sources):
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
