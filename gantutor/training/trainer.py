"""The trainer: prepares a training, plays it step by step, and returns its Run."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer
from tqdm import tqdm

from gantutor._checks import MAX_INT, boolean, checked, integer, number, optional
from gantutor._conditions import cycle_rows, parts_of
from gantutor._errors import InputError, OutOfMemory, first_line, type_name
from gantutor._random import RandomState, preserve_random_state, random_state
from gantutor._tree import tree_leaves, tree_split
from gantutor._user_errors import is_mismatch, is_out_of_memory, own_traceback, user_location
from gantutor.games.gan import GAN
from gantutor.games.turn import Batch, Turn
from gantutor.training import device as devices
from gantutor.training import distributed, memory
from gantutor.training import threads as thread_counts
from gantutor.training.batches import make_batches
from gantutor.training.callbacks import Callback, Checkpoints, NaNGuard, ProgressBar, Snapshots
from gantutor.training.control import (
    Control,
    defer_interrupts,
    defer_interrupts_to_step_end,
    stop_on_interrupt,
)
from gantutor.training.cuda_graphs import CUDARecorder, StepGraphs
from gantutor.training.ema import AveragedWeights
from gantutor.training.optim import MakeOptimizer, Schedule, adam, constant, make_capturable
from gantutor.training.preflight import check_data, check_game, check_labels, is_range
from gantutor.training.run import Budget, Run
from gantutor.training.settings import describe_function, describe_game, describe_optimizer

Pattern = tuple[tuple[Turn, tuple[str, ...]], ...]
"""The turns of a step, each with the names of its penalties that are due."""


class Trainer:
    """A training: prepared by its constructor, played by ``step`` or ``run``.

    The constructor checks the data and the networks, tries every turn once, and resumes from a checkpoint.
    ``train`` is a trainer that plays its whole budget.

    Args:
        gan: the game: networks, turns and latents. Its networks are trained in place.
        data: real samples: a tensor (N, …), a torch ``Dataset`` of samples, or a ``DataLoader`` or another
            iterable of batches. Samples and batches are tensors x or pairs (x, condition).
        steps: the budget of ``run`` as a number of steps.
        seconds: or as seconds spent in training steps alone, without views, callbacks and checkpoints.
        batch_size: samples of one process in a batch; loaders and other iterables use their own batch size.
        seed: seed of the order of the data, of the latents, and of dropout and the like. The initial weights
            are those that the networks already have.
        device: ``"auto"`` for the first GPU, if there is one, or a device such as ``"cpu"`` or ``"cuda:1"``.
        optimizer: makes the optimiser from a network's parameters, such as ``gt.optim.adam(1e-3)`` or
            ``torch.optim.SGD``; or a dict with one such function for each network. The default is Adam with a
            learning rate of 0.0015 and β = (0, 0.99). Parameter groups keep their ratios: a learning rate
            that is set by hand is that of the fastest group.
        max_grad_norm: the norm to which the gradient of each turn is clipped; None for no clipping.
        schedule: maps the fraction of the budget spent, from 0 to 1, to a factor of the learning rates; other
            than ``constant``, it needs a budget.
        ema_half_life: half-life of the averaged weights, in images; never more than a tenth of the images
            seen so far. With 0, the averages equal the networks.
        snapshots: number of snapshots, at even fractions of the budget; 0 for none.
        gallery: number of fixed latents that the snapshots show, or a pair (latents, conditions) to use
            instead.
        callbacks: ``Callback`` objects, which are called before, after and between the steps.
        control: pauses, stops and steers the training from another thread; a new one by default.
        checkpoint: folder to save checkpoints to, and to resume from if it holds one of the same settings;
            None for none.
        checkpoint_every: seconds between two checkpoints.
        precision: ``"float32"``, or ``"bfloat16"`` for mixed precision in the forward passes.
        accumulate: number of equal parts that each batch is split into, to save memory; it must divide
            ``batch_size``.
        cuda_graphs: on a GPU, record whole steps as CUDA graphs if the game allows it.
        threads: CPU threads inside the steps, when the training runs on a CPU. ``"auto"`` takes one for every
            hundred million multiply-adds of an average matrix product or convolution, at least one, and never
            more than ``torch.get_num_threads()``; a resumed training takes as many as it had. A number takes
            that many, and None all of torch's.
        value_range: (low, high) that images, tensors (N, C, H, W), must lie in; None accepts any values.
        progress: whether ``run`` shows a progress bar.

    Attributes:
        result: the Run, which grows with every step.
        gan: the game.
        control: the Control.
        optimizers: the optimisers by the name of their network, or of the turn that has one to itself.
        device: the device of the training.

    Raises:
        InputError: if an argument, the data or a network cannot be used; the message says what to change.
        OutOfMemory: if the device has too little memory.
        ProcessLost: if another process of the same training has ended.

    >>> from gantutor import networks, objectives
    >>> pair = networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,))
    >>> trainer = Trainer(GAN(*pair, objectives.non_saturating(), latent=2), torch.randn(256, 2))
    >>> sorted(trainer.step()), trainer.result.step
    (['discriminator', 'discriminator.fake_logit', 'discriminator.real_logit', 'generator'], 1)
    """

    @own_traceback
    @checked(
        steps=optional(integer(1)),
        seconds=optional(number(above=0)),
        batch_size=integer(1),
        seed=integer(0, 2**31),
        snapshots=integer(0),
        ema_half_life=number(0),
        checkpoint_every=number(0),
        max_grad_norm=optional(number(above=0)),
        progress=boolean(),
        accumulate=integer(1),
        cuda_graphs=boolean(),
    )
    def __init__(
        self,
        gan: GAN,
        data: Any,
        *,
        steps: int | None = None,
        seconds: float | None = None,
        batch_size: int = 64,
        seed: int = 0,
        device: str = "auto",
        optimizer: MakeOptimizer | Mapping[str, MakeOptimizer] | None = None,
        max_grad_norm: float | None = None,
        schedule: Schedule = constant,
        ema_half_life: float = 10_000,
        snapshots: int = 24,
        gallery: int | tuple[Tensor, Any] = 64,
        callbacks: Sequence[Callback] = (),
        control: Control | None = None,
        checkpoint: str | Path | None = None,
        checkpoint_every: float = 60.0,
        precision: str = "float32",
        accumulate: int = 1,
        cuda_graphs: bool = True,
        threads: int | str | None = "auto",
        value_range: tuple[float, float] | None = (-1.0, 1.0),
        progress: bool = True,
    ) -> None:
        if steps is not None and seconds is not None:
            raise InputError("a training needs a budget: pass either steps= or seconds=")
        schedules = [schedule, *(turn.schedule for turn in getattr(gan, "turns", ()) if turn.schedule)]
        if steps is None and seconds is None and any(given is not constant for given in schedules):
            raise InputError("a schedule needs a budget: pass steps= or seconds=")
        if batch_size % accumulate:
            raise InputError(
                f"accumulate must divide the batch_size, {batch_size}, and {accumulate} does not"
            )
        _check_arguments(gan, schedule, callbacks, control, checkpoint, value_range)
        thread_counts.check_threads(threads)
        self.gan, self.schedule, self.accumulate = gan, schedule, accumulate
        self.ema_half_life, self.control = ema_half_life, control or Control()
        self.max_grad_norm = max_grad_norm
        self.device = distributed.local_device(devices.resolve_device(device))
        self.autocast: Callable[[], AbstractContextManager[Any]] = devices.mixed_precision(
            precision, self.device
        )
        self.group = distributed.join_group(self.device)
        self._advice = partial(memory.out_of_memory_advice, self.device, batch_size, accumulate, precision)
        self._random = RandomState(seed + self.group.rank, self.device)
        self._latents = torch.Generator(self.device).manual_seed(seed + 1)
        self._graphs: StepGraphs | None = None
        self._ema_weight: float | Tensor = 0.0
        self.plan: distributed.StepPlan | None = None
        self._interrupts: AbstractContextManager[Any] = nullcontext()
        self._inside = self._started = False
        self._threads: int | None = None  # until the rehearsal has shown how many it takes
        self.checkpoint_follows = False
        with self._own_state():
            before = random_state(self.device)
            self.batches = make_batches(data, batch_size, seed, self.device, self.group.rank, self.group.size)
            real, condition, conditions = check_data(self.batches, accumulate, value_range)
            self._first_shapes = [tuple(tensor.shape) for tensor in tree_leaves(self.batches.peek())]
            for name in dict.fromkeys(name for turn in gan.turns for name in turn.updates):
                gan.networks[name].train()
            on_gpu = self.device.type == "cuda"  # where a label out of range ends the process
            if on_gpu:
                check_labels(gan, real, condition, self.batches)
            channels_last = devices.move_to_device(gan, self.device, real)

            def rehearse() -> bool:
                rng = torch.Generator(self.device).manual_seed(seed)
                return check_game(gan, real, condition, rng, channels_last)

            with memory.measure_peak(self.device) as peak, self.autocast():
                if threads == "auto" and self.device.type == "cpu":
                    channels_last, multiply_adds = thread_counts.count_multiply_adds(gan, rehearse)
                else:
                    channels_last, multiply_adds = rehearse(), None
            if not on_gpu:
                check_labels(gan, real, condition, self.batches)
            drew = not torch.equal(before, random_state(self.device))
            self._draws = drew or not all(network.training for network in gan.networks.values())
            self.group.broadcast_weights(gan)
            self._threads = self._choose_threads(threads, multiply_adds)
            self.optimizers = _make_optimizers(gan, optimizer)
            self.result = run = Run(gan, budget=Budget(steps, seconds))
            run.channels_last = channels_last
            run.settings = {
                "game": describe_game(gan),
                "optimizers": {name: describe_optimizer(opt) for name, opt in self.optimizers.items()},
                "samples": len(data) if hasattr(data, "__len__") else None,
                "batch_size": batch_size,
                "seed": seed,
                "steps": steps,
                "seconds": seconds,
                "ema_half_life": ema_half_life,
                "schedule": describe_function(schedule),
                "precision": precision,
                "accumulate": accumulate,
                "max_grad_norm": max_grad_norm,
                "ranks": self.group.size,
                "threads": self._threads,
            }
            self.group.check_same_settings(run.settings)
            run.conditions, run.control = conditions, self.control
            run.real_batch = (real, condition)
            self._follows_conditions = conditions is not None and not hasattr(self.batches, "tensors")
            run.gallery = _make_gallery(gallery, run, self.device)
            self._updates = {turn.name: self._make_update(turn) for turn in gan.turns}
            self._learning_rates = {
                name: [group["lr"] for group in optimizer.param_groups]
                for name, optimizer in self.optimizers.items()
            }
            self._averages = AveragedWeights.of(
                run.averaged.values(), [gan.networks[name] for name in run.averaged]
            )
            self._checkpoints = Checkpoints(self, checkpoint, checkpoint_every)
            self._checkpoints.resume()
            self._threads = self._resume_threads(threads == "auto")
            self._record_steps(cuda_graphs)
            run.memory = self._measure_memory(peak.bytes)
        leader = self.group.leader
        if self.device.type == "cuda" and progress and leader:
            print(run.memory)
        self._clock, self._queue = devices.Clock(run.seconds), devices.QueueLimit(self.device)
        self._guard = NaNGuard(self)
        self.callbacks: list[Callback] = [self._guard, self._checkpoints]
        if leader:  # of several processes the first one shows the training
            self.callbacks += [Snapshots(snapshots), *callbacks, ProgressBar(self, progress)]

    # --- playing --------------------------------------------------------------------------------------------

    @own_traceback
    def run(self) -> Run:
        """Play the whole budget, or until the training is stopped, and return the Run.

        With several processes the first one decides before each step, and the others follow its plan.

        Raises:
            InputError: if the trainer has no budget.
            TrainingDiverged: if a loss or a weight is not finite; its ``run`` holds the training up to the
                last finite weights.
            OutOfMemory: if the device has too little memory; its ``run`` holds the training so far.
            ProcessLost: if another process of the same training has ended.
            Exception: whatever a network, a loss, the data or a callback raises; its attribute ``run`` holds
                the training so far.
        """
        run = self.result
        if run.budget == Budget():
            raise InputError("a training needs a budget: pass either steps= or seconds=")
        interrupts = stop_on_interrupt(self.control) if self.group.size > 1 else nullcontext()
        with self._own_state(), interrupts:
            try:
                self._start()
                with defer_interrupts_to_step_end() as self._interrupts:
                    while (plan := self._next_plan()).allowed is not None:
                        self.control.learning_rates.update(plan.rates)
                        self.step(*plan.allowed)
                    with self._clock:
                        self._queue.synchronize()
                run.seconds = self._clock.seconds
                self._guard.check_weights(run)
                run.ended = "complete" if plan.spent >= 1 else "stopped"
            except KeyboardInterrupt:
                run.ended = "interrupted"
                self._guard.check_weights(run)
            except Exception as error:
                if run.ended == "training":  # an error in a network, a loss, the data or a callback
                    run.ended = f"failed at step {run.step:,}"
                with suppress(AttributeError):
                    error.run = run  # type: ignore[attr-defined]
                raise
            finally:
                self._interrupts, self.plan = nullcontext(), None
                with suppress(KeyboardInterrupt), defer_interrupts():  # a second ■ does not lose the Run
                    self._notify("on_end")
                self._started = False  # a training that continues after the end starts again
        return run

    @own_traceback
    def step(self, *networks: str) -> dict[str, Tensor]:
        """Play one step: every turn that is due, in order, then the averages and the callbacks.

        Args:
            *networks: play only the turns that update one of these networks; none means all turns.

        Returns:
            The scalars of the step by name, on the device.

        Raises:
            TrainingDiverged: if a loss is not finite.
            InputError: if shapes, dtypes or calls do not fit in this step.
            OutOfMemory: if the device has too little memory.
        """
        self._start()
        run = self.result
        with self._own_state(self._draws), self._interrupts, self._clock:
            pattern = self._due_turns(networks)
            drawn = [
                self.batches.next()
                for index, (turn, _) in enumerate(pattern)
                for _ in range(turn.times - (index > 0))  # a turn begins on the batch of the one before
            ]
            self._set_rates(self.plan.spent if self.plan else run.progress, drawn)
            play = partial(self._play_turns, pattern)
            try:
                scalars = play(drawn) if self._graphs is None else self._replay(pattern, play, drawn)
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                self._explain_mismatch(error, drawn)
                raise
            run.conditions = self.batches.conditions() if self._follows_conditions else run.conditions
            run.history.append(run.step, scalars)
            run.step += 1
            self._queue.wait()
        run.seconds = self._clock.seconds
        self.checkpoint_follows = self.plan.save if self.plan else self._checkpoints.is_due()
        with self._own_state(self._draws):
            self._notify("on_step")
        return scalars

    def _explain_mismatch(self, error: Exception, drawn: Sequence[Any]) -> None:
        """Raise InputError if tensors or calls do not fit; the message says how the batches differ."""
        if not is_mismatch(error) or is_out_of_memory(error):
            return
        hint = ""
        for batch in drawn:
            shapes = [tuple(tensor.shape) for tensor in tree_leaves(batch)]
            if shapes != self._first_shapes:
                hint = (
                    f"; a batch has the shape {shapes[0]}, and the first one had {self._first_shapes[0]}: "
                    "leave incomplete batches out, with drop_last=True of a DataLoader"
                )
            labels = [part for part in parts_of(batch[1]) if isinstance(part, Tensor) and part.dim() == 1]
            if isinstance(error, IndexError) and labels and not labels[0].is_floating_point():
                low, high = int(labels[0].min()), int(labels[0].max())
                hint = f"; the labels of its batch reach from {low} to {high}"
        step = f"step {self.result.step + 1:,} failed"
        raise InputError(f"{step}: {first_line(error)}{user_location(error)}{hint}") from error

    def replace_turns(self, turns: Sequence[Turn]) -> None:
        """Continue with other turns of the same networks, such as those of another objective.

        Args:
            turns: the new turns; they update the networks that the old ones do.

        Raises:
            InputError: if they update other networks, or two have the same name.
        """
        if len({turn.name for turn in turns}) < len(turns):
            raise InputError("two turns have the same name: give each turn a different name")
        if any(turn.has_own_optimizer for turn in [*turns, *self.gan.turns]):
            raise InputError("turns with their own optimiser or schedule cannot be replaced")
        if {name for turn in turns for name in turn.updates} != set(self.optimizers):
            raise InputError(f"the turns must update the networks {', '.join(sorted(self.optimizers))}")
        self.gan.turns, self._draws = list(turns), True  # the new losses may draw random numbers
        self._updates = {turn.name: self._make_update(turn) for turn in turns}
        if self._graphs is not None:  # the recordings are of the old losses
            self._graphs = StepGraphs(self._graphs.recorder)

    def _due_turns(self, networks: Sequence[str]) -> Pattern:
        """The turns of this step, and the names of the penalties of each that are due."""
        step = self.result.step
        return tuple(
            (turn, tuple(name for name, penalty in turn.penalties.items() if step % penalty.every == 0))
            for turn in self.gan.turns
            if step % turn.every == 0 and (not networks or set(turn.updates) & set(networks))
        )

    def _play_turns(self, pattern: Pattern, drawn: list[tuple[Any, Any]]) -> dict[str, Tensor]:
        """Play turns on the batches drawn for them, and update the averages."""
        scalars: dict[str, Tensor] = {}
        supply = iter(drawn)
        parts: list[tuple[Batch, float]] = []
        for turn, penalties in pattern:
            update = self._updates[turn.name]
            for repeat in range(turn.times):
                if not parts or repeat:
                    parts = self._make_parts(*next(supply))
                for parameter in update.parameters:
                    parameter.grad = None
                sums: dict[str, Tensor] = {}
                for part, share in parts:
                    part.keeps_graph = repeat == turn.times - 1 and turn is not pattern[-1][0]
                    with self.autocast():
                        losses = dict(turn.loss(self.gan, part))
                    total = losses["total"]
                    for name in penalties:  # in full precision
                        losses[name] = turn.penalties[name].loss(self.gan, part)
                        total = total + turn.penalty_weight(name) * losses[name]
                    losses["total"] = total
                    if len(parts) > 1:  # the mean over all samples
                        losses = {name: value * share for name, value in losses.items()}
                        part.forget()  # the parts save memory: the next turn generates its samples again
                    for name, value in losses.items():
                        sums[name] = value.detach() + sums[name] if name in sums else value.detach()
                    losses["total"].backward(inputs=update.parameters)  # type: ignore[no-untyped-call]
                total = self._average_over_processes(update.parameters, sums.pop("total"))
                scalars[turn.name] = total
                scalars |= {f"{turn.name}.{name}": value for name, value in sums.items()}
                if total.device.type != "cpu" or math.isfinite(total):  # or the NaN guard will end it
                    update.apply()
            for part, _ in parts:
                part.forget(update.outdated)
        if pattern:
            self._averages.update(self._ema_weight)
        return scalars

    def _make_update(self, turn: Turn) -> _Update:
        """The parameters that a turn changes, and their optimisers."""
        names = [turn.name] if turn.has_own_optimizer else turn.updates
        optimizers = [self.optimizers[name] for name in names]
        parameters = [p for name in turn.updates for p in _trainable(self.gan.networks[name])]
        max_grad_norm = self.max_grad_norm if turn.max_grad_norm is None else turn.max_grad_norm
        return _Update(
            list(dict.fromkeys(parameters)), optimizers, self.gan.depending_on(turn.updates), max_grad_norm
        )

    def _make_parts(self, real: Any, condition: Any) -> list[tuple[Batch, float]]:
        """A batch with new latents, in ``accumulate`` parts, each with its share of the samples."""
        first = real[0] if isinstance(real, tuple) else real
        count, group = len(first), self.group
        latents = self.gan.draw_latent(group.size * count, self._latents, first.device)
        latents = latents[group.rank * count :][:count] if group.size > 1 else latents
        rng = self._latents
        number = min(self.accumulate, count)
        if number == 1:
            return [(Batch(self.gan, real, condition, latents, rng), 1.0)]
        columns = (tree_split(item, number) for item in (real, condition, latents))
        parts = [Batch(self.gan, x, c, z, rng) for x, c, z in zip(*columns, strict=True)]
        return [(part, len(part.latent) / count) for part in parts]

    def _average_over_processes(self, parameters: list[Parameter], loss: Tensor) -> Tensor:
        """Average the gradients over all processes, and the loss with them, so that all see the same NaN."""
        if self.group.size == 1:
            return loss
        witness = Parameter(torch.zeros_like(loss))
        witness.grad = loss.clone()
        self.group.average_gradients([*parameters, witness])
        return witness.grad

    def _set_rates(self, spent: float, drawn: list[tuple[Any, Any]]) -> None:
        """Set the learning rates of this step, and the weight of the update of the averages."""
        run = self.result
        schedules = {turn.name: turn.schedule for turn in self.gan.turns if turn.schedule}
        for name, optimizer in self.optimizers.items():
            factor = schedules.get(name, self.schedule)(spent)
            rates = self._learning_rates[name]
            by_hand, fastest = self.control.learning_rates.get(name), max(rates)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                if by_hand is not None:  # the groups keep their ratios
                    rate = by_hand * (rate / fastest if fastest > 0 else 1.0)
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate * factor)
                else:
                    group["lr"] = rate * factor
        images = 0
        if drawn:
            first = drawn[-1][0]
            images = self.group.size * len(first[0] if isinstance(first, tuple) else first)
            run.images += images
        # ā ← ā + w · (θ − ā), with a half-life in images that is at most a tenth of those seen.
        half_life = min(self.ema_half_life, 0.1 * run.images)
        weight = 1 - (0.5 ** (images / half_life) if half_life > 0 else 0.0)
        if isinstance(self._ema_weight, Tensor):
            self._ema_weight.fill_(weight)
        else:
            self._ema_weight = weight

    # --- around the steps -----------------------------------------------------------------------------------

    def _start(self) -> None:
        """Before the first step: call the callbacks."""
        if not self._started:
            self._started, self.result.ended = True, "training"
            self._notify("on_start")

    def _next_plan(self) -> distributed.StepPlan:
        """The plan of the next step, the same in every process."""
        names = sorted({*self.gan.networks, *self.optimizers})
        self.plan = distributed.broadcast_plan(self.group, names, self._make_plan)
        return self.plan

    def _make_plan(self) -> distributed.StepPlan:
        """The plan of the next step; waits while the training is paused."""
        spent, save = self.result.progress, self._checkpoints.is_due()
        if spent >= 1:
            return distributed.StepPlan(spent)
        allowed = self.control.wait(lambda: self._notify("on_pause"))
        return distributed.StepPlan(spent, allowed, save, dict(self.control.learning_rates))

    def _notify(self, hook: str) -> None:
        """Call a hook of all callbacks; those of a user do not change the training's random state."""
        unchanged = getattr(Callback, hook)
        callbacks = [c for c in self.callbacks if getattr(type(c), hook) is not unchanged]
        for callback in (c for c in callbacks if c.built_in):
            getattr(callback, hook)(self.result)
        others = [callback for callback in callbacks if not callback.built_in]
        if others:
            kept = hook == "on_step" and all(callback.keeps_random_state for callback in others)
            with nullcontext() if kept else preserve_random_state(self.device):
                for callback in others:
                    getattr(callback, hook)(self.result)

    def _choose_threads(self, threads: int | str | None, multiply_adds: float | None) -> int | None:
        """The number of CPU threads inside the steps, the same in every process; None on a GPU."""
        if self.device.type != "cpu":
            return None
        if isinstance(threads, int):
            return self._fewest(threads)
        return self._fewest(thread_counts.choose_threads(multiply_adds, torch.get_num_threads()))

    def _resume_threads(self, automatic: bool) -> int | None:
        """The number of CPU threads after a checkpoint was read: that of the checkpoint, if it is allowed.

        Sums in another order differ in their last digits, so another number is announced.
        """
        run, count = self.result, self._threads
        stored = thread_counts.stored_threads(run.settings)
        if count is not None and stored is not None:
            if automatic:
                count = self._fewest(min(stored, torch.get_num_threads()))
            if count != stored and self.group.leader:
                print(
                    f"The checkpoint was trained with threads={stored} and goes on with threads={count}: "
                    "it will differ from an uninterrupted training in its last digits."
                )
        run.settings["threads"] = count
        return count

    def _fewest(self, count: int) -> int:
        """The smallest of the numbers of all processes."""
        return int(torch.stack(self.group.gather(torch.tensor(count))).min())

    @contextmanager
    def _own_state(self, random: bool = True) -> Iterator[None]:
        """Inside the block torch's global random state and number of threads belong to the training, numbers
        too small for a normal float count as 0, and a lack of memory is explained.

        ``random=False`` leaves the random state alone, which another thread may be using.
        """
        if self._inside:
            yield
            return
        self._inside = True
        try:
            with (
                self._random if random else nullcontext(),
                devices.without_denormals(),
                thread_counts.use_threads(self._threads),
            ):
                yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemory(self._advice(), getattr(self, "result", None)) from error
        finally:
            self._inside = False

    def _record_steps(self, wanted: bool) -> None:
        """On a GPU, record whole steps as CUDA graphs; if that is not possible, print why."""
        if not wanted or self.device.type != "cuda":
            return
        reason = "several processes exchange gradients" if self.group.size > 1 else ""
        reason = reason or make_capturable(self.optimizers.values(), self.device)
        if reason:
            print(f"Without CUDA graphs: {reason}.")
        else:
            self._ema_weight = torch.zeros((), device=self.device)
            self._graphs = StepGraphs(CUDARecorder(self.device, [self._latents]))

    def _replay(
        self, pattern: Pattern, play: Callable[[Any], dict[str, Tensor]], drawn: Any
    ) -> dict[str, Tensor]:
        """Play a step from its recording, as soon as there is one."""
        assert self._graphs is not None
        key = tuple((turn.name, penalties) for turn, penalties in pattern)
        scalars = self._graphs.run(key, play, drawn)
        if self._graphs.reason:
            tqdm.write(f"Without CUDA graphs from here on: {self._graphs.reason}.")
            self._graphs = None
        return scalars

    def _measure_memory(self, step: int) -> memory.Memory:
        """The memory of the training, and that of one step in addition."""
        networks, averages = self.gan, nn.ModuleDict(self.result.averaged)
        return memory.measure_memory(
            self.device,
            [*networks.parameters(), *networks.buffers()],
            [*averages.parameters(), *averages.buffers()],
            self.optimizers.values(),
            getattr(self.batches, "tensors", ()),
            step,
        )


@own_traceback
@checked(steps=optional(integer(1)), seconds=optional(number(above=0)))
def train(
    gan: GAN, data: Any, *, steps: int | None = None, seconds: float | None = None, **options: Any
) -> Run:
    """Train a game on data for a budget of steps or seconds, and return the Run.

    With ``steps`` and ``seed`` a run repeats bit for bit on one machine at one thread count. On a GPU it
    repeats to rounding, since some cuDNN kernels add in an order that varies.

    Under ``torchrun`` all processes train one game together: a step takes ``batch_size`` samples for each of
    them, and gradients are averaged, as if one process had the larger batch. Batch norm and minibatch
    statistics see the samples of their own process only.

    Args:
        gan: the game: networks, turns and latents. Its networks are trained in place.
        data: real samples: a tensor (N, …), a torch ``Dataset`` of samples, or a ``DataLoader`` or another
            iterable of batches. Samples and batches are tensors x or pairs (x, condition).
        steps: the budget as a number of steps. Give either ``steps`` or ``seconds``.
        seconds: the budget as seconds spent in training steps alone, without views, callbacks and
            checkpoints.
        **options: the other parameters of ``Trainer``: batch size, seed, device, optimiser, callbacks,
            checkpoints and so on.

    Returns:
        The Run with history, snapshots and averaged networks. ■, Ctrl-C and ``control.stop()`` end the
        training early and return the Run so far; ``run.ended`` says how it ended.

    Raises:
        InputError: if an argument, the data or a network cannot be used; the message says what to change.
        TrainingDiverged: if a loss or a weight is not finite; its ``run`` holds the training up to the last
            finite weights.
        OutOfMemory: if the device has too little memory; its ``run`` holds the training so far.
        ProcessLost: if another process of the same training has ended.
        Exception: whatever a network, a loss, the data or a callback raises; its attribute ``run`` holds the
            training so far.

    >>> from gantutor import networks, objectives
    >>> pair = networks.MLPGenerator(2, (2,)), networks.MLPDiscriminator((2,))
    >>> game = GAN(*pair, objectives.non_saturating(), latent=2)
    >>> train(game, torch.randn(256, 2), steps=3, progress=False).step
    3
    """
    if (steps is None) == (seconds is None):
        raise InputError("a training needs a budget: pass either steps= or seconds=")
    return Trainer(gan, data, steps=steps, seconds=seconds, **options).run()


@dataclass
class _Update:
    """The parameters that a turn changes, and their optimisers.

    Attributes:
        parameters: the parameters that it trains, each once.
        optimizers: their optimisers; where two networks share a parameter, the first one moves it.
        outdated: names of the networks whose samples no longer fit their weights afterwards.
        max_grad_norm: the norm to which the gradient is clipped, or None.
        shared: for each optimiser, those of its parameters that an earlier one moves.
    """

    parameters: list[Parameter]
    optimizers: list[Optimizer]
    outdated: tuple[str, ...]
    max_grad_norm: float | None
    shared: list[list[Parameter]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        taken: set[int] = set()
        for optimizer in self.optimizers:
            own = [p for group in optimizer.param_groups for p in group["params"]]
            self.shared.append([p for p in own if id(p) in taken])
            taken |= {id(p) for p in own}

    def apply(self) -> None:
        """Clip the gradient and take a step with every optimiser."""
        if self.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.max_grad_norm)
        for optimizer, shared in zip(self.optimizers, self.shared, strict=True):
            for parameter in shared:  # another optimiser has moved it
                parameter.grad = None
            optimizer.step()


def _make_optimizers(
    gan: GAN, optimizer: MakeOptimizer | Mapping[str, MakeOptimizer] | None
) -> dict[str, Optimizer]:
    """Return the optimisers: one for each trained network, and one for each turn with its own."""
    trained = sorted({name for turn in gan.turns for name in turn.updates if not turn.has_own_optimizer})
    own = {turn.name: turn for turn in gan.turns if turn.has_own_optimizer}
    if both := sorted(set(own) & set(trained)):
        raise InputError(
            f"the turn {both[0]} has its own optimiser, and another turn trains the network {both[0]} "
            "with that of the training: give the turn another name"
        )
    make = adam() if optimizer is None else optimizer
    if isinstance(make, Mapping) and set(make) != set(trained):
        named = ", ".join(map(str, make)) or "none"
        raise InputError(f"optimizer must name the networks {', '.join(trained)}, and names {named}")
    makers = make if isinstance(make, Mapping) else dict.fromkeys(trained, make)
    optimizers = {
        name: _make_optimizer(name, makers[name], _trainable(gan.networks[name])) for name in trained
    }
    for name, turn in own.items():
        default = None if isinstance(make, Mapping) else make
        if turn.optimizer is None and default is None:
            raise InputError(f"the turn {name} has its own schedule: pass it an optimizer= too")
        parameters = [p for network in turn.updates for p in _trainable(gan.networks[network])]
        optimizers[name] = _make_optimizer(name, turn.optimizer or default, list(dict.fromkeys(parameters)))
    return optimizers


def _trainable(network: nn.Module) -> list[Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _make_optimizer(name: str, make: Any, parameters: list[Parameter]) -> Optimizer:
    if not parameters:
        raise InputError(
            f"the {name} has no weights to train: take it out of the turns, or let a weight require gradients"
        )
    optimizer = make(parameters) if callable(make) and not isinstance(make, Optimizer) else make
    if not isinstance(optimizer, Optimizer):
        raise InputError(
            f"optimizer must be a function that makes a torch optimizer from parameters, such as adam(1e-3), "
            f"or one for each network by name, not {optimizer!r}"
        )
    if isinstance(optimizer, torch.optim.LBFGS):
        raise InputError(
            "LBFGS calls its loss several times in a step, which a game cannot do: use Adam, SGD or another "
            "optimizer whose step() takes no function"
        )
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if held != {id(p) for p in parameters}:
        raise InputError(
            f"the optimiser of the {name} holds {len(held)} parameters, not the {len(parameters)} "
            "that the network trains: pass a function that makes it from the parameters, such as "
            "gantutor.optim.adam(1e-3), or a dict with one for each network"
        )
    return optimizer


def _make_gallery(
    gallery: int | tuple[Tensor, Any], run: Run, device: torch.device
) -> tuple[Tensor, Any] | None:
    """Return the latents and conditions of the snapshots, or None if no output is averaged."""
    if not run.outputs:
        return None
    if isinstance(gallery, int) and not isinstance(gallery, bool) and 1 <= gallery <= MAX_INT:
        latents = run.gan.draw_latent(gallery, torch.Generator(device).manual_seed(0))
        return latents, cycle_rows(run.conditions, gallery)
    if isinstance(gallery, tuple) and len(gallery) == 2 and isinstance(gallery[0], Tensor):
        for name in run.outputs:
            run.generate(*gallery, output=name)  # raises InputError if the output cannot use them
        return gallery
    raise InputError(
        f"gallery must be a whole number ≥ 1 or a pair (latents, conditions), not {reprlib.repr(gallery)}"
    )


def _check_arguments(
    gan: object, schedule: object, callbacks: object, control: object, checkpoint: object, value_range: object
) -> None:
    """Raise InputError if an argument that is not a number has a wrong type."""
    if not isinstance(gan, GAN):
        raise InputError(f"the game must be a gantutor.GAN, not {type_name(gan)}")
    if not callable(schedule):
        raise InputError(
            f"schedule must be a function of the budget spent, such as linear_decay(), not {schedule!r}"
        )
    if not (
        isinstance(callbacks, Sequence) and all(isinstance(callback, Callback) for callback in callbacks)
    ):
        raise InputError(f"callbacks must be a list of gantutor.Callback objects, not {callbacks!r}")
    if control is not None and not isinstance(control, Control):
        raise InputError(f"control must be a gantutor.Control, not {control!r}")
    if checkpoint is not None and (not isinstance(checkpoint, str | Path) or "\0" in str(checkpoint)):
        raise InputError(f"checkpoint must be the path of a folder, not {checkpoint!r}")
    if value_range is not None and not is_range(value_range):
        raise InputError(
            f"value_range must be a pair (low, high) with low < high, or None, not {value_range!r}"
        )
