"""The contract that every notebook of the course keeps, in its source and in its committed outputs."""

from __future__ import annotations

import ast
import copy
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import papermill
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import adopt_outputs  # noqa: E402
import notebook_files  # noqa: E402
from notebook_files import Notebook, text_of  # noqa: E402

import gantutor  # noqa: E402
from gantutor import exercises  # noqa: E402
from gantutor.collect import read_notebook  # noqa: E402

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WORDS, CODE_CELLS, LINES = 2000, 35, 25
STILL = ("image/", "text/", "audio/", "video/")
SCORES = {
    "00": "environment_ok",
    "01": "ring_modes_collapsed ring_modes ring_reverse_kl optimal_discriminator_error",
    "02": "digit_fid digit_fid_class_means digit_fid_wgan_gp digits_covered nearest_neighbour_ratio",
    "03": "digit_fid recall precision class_accuracy digit_fid_unlabelled",
    "04": "sines_discriminative sines_predictive series_train_on_synthetic series_train_on_real "
    "series_last_value name_triples names_new names_distinct",
    "05": "reader_on_real reader_on_generated recall audio_frechet inception_score inception_score_real "
    "audio_to_audio audio_to_audio_input audio_to_audio_no_gan",
    "06": "face_kernel_distance face_kernel_distance_no_augmentation inversion_psnr inversion_psnr_nearest "
    "precision_before_rejection precision_after_rejection nearest_neighbour_ratio",
    "07": "reader_paired reader_regression reader_strings typeface_match reader_unpaired "
    "reader_unpaired_best_permutation",
    "08": "last_frame_class motion_diversity displacement_distance rotation_distance scale_distance "
    "displacement_distance_constant_motion",
    "10": "loop_ratio seconds_to_5x_floor resume_exact",
}

every = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
first = pytest.mark.parametrize("path", PATHS[:1], ids=[path.stem for path in PATHS[:1]])


def code_cells(notebook: Notebook) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def prose(notebook: Notebook) -> str:
    return "\n\n".join(text_of(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")


def code(notebook: Notebook) -> str:
    return "\n".join(text_of(cell["source"]) for cell in code_cells(notebook))


def outputs(notebook: Notebook) -> list[dict[str, Any]]:
    return [output for cell in code_cells(notebook) for output in cell["outputs"]]


def count_words(text: str) -> int:
    """Words a person reads: an equation counts as one, tags and addresses as none."""
    text = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", " equation ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|https?://\S+", " ", text)
    return len(re.findall(r"[^\W_]+(?:['’.,-][^\W_]+)*", text))


def assigned(source: str) -> list[str]:
    targets = [s.targets[0] for s in ast.parse(source).body if isinstance(s, ast.Assign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def validated(source: str) -> set[str]:
    """The names that a cell gives rules for when it calls ``validate``."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = (getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls)
    rules = [call for call, name in zip(calls, names, strict=True) if name == "validate"]
    return {word.arg for call in rules for word in call.keywords if word.arg}


def test_the_course_is_there() -> None:
    assert {path.stem[:2] for path in PATHS} >= set(SCORES)


def test_words_are_counted_as_a_reader_does() -> None:
    assert count_words("Don't *panic*: see [this page](notes.md), $x^2 + y$ <b>is</b> 2,000.") == 8


# --- the source ------------------------------------------------------------------------------------------


@every
def test_the_parameters_come_first(path: Path) -> None:
    first, second = code_cells(notebook_files.read(path))[:2]
    source = text_of(first["source"])
    tagged = [c for c in notebook_files.read(path)["cells"] if "parameters" in c["metadata"].get("tags", [])]
    assert [text_of(cell["source"]) for cell in tagged] == [source]
    assert source.startswith("# Parameters\n")
    names = assigned(source)
    assert names[:3] == ["preset", "seed", "device"]
    assert ast.literal_eval(source.split("preset =")[1].split("\n")[0].split("#")[0].strip()) == "cpu"
    assert validated(text_of(second["source"])) == set(names)


@every
def test_every_parameter_is_explained(path: Path) -> None:
    notebook = notebook_files.read(path)
    explained = prose(notebook)
    missing = [n for n in assigned(text_of(code_cells(notebook)[0]["source"])) if f"`{n}`" not in explained]
    assert not missing


@every
def test_nothing_is_defined_before_the_parameters_are_right(path: Path) -> None:
    body = ast.parse(text_of(code_cells(notebook_files.read(path))[1]["source"])).body
    kinds = [type(statement).__name__ for statement in body]
    calls = [index for index, statement in enumerate(body) if "validate(" in ast.unparse(statement)]
    assert len(calls) == 1
    assert set(kinds[: calls[0]]) <= {"Import", "ImportFrom", "Assign"}  # rules = gt.parameters


@every
def test_it_opens_with_what_it_gives_and_what_it_takes(path: Path) -> None:
    first = notebook_files.read(path)["cells"][0]
    said = text_of(first["source"])
    assert first["cell_type"] == "markdown" and said.startswith("# ")
    for words in ("you can", "Before", "Time", "two CPU cores", "GPU"):
        assert words in said


@every
def test_it_is_no_longer_than_a_reader_can_hold(path: Path) -> None:
    notebook = notebook_files.read(path)
    assert count_words(prose(notebook)) <= WORDS
    assert len(code_cells(notebook)) <= CODE_CELLS
    long = [
        text_of(c["source"]) for c in code_cells(notebook) if len(text_of(c["source"]).splitlines()) > LINES
    ]
    assert not long


@every
def test_it_names_its_kernel_and_nobodys_folders(path: Path) -> None:
    notebook = notebook_files.read(path)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert not notebook["metadata"].get("papermill")
    for cell in notebook["cells"]:
        assert not adopt_outputs.ABSOLUTE.search(text_of(cell["source"]))
        assert "widgets" not in cell["metadata"] and "execution" not in cell["metadata"]


def missing(source: str) -> list[str]:
    """What a source asks of the package, ``gt.part.name``, that is not there."""
    absent = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names, node = [node.attr, *names], node.value
        if isinstance(node, ast.Name) and node.id == "gt":
            found: Any = gantutor
            for name in names:
                if not isinstance(found, ModuleType):
                    break
                if not hasattr(found, name):
                    absent.append(f"gt.{'.'.join(names)}")
                    break
                found = getattr(found, name)
    return sorted(set(absent))


def test_what_the_package_lacks_is_found() -> None:
    assert missing("gt.run.Nothing(gt.metrics.recoil); gt.nowhere") == [
        "gt.metrics.recoil",
        "gt.nowhere",
        "gt.run.Nothing",
    ]


@every
def test_all_that_it_uses_of_the_package_is_there(path: Path) -> None:
    assert missing(code(notebook_files.read(path))) == []


@every
def test_its_prose_never_says_simply(path: Path) -> None:
    assert not re.search(
        r"\bsimply\b|\bobviously\b|\btrivial", prose(notebook_files.read(path)), re.IGNORECASE
    )


@every
def test_its_links_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|attachment:)([^)#\s]+)", prose(notebook_files.read(path)))
    assert [link for link in links if not (path.parent / link).exists()] == []


@every
def test_it_closes_with_references_and_what_comes_next(path: Path) -> None:
    notebook = notebook_files.read(path)
    said = prose(notebook)
    for heading in ("Exercises", "You may have read", "Closing"):
        assert re.search(rf"^#+ .*{heading}", said, re.MULTILINE), heading
    last = text_of([c for c in notebook["cells"] if c["cell_type"] == "markdown"][-1]["source"])
    assert "Next" in last and re.search(r"\b(19|20)\d\d\b", last)


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
    notebook["cells"] = code_cells(notebook)[:2]
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


@every
@pytest.mark.filterwarnings("ignore")
def test_a_misspelt_parameter_ends_in_one_sentence(path: Path, tmp_path: Path) -> None:
    said = r"unknown parameter 'prest': did you mean 'preset'\? The parameters are: preset, seed"
    refused(path, tmp_path, said, prest="smoke")


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
