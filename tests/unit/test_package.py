"""The package as it is installed: what the wheel holds, what an import loads, what its sources never call."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from statistics import median

import pytest

from gantutor.course.commands.course_files import OF_THE_SITE

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gantutor"
SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("gantutor-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    here = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    here |= {f"gantutor/data/files/{path.name}" for path in (ROOT / "data").iterdir()}
    here |= {
        f"gantutor/course/files/{path.relative_to(ROOT).as_posix()}"
        for folder in ("notebooks", "docs", "images")
        for path in (ROOT / folder).glob("*.*")
        if path.is_file()
    }
    here -= {f"gantutor/course/files/{name}" for name in OF_THE_SITE}
    there = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert there == here
    assert {"gantutor/py.typed", "gantutor/metrics/digit_classifier.safetensors"} <= there


def test_the_files_of_the_wheel_are_those_of_the_package(wheel: zipfile.ZipFile) -> None:
    name = "gantutor/metrics/digit_classifier.safetensors"
    assert wheel.read(name) == (ROOT / name).read_bytes()
    for path in (ROOT / "data").iterdir():
        assert wheel.read(f"gantutor/data/files/{path.name}") == path.read_bytes()
    data = sum(path.stat().st_size for path in (ROOT / "data").iterdir())
    code = sum(info.file_size for info in wheel.infolist() if info.filename.endswith(".py"))
    course = sum(info.file_size for info in wheel.infolist() if "/course/files/" in info.filename)
    weights = sum(info.file_size for info in wheel.infolist()) - code - data - course
    written = [*(ROOT / "gantutor").rglob("*.py"), ROOT / "docs" / "colab_cell.py"]
    assert code == sum(path.stat().st_size for path in written)
    assert data < 8_500_000 and weights < 2_600_000 and course < 33_000_000
    assert sum(info.compress_size for info in wheel.infolist()) < 35_000_000


def test_the_course_of_an_installed_package_is_copied_whole(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "installed")
    code = (
        "from pathlib import Path\nfrom gantutor.course.commands.course_files import checkout, copy_course\n"
        "print(checkout(), *copy_course(Path('a course')))"
    )
    alone = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=alone, capture_output=True, text=True, check=True
    )
    copied = [path for path in (tmp_path / "a course").rglob("*") if path.is_file()]
    assert done.stdout.split() == ["None", str(len(copied) - 1), "[]"]  # the record is not counted
    for path in copied:
        name = path.relative_to(tmp_path / "a course")
        assert name.name == ".gantutor-course.json" or path.read_bytes() == (ROOT / name).read_bytes()
    assert {"README.md", "LICENSE", "notebooks", "docs", "images", "data"} <= {
        path.name for path in (tmp_path / "a course").iterdir()
    }


def test_an_installed_package_finds_its_recordings(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import gantutor as gt; print(gt.__file__, len(gt.data.spoken_digits().train))"
    alone = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=alone, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(tmp_path / "gantutor/__init__.py"), "1817"]


def test_what_is_built_from_the_source_archive_holds_the_recordings(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--sdist",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, capture_output=True, timeout=180, check=True)
    (path,) = tmp_path.glob("gantutor-*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"data/{each.name}" for each in (ROOT / "data").iterdir()} <= names
    assert {"images/lab.png", "notebooks/00_start_here.ipynb", "docs/guide.md", "README.md"} <= names
    assert not any(name.startswith("gantutor/data/files") for name in names)


def test_what_is_installed_as_a_checkout_leads_to_it(tmp_path: Path) -> None:
    """As with pip install -e, which fails where a file of Python lies among those that the wheel moves."""
    pytest.importorskip("editables")
    code = f"from hatchling.build import build_editable\nprint(build_editable({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=180, check=True)
    (path,) = tmp_path.glob("gantutor-*.whl")
    with zipfile.ZipFile(path) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".pth"))
        assert Path(wheel.read(name).decode().strip()) == ROOT


def test_the_wheel_carries_licence_version_and_needs(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    said = wheel.read(metadata).decode()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())
    assert "License-Expression: MIT" in said and "Requires-Python: <3.15,>=3.11" in said
    needs = [
        line for line in said.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line
    ]
    assert any(line.startswith("Requires-Dist: torch<2.15,>=2.8") for line in needs)
    for name in ("jupyterlab", "ipywidgets", "scipy", "torchvision", "pytest"):
        assert not any(name in line for line in needs)


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after some code."""
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


HEAVY = {
    "matplotlib",
    "torchvision",
    "torchaudio",
    "IPython",
    "ipywidgets",
    "mlxtend",
    "scipy",
    "sklearn",
    "pandas",
    "sktime",
    "soundfile",
}


def test_the_import_loads_torch_when_it_is_needed_and_little_beside() -> None:
    assert "torch" not in modules_after("import gantutor")
    assert "torch" in (loaded := modules_after("import gantutor\ngantutor.train, gantutor.metrics"))
    assert not HEAVY & loaded


def test_what_is_public_is_there_and_nothing_else() -> None:
    import gantutor

    assert all(getattr(gantutor, name) is not None for name in gantutor.__all__)
    assert set(gantutor.__all__) <= set(dir(gantutor))
    with pytest.raises(AttributeError, match="module 'gantutor' has no attribute 'trian'"):
        _ = gantutor.trian


def test_the_import_costs_little_beside_torch() -> None:
    """At most a fifth on top of torch's own, as the median of three fresh interpreters."""
    parts = "data, games, metrics, networks, objectives, sampling, training"
    shares = []
    for _ in range(3):
        command = [sys.executable, "-X", "importtime", "-c", f"import torch; from gantutor import {parts}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        lines = (line[12:].split("|") for line in done.stderr.splitlines() if line.count("|") == 2)
        found = [(name, *map(int, times)) for *times, name in lines if times[1].strip().isdigit()]
        names = [name.strip() for name, *_ in found]
        after = names.index("torch") + 1  # a module stands behind those that it imports
        shares.append(sum(own for _, own, _ in found[after:]) / found[after - 1][2])
    assert median(shares) <= 0.2


def test_pictures_load_when_they_are_asked_for() -> None:
    draw = "import torch, gantutor as gt\ngt.plots.grid(torch.zeros(4, 1, 8, 8), 'nothing')"
    assert "matplotlib" in modules_after(draw)


def test_digits_are_read_and_scored_without_the_extras() -> None:
    load = "import gantutor as gt\ndigits = gt.data.digits()\n"
    score = "gt.metrics.digit_scores(digits.train.tensors[0][:50], digits.held_out)"
    assert not HEAVY & modules_after(load + score)


def calls_that_unpickle(source: str) -> list[str]:
    """The places of a source that could run a pickle."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] in PICKLES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module.split(".")[0] in PICKLES else []
            found += [
                f"torch.{n.name}" for n in node.names if node.module == "torch" and n.name in ("load", "save")
            ]
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in (
            "torch.load",
            "torch.save",
            "torch.hub",
            "np.load",
        ):
            found.append(ast.unparse(node))
    return found


PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("path", SOURCES, ids=[path.relative_to(PACKAGE).as_posix() for path in SOURCES])
def test_nothing_is_pickled(path: Path) -> None:
    assert calls_that_unpickle(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import joblib.x",
    ],
)
def test_the_search_for_pickles_finds_them(source: str) -> None:
    assert len(calls_that_unpickle(source)) == 1


def test_the_version_is_the_same_in_both_places() -> None:
    import tomllib

    import gantutor

    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert gantutor.__version__ == said["project"]["version"]
