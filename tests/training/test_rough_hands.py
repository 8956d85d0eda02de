"""What careless and unlucky people do: two runs at once, no home, no space, kernels killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from disks import disk_of, fill
from small_course import PARAMETERS, cell, notebook

import gantutor as gt
from gantutor.cli import main
from gantutor.course.commands import notebook_files, run_course
from gantutor.course.commands.lock_folder import FolderInUse, lock_folder

ROOT = Path(__file__).resolve().parents[2]
COURSE = [sys.executable, "-m", "gantutor", "course", "--notebooks", "notebooks"]
PATH = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
LOCK = str(ROOT / "gantutor/course/commands/lock_folder.py")
DRAWS = "import gantutor as gt, torch\ngt.plots.grid(torch.zeros(4, 1, 8, 8), 'nothing')"


def course_of(folder: Path, **sources: str) -> Path:
    """A course of notebooks of one cell each, in a folder."""
    (folder / "notebooks").mkdir(parents=True)
    for name, source in sources.items():
        content = notebook(cell(PARAMETERS, "parameters"), cell(source))
        notebook_files.write(folder / "notebooks" / f"{name}.ipynb", content)
    return folder


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COURSE, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": PATH} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def until(there: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not there.exists():
        assert time.monotonic() < deadline, f"{there.name} did not come"
        time.sleep(0.05)


# --- two at once --------------------------------------------------------------------------------------------


def test_a_second_run_of_the_course_destroys_nothing(tmp_path: Path) -> None:
    folder = course_of(tmp_path, a="1")
    out = folder / "runs" / "course"
    with lock_folder(out):
        (out / "a").mkdir()
        (out / "a" / "kept").touch()
        done = run(folder)
    said = f"another run is at work in {Path('runs/course')}: wait for it to end, or end it; or name another"
    assert done.returncode == 2 and done.stderr == f"{said} folder with --out\n"
    assert (out / "a" / "kept").exists() and not (folder / "runs" / "scores.md").exists()


def test_other_folders_are_free_and_the_same_one_later(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with lock_folder(one), lock_folder(two), pytest.raises(FolderInUse), lock_folder(one):
        raise AssertionError("two hold one folder")
    with lock_folder(one):
        pass


def test_who_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(60)"
    command = [
        sys.executable,
        LOCK,
        "held",
        sys.executable,
        "-c",
        code,
    ]
    process = subprocess.Popen(command, cwd=tmp_path)
    until(tmp_path / "begun")
    with pytest.raises(FolderInUse, match="another run is at work"), lock_folder(tmp_path / "held"):
        raise AssertionError("the command does not hold the folder")
    process.kill()
    assert process.wait() == -signal.SIGKILL
    with lock_folder(tmp_path / "held"):
        pass


@pytest.mark.parametrize(("command", "status"), [(["false"], 1), (["no-such-command"], 2)])
def test_a_command_that_holds_a_folder_ends_as_it_would_alone(
    tmp_path: Path, command: list[str], status: int
) -> None:
    done = subprocess.run(
        [sys.executable, LOCK, str(tmp_path), *command],
        capture_output=True,
        text=True,
    )
    assert done.returncode == status and done.stderr.count("\n") == status - 1


GAME = (
    "import gantutor as gt, torch\n"
    "def game():\n"
    "    pair = gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,))\n"
    "    return gt.GAN(*pair, latent=2)\n"
)


def test_several_kernels_write_one_saved_run_and_one_clip(tmp_path: Path) -> None:
    """The same cell of several windows: whichever is last, all is whole at any time, none is refused."""
    code = GAME + (
        "run = gt.Run(game())\n"
        "for turn in range(100):\n"
        "    run.step = turn\n"
        "    assert gt.Run.load(run.save('run.zip'), game()).step in range(100)\n"
        "    if turn % 10 == 0: gt.data.write_clip('clip.gif', torch.zeros(3, 1, 8, 8))\n"
    )
    every = [subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) for _ in range(4)]
    assert [process.wait() for process in every] == [0, 0, 0, 0]
    names: dict[str, Any] = {}
    exec(GAME, names)
    assert gt.Run.load(tmp_path / "run.zip", names["game"]()).step == 99
    assert {path.name for path in tmp_path.iterdir()} == {"clip.gif", "run.zip"}


# --- nowhere to write ---------------------------------------------------------------------------------------


def test_a_user_without_a_home(tmp_path: Path) -> None:
    code = (
        "import pathlib\n"
        "def homeless(*_): raise RuntimeError('Could not determine home directory.')\n"
        "pathlib.Path.home = homeless\n"
        "import gantutor as gt; print(len(gt.data.digits().train))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "4000\n" and not done.stderr


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """Neither Jupyter, nor IPython, nor matplotlib, nor the exercises need it."""
    folder = course_of(tmp_path, a=DRAWS)
    done = run(folder, HOME=f"{os.devnull}/home")
    assert done.returncode == 0 and done.stdout.endswith("notebooks: 1 passed, 0 failed, 0 not run\n")


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = course_of(tmp_path, a="1")
    (folder / "runs").touch()
    done = run(folder)
    assert done.returncode == 2 and done.stderr.startswith("nothing can be written to runs/course: ")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """200 kB."""
    with disk_of(tmp_path / "disk", "200k") as place:
        yield place


def test_a_home_without_room_stops_no_course(tmp_path: Path, small_disk: Path) -> None:
    folder = course_of(tmp_path, a=DRAWS)
    fill(small_disk / "ballast")
    done = run(folder, HOME=str(small_disk))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "notebooks: 1 passed, 0 failed, 0 not run")
    said = "The home folder cannot be written to (No space left on device): settings of Jupyter and others go"
    assert done.stderr.startswith(said) and "Traceback" not in done.stderr


def test_a_disk_that_is_full_fails_each_notebook_in_a_line(tmp_path: Path, small_disk: Path) -> None:
    filling = "from pathlib import Path\nPath('ballast').write_bytes(bytes(300_000))"
    folder = course_of(tmp_path, a=filling, b="2")
    done = run(folder, "--out", "disk/course", "--scores", "disk/scores")
    assert done.returncode in (1, 2)
    assert 'run_course.py", line' not in done.stderr  # a dying kernel may say what it likes
    assert "FAILED a: OSError: [Errno 28] No space left on device" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("notebooks: ")


def test_scores_that_cannot_be_written_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        run_course, "run_one", lambda path, out, given: run_course.Result(path.stem, "done", 1.0)
    )
    folder = course_of(tmp_path, a="1")
    (folder / "file").touch()
    monkeypatch.chdir(folder)
    assert main(["course", "--notebooks", "notebooks", "--preset", "smoke", "--scores", "file/scores"]) == 2
    said = capsys.readouterr()
    assert said.out.endswith("notebooks: 1 passed, 0 failed, 0 not run\n")
    assert said.err.startswith("cannot write to file/scores.md: ") and said.err.count("\n") == 1


def test_a_notebook_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ipynb"
    notebook_files.write(path, notebook(cell("1")))
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(gt.InputError, match="No space left on device"):
        notebook_files.write(path, notebook(cell("2")))
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["a.ipynb"]


# --- other places -------------------------------------------------------------------------------------------


def test_a_folder_with_spaces_and_umlauts(tmp_path: Path) -> None:
    folder = course_of(tmp_path / "Müllers GAN-Kurs, zweiter Versuch", a=DRAWS)
    assert run(folder).stdout.endswith("notebooks: 1 passed, 0 failed, 0 not run\n")
    assert (folder / "runs" / "course" / "a" / "a.ipynb").exists()


# --- kernels that end in the middle -------------------------------------------------------------------------

TRAINS = """import gantutor as gt, torch
torch.manual_seed(0)
gan = gt.GAN(gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,)), latent=2)
class Mark(gt.Callback):
    def on_step(self, run):
        if run.step == 40: print('forty', flush=True)
data = torch.randn(256, 2, generator=torch.Generator().manual_seed(1))
kept = {'checkpoint': 'outputs/mine', 'checkpoint_every': 0.01}
run = gt.train(gan, data, steps=400, callbacks=[Mark()], **kept)
print('ended at', run.step)
"""


def test_a_kernel_killed_in_the_middle_goes_on_and_keeps_its_outputs(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "digits.png").write_bytes(b"made before")
    command = [sys.executable, "-c", TRAINS]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "forty" in line:
            process.kill()
            break
    process.communicate()
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "Resumed at step " in again.stdout and again.stdout.endswith("ended at 400\n")
    assert (tmp_path / "outputs" / "digits.png").read_bytes() == b"made before"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("gt.live.explore(None)", "run must be"),
        ("gt.live.time_machine(None)", "run must be"),
        ("gt.Run(gan()).scores(None)", "reference must be"),
        ("gt.Run.load('no such run', gan())", "there is no saved run"),
        ("gt.train(None, gt.data.digits().train, steps=1)", "the game must be"),
    ],
)
def test_cells_run_out_of_order_are_answered_in_a_sentence(call: str, said: str) -> None:
    def gan() -> gt.GAN:
        return gt.GAN(gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,)))

    with pytest.raises(gt.InputError, match=said) as caught:
        eval(call, {"gt": gt, "gan": gan})
    assert "\n" not in str(caught.value)


def test_a_run_that_was_never_trained_can_be_looked_at() -> None:
    run = gt.Run(gt.GAN(gt.networks.ConvGenerator(), gt.networks.ConvDiscriminator()))
    assert run.sample(2).shape == (2, 1, 28, 28) and "not trained" in repr(run)
