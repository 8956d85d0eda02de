"""Mistakes of users: source text of a training that ends in an error of the user's own, line by line."""

from __future__ import annotations

from dataclasses import dataclass

HERE = "# HERE"
"""Marks the line that fails."""

BEGINNING = """
import torch
from torch import nn
import gantutor as gt

torch.set_num_threads(1)
torch.manual_seed(0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 2)

    def forward(self, z):
        return self.head(z)


def game():
    return gt.GAN(Generator(), nn.Linear(2, 1), gt.objectives.non_saturating(), latent=2)


data, callbacks = torch.randn(64, 2), []
"""

TRAINS = """
gt.train(game(), data, steps=8, batch_size=16, progress=False, callbacks=callbacks)
"""

IS_A_RECIPE = """

def recipe(seed=0):
    return gt.course.recipes.Recipe(game(), data, {"batch_size": 16, "callbacks": callbacks})
"""


@dataclass(frozen=True)
class Mistake:
    """What a user writes after the beginning, and the type and message of the error it ends in.

    Attributes:
        code: the source; one line is marked.
        error: the name of the error's type.
        message: its message.
        also: what must be said besides.
    """

    code: str
    error: str
    message: str
    also: str = ""

    @property
    def line(self) -> str:
        """The code of the marked line."""
        (line,) = (line for line in self.code.splitlines() if HERE in line)
        return line.split(HERE)[0].strip()

    def script(self, end: str = TRAINS) -> tuple[str, int]:
        """The whole script, and the number of the line that fails."""
        source = BEGINNING + self.code + end
        (number,) = (number for number, line in enumerate(source.splitlines(), 1) if HERE in line)
        return source, number


MISTAKES = {
    "a typing error in forward": Mistake(
        """
class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 2)

    def forward(self, z):
        return self.hed(z)  # HERE
""",
        "AttributeError",
        "'Generator' object has no attribute 'hed'",
    ),
    "an unknown name in a loss": Mistake(
        """
def loss(gan, batch):
    samples = gan.generator(latents)  # HERE
    return {"total": samples.mean()}


def game():
    return gt.GAN.of({"generator": Generator()}, [gt.Turn("generator", loss)], latent=2)
""",
        "NameError",
        "name 'latents' is not defined",
    ),
    "a missing key in one item of the data": Mistake(
        """
class Rows(torch.utils.data.Dataset):
    def __init__(self):
        self.rows = [{"point": torch.randn(2)} for _ in range(64)]
        del self.rows[37]["point"]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        noise = 0.1 * torch.randn(2)
        return self.rows[index]["point"] + noise  # HERE


data = Rows()
""",
        "KeyError",
        "'point'",
        also="37",
    ),
    "a division by zero in a callback": Mistake(
        """
class Speed(gt.Callback):
    def on_step(self, run):
        print(1 / (run.step - 3))  # HERE


callbacks = [Speed()]
""",
        "ZeroDivisionError",
        "division by zero",
    ),
    "an assertion without a message": Mistake(
        """
class Generator(nn.Linear):
    def __init__(self):
        super().__init__(2, 2)

    def forward(self, z):
        assert z.shape == (3, 3)  # HERE
        return super().forward(z)
""",
        "AssertionError",
        "",
    ),
    "an error in the fifth step": Mistake(
        """
class Watch(gt.Callback):
    step = 0

    def on_step(self, run):
        Watch.step = run.step


class Generator(nn.Linear):
    def __init__(self):
        super().__init__(2, 2)

    def forward(self, z):
        if Watch.step == 4:
            raise RuntimeError("the valve is stuck")  # HERE
        return super().forward(z)


callbacks = [Watch()]
""",
        "RuntimeError",
        "the valve is stuck",
    ),
}
