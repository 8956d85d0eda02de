"""The guide, the gallery and the page on troubleshooting: examples that run, and pass a type checker."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import run_examples

from gantutor import cli

ROOT = Path(__file__).resolve().parents[2]

NAMES = ("guide", "gallery", "troubleshooting")
PAGES = {name: (ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in NAMES}
LINKS = {
    (name, link)
    for name, text in PAGES.items()
    for link in re.findall(
        r"\]\((?!https?:)([^)#]+)\)", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    )
}


def finished(command: list[str], folder: Path) -> str:
    """What a command prints that must end well, on one thread."""
    one = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=one, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def printed_by(page: str, folder: Path) -> str:
    script, text = ROOT / "scripts/course/run_examples.py", ROOT / f"docs/{page}.md"
    return finished([sys.executable, str(script), str(text)], folder)


def test_the_examples_of_the_guide_run_in_order(tmp_path: Path) -> None:
    said = printed_by("guide", tmp_path)
    assert "generator(z, condition) with z of shape (64, 64) failed" in said
    assert "Resumed at step 30" in said and "<Run: 20 steps, 1,280 images" in said
    found = re.search(r"^distance: (-?[\d.]+) .*real data (-?[\d.]+);", said, re.MULTILINE)
    # One picture for all has 0.13, white ones 1.3, noise 3.7.
    assert found and float(found[2]) < float(found[1]) < 0.1, said
    table = re.search(r"^(-?[\d.]+) real data (-?[\d.e-]+)$", said, re.MULTILINE)
    assert table and float(table[1]) < 0.1, said
    assert (tmp_path / "runs/two.zip").is_file() and (tmp_path / "squares.png").is_file()


def test_the_examples_of_the_gallery_run_in_order(tmp_path: Path) -> None:
    said = printed_by("gallery", tmp_path)
    assert "DCGAN torch.Size([16, 1, 28, 28])" in said and "waves torch.Size([4, 1, 512])" in said
    found = re.search(r"^styles: discriminator.augmentation ([\d.]+)$", said, re.MULTILINE)
    assert found and 0 < float(found[1]) < 1, said
    correlation = re.search(r"^correlation: tensor\(([\d.]+)\) real: tensor\(([\d.]+)\)$", said, re.MULTILINE)
    assert correlation and float(correlation[1]) > 0.5 * float(correlation[2]), said


def test_the_examples_of_the_page_on_troubleshooting_run_in_order(tmp_path: Path) -> None:
    said = printed_by("troubleshooting", tmp_path)
    assert "the loss of the discriminator stopped being finite" in said and "Resumed at step 200" in said
    assert (tmp_path / "runs/mine.zip").is_file()


def test_the_commands_of_the_page_on_troubleshooting_are_understood() -> None:
    text = PAGES["troubleshooting"].replace("\\\n", " ")
    lines = re.findall(r"^    (?:torchrun .*-m )?gantutor (.+)$", text, re.MULTILINE)
    assert len(lines) == 4 and all("--checkpoint" in line for line in lines)
    for line in lines:
        assert cli._parser().parse_args(shlex.split(line)).steps == 900


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_pass_a_strict_type_checker(page: str, tmp_path: Path) -> None:
    script = ""
    for code in run_examples.examples(PAGES[page]):
        name = run_examples.file_of(code)
        if name:
            (tmp_path / name).write_text(code.lstrip("\n"), encoding="utf-8")
        else:
            script += code[script.count("\n") :]
    (tmp_path / f"{page}.py").write_text(script, encoding="utf-8")
    files = sorted(path.name for path in tmp_path.glob("*.py"))
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    finished([sys.executable, "-m", "mypy", *settings, *files], tmp_path)


@pytest.mark.parametrize(("page", "link"), sorted(LINKS))
def test_a_link_leads_to_a_file(page: str, link: str) -> None:
    assert (ROOT / "docs" / link).is_file()


def test_an_error_names_the_line_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text(
        "one\n\n```python\n# at_hand.py\nx = 1\n```\n```python\nimport at_hand\n1 / 0\n```\n"
    )
    command = [sys.executable, str(ROOT / "scripts/course/run_examples.py"), "text.md"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and 'File "text.md", line 9' in done.stderr
    assert (tmp_path / "at_hand.py").read_text() == "# at_hand.py\nx = 1\n"
