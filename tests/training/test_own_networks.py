"""Networks and recipes as they are written elsewhere: they train here unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import gantutor as gt
from gantutor import cli as command_line


class Viewing(nn.Module):
    """A discriminator that flattens by view(), which takes no other layout than torch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.say = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Linear(8 * 64, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.read(x))
        logits: Tensor = self.say(x.view(x.size(0), -1))
        return logits


def painter() -> nn.Module:
    start = nn.Sequential(nn.Linear(4, 8 * 64), nn.Unflatten(1, (8, 8, 8)), nn.Upsample(scale_factor=2))
    return nn.Sequential(start, nn.Conv2d(8, 3, 3, padding=1), nn.Tanh())


def flat() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 256, 1))


@pytest.mark.parametrize("discriminator", [Viewing(), flat()])
def test_a_network_may_view_its_pictures(discriminator: nn.Module) -> None:
    images = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    run = gt.train(gt.GAN(painter(), discriminator, latent=4), images, steps=2, batch_size=8, progress=False)
    assert run.step == 2 and run.sample(5).view(5, -1).shape == (5, 768)


def test_what_cannot_be_viewed_at_all_is_refused() -> None:
    class Turned(Viewing):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).view(-1) + x.transpose(1, 3).view(len(x), -1).mean()

    with pytest.raises(gt.InputError, match="view size is not compatible"):
        gt.train(gt.GAN(painter(), Turned(), latent=4), torch.rand(8, 3, 16, 16), steps=2, batch_size=8)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_recipe_brings_its_own_score_or_none(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "own_recipes:points", "--steps=2", f"--seed={seed}", "--device=cpu"]
    assert command_line.main([*arguments, f"--out={tmp_path / 'run'}"]) == 0
    said = capsys.readouterr().out
    assert "saved to" in said and ("spread: " in said) == bool(seed)
