"""A mistake in the user's own code reaches them with its line, in a script, in a notebook and under launch.

Errors of the user pass as they are. Tensors and calls that do not fit become a sentence of the package, which
names the innermost line of the user's code.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from PIL import Image
from refusal_cases import POINTS
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from training_cases import At, quick
from user_errors import BEGINNING, HERE, IS_A_RECIPE, MISTAKES, TRAINS

import gantutor as gt

PACKAGE = str(Path(gt.__file__).parents[1])
"""Where the package that is tested lies, for processes that are started elsewhere."""

each_mistake = pytest.mark.parametrize("name", MISTAKES)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def environment(*folders: Path) -> dict[str, str]:
    paths = [*map(str, folders), PACKAGE, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


# --- scripts ------------------------------------------------------------------------------------------------


@each_mistake
def test_a_script_ends_in_the_users_own_error_at_their_own_line(name: str, tmp_path: Path) -> None:
    mistake = MISTAKES[name]
    source, number = mistake.script()
    path = tmp_path / "mine.py"
    path.write_text(source)
    done = subprocess.run(
        [sys.executable, "mine.py"],
        cwd=tmp_path,
        env=os.environ | environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    said = done.stderr
    frames = re.findall(r'File "(.+?)", line (\d+)', said)
    in_script = [int(line) for file, line in frames if Path(file).name == "mine.py"]
    assert in_script and in_script[-1] == number, said
    assert mistake.line in said
    expected = f"{mistake.error}: {mistake.message}" if mistake.message else mistake.error
    ends = [line for line in said.splitlines() if re.match(r"[\w.]*(Error|Exception)\b", line)]
    assert ends and ends[-1].startswith(expected), said
    assert re.search(rf"\b{mistake.also}\b", said.split(frames[-1][0])[-1]), said


# --- notebooks ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The error of each mistake, as a notebook shows it that has them one after another."""
    codes = [BEGINNING + mistake.code + TRAINS for mistake in MISTAKES.values()]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in codes])  # type: ignore[no-untyped-call]
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment().items():
            patch.setenv(variable, value)
        client = NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    return {
        name: next((output for output in cell.outputs if output.output_type == "error"), None)
        for name, cell in zip(MISTAKES, notebook.cells, strict=True)
    }


@each_mistake
def test_a_notebook_shows_the_users_own_error_and_line(name: str, cells: dict[str, Any]) -> None:
    mistake, error = MISTAKES[name], cells[name]
    assert error is not None
    shown = ANSI.sub("", "\n".join(error.traceback))
    assert error.ename == mistake.error and error.evalue.startswith(mistake.message), shown
    arrows = [line for line in shown.splitlines() if re.match(r"-+> *\d+ ", line)]
    assert any(mistake.line in line for line in arrows), shown
    assert re.search(rf"\b{mistake.also}\b", shown.split(mistake.line)[-1]), shown


# --- several processes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "processes"),
    [
        ("a typing error in forward", 1),
        ("a missing key in one item of the data", 1),
        ("an error in the fifth step", 2),
    ],
)
def test_whoever_launches_processes_sees_the_line_that_failed(
    name: str,
    processes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    mistake = MISTAKES[name]
    source, number = mistake.script(IS_A_RECIPE)
    (tmp_path / "mine.py").write_text(source)
    for variable, value in environment(tmp_path).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    with pytest.raises(gt.ProcessLost) as caught:
        gt.launch("mine:recipe", processes, steps=8, out=tmp_path / "run.zip", threads=1)
    output = capfd.readouterr()
    notes = getattr(caught.value, "__notes__", [])
    seen = "\n".join([str(caught.value), *notes, output.out, output.err])
    assert f"{mistake.error}: {mistake.message}" in seen
    assert "mine.py" in seen and re.search(rf"\b{number}\b", seen) and mistake.line in seen
    assert re.search(rf"\b{mistake.also}\b", seen)


# --- what does not fit becomes a sentence that names the line -----------------------------------------------


def place(mark: str) -> tuple[int, str]:
    """The number and the code of the line of this file that is marked so."""
    lines = Path(__file__).read_text().splitlines()
    ((number, line),) = ((n, line) for n, line in enumerate(lines, 1) if line.endswith(f"{HERE}: {mark}"))
    return number, line.split(HERE)[0].strip()


def names_line(error: BaseException, mark: str) -> None:
    number, code = place(mark)
    said = str(error)
    assert Path(__file__).name in said and re.search(rf"\b{number}\b", said) and code in said, said
    assert "\n" not in said


class Wrong(nn.Module):
    """A generator of points that is wrong in the way that it is told."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.head, self.step = way, nn.Linear(2, 2), 0
        self.elsewhere, self.table = torch.ones(2, device="meta"), nn.Embedding(3, 2)
        self.inner = Inner()

    def forward(self, z: Tensor) -> Any:
        if self.way == "shape":
            return self.head(torch.cat([z, z], 1))  # HERE: shape
        if self.way == "broadcast":
            return self.head(z) + torch.ones(3)  # HERE: broadcast
        if self.way == "view":
            return self.head(z).view(5, -1)  # HERE: view
        if self.way == "dtype":
            return self.head(z.double())  # HERE: dtype
        if self.way == "device":
            return self.head(z) * self.elsewhere  # HERE: device
        if self.way == "signature":
            return self.head(z, z)  # HERE: signature
        if self.way == "keyword":
            return self.head(z, scale=2)  # HERE: keyword
        if self.way == "index":
            return self.head(z) + self.table(torch.full((len(z),), 3))  # HERE: index
        if self.way == "inner":
            return self.inner(self.head(z))
        if self.way == "later" and self.step == 4:
            return self.head(z[:, :1])  # HERE: later
        return self.head(z)


class Inner(nn.Module):
    """A layer of the user's inside another one."""

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.ones(3, 2)  # HERE: inner


def wrong_game(way: str) -> gt.GAN:
    return gt.GAN(Wrong(way), nn.Linear(2, 1), gt.objectives.non_saturating(), latent=2)


@pytest.mark.parametrize(
    "way", ["shape", "broadcast", "view", "dtype", "device", "signature", "keyword", "index", "inner"]
)
def test_what_does_not_fit_in_a_network_names_its_innermost_line(way: str) -> None:
    gan = wrong_game(way)
    before = [parameter.detach().clone() for parameter in gan.parameters()]
    with pytest.raises(gt.InputError) as caught:
        quick(gan, POINTS)
    names_line(caught.value, way)
    assert all(torch.equal(a, b) for a, b in zip(before, gan.parameters(), strict=True))


def test_what_does_not_fit_in_a_later_step_names_its_line_too() -> None:
    gan = wrong_game("later")
    at_step_4 = At(4, lambda run: setattr(gan.generator, "step", 4))
    with pytest.raises(gt.InputError) as caught:
        quick(gan, POINTS, steps=8, snapshots=0, callbacks=[at_step_4])
    names_line(caught.value, "later")
    assert at_step_4.told[-1] == "end failed at step 4"


def test_what_does_not_fit_in_a_loss_names_its_line() -> None:
    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": (batch.fake @ torch.ones(3, 1)).mean()}  # HERE: loss

    gan = gt.GAN.of({"generator": nn.Linear(2, 2)}, [gt.Turn("generator", loss)], latent=2)
    with pytest.raises(gt.InputError) as caught:
        quick(gan, POINTS)
    names_line(caught.value, "loss")


def test_what_does_not_fit_in_a_penalty_names_its_line() -> None:
    def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
        return {"total": batch.fake.square().mean()}

    def penalty(gan: gt.GAN, batch: gt.Batch) -> Tensor:
        return (batch.fake - batch.real[:, :1].expand(-1, 3)).mean()  # HERE: penalty

    turn = gt.Turn("generator", loss, penalties={"distance": gt.Penalty(penalty)})
    gan = gt.GAN.of({"generator": nn.Linear(2, 2)}, [turn], latent=2)
    with pytest.raises(gt.InputError) as caught:
        quick(gan, POINTS)
    names_line(caught.value, "penalty")


def test_what_does_not_fit_when_samples_are_made_names_its_line() -> None:
    class Labelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(3, 2)

        def forward(self, z: Tensor, labels: Tensor) -> Tensor:
            return z * self.table(labels)  # HERE: sample

    class Ignoring(nn.Linear):
        def forward(self, x: Tensor, labels: Tensor) -> Tensor:
            return super().forward(x)

    gan = gt.GAN(Labelled(), Ignoring(2, 1), gt.objectives.non_saturating(), latent=2)
    run = quick(gan, TensorDataset(POINTS, torch.arange(64) % 3))
    for sample in (run.sample, gan.sample):
        with pytest.raises(gt.InputError) as caught:
            sample(4, condition=torch.full((4,), 3))
        names_line(caught.value, "sample")


def test_a_network_that_takes_no_argument_is_named() -> None:
    class Silent(nn.Linear):
        def forward(self) -> Tensor:  # type: ignore[override]
            return self.weight

    with pytest.raises(gt.InputError, match="generator"):
        quick(gt.GAN(Silent(2, 2), nn.Linear(2, 1), latent=2), POINTS)


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, TypeError, IndexError])
def test_an_error_that_the_user_raises_is_theirs_whatever_its_words(kind: type[Exception]) -> None:
    class Strict(nn.Linear):
        def forward(self, z: Tensor) -> Tensor:
            raise kind("expected another shape, size, dtype and device")  # HERE: raised

    with pytest.raises(kind) as caught:
        quick(gt.GAN(Strict(2, 2), nn.Linear(2, 1), latent=2), POINTS)
    assert type(caught.value) is kind and str(caught.value).startswith("expected another shape")
    last = caught.traceback[-1]
    assert (Path(last.path), last.lineno + 1) == (Path(__file__), place("raised")[0])


def test_the_traceback_of_a_users_error_shows_no_line_of_the_package_after_it() -> None:
    class Typing(nn.Linear):
        def forward(self, z: Tensor) -> Tensor:
            return self.wieght @ z  # type: ignore[no-any-return]  # HERE: typing

    with pytest.raises(AttributeError) as caught:
        quick(gt.GAN(Typing(2, 2), nn.Linear(2, 1), latent=2), POINTS)
    paths = [Path(entry.path) for entry in caught.traceback]
    last = max(index for index, path in enumerate(paths) if path == Path(__file__))
    assert caught.traceback[last].lineno + 1 == place("typing")[0]
    assert not any(str(path).startswith(PACKAGE + "/gantutor") for path in paths[last:])
    assert caught.value.__cause__ is None


# --- data that turn out wrong later -------------------------------------------------------------------------


def point_game() -> gt.GAN:
    return gt.GAN(nn.Linear(2, 2), nn.Linear(2, 1), gt.objectives.non_saturating(), latent=2)


class Items(Dataset[Any]):
    """64 points, of which number 21 is what ``wrong`` gives; with noise, an item differs at every visit."""

    def __init__(self, wrong: Callable[[], Any], noise: float) -> None:
        self.wrong, self.noise = wrong, noise

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> Any:
        if index == 21:
            return self.wrong()
        return POINTS[index] + self.noise * torch.randn(2)


def damaged() -> Any:
    raise OSError("image file is truncated")


each_kind_of_data = pytest.mark.parametrize("noise", [0.0, 0.1], ids=["always alike", "random"])


@each_kind_of_data
@pytest.mark.parametrize(
    "wrong",
    [
        lambda: None,
        lambda: Image.new("RGB", (8, 8)),
        lambda: torch.zeros(3),
        lambda: "a word",
        lambda: {"point": torch.zeros(2)},
        lambda: (torch.zeros(2), 3),
    ],
    ids=["None", "PIL image", "another shape", "text", "dict", "a label too many"],
)
def test_an_item_that_is_no_sample_is_named_by_its_index(wrong: Callable[[], Any], noise: float) -> None:
    with pytest.raises(gt.InputError) as caught:
        quick(point_game(), Items(wrong, noise), steps=8)
    assert re.search(r"\b21\b", str(caught.value)) and "\n" not in str(caught.value)


@each_kind_of_data
def test_an_item_that_cannot_be_read_is_named_by_its_index(noise: float) -> None:
    with pytest.raises(OSError, match="image file is truncated") as caught:
        quick(point_game(), Items(damaged, noise), steps=8)
    said = [str(caught.value), *getattr(caught.value, "__notes__", [])]
    assert re.search(r"\b21\b", "\n".join(said))
    assert caught.traceback[-1].name == "damaged"


def test_data_that_are_pictures_throughout_are_named() -> None:
    class Pictures(Items):
        def __getitem__(self, index: int) -> Any:
            return Image.new("RGB", (8, 8))

    with pytest.raises(gt.InputError, match="Image"):
        quick(point_game(), Pictures(damaged, 0.0))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_later_batch_that_is_not_finite_is_named(value: float) -> None:
    batches = [POINTS[start : start + 16].clone() for start in range(0, 64, 16)]
    batches[2][3, 1] = value
    gan = point_game()
    with pytest.raises((gt.InputError, gt.TrainingDiverged)) as caught:
        quick(gan, batches, steps=4)
    said = str(caught.value)
    assert re.search(r"samples|batch|data", said) and re.search(r"finite|NaN", said)
    assert re.search(r"\b[23]\b", said), "the batch is the third, drawn after two steps"
    assert "learning rate" not in said
    assert all(bool(parameter.isfinite().all()) for parameter in gan.parameters())


def test_batch_norm_on_a_last_batch_of_one_sample_says_how_to_leave_it_out() -> None:
    discriminator = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    loader = DataLoader(TensorDataset(POINTS[:33]), batch_size=16)
    with pytest.raises(gt.InputError, match="drop_last") as caught:
        quick(gt.GAN(nn.Linear(2, 2), discriminator, latent=2), loader, steps=4)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [-1, 4])
def test_a_label_out_of_range_is_found_before_training_wherever_it_stands(wrong: int) -> None:
    labels = torch.arange(64) % 4
    labels[50] = wrong
    pair = gt.networks.ConvGenerator(2, 4, size=8), gt.networks.ConvDiscriminator(4, size=8)
    gan = gt.GAN(*pair, latent=2)
    before = [parameter.detach().clone() for parameter in gan.parameters()]
    with pytest.raises(gt.InputError) as caught:
        quick(gan, TensorDataset(torch.zeros(64, 1, 8, 8), labels), steps=8)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(a, b) for a, b in zip(before, gan.parameters(), strict=True))


def test_a_label_out_of_range_in_a_later_batch_names_the_line_that_looks_it_up() -> None:
    class Labelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(4, 2)

        def forward(self, z: Tensor, labels: Tensor) -> Tensor:
            return z * self.table(labels)  # HERE: label

    class Ignoring(nn.Linear):
        def forward(self, x: Tensor, labels: Tensor) -> Tensor:
            return super().forward(x)

    batches = [(POINTS[:16], torch.full((16,), label)) for label in (0, 1, 2, 4)]
    with pytest.raises(gt.InputError) as caught:
        quick(gt.GAN(Labelled(), Ignoring(2, 1), latent=2), batches, steps=8)
    names_line(caught.value, "label")
