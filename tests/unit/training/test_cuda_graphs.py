"""Recorded steps do what steps do. Without a GPU a tape stands in for its graphs: it records every operation
with the tensors it reads and writes, bakes all other numbers in as a graph does, and plays them again."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

import gantutor as gt
from gantutor.training import cuda_graphs as recordings
from gantutor.training.cuda_graphs import WARM_UP_STEPS, StepGraphs
from gantutor.training.optim import make_capturable
from gantutor.training.trainer import Trainer

Make = Callable[..., gt.GAN]
Same = Callable[[gt.Run, gt.Run], bool]
Values = dict[str, Tensor]


class Tape(TorchDispatchMode):
    """Keeps every operation with what it was given and what it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, made))
        return made

    def replay(self) -> None:
        """Every operation once more; what it gives goes where it went when it was recorded."""
        for func, args, kwargs, made in self.operations:
            again = func(*args, **kwargs)
            for place, value in zip(tree_flatten(made)[0], tree_flatten(again)[0], strict=True):
                if isinstance(place, Tensor) and place.data_ptr() != value.data_ptr():
                    place.copy_(value)


class TapeRecorder:
    """Records on a tape. A real recording leaves the work undone: so the weights are put back after it."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.recorded = trainer, 0

    def warm_up(self, work: Callable[[], Values]) -> tuple[Values, str]:
        return work(), ""

    def record(self, work: Callable[[], Values]) -> tuple[Values, Callable[[], None]]:
        state = [*self.trainer.result.weights().values()]
        for optimizer in self.trainer.optimizers.values():
            state += [part for entry in optimizer.state.values() for part in entry.values()]
        before, drawn = [part.clone() for part in state], self.trainer._latents.get_state()
        drawn_globally = torch.get_rng_state()
        tape = Tape()
        with tape:
            made = work()
        with torch.no_grad():
            for part, value in zip(state, before, strict=True):
                part.copy_(value)
        self.trainer._latents.set_state(drawn)
        torch.set_rng_state(drawn_globally)
        self.recorded += 1
        return made, lambda: torch.no_grad()(tape.replay)()


@pytest.fixture
def taped(monkeypatch: pytest.MonkeyPatch) -> list[TapeRecorder]:
    """Lets ``train`` record its steps on tapes, as on a GPU it does in graphs; the recorders it used."""
    used: list[TapeRecorder] = []

    def record_steps(trainer: Trainer, wanted: bool) -> None:
        if wanted:
            assert not make_capturable(trainer.optimizers.values(), trainer.device)
            used.append(TapeRecorder(trainer))
            trainer._ema_weight, trainer._graphs = torch.zeros(()), StepGraphs(used[-1])

    monkeypatch.setattr(Trainer, "_record_steps", record_steps)
    return used


def close(one: gt.Run, other: gt.Run) -> bool:
    mine, theirs = one.weights(), other.weights()
    return all(torch.allclose(mine[name], theirs[name], rtol=1e-4, atol=1e-6) for name in mine)


def critic(turns: int) -> Callable[[Make], gt.GAN]:
    return lambda make: make(gt.objectives.relativistic(r1=0.1, r2=0.1, every=3), turns=turns)


@pytest.mark.parametrize("game", [critic(1), critic(3)], ids=["one turn each", "three turns of the critic"])
def test_recorded_steps_give_the_weights_of_steps_as_they_stand(
    game: Callable[[Make], gt.GAN], point_game: Make, points: Tensor, taped: list[TapeRecorder]
) -> None:
    """Schedule and averages change with every step: they must not be baked in."""
    options: dict[str, Any] = {"steps": 40, "batch_size": 16, "progress": False, "snapshots": 3}
    options["schedule"] = gt.optim.linear_decay(0.2)
    plain = gt.train(game(point_game), points, cuda_graphs=False, **options)
    recorded = gt.train(game(point_game), points, cuda_graphs=True, **options)
    assert taped[0].recorded == 2  # with the penalties and without
    assert close(plain, recorded)
    for name in plain.history.names:
        assert plain.history.column(name)[0] == recorded.history.column(name)[0]
        assert plain.history.column(name)[1] == pytest.approx(recorded.history.column(name)[1], rel=1e-3)


def test_images_with_labels_batch_norm_and_parts(
    image_game: Make, images: Tensor, taped: list[TapeRecorder]
) -> None:
    data = torch.utils.data.TensorDataset(images, torch.arange(64) % 4)
    options: dict[str, Any] = {"steps": 24, "batch_size": 16, "progress": False, "accumulate": 2}
    plain = gt.train(image_game(4), data, cuda_graphs=False, **options)
    recorded = gt.train(image_game(4), data, cuda_graphs=True, **options)
    assert taped[0].recorded == 2 and close(plain, recorded)


class Mapped(nn.Module):
    """A generator of images of side 8 with a mapping and a synthesis."""

    def __init__(self) -> None:
        super().__init__()
        self.mapping, self.synthesis = nn.Linear(4, 4), gt.networks.ConvGenerator(4, size=8)

    def forward(self, z: Tensor) -> Any:
        return self.synthesis(self.mapping(z))


def test_adaptive_augmentation_and_path_length_go_on_in_a_recording(
    images: Tensor, taped: list[TapeRecorder]
) -> None:
    """The probability of the augmentation, what it counts, and the mean length change from step to step."""

    def game() -> gt.GAN:
        torch.manual_seed(4)
        discriminator = gt.networks.ConvDiscriminator(size=8, features=16)
        given = {"target": -1.0, "images": 1000, "every": 3}
        return gt.games.with_path_length(
            gt.games.adaptive_augmentation(
                Mapped(), discriminator, gt.objectives.non_saturating(), latent=4, **given
            )
        )

    options: dict[str, Any] = {"steps": 30, "batch_size": 16, "progress": False, "snapshots": 0}
    plain, recorded = (gt.train(game(), images, cuda_graphs=wanted, **options) for wanted in (False, True))
    assert taped[0].recorded == 2 and close(plain, recorded)
    for name in ("discriminator.augmentation", "generator.path_length"):
        assert len(set(plain.history.column(name)[1])) >= 8
        assert plain.history.column(name)[1] == pytest.approx(recorded.history.column(name)[1], rel=1e-3)
    assert float(recorded.gan.path_length.mean_length) > 0


def test_a_learning_rate_set_by_a_person_reaches_a_recorded_step(
    point_game: Make, points: Tensor, taped: list[TapeRecorder]
) -> None:
    class Freeze(gt.Callback):
        def on_step(self, run: gt.Run) -> None:
            if run.step == 20:
                run.control.set_learning_rate("generator", 0)
                self.kept = [weight.clone() for weight in run.gan.generator.parameters()]
                self.other = [weight.clone() for weight in run.gan.discriminator.parameters()]

    watch = Freeze()
    run = gt.train(point_game(), points, steps=40, batch_size=16, progress=False, callbacks=[watch])
    assert taped[0].recorded == 2
    assert all(map(torch.equal, watch.kept, run.gan.generator.parameters()))
    assert not any(map(torch.equal, watch.other, run.gan.discriminator.parameters()))


def test_what_a_loss_computes_in_python_is_baked_in(points: Tensor, taped: list[TapeRecorder]) -> None:
    """The tape is a fair stand-in: it shows the trap that the documentation warns of."""

    def run(inside: bool) -> list[float]:
        calls, ticks = iter(range(1000)), torch.zeros(())

        def loss(gan: gt.GAN, batch: gt.Batch) -> dict[str, Tensor]:
            ticks.add_(1)
            count = ticks if inside else next(calls)
            return {"total": gan.net(batch.real).square().mean(), "count": torch.zeros(()) + count}

        game = gt.GAN.of({"net": nn.Linear(2, 1)}, [gt.Turn("net", loss)])
        return gt.train(game, points, steps=12, batch_size=16, progress=False).history.column("net.count")[1]

    in_python, in_tensor = run(False), run(True)
    assert len(set(in_tensor)) == 12 and len(set(in_python)) == WARM_UP_STEPS + 1


def test_a_step_that_cannot_be_recorded_is_played_as_it_stands(
    point_game: Make,
    points: Tensor,
    taped: list[TapeRecorder],
    same_weights: Same,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(self: Any, work: Any) -> Any:
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(TapeRecorder, "record", refuse)
    options: dict[str, Any] = {"steps": 12, "batch_size": 16, "progress": False}
    run = gt.train(point_game(), points, **options)
    said = capsys.readouterr().out
    assert said.count("Without CUDA graphs from here on: a step could not be recorded: operation not") == 1
    assert run.step == 12
    monkeypatch.setattr(Trainer, "_record_steps", lambda *_: None)
    assert close(run, gt.train(point_game(), points, **options))


class Counting:
    """A recorder that counts, and gives back what it is told."""

    def __init__(self, hindrance: str = "") -> None:
        self.hindrance, self.rehearsed, self.recorded = hindrance, 0, 0

    def warm_up(self, work: Callable[[], Values]) -> tuple[Values, str]:
        self.rehearsed += 1
        return work(), self.hindrance

    def record(self, work: Callable[[], Values]) -> tuple[Values, Callable[[], None]]:
        self.recorded += 1
        made = work()
        return made, lambda: None


def double(batches: Any) -> Values:
    return {"total": 2 * batches[0].sum()}


def test_a_pattern_is_recorded_once_it_is_warm_and_another_shape_is_another_pattern() -> None:
    recorder = Counting()
    graphs = StepGraphs(recorder)
    for count in (4, 4, 4, 4, 4, 3, 3):
        graphs.run("pattern", double, [torch.ones(count)])
    assert (recorder.rehearsed, recorder.recorded) == (WARM_UP_STEPS + 2, 1) and graphs.reason == ""


def test_results_are_copied_out_of_their_fixed_place() -> None:
    graphs = StepGraphs(Counting())
    results = [graphs.run("pattern", double, [torch.ones(4)])["total"] for _ in range(6)]
    assert len({result.data_ptr() for result in results[-2:]}) == 2 and [float(r) for r in results] == [8] * 6


def test_there_are_never_more_recordings_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MAX_RECORDINGS", 2)
    recorder = Counting()
    graphs = StepGraphs(recorder)
    for pattern in range(4):
        for _ in range(WARM_UP_STEPS + 2):
            assert float(graphs.run(pattern, double, [torch.ones(1)])["total"]) == 2
    assert recorder.recorded == 2


def test_a_loss_that_waits_for_the_gpu_is_told_and_never_recorded() -> None:
    recorder = Counting("a loss reads a number from the GPU, as .item() or float() do")
    graphs = StepGraphs(recorder)
    for _ in range(WARM_UP_STEPS + 3):
        graphs.run("pattern", double, [torch.ones(1)])
    assert (recorder.rehearsed, recorder.recorded) == (1, 0) and "reads a number" in graphs.reason


def test_leaves_of_nested_batches_are_copied_and_others_are_never_recorded() -> None:
    item = [(torch.zeros(2), None), ((torch.ones(1), torch.ones(3)), torch.arange(2))]
    recorder, seen = Counting(), list[Any]()
    graphs = StepGraphs(recorder)

    def work(batches: Any) -> Values:
        seen.append(batches)
        return {"total": batches[1][0][1].sum()}

    for _ in range(WARM_UP_STEPS + 1):
        graphs.run("pattern", work, item)
    assert recorder.recorded == 1 and seen[-2] is item and seen[-1] is not item
    mine, copied = ([leaf for leaf in tree_flatten(each)[0] if leaf is not None] for each in (item, seen[-1]))
    assert [len(part) for part in copied] == [2, 1, 3, 2] and seen[-1][0][1] is None
    assert all(a is not b and torch.equal(a, b) for a, b in zip(mine, copied, strict=True))
    for _ in range(WARM_UP_STEPS + 2):
        graphs.run("words", double, [torch.ones(1), "a word"])
    assert recorder.recorded == 1 and recorder.rehearsed == WARM_UP_STEPS


def test_other_turns_are_recorded_anew(point_game: Make, points: Tensor, taped: list[TapeRecorder]) -> None:
    """The turns have the same names, and other losses."""
    found = []
    for wanted in (False, True):
        trainer = Trainer(point_game(), points, batch_size=16, cuda_graphs=wanted, progress=False)
        for objective in (gt.objectives.non_saturating(), gt.objectives.least_squares()):
            trainer.replace_turns(gt.games.classical_turns(objective))
            for _ in range(12):
                trainer.step()
        found.append(trainer.result)
    assert taped[0].recorded == 2 and close(*found)


def test_an_optimizer_without_a_recordable_form_is_named() -> None:
    weights = [nn.Parameter(torch.zeros(3))]
    assert "SGD" in make_capturable([torch.optim.SGD(weights, lr=0.1)], torch.device("cpu"))
    adam = gt.optim.adam(0.1)(weights)
    assert make_capturable([adam], torch.device("cpu")) == ""
    assert isinstance(adam.param_groups[0]["lr"], Tensor)


def test_only_a_call_that_waits_hinders() -> None:
    def warning(text: str) -> warnings.WarningMessage:
        return warnings.WarningMessage(UserWarning(text), UserWarning, "/somewhere/own_loss.py", 7)

    prototype = warning(
        "Synchronization debug mode is a prototype feature and does not yet detect all synchronizing"
    )
    waits = warning("called a synchronizing CUDA operation (Triggered internally at CUDAFunctions.cpp:145.)")
    assert recordings.synchronisation_reason([prototype]) == ""
    assert recordings.synchronisation_reason([prototype, waits]).endswith(
        "as .item() or float() do (own_loss.py, line 7)"
    )
