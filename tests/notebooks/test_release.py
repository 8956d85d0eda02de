"""The checks of a release: what an archive lacks or must not contain is named, and all versions agree."""

from __future__ import annotations

import doctest
import json
import re
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import check_release
import pytest

import gantutor

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    "gantutor/cli.py",
    "data/a.flac",
    "notebooks/00.ipynb",
    "docs/guide.md",
    "images/lab.png",
    "tests/t.py",
]
METADATA = """Metadata-Version: 2.4
Name: gantutor
Version: 9.0
License-Expression: MIT AND CC-BY-SA-4.0
Requires-Python: <3.15,>=3.11
"""


def wheel(
    folder: Path,
    metadata: str = METADATA,
    entry: str = "gantutor = gantutor.cli:main",
    leave_out: Iterable[str] = (),
    more: Iterable[str] = (),
) -> Path:
    path = folder / "gantutor-9.0-py3-none-any.whl"
    about = {
        "METADATA": metadata,
        "entry_points.txt": f"[console_scripts]\n{entry}\n",
        "licenses/LICENSE": "MIT",
        "RECORD": "",
    }
    content = {f"gantutor-9.0.dist-info/{name}": text for name, text in about.items()}
    content |= dict.fromkeys([*check_release.expected_in_wheel(FILES), *more], "")
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(content.keys() - set(leave_out)):
            archive.writestr(name, content[name])
    return path


def test_a_whole_wheel_is_counted(tmp_path: Path) -> None:
    assert ": 9 files, 0.0 MB" in check_release.check_wheel(wheel(tmp_path), FILES, "9.0")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"leave_out": ["gantutor/data/files/a.flac"]}, "lacks gantutor/data/files/a.flac"),
        ({"leave_out": ["gantutor-9.0.dist-info/licenses/LICENSE"]}, "lacks .*licenses/LICENSE"),
        ({"more": ["gantutor/scratch.py"]}, "must not contain gantutor/scratch.py"),
        ({"more": [f"tests/{n}.py" for n in range(5)]}, "tests/2.py and 2 more"),
        ({"metadata": METADATA.replace("9.0", "8.0")}, "states Version 8.0, and must state 9.0"),
        ({"metadata": METADATA.replace("MIT AND ", "")}, "states License-Expression CC-BY-SA-4.0"),
        ({"entry": "other = a:b"}, "does not install the command gantutor"),
    ],
)
def test_what_is_wrong_with_a_wheel_is_named(tmp_path: Path, change: dict[str, str], said: str) -> None:
    with pytest.raises(check_release.Failed, match=said):
        check_release.check_wheel(wheel(tmp_path, **change), FILES, "9.0")


def test_an_archive_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_release, "LARGEST", 10)
    with pytest.raises(check_release.Failed, match=r"has 0\.0 MB, and may have"):
        check_release.check_wheel(wheel(tmp_path), FILES, "9.0")


def source(folder: Path, *names: str) -> Path:
    path = folder / "gantutor-9.0.tar.gz"
    (folder / "empty").touch()
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.add(folder / "empty", f"gantutor-9.0/{name}")
    return path


def test_what_a_source_archive_lacks_or_has_too_much_is_named(tmp_path: Path) -> None:
    included = ["gantutor", "tests"]
    whole = ["PKG-INFO", ".gitignore", "gantutor/cli.py", "tests/t.py"]
    assert ": 4 files" in check_release.check_source(source(tmp_path, *whole), FILES, included)
    with pytest.raises(check_release.Failed, match=r"lacks tests/t\.py"):
        check_release.check_source(source(tmp_path, *whole[:3]), FILES, included)
    with pytest.raises(check_release.Failed, match=r"must not contain runs/scores\.json"):
        check_release.check_source(source(tmp_path, *whole, "runs/scores.json"), FILES, included)


def test_without_git_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(check_release.Failed, match="is not a git checkout"):
        check_release.tracked(tmp_path / "nowhere")


def test_a_command_that_fails_is_shown_with_what_it_said(tmp_path: Path) -> None:
    import sys

    with pytest.raises(check_release.Failed, match="failed:\nwhy"):
        check_release.run([sys.executable, "-c", "import sys; sys.exit('why')"], tmp_path)


# --- what states the version, and the files of services -----------------------------------------------------


def test_every_place_states_the_same_version() -> None:
    version = gantutor.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(\d[^]]*)\] - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)[0]
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [version] == [newest[0]]
    assert f'date-released: "{newest[1]}"' in citation
    assert re.findall(r"gantutor-([\d.]+)-py3-none-any\.whl", readme) == [version]


def test_the_citation_can_be_read() -> None:
    yaml = pytest.importorskip("yaml")
    content = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert content["cff-version"] == "1.2.0" and content["authors"] and content["message"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.stem
)
def test_a_workflow_calls_only_scripts_that_exist(path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert jobs and all("runs-on" in job and "timeout-minutes" in job for job in jobs.values())
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    named = re.findall(r"(?:^|\s)(\.ci/run|(?:scripts|tests)/[\w./]+)", "\n".join(commands))
    assert named and all((ROOT / name).exists() for name in named)


def test_the_container_for_development_makes_the_environment() -> None:
    content = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert content["updateContentCommand"] == "make .venv/.ready"
    assert "\n.venv/.ready:" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["README.md", "docs/teaching.md", "docs/guide.md", "docs/troubleshooting.md"]
)
def test_a_figure_of_a_gpu_names_the_commit_it_was_measured_at(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    measured = [part for part in re.split(r"\n\n|\n- ", text) if re.search(r"\b[AHVL]\d{2,3}0?\b", part)]
    assert all(re.search(r"commit [0-9a-f]{7,}", part) for part in measured)
    assert measured or name not in ("README.md", "docs/teaching.md")


def test_the_examples_run() -> None:
    result = doctest.testmod(check_release)
    assert result.attempted and not result.failed
