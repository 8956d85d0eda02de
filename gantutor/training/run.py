"""What a training gives back: history, snapshots, the averaged networks; sampling, saving, loading."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gantutor._calling import apply
from gantutor._checks import check_path, function, integer, optional, validate
from gantutor._conditions import (
    check_same_length,
    cycle_rows,
    expand_condition,
    join,
    map_tensors,
    parts_of,
    rows,
)
from gantutor._errors import InputError, first_line, type_name
from gantutor._files import (
    FORMAT,
    leftovers_of,
    new_folder,
    read_json,
    read_tensors,
    remove_leftovers,
    verify_checksums,
    write_json,
    write_tensors,
)
from gantutor.games.gan import GAN
from gantutor.metrics import Scores, digit_scores
from gantutor.training import ema
from gantutor.training.history import History, Snapshot

BATCH_NORM_BATCHES, PREVIEW_BATCHES = 16, 2
"""Batches of 64 latents over which batch norm is measured: for scores, and for a look while training."""


class Run:
    """A training so far: ``history``, ``snapshots``, ``step``, ``seconds`` of training alone, and the
    averaged networks.

    ``train`` makes it and hands it to the callbacks while it trains. ``generator`` is the averaged one, in
    evaluation mode; ``gan`` holds the networks as they stood last. ``gallery`` holds the fixed latents of the
    snapshots with their conditions, ``control`` the Control that steers the run while it trains, ``memory``
    what the training takes on its device.
    """

    def __init__(self, gan: GAN, settings: dict[str, Any] | None = None) -> None:
        if not isinstance(gan, GAN):
            raise InputError(f"the game must be a gantutor.GAN, not {type_name(gan)}")
        if not isinstance(settings, dict | None):
            raise InputError(
                f"settings must be a dict of what the training was given, not {type_name(settings)}"
            )
        self.gan = gan
        self.averaged = {name: ema.frozen_copy(gan.networks[name]).eval() for name in gan.averaged}
        self.history = History()
        self.snapshots: list[Snapshot] = []
        self.step = 0
        self.images = 0
        self.seconds = 0.0
        self.settings = settings or {}
        self.conditions: Any = None
        self.gallery: tuple[Tensor, Any] | None = None
        self.control: Any = None
        self.memory: Any = None
        self.ended = "not trained"
        self._settled = (-1, 0)
        self._batches = BATCH_NORM_BATCHES

    @property
    def device(self) -> torch.device:
        """Where the averaged networks live: those of ``gan`` may have been moved since."""
        return next((p.device for net in self.averaged.values() for p in net.parameters()), self.gan.device)

    @property
    def generator(self) -> nn.Module:
        """The averaged generator, ready for use."""
        if "generator" not in self.averaged:
            raise InputError(
                f"this game averages {', '.join(self.averaged) or 'nothing'}, and no network called generator"
            )
        self.settle()
        return self.averaged["generator"]

    def settle(self) -> None:
        """Measure anew the statistics of batch norm that belong to the averaged generator (Izmailov et al.
        2018).

        They are those of the average network over ``BATCH_NORM_BATCHES`` batches of 64 latents, or over ``PREVIEW_BATCHES`` inside
        ``preview``, and over fewer before the training has seen as many images; the averages of other networks
        keep the statistics of the networks they follow.
        """
        generator, batches = self.averaged.get("generator"), min(self._batches, 1 + self.images // 64)
        step, measured = self._settled
        if generator is None or self.ended == "not trained" or (step == self.step and measured >= batches):
            return
        draw = torch.Generator(self.device).manual_seed(0)
        drawn = (
            (self.gan.draw_latent(64, draw, self.device), cycle_rows(self.conditions, 64, start=64 * index))
            for index in range(batches)
        )
        ema.recompute_batch_norm(generator, drawn)
        self._settled = (self.step, batches)

    @contextmanager
    def preview(self) -> Iterator[None]:
        """Inside the block a picture costs less: batch norm is settled with a few batches, which is enough
        for the eye."""
        before, self._batches = self._batches, PREVIEW_BATCHES
        try:
            yield
        finally:
            self._batches = before

    @torch.no_grad()
    def sample(self, count: int, condition: Any = None, seed: int = 0) -> Tensor:
        """``count`` samples of the averaged generator, on the CPU: shape (count, …).

        ``condition`` is one label for all, or one condition a sample; left out, conditions like those of the
        training data are used. Raises InputError for a count below 1 or conditions of another length.

        >>> import gantutor as gt
        >>> run = Run(GAN(gt.networks.ConvGenerator(classes=10), gt.networks.ConvDiscriminator(classes=10)))
        >>> run.sample(3, condition=7).shape
        torch.Size([3, 1, 28, 28])
        """
        validate({"count": count, "seed": seed}, count=integer(1), seed=integer(0))
        device = self.device
        alike = condition is None
        conditions = (
            cycle_rows(self.conditions, count) if alike else expand_condition(condition, count, device)
        )
        latents = self.gan.draw_latent(count, torch.Generator(device).manual_seed(seed), device)
        return self.generate(latents, conditions)

    @torch.no_grad()
    def generate(self, latents: Tensor, conditions: Any = None) -> Tensor:
        """What the averaged generator makes of these latents and conditions, on the CPU, 500 at a time.

        Raises InputError where they are of different numbers, or the generator cannot use them.
        """
        generator, device = self.generator, self.device
        check_same_length(latents, conditions)
        made = []
        try:
            for start in range(0, len(latents), 500):
                some = slice(start, start + 500)
                chosen = map_tensors(rows(conditions, some), lambda part: part.to(device))
                made.append(apply(generator, latents[some].to(device), chosen).cpu())
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise InputError(
                f"the generator cannot use these latents and conditions: {first_line(error)}"
            ) from error
        return torch.cat(made).contiguous()  # a network may lay out its pictures in another order

    def scores(
        self,
        reference: Any,
        samples: int | None = None,
        score: Callable[..., Scores] = digit_scores,
        seed: int = 0,
    ) -> Scores:
        """Score ``samples`` of the averaged generator (by default four for each of the reference) against
        real data.

        ``reference`` is a held-out ``TensorDataset`` of images, or of images and labels. With labels the
        samples are drawn with the same labels, in equal shares, and ``score`` is given them as
        ``generated_labels``.
        """
        tensors = getattr(reference, "tensors", None)
        if not tensors:
            raise InputError(
                f"reference must be a TensorDataset such as digits.held_out, not {type_name(reference)}"
            )
        given = {"samples": samples, "seed": seed, "score": score}
        validate(given, samples=optional(integer(1)), seed=integer(0), score=function())
        count = samples or 4 * len(tensors[0])
        if self.conditions is None or len(tensors) == 1:
            return score(self.sample(count, seed=seed), reference)
        labels = tensors[1].repeat(math.ceil(count / len(tensors[1])))[:count]
        return score(self.sample(count, condition=labels, seed=seed), reference, generated_labels=labels)

    # --- saving ---------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the run as a folder: weights and snapshots as safetensors, the rest as JSON; whole or not at
        all.

        A run that stands at ``path`` is replaced. Returns the path; raises InputError where nothing can be
        written.
        """
        path = check_path(path)
        if path.exists() and not (path / "run.json").exists():
            raise InputError(f"{path} exists and is no saved run: choose another name")
        self.settle()
        with new_folder(path) as folder:
            write_tensors(folder / "weights.safetensors", self.weights())
            write_tensors(folder / "snapshots.safetensors", self.snapshot_tensors())
            write_json(folder / "run.json", self.metadata())
        return path

    def weights(self) -> dict[str, Tensor]:
        """All tensors of the networks (``gan.``) and of the averaged ones (``averaged.``) by name."""
        averaged = {
            f"averaged.{name}.{key}": v
            for name, net in self.averaged.items()
            for key, v in net.state_dict().items()
        }
        return {f"gan.{key}": value for key, value in self.gan.state_dict().items()} | averaged

    def snapshot_tensors(self) -> dict[str, Tensor]:
        """The samples of all snapshots (``snapshot.``) and the run's conditions (``condition.``) by name."""
        tensors = {f"snapshot.{i:05d}": snapshot.samples for i, snapshot in enumerate(self.snapshots)}
        parts = enumerate(parts_of(self.conditions))
        return tensors | {f"condition.{i}": part for i, part in parts if part is not None}

    def metadata(self) -> dict[str, Any]:
        """Everything of the run that is no tensor."""
        return {
            "format": FORMAT,
            "torch": torch.__version__,
            "step": self.step,
            "images": self.images,
            "seconds": self.seconds,
            "ended": self.ended,
            "settings": self.settings,
            "snapshots": [{k: v for k, v in asdict(s).items() if k != "samples"} for s in self.snapshots],
            "history": self.history.to_json(),
        }

    def load_weights(self, weights: dict[str, Tensor], source: str) -> None:
        """Copy weights into the networks; raises InputError naming the first that does not fit."""
        here = self.weights()
        for name in sorted(set(here) ^ set(weights)):
            where = "is missing from" if name in here else "is not in these networks but in"
            raise InputError(f"{source} is of other networks: {name} {where} the file")
        for name, value in here.items():
            if value.shape != weights[name].shape:
                raise InputError(
                    f"{source} is of other networks: {name} has shape {tuple(weights[name].shape)} there "
                    f"and {tuple(value.shape)} here"
                )
        with torch.no_grad():
            for name, value in here.items():
                value.copy_(weights[name])

    def load_metadata(self, facts: dict[str, Any], tensors: dict[str, Tensor], source: str) -> None:
        """Take over everything that is no weight; raises InputError where something is missing."""
        try:
            self._load_facts(facts, tensors)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{source} is damaged: {error} is missing or wrong in it") from None

    def _load_facts(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.step, self.images, self.seconds = facts["step"], facts["images"], facts["seconds"]
        self.ended, self.settings = facts["ended"], facts["settings"]
        self.history.load_json(facts["history"])
        self.snapshots = [
            Snapshot(entry["step"], entry["seconds"], tensors[f"snapshot.{i:05d}"])
            for i, entry in enumerate(facts["snapshots"])
        ]
        parts = [tensors[name] for name in sorted(tensors) if name.startswith("condition.")]
        self.conditions = join(tuple(part.to(self.device) for part in parts))

    @classmethod
    def load(cls, path: str | Path, gan: GAN) -> Run:
        """A saved run, its weights read into the networks that the caller has built: nothing is unpickled.

        Raises InputError where the folder is missing, damaged, of another format, or of other networks.
        """
        path = check_path(path)
        with suppress(OSError):
            remove_leftovers(path.parent, leftovers_of(path.name))
        if not path.is_dir():
            raise InputError(f"there is no saved run at {path}")
        facts = read_json(path / "run.json")
        theirs = facts.get("format", "unknown") if isinstance(facts, dict) else "unknown"
        if theirs != FORMAT:
            raise InputError(
                f"{path} was not written by Run.save of this version: it is of format {theirs}, and this one "
                f"reads format {FORMAT}; load it with the version that wrote it, or train it anew"
            )
        run = cls(gan)
        weights, snapshots = (
            read_tensors(path / "weights.safetensors"),
            read_tensors(path / "snapshots.safetensors"),
        )
        run.load_metadata(facts, snapshots, str(path))
        verify_checksums(path, "run.json", "weights.safetensors", "snapshots.safetensors")
        run.load_weights(weights, str(path))
        run._settled = (run.step, BATCH_NORM_BATCHES)
        return run

    def __repr__(self) -> str:
        done = f"{self.step:,} steps, {self.images:,} images, {self.seconds:.1f} s of training"
        return f"<Run: {done}, {self.ended}>"


def check_run(given: Any) -> None:
    """Raise InputError for what is no Run."""
    if not isinstance(given, Run):
        raise InputError(f"run must be a gantutor.Run, as train() gives it back, not {type_name(given)}")
