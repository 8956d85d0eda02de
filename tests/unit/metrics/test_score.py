"""A score says what it is, and a notebook records it where a run of the course finds it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from gantutor.course.score_report import read_notebook
from gantutor.metrics import MIME, Score, Scores, record

FID = Score(1.5, 0.5, "distance", "lower", 4000, "1,000 held-out digits")
RECALL = Score(0.8, 0.9, "share <of real>", "higher", 1000, "1,000 held-out digits")


def test_the_multiple_of_the_floor() -> None:
    assert FID.multiple == 3
    assert RECALL.multiple == pytest.approx(0.8 / 0.9)
    assert Score(1.0, 0.0, "nats", "lower", 10, "x").multiple == math.inf


@pytest.mark.parametrize("better", ["", "Lower", "less", None])
def test_better_is_lower_or_higher(better: Any) -> None:
    with pytest.raises(ValueError, match="better must be 'lower' or 'higher', not "):
        Score(1.0, 1.0, "share", better, 10, "x")


def test_the_text_says_floor_samples_and_reference() -> None:
    said = str(FID)
    for part in (
        "1.5 distance",
        "lower is better",
        "real data 0.5",
        "4,000 samples",
        "against 1,000 held-out digits",
    ):
        assert part in said


def test_the_table_has_a_row_a_score_and_escapes_what_it_shows() -> None:
    html = Scores(digit_fid=FID, recall=RECALL)._repr_html_()
    assert html.count("<tr>") == 3
    assert "share &lt;of real&gt;" in html and "<of real>" not in html
    assert "4,000" in html and "1,000 held-out digits" in html


def test_some_of_the_scores_under_other_names() -> None:
    scores = Scores(digit_fid=FID, recall=RECALL)
    chosen = scores.only("recall", digit_fid_labelled="digit_fid")
    assert list(chosen) == ["recall", "digit_fid_labelled"]
    assert chosen["digit_fid_labelled"] is FID
    assert isinstance(chosen, Scores)


CELL = """
from gantutor.metrics import Score, Scores, record
fid = Score(1.23456789, 0.5, "distance", "lower", 4000, "1,000 held-out digits")
record(Scores(digit_fid=fid, broken=Score(float("nan"), 0.0, "nats", "lower", 10, "x")),
       seconds={"digit_fid": 61.5})
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    folder = tmp_path_factory.mktemp("notebook")
    nbclient.NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": folder}}
    ).execute()
    nbformat.write(notebook, folder / "05_of_a_test.ipynb")
    return notebook, folder / "05_of_a_test.ipynb"


def test_a_notebook_records_the_bundle(executed: Any) -> None:
    notebook, _ = executed
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert output.data[MIME] == {
        "digit_fid": {"value": 1.23457, "floor": 0.5, "unit": "distance", "better": "lower"},
        "broken": {"value": None, "floor": 0.0, "unit": "nats", "better": "lower"},
    }
    assert output.data["text/html"].startswith("<table>")
    assert output.data["text/plain"].startswith("digit_fid: 1.23 distance (lower is better")


def test_the_seconds_are_in_the_metadata_and_not_in_the_data(executed: Any) -> None:
    notebook, _ = executed
    (output,) = notebook.cells[0].outputs
    assert output.metadata == {"gantutor": {"seconds": {"digit_fid": 61.5}}}
    assert "61.5" not in str(output.data)


def test_a_run_of_the_course_finds_them(executed: Any) -> None:
    _, path = executed
    found = read_notebook(Path(path))
    assert found.scores["digit_fid"]["value"] == 1.23457
    assert found.seconds["digit_fid"] == 61.5


def test_outside_a_notebook_they_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    record(Scores(digit_fid=FID))
    assert capsys.readouterr().out.strip() == str(Scores(digit_fid=FID))
