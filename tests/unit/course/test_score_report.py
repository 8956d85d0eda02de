"""Scores recorded in executed notebooks, collected into tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gantutor._errors import InputError
from gantutor.cli import main
from gantutor.course.score_report import as_json, as_markdown, collect
from gantutor.metrics import MIME, score

FID = {"value": 1.5, "floor": 0.5, "unit": "distance", "better": "lower"}
RECALL = {"value": 0.8, "floor": None, "unit": "share", "better": "higher"}


def output(scores: dict[str, Any], seconds: dict[str, float] | None = None) -> dict[str, Any]:
    metadata = {"gantutor": {"seconds": seconds or {}}}
    return {"output_type": "display_data", "data": {MIME: scores, "text/plain": "…"}, "metadata": metadata}


def write(path: Path, *outputs: dict[str, Any], **metadata: Any) -> None:
    cells = [{"cell_type": "markdown", "source": "Some prose"}]
    cells += [{"cell_type": "code", "source": "", "outputs": [one]} for one in outputs]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))


def test_the_type_is_the_one_that_is_recorded() -> None:
    assert score.MIME == MIME


def test_scores_are_collected_in_order_and_later_ones_count(tmp_path: Path) -> None:
    first, second = output({"fid": {**FID, "value": 9}}), output({"fid": FID}, {"fid": 60.0})
    write(tmp_path / "run" / "02_b.ipynb", first, second)
    write(tmp_path / "01_a.ipynb", output({"recall": RECALL}), papermill={"duration": 12.5})
    write(tmp_path / "00_none.ipynb")
    one, two = collect(tmp_path)
    assert (one.name, one.scores, one.seconds) == ("01_a", {"recall": RECALL}, {"notebook": 12.5})
    assert (two.name, two.scores, two.seconds) == ("02_b", {"fid": FID}, {"fid": 60.0})
    assert as_json([two]) == {"02_b": {"scores": {"fid": FID}, "seconds": {"fid": 60.0}}}


def test_products_and_hidden_copies_are_left_out(tmp_path: Path) -> None:
    for folder in ("outputs", ".ipynb_checkpoints", "run/deeper"):
        write(tmp_path / folder / "copy.ipynb", output({"fid": FID}))
    write(tmp_path / "01.ipynb", output({"fid": FID}))
    assert [notebook.name for notebook in collect(tmp_path)] == ["01"]


def test_the_seconds_of_a_committed_notebook_are_read(tmp_path: Path) -> None:
    write(tmp_path / "01.ipynb", output({"fid": FID}), gantutor={"seconds": 61})
    assert collect(tmp_path)[0].seconds == {"notebook": 61.0}


def test_the_table(tmp_path: Path) -> None:
    write(tmp_path / "03.ipynb", output({"fid": FID, "recall": RECALL}), papermill={"duration": 310.4})
    assert as_markdown(collect(tmp_path)).splitlines() == [
        "| notebook | score  | value | real data | × real | unit     | better | seconds |",
        "| -------- | ------ | ----- | --------- | ------ | -------- | ------ | ------- |",
        "| 03       | fid    | 1.5   | 0.5       | 3.0    | distance | lower  | 310     |",
        "|          | recall | 0.8   |           |        | share    | higher |         |",
    ]


@pytest.mark.parametrize("real", [0, 0.0, None, "n/a"])
def test_there_is_no_multiple_of_a_real_data_value_that_is_none(tmp_path: Path, real: Any) -> None:
    write(tmp_path / "03.ipynb", output({"fid": {**FID, "floor": real}}))
    assert [cell.strip() for cell in as_markdown(collect(tmp_path)).splitlines()[2].split("|")][5] == ""


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": 3}', '{"cells": [3]}', "\x00"])
def test_a_damaged_notebook_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "01.ipynb").write_text(content)
    with pytest.raises(InputError, match=r"01\.ipynb cannot be read as a notebook"):
        collect(tmp_path)


def test_the_command_prints_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "03.ipynb", output({"fid": FID}))
    assert main(["scores", str(tmp_path)]) == 0
    assert "| fid" in capsys.readouterr().out
    write(tmp_path / "03.ipynb")
    assert main(["scores", str(tmp_path)]) == 0
    assert "have recorded no scores" in capsys.readouterr().out


@pytest.mark.parametrize(("folder", "said"), [("nowhere", "there is no folder"), ("", "no notebook in")])
def test_a_folder_that_cannot_be_used_ends_in_a_sentence(
    tmp_path: Path, folder: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scores", str(tmp_path / folder)]) == 2
    caught = capsys.readouterr()
    assert said in caught.err
    assert caught.err.count("\n") == 1
    assert not caught.out
