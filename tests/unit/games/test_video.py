"""The game of clips: each turn moves its own network, a run resumes exactly, and a first frame goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

import gantutor as gt
from gantutor.data.affine import affine_transform
from gantutor.games.video import DISCRIMINATORS, discriminator_input, video_gan
from gantutor.networks import (
    AffineVideoGenerator,
    ClipDiscriminator,
    DecoderVideoGenerator,
    FrameDiscriminator,
)

Same = Callable[[gt.Run, gt.Run], bool]
SMALL = {"latent": 4, "frames": 6, "size": 16, "hidden": 8}


def game(make: Any = AffineVideoGenerator, **options: Any) -> gt.GAN:
    torch.manual_seed(0)
    judges = FrameDiscriminator(size=16), ClipDiscriminator(frames=6, size=16, channels=8)
    return video_gan(make(**SMALL), *judges, latent=4, **({"every": 2} | options))


@pytest.fixture
def data() -> TensorDataset:
    """Clips (16, 6, 1, 16, 16) of blots that move, with their first frames."""
    draw = torch.Generator().manual_seed(1)
    blots = torch.full((16, 1, 16, 16), -1.0)
    blots[:, :, 6:10, 5:11] = 2 * torch.rand(16, 1, 4, 6, generator=draw) - 1
    paces = torch.rand(16, 2, generator=draw) - 0.5
    frames = [
        affine_transform(blots, t * paces, torch.full((16,), 0.1 * t), torch.ones(16)) for t in range(6)
    ]
    clips = torch.stack(frames, 1)
    return TensorDataset(clips, clips[:, 0])


def go(gan: gt.GAN, data: TensorDataset, **options: Any) -> gt.Run:
    return gt.train(gan, data, **({"steps": 6, "batch_size": 8, "gallery": 3, "progress": False} | options))


def batch_of(gan: gt.GAN, data: TensorDataset) -> gt.Batch:
    return gt.Batch(gan, data.tensors[0][:8], data.tensors[1][:8], torch.randn(8, 4))


def moved_by(gan: gt.GAN) -> set[str]:
    """The networks whose weights have a gradient that is not zero."""
    return {
        name
        for name, network in gan.networks.items()
        if any(
            weight.grad is not None and float(weight.grad.abs().max()) > 0 for weight in network.parameters()
        )
    }


@pytest.mark.parametrize("judge", DISCRIMINATORS)
def test_a_judge_moves_itself_alone(judge: str, data: TensorDataset) -> None:
    gan = game()
    (turn,) = [turn for turn in gan.turns if turn.name == judge]
    losses = turn.loss(gan, batch_of(gan, data))
    losses["total"].backward()
    assert moved_by(gan) == {judge} and set(losses) == {"total", "real_logit", "fake_logit"}


@pytest.mark.parametrize("judge", DISCRIMINATORS)
def test_the_penalty_of_a_judge_is_its_own(judge: str, data: TensorDataset) -> None:
    strong, weak = game(frame_r1=2.0, clip_r1=2.0), game()
    found = []
    for gan in (strong, weak):
        (turn,) = [turn for turn in gan.turns if turn.name == judge]
        torch.manual_seed(5)
        found.append(turn.penalties["r1"].loss(gan, batch_of(gan, data)))
    found[0].backward()
    assert moved_by(strong) == {judge} and found[0].item() == pytest.approx(2 * found[1].item())


def test_the_generator_learns_from_both_judges(data: TensorDataset) -> None:
    gan = game()
    losses = gan.turns[-1].loss(gan, batch_of(gan, data))
    torch.testing.assert_close(losses["total"].detach(), losses["frame"] + losses["clip"])
    losses["total"].backward()
    assert "generator" in moved_by(gan) and gan.turns[-1].updates == ("generator",)


@pytest.mark.parametrize("alone", DISCRIMINATORS)
def test_a_judge_may_play_alone(alone: str, data: TensorDataset) -> None:
    judges = [FrameDiscriminator(size=16), ClipDiscriminator(frames=6, size=16, channels=8)]
    gan = video_gan(
        AffineVideoGenerator(**SMALL),
        *[j if n == alone else None for j, n in zip(judges, DISCRIMINATORS, strict=True)],
        latent=4,
    )
    assert [*gan.networks] == ["generator", alone] and [turn.name for turn in gan.turns] == [
        alone,
        "generator",
    ]
    losses = gan.turns[-1].loss(gan, batch_of(gan, data))
    assert set(losses) == {"total", alone.removesuffix("_discriminator")}
    assert go(gan, data).ended == "complete"
    with pytest.raises(gt.InputError, match="needs a discriminator"):
        video_gan(AffineVideoGenerator(**SMALL), None, None)


def test_a_frame_judge_sees_one_frame_of_each_and_never_the_first() -> None:
    numbered = torch.arange(6.0).view(1, 6, 1, 1, 1).expand(200, 6, 1, 8, 8)
    seen = discriminator_input("frame_discriminator", numbered)[:, 0, 0, 0]
    assert set(seen.tolist()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert discriminator_input("clip_discriminator", numbered) is numbered


@pytest.mark.parametrize("make", [AffineVideoGenerator, DecoderVideoGenerator])
def test_a_few_steps_change_every_network_and_are_recorded(make: Any, data: TensorDataset) -> None:
    gan = game(make)
    before = {name: [w.clone() for w in net.parameters()] for name, net in gan.networks.items()}
    run = go(gan, data)
    assert run.step == 6 and run.averaged.keys() == {"generator"}
    for name, network in gan.networks.items():
        assert any(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True)), (
            name
        )
    assert {"generator.frame", "generator.clip", "clip_discriminator.r1"} <= set(run.history.names)


@pytest.mark.parametrize("make", [AffineVideoGenerator, DecoderVideoGenerator])
def test_stopped_and_resumed_is_bit_for_bit_uninterrupted(
    make: Any, data: TensorDataset, tmp_path: Path, same_weights: Same
) -> None:
    class Halfway(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 3:
                run.control.stop()

    straight = go(game(make), data)
    half = go(game(make), data, checkpoint=tmp_path, callbacks=[Halfway()])
    assert half.step == 3
    resumed = go(game(make), data, checkpoint=tmp_path)
    assert resumed.step == 6 and same_weights(straight, resumed)


def test_a_first_frame_goes_on(data: TensorDataset) -> None:
    run = go(game(), data)
    first = data.tensors[1][3:6]
    made = run.sample(3, condition=first, seed=2)
    assert made.shape == (3, 6, 1, 16, 16) and torch.equal(made[:, 0], first)
    assert torch.equal(made, run.sample(3, condition=first, seed=2))
    again = run.sample(3, condition=first, seed=3)
    assert torch.equal(again[:, 0], first) and not torch.equal(again, made)
    assert run.sample(5).shape == (5, 6, 1, 16, 16)  # with first frames of the training
    assert run.snapshots[-1].samples.shape == (3, 6, 1, 16, 16)
    assert "step 6" in gt.plots.samples(run, gt.plots.figure()[1]).axes[0].get_title()


def test_a_saved_game_comes_back(data: TensorDataset, tmp_path: Path) -> None:
    run = go(game(), data)
    again = gt.Run.load(run.save(tmp_path / "run"), game())
    first = data.tensors[1][:2]
    assert torch.equal(again.sample(2, condition=first), run.sample(2, condition=first))


@pytest.mark.skipif(not gt.training.has_bfloat16(torch.device("cpu")), reason="this CPU has no bfloat16")
def test_sixteen_bits_do_too(data: TensorDataset) -> None:
    run = go(game(), data, precision="bfloat16")
    assert run.ended == "complete" and bool(run.sample(2, condition=data.tensors[1][:2]).isfinite().all())


def test_what_makes_no_game_is_refused(data: TensorDataset) -> None:
    with pytest.raises(gt.InputError, match="frame_r1 must be a number of at least 0"):
        game(frame_r1=-1)
    with pytest.raises(gt.InputError, match="every must be a whole number"):
        game(every=0)
    with pytest.raises(gt.InputError, match=r"the generator must be a torch\.nn\.Module"):
        video_gan(None, FrameDiscriminator(), ClipDiscriminator())  # type: ignore[arg-type]
    with pytest.raises(gt.InputError, match="needs first frames"):
        go(game(), data.tensors[0])  # type: ignore[arg-type]
