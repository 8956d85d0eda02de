"""The contract that every notebook keeps in its committed outputs, and where its parameters are wrong."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import adopt_outputs
import papermill
import pytest
from notebook_cases import PATHS, SCORES, code_cells, every, first, lesson_cells, prose

import gantutor as gt
from gantutor import exercises
from gantutor.course.commands import notebook_files
from gantutor.course.commands.notebook_files import Notebook, text_of
from gantutor.course.score_report import read_notebook

STILL = ("image/", "text/", "audio/", "video/")


def code(notebook: Notebook) -> str:
    return "\n".join(text_of(cell["source"]) for cell in code_cells(notebook))


def outputs(notebook: Notebook) -> list[dict[str, Any]]:
    return [output for cell in code_cells(notebook) for output in cell["outputs"]]


# --- the committed outputs -------------------------------------------------------------------------------


@every
def test_it_asks_its_exercises(path: Path) -> None:
    asked = re.findall(r'exercises\.check\("(\d\d\.\d)", ', code(notebook_files.read(path)))
    numbers = [number for number in exercises.numbers() if number.startswith(path.stem[:2])]
    assert asked == numbers and 3 <= len(numbers) <= 5
    for number in numbers:
        assert f"**{number} " in prose(notebook_files.read(path))


@every
def test_an_unanswered_exercise_says_so(path: Path) -> None:
    cells = [c for c in code_cells(notebook_files.read(path)) if "exercises.check(" in text_of(c["source"])]
    for cell in cells:
        said = "".join(text_of(output["data"]["text/plain"]) for output in cell["outputs"])
        assert "not answered yet" in said.lower()


@every
def test_every_live_view_left_a_picture(path: Path) -> None:
    views = re.compile(r"live\.(lab|explore|time_machine)\(|Dashboard\(.*\)\],")
    for cell in code_cells(notebook_files.read(path)):
        source = text_of(cell["source"])
        if views.search(source) and "def " not in source:
            assert any("image/png" in output.get("data", {}) for output in cell["outputs"]), source


@every
def test_the_outputs_belong_to_the_source_and_can_be_shown(path: Path) -> None:
    notebook = notebook_files.read(path)
    assert (
        adopt_outputs.check(notebook) == []
    )  # size, absolute paths, user names, errors, the hash of the source
    assert path.stat().st_size < 3_000_000
    assert notebook["metadata"]["gantutor"]["preset"] == "cpu"


@every
def test_the_cells_were_run_from_top_to_bottom(path: Path) -> None:
    cells = code_cells(notebook_files.read(path))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@every
def test_it_shows_at_least_one_figure_and_nothing_that_moves_only(path: Path) -> None:
    kinds = [set(output.get("data", {})) for output in outputs(notebook_files.read(path))]
    assert any(kind.startswith("image/") for found in kinds for kind in found)
    for found in kinds:
        assert not any("widget" in kind for kind in found) or any(kind.startswith(STILL) for kind in found)


@every
def test_it_ended_without_warnings(path: Path) -> None:
    for output in outputs(notebook_files.read(path)):
        assert output.get("name") != "stderr", text_of(output["text"])
        assert "Warning" not in text_of(output.get("text", ""))


@every
def test_it_records_the_scores_of_the_course(path: Path) -> None:
    found = read_notebook(path)
    assert set(SCORES.get(path.stem[:2], "").split()) <= set(found.scores)
    for name, entry in found.scores.items():
        assert set(entry) == {"value", "floor", "unit", "better"}, name
        assert all(type(entry[key]) in (int, float) for key in ("value", "floor")), name
        assert entry["better"] in ("lower", "higher") and entry["unit"], name


# --- wrong parameters ------------------------------------------------------------------------------------


def run_the_beginning(path: Path, folder: Path, **given: Any) -> None:
    """Run the parameters and the cell that checks them, as papermill does with a whole notebook."""
    notebook = copy.deepcopy(notebook_files.read(path))
    notebook["cells"] = lesson_cells(notebook)[:2]
    for cell in notebook["cells"]:
        cell["outputs"], cell["execution_count"] = [], None
    beginning = folder / path.name
    beginning.write_text(json.dumps(notebook), encoding="utf-8")
    papermill.execute_notebook(
        beginning,
        folder / "out.ipynb",
        parameters=given,
        cwd=folder,
        kernel_name="python3",
        progress_bar=False,
    )


@first
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"preset": "fast"}, "preset must be one of 'smoke', 'cpu', 'gpu', not 'fast'"),
        ({"seed": -1}, r"seed must be a whole number .*, not -1"),
        ({"seed": "three"}, r"seed must be a whole number .*, not 'three'"),
        ({"device": "abacus"}, r"device must be 'auto' or one of .*, not 'abacus'"),
    ],
    ids=["preset", "seed", "word", "device"],
)
@pytest.mark.filterwarnings("ignore")  # papermill's own, of unknown parameters
def test_a_wrong_parameter_ends_in_one_sentence(path: Path, tmp_path: Path, given: Any, said: str) -> None:
    refused(path, tmp_path, said, **given)


MISSPELT = r"unknown parameter 'prest': did you mean 'preset'\? The parameters are: preset, seed"


@first
@pytest.mark.filterwarnings("ignore")
def test_a_misspelt_parameter_ends_in_one_sentence(path: Path, tmp_path: Path) -> None:
    refused(path, tmp_path, MISSPELT, prest="smoke")


@every
def test_a_misspelt_parameter_is_refused_by_every_notebook(path: Path) -> None:
    parameters, checks = (text_of(cell["source"]) for cell in lesson_cells(notebook_files.read(path))[:2])
    injected = "# Parameters\nprest = 'smoke'"  # as papermill writes it
    namespace: dict[str, Any] = {"In": ["", parameters, injected, checks]}
    exec(parameters + "\n" + injected, namespace)
    with pytest.raises(gt.InputError, match=MISSPELT):
        exec(checks, namespace)


@pytest.mark.parametrize("path", [path for path in PATHS if path.stem.startswith("08")])
@pytest.mark.filterwarnings("ignore")
def test_a_film_too_short_for_one_clip_ends_in_one_sentence(path: Path, tmp_path: Path) -> None:
    said = "a film of 1.5 s is too short for one clip: 16 frames, 8 a second, last 2 s"
    refused(path, tmp_path, said, film_seconds=1.5)


def refused(path: Path, folder: Path, said: str, **given: Any) -> None:
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        run_the_beginning(path, folder, **given)
    assert caught.value.ename == "InputError"
    assert re.fullmatch(said + ".*", caught.value.evalue)
    shown = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(caught.value.traceback)).strip()
    assert shown == f"InputError: {caught.value.evalue}"  # no traceback through the package


@first
def test_right_parameters_pass(path: Path, tmp_path: Path) -> None:
    run_the_beginning(path, tmp_path, preset="smoke", seed=3, device="cpu")
