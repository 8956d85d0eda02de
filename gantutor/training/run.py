"""The result of a training: history, snapshots, averaged networks; sampling, scoring, saving and loading."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import apply
from gantutor._checks import checked, function, integer, optional, string
from gantutor._conditions import (
    check_same_length,
    cycle_rows,
    expand_condition,
    join,
    parts_of,
    rows,
)
from gantutor._errors import InputError, type_name
from gantutor._files import FORMAT_VERSION, check_replaceable, expand, read_archive, write_archive
from gantutor._random import seeded
from gantutor._tree import tree_map
from gantutor._user_errors import explain_mismatch, own_traceback
from gantutor.games.gan import GAN
from gantutor.metrics import Scores, digit_scores
from gantutor.training import ema
from gantutor.training.device import set_memory_format
from gantutor.training.history import History, Snapshot
from gantutor.training.module_state import extra_states, materialize, named_tensors, set_extra_states
from gantutor.training.serialization import pack, unpack
from gantutor.training.threads import use_stored_threads

BATCH_NORM_BATCHES = 16
"""Batches of 64 latents over which batch-norm statistics are recomputed."""

PREVIEW_BATCHES = 1
"""The same inside ``preview``, for pictures during a training."""

PREVIEW_SAMPLES = 32
"""From this number on, samples inside ``preview`` are normalised by their own statistics."""


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps, or of seconds.

    Attributes:
        steps: number of steps, or None.
        seconds: seconds spent in training steps alone, or None; used if ``steps`` is None.
    """

    steps: int | None = None
    seconds: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a budget."""
        return self.steps is not None or self.seconds is not None

    def spent(self, step: int, seconds: float) -> float:
        """Return the fraction of the budget that is spent after these steps and seconds; 1 without a budget.

        >>> Budget(steps=4).spent(1, 0.5), Budget(seconds=2.0).spent(1, 0.5), Budget().spent(1, 0.5)
        (0.25, 0.25, 1.0)
        """
        if self.steps is not None:
            return min(1.0, step / self.steps)
        return min(1.0, seconds / self.seconds) if self.seconds is not None else 1.0


class Run:
    """The result of a training, and its state while it runs.

    ``train`` makes it, and gives it to the callbacks while it trains.

    Args:
        gan: the game that is trained.
        settings: what the training was given, by name.
        budget: how long it is to train.

    Attributes:
        gan: the game, with the networks as they were trained last.
        averaged: exponential moving averages of the networks, by name, in evaluation mode.
        outputs: names of the averaged networks that make samples.
        generator: the first of them, in evaluation mode.
        history: scalars by step.
        snapshots: samples of fixed latents at even fractions of the budget.
        step: steps taken so far.
        images: real samples seen so far.
        seconds: seconds spent in training steps alone.
        settings: what the training was given, by name.
        conditions: conditions of up to 1,000 training samples, or None.
        gallery: latents and conditions of the snapshots, or None.
        real_batch: the real samples of the first batch and their condition, or None before a training; views
            show them, and they are not saved.
        control: the Control that steers the run while it trains.
        memory: the Memory that the training needs on its device.
        channels_last: whether the networks are in the channels-last memory format.
        ended: how the training ended: ``"complete"``, ``"stopped"``, ``"interrupted"``, ``"diverged at step
            …"`` or ``"failed at step …"``; ``"training"`` while it runs.

    Raises:
        InputError: if ``gan`` is not a GAN, or ``settings`` is not a dict.

    >>> import gantutor as gt
    >>> Run(gt.GAN(gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,)), latent=2))
    <Run: 0 steps, 0 images, 0.0 s of training, not trained>
    """

    def __init__(
        self, gan: GAN, settings: dict[str, Any] | None = None, budget: Budget | None = None
    ) -> None:
        if not isinstance(gan, GAN):
            raise InputError(f"the game must be a gantutor.GAN, not {type_name(gan)}")
        if not isinstance(settings, dict | None):
            raise InputError(
                f"settings must be a dict of the arguments of the training, not {type_name(settings)}"
            )
        self.gan = gan
        self.averaged = {name: ema.averaged_copy(gan.networks[name]) for name in gan.averaged}
        self.history = History()
        self.snapshots: list[Snapshot] = []
        self.step = 0
        self.images = 0
        self.seconds = 0.0
        self.settings = settings or {}
        self.budget = budget or Budget()
        self.outputs = tuple(name for name in gan.outputs if name in gan.averaged)
        self.conditions: Any = None
        self.gallery: tuple[Tensor, Any] | None = None
        self.real_batch: tuple[Any, Any] | None = None
        self.control: Any = None
        self.memory: Any = None
        self.channels_last = False
        self.ended = "not trained"
        self._batch_norm_states = dict.fromkeys(self.outputs, (-1, 0))
        self._batch_norm_batches = BATCH_NORM_BATCHES

    @property
    def device(self) -> torch.device:
        """The device of the averaged networks; those of ``gan`` may have been moved elsewhere."""
        return next(
            (parameter.device for network in self.averaged.values() for parameter in network.parameters()),
            self.gan.device,
        )

    @property
    def progress(self) -> float:
        """The fraction of the budget that is spent, from 0 to 1; 1 without a budget."""
        return self.budget.spent(self.step, self.seconds)

    @property
    def generator(self) -> nn.Module:
        """The averaged network of the first output, in evaluation mode.

        Raises:
            InputError: if the game averages no network that makes samples.
        """
        return self.output()

    @checked(name=optional(string()))
    def output(self, name: str | None = None) -> nn.Module:
        """Return an averaged network that makes samples, in evaluation mode.

        Args:
            name: its name; None means the first one.

        Raises:
            InputError: if the game averages no such network.
        """
        name = self._output_name(name)
        self.recompute_batch_norm(name)
        return self.averaged[name]

    def _output_name(self, name: str | None) -> str:
        if not self.outputs:
            raise InputError(
                f"this game averages {', '.join(self.averaged) or 'nothing'}, but no network that makes "
                "samples: name such networks in outputs= of gantutor.GAN.of"
            )
        name = self.outputs[0] if name is None else name
        if not isinstance(name, str) or name not in self.outputs:
            raise InputError(f"no output is called {name!r}: there are {', '.join(self.outputs)}")
        return name

    def _has_own_statistics(self, name: str) -> bool:
        """Whether the batch-norm statistics of an averaged output are computed, not averaged."""
        return self.ended != "not trained" and any(name in turn.updates for turn in self.gan.turns)

    def recompute_batch_norm(self, name: str) -> None:
        """Recompute the batch-norm statistics of an averaged output (Izmailov et al. 2018).

        They are computed over ``BATCH_NORM_BATCHES`` batches of 64 latents, over ``PREVIEW_BATCHES`` inside
        ``preview``, and over fewer until the training has seen as many images. Other averaged networks, and
        outputs that no turn updates, keep the statistics of the networks that they average. Nothing is done
        if the statistics are up to date.

        Args:
            name: the name of the output.
        """
        batches = min(self._batch_norm_batches, 1 + self.images // 64)
        step, batches_used = self._batch_norm_states[name]
        if not self._has_own_statistics(name) or (step == self.step and batches_used >= batches):
            return
        rng = torch.Generator(self.device).manual_seed(0)
        inputs = (
            (self.gan.draw_latent(64, rng, self.device), cycle_rows(self.conditions, 64, start=64 * index))
            for index in range(batches)
        )
        with seeded(self.device, 0), use_stored_threads(self.settings):
            ema.recompute_batch_norm(self.averaged[name], inputs)
        self._batch_norm_states[name] = (self.step, batches)

    @contextmanager
    def preview(self) -> Iterator[None]:
        """Compute batch-norm statistics over fewer samples inside the block.

        From ``PREVIEW_SAMPLES`` samples on, these are normalised by their own statistics, which takes one
        pass; fewer samples by those of one batch. Pictures then cost less; to the eye they look the same.
        """
        batches, self._batch_norm_batches = self._batch_norm_batches, PREVIEW_BATCHES
        try:
            yield
        finally:
            self._batch_norm_batches = batches

    @own_traceback
    @torch.no_grad()
    @checked(count=integer(1), seed=integer(0))
    def sample(self, count: int, condition: Any = None, seed: int = 0, output: str | None = None) -> Tensor:
        """Generate samples with an averaged output.

        Args:
            count: number of samples, at least 1.
            condition: one label for all samples, or ``count`` conditions; by default conditions of the
                training data.
            seed: seed of the latents, and of the noise that the output itself draws.
            output: name of the output; None means the first one.

        Returns:
            The samples, (count, …), on the CPU.

        Raises:
            InputError: if count is below 1, or the conditions have another length or cannot be used.

        >>> import gantutor as gt
        >>> run = Run(GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)))
        >>> run.sample(3, condition=7).shape
        torch.Size([3, 1, 28, 28])
        """
        device = self.device
        as_in_data = condition is None
        conditions = (
            cycle_rows(self.conditions, count) if as_in_data else expand_condition(condition, count, device)
        )
        latents = self.gan.draw_latent(count, torch.Generator(device).manual_seed(seed), device)
        return self.generate(latents, conditions, output, seed)

    @torch.no_grad()
    def generate(
        self, latents: Any, conditions: Any = None, output: str | None = None, seed: int = 0
    ) -> Tensor:
        """Turn latents into samples with an averaged output, 500 at a time.

        Args:
            latents: of shape (N, …).
            conditions: a tensor of N rows, a tuple of such tensors, or None.
            output: name of the output; None means the first one.
            seed: seed of the noise that the output itself draws, such as dropout.

        Returns:
            The samples, (N, …), on the CPU; the first tensor where the output returns several.

        Raises:
            InputError: if there are not as many conditions as latents, or the generator cannot use them.
        """
        name, device, samples = self._output_name(output), self.device, []
        check_same_length(latents, conditions)
        previewing = self._batch_norm_batches == PREVIEW_BATCHES and self._has_own_statistics(name)
        if previewing and PREVIEW_SAMPLES <= len(latents) <= 500:
            generator = self.averaged[name]
            statistics: AbstractContextManager[None] = ema.batch_statistics(generator)
        else:
            generator, statistics = self.output(name), nullcontext()
        with (
            explain_mismatch("the generator cannot use these latents and conditions"),
            seeded(device, seed),
            use_stored_threads(self.settings),
            statistics,
        ):
            for start in range(0, len(latents), 500):
                chunk = slice(start, start + 500)
                condition = tree_map(lambda part: part.to(device), rows(conditions, chunk))
                made = apply(generator, latents[chunk].to(device), condition)
                samples.append(_first_tensor(made).cpu())
        return torch.cat(samples).contiguous()  # a network may return another memory format

    @checked(samples=optional(integer(1)), seed=integer(0), score=function())
    def scores(
        self,
        reference: Any,
        samples: int | None = None,
        score: Callable[..., Scores] = digit_scores,
        seed: int = 0,
    ) -> Scores:
        """Score samples of the averaged generator against real data.

        Args:
            reference: a held-out ``TensorDataset`` of images, or of images and labels. With labels, and if
                the training had conditions, the samples are generated with the same labels in equal shares,
                and ``score`` receives them as ``generated_labels``.
            samples: number of generated samples; by default four times those of the reference.
            score: function of samples and reference that returns Scores.
            seed: seed of the latents.

        Raises:
            InputError: if an argument cannot be used.
        """
        tensors = getattr(reference, "tensors", None)
        if not tensors:
            raise InputError(
                f"reference must be a TensorDataset such as digits.held_out, not {type_name(reference)}"
            )
        count = samples or 4 * len(tensors[0])
        if self.conditions is None or len(tensors) == 1:
            return score(self.sample(count, seed=seed), reference)
        labels = tensors[1].repeat(math.ceil(count / len(tensors[1])))[:count]
        return score(self.sample(count, condition=labels, seed=seed), reference, generated_labels=labels)

    # --- saving ---------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the run as one file: a zip file of JSON and safetensors.

        A saved run at ``path`` is replaced, in one step when the new one is complete.

        Args:
            path: the file, such as ``"digits.zip"``; ``~`` stands for the home folder.

        Returns:
            The path.

        Raises:
            InputError: if ``path`` exists and is not a saved run, or if it cannot be written.
        """
        path = expand(path)
        check_replaceable(path)
        for name in self.outputs:
            self.recompute_batch_norm(name)
        write_archive(path, self.metadata(), self.tensors())
        return path

    def weights(self) -> dict[str, Tensor]:
        """Return all tensors of the networks (``gan.…``) and of the averages (``averaged.…``) by name.

        A network that is wrapped by ``torch.compile`` or ``DataParallel`` has the names of the plain one.
        """
        return {
            f"{prefix}.{key}": value
            for prefix, network in self._all_networks().items()
            for key, value in named_tensors(network).items()
        }

    def _all_networks(self) -> dict[str, nn.Module]:
        averaged = {f"averaged.{name}": network for name, network in self.averaged.items()}
        return {"gan": self.gan, **averaged}

    def _extra_states(self) -> tuple[Any, dict[str, Tensor]]:
        """What the networks' ``get_extra_state`` return, as content for JSON, and the tensors in it."""
        states = {prefix: extra_states(network) for prefix, network in self._all_networks().items()}
        return pack({prefix: state for prefix, state in states.items() if state}, "extra")

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights, the samples of all snapshots (``snapshot.…``), the conditions
        (``condition.…``) and the tensors of extra states (``extra…``) by name."""
        snapshots = {
            f"snapshot.{i:05d}.{name}": samples
            for i, snapshot in enumerate(self.snapshots)
            for name, samples in snapshot.outputs.items()
        }
        parts = enumerate(parts_of(self.conditions))
        conditions = {f"condition.{i}": part for i, part in parts if part is not None}
        return self.weights() | snapshots | conditions | self._extra_states()[1]

    def metadata(self) -> dict[str, Any]:
        """Return all of the run except its tensors, as content for JSON."""
        return {
            "format": FORMAT_VERSION,
            "torch": torch.__version__,
            "step": self.step,
            "images": self.images,
            "seconds": self.seconds,
            "ended": self.ended,
            "settings": self.settings,
            "budget": asdict(self.budget),
            "snapshots": [
                {"step": snapshot.step, "seconds": snapshot.seconds, "outputs": list(snapshot.outputs)}
                for snapshot in self.snapshots
            ],
            "history": self.history.to_json(),
            "channels_last": self.channels_last,
            "extra": self._extra_states()[0],
        }

    def load_weights(self, weights: dict[str, Tensor], source: str) -> None:
        """Copy weights into the networks and their averages.

        Args:
            weights: tensors by name, as ``weights`` returns them.
            source: where they come from, for error messages.

        Raises:
            InputError: if they belong to other networks; the message names the first tensor that does not
                fit.
        """
        current = self.weights()
        for name in sorted(set(current) ^ set(weights)):
            where = "is missing from" if name in current else "is not in these networks but in"
            raise InputError(f"{source} belongs to other networks: {name} {where} the file")
        for name, value in current.items():
            if value.shape != weights[name].shape:
                raise InputError(
                    f"{source} belongs to other networks: {name} has shape {tuple(weights[name].shape)} "
                    f"there and {tuple(value.shape)} here"
                )
        with torch.no_grad():
            for name, value in current.items():
                value.copy_(weights[name])

    def load_state(self, metadata: dict[str, Any], tensors: dict[str, Tensor], source: str) -> None:
        """Restore the state of a saved run.

        Args:
            metadata: what ``metadata`` returned.
            tensors: what ``tensors`` returned.
            source: where they come from, for error messages.

        Raises:
            InputError: if something is missing or has a wrong type, or if they belong to other networks.
        """
        others = {
            name: t for name, t in tensors.items() if name.startswith(("snapshot.", "condition.", "extra["))
        }
        try:
            self.step, self.images, self.seconds = metadata["step"], metadata["images"], metadata["seconds"]
            self.ended, self.settings = metadata["ended"], metadata["settings"]
            self.budget = Budget(**metadata["budget"])
            self.history.load_json(metadata["history"])
            self.snapshots = [
                Snapshot(
                    entry["step"],
                    entry["seconds"],
                    {name: others[f"snapshot.{i:05d}.{name}"] for name in entry["outputs"]},
                )
                for i, entry in enumerate(metadata["snapshots"])
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{source} is damaged: {error} is missing or wrong in it") from None
        parts = [others[name] for name in sorted(others) if name.startswith("condition.")]
        self.conditions = join(tuple(part.to(self.device) for part in parts))
        self.load_weights({name: t for name, t in tensors.items() if name not in others}, source)
        states = unpack(metadata.get("extra", {"dict": []}), others)
        for prefix, network in self._all_networks().items():
            set_extra_states(network, states.get(prefix, {}))
        self.set_channels_last(metadata.get("channels_last", False))

    def set_channels_last(self, channels_last: bool) -> None:
        """Put the networks and their averages in a memory format; results depend on it in the last digit.

        Args:
            channels_last: whether to use the channels-last format.
        """
        self.channels_last = channels_last
        if channels_last:
            for network in self._all_networks().values():
                set_memory_format(network, channels_last=True)

    @classmethod
    def load(cls, path: str | Path, gan: GAN) -> Run:
        """Load a saved run; nothing is unpickled.

        Args:
            path: the file that ``save`` wrote, or a checkpoint.
            gan: a game with networks of the same shapes, which receive the weights.

        Raises:
            InputError: if the file is missing, damaged, of another format, or of other networks.
        """
        path = expand(path)
        metadata, tensors = read_archive(path)
        if isinstance(gan, GAN):
            materialize(gan, {k[len("gan.") :]: v for k, v in tensors.items() if k.startswith("gan.")})
        run = cls(gan)
        run.load_state(metadata, {k: v for k, v in tensors.items() if not k.startswith("state.")}, str(path))
        if "state" not in metadata:  # a checkpoint has the batch-norm statistics of the last step
            run._batch_norm_states = dict.fromkeys(run.outputs, (run.step, BATCH_NORM_BATCHES))
        return run

    def __repr__(self) -> str:
        amount = f"{self.step:,} steps, {self.images:,} images, {self.seconds:.1f} s of training"
        return f"<Run: {amount}, {self.ended}>"


def _first_tensor(made: Any) -> Tensor:
    """The samples that a network made: the first tensor, if it returns several."""
    parts = made if isinstance(made, tuple | list) else (made,)
    for part in parts:
        if isinstance(part, Tensor):
            return part
    raise InputError(f"an output network must return a tensor of samples, not {type_name(made)}")


def check_run(run: Any) -> None:
    """Check that a value is a Run.

    Args:
        run: the value.

    Raises:
        InputError: if it is something else.
    """
    if not isinstance(run, Run):
        raise InputError(f"run must be a gantutor.Run, as train() returns it, not {type_name(run)}")
