"""The callback that examines a run at intervals and keeps what it measures and diagnoses."""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from gantutor._checks import checked, integer, optional
from gantutor._conditions import cycle_rows, rows
from gantutor._random import preserve_random_state
from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.illnesses import RULES
from gantutor.doctor.reference import Reference, Subset, make_reference, sample_count, tensors_of
from gantutor.doctor.report import as_html, as_text
from gantutor.doctor.signs import NETWORK_ERRORS, Signs, signs_of_history, signs_of_networks
from gantutor.doctor.units import Weights, copy_weights, relative_change
from gantutor.training.callbacks import Callback
from gantutor.training.run import Run

MAX_TIME_SHARE = 0.04
"""The largest share of the time that examinations may take: slow ones are made less often."""

MAX_EXAMINATIONS = 100
"""The largest number of examinations of one run, unless ``every`` is given: more would add nothing."""

LATENTS = 30
"""Number of generated samples in an examination without data."""


class Doctor(Callback):
    """Examine a run while it trains, and report with evidence what is wrong, why, and what to try.

    It examines the networks themselves, not their averages. It works on copies and has its own random
    generators, so a run is the same with and without it. A wrong range and the illnesses after it in the
    table below are diagnosed after the first quarter of the budget and the first 50 steps. Each of them rests
    on the median over a fifth of the budget, and at least three examinations. Dead units are measured in
    ``nn.ReLU`` modules, and gradients in games made by ``GAN(…)``.

    Args:
        data: the training data, samples (N, …) or a TensorDataset of samples and conditions. Without them,
            mode collapse and a wrong range are not checked.
        held_out: data of the same kind that are not trained on, on which overfitting is measured.
        every: number of steps from one examination to the next. None: as often as 4 % of the time allows, and
            at most 100 times.

    Attributes:
        signs: what each examination measured.
        diagnoses: everything that was diagnosed, in the order in which it was first seen.
        present: the diagnoses of the last examination, causes first.

    Raises:
        InputError: if the data are not a tensor or TensorDataset, hold fewer than two samples, are not
            floating-point numbers or not finite, or if every is not a whole number from 1 up.

    How often the doctor is right was measured on games that fail on purpose, with ten seeds each
    (``python benchmarks/doctor.py``; the games are in ``tests/helpers/doctor_cases.py``). Only those seeds
    count in which the failure occurred, measured independently of the doctor where that is possible.
    ``others named`` counts the runs among them with a second diagnosis. The 60 healthy runs are of six games:
    points in the plane with R1 and R2 (ring, moons, grid) and with WGAN-GP, digits with fully connected and
    with convolutional networks. ``false`` counts the healthy runs in which the illness was diagnosed at any
    time:

    | illness                   | named, of ill | others named | false, of healthy |
    | ------------------------- | ------------- | ------------ | ----------------- |
    | divergence                | 20 of 20      | 0            | 0 of 60           |
    | learning rate too high    | 10 of 10      | 10           | 0 of 60           |
    | learning rate too low     | 10 of 10      | 7            | 0 of 60           |
    | dead activations          | 10 of 10      | 0            | 0 of 60           |
    | wrong range               | 20 of 20      | 20           | 0 of 60           |
    | discriminator too strong  | 10 of 10      | 0            | 0 of 60           |
    | discriminator too weak    | 17 of 17      | 17           | 0 of 60           |
    | discriminator overfitting | 8 of 8        | 7            | 0 of 60           |
    | mode collapse             | 10 of 10      | 10           | 0 of 60           |
    | mode collapse, partial    | 8 of 8        | 8            | 0 of 60           |
    | oscillation               | 10 of 10      | 10           | 0 of 60           |

    If one illness causes another, both are reported, causes first. For instance, a generator with a wrong
    last layer, or with dead units after a large step, also makes a single sample, and without a working
    discriminator samples leave the data's range. Other data, larger networks and longer runs have not been
    tested, nor is the part of ``divergence`` that finds a loss which exploded and is small again.

    >>> import gantutor as gt
    >>> points = gt.data.toy.moons().sample(2000)
    >>> networks = gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,))
    >>> doctor = Doctor(points, every=10)
    >>> game = gt.GAN(*networks, gt.objectives.non_saturating(r1=0.1), latent=2)
    >>> _ = gt.train(game, points, steps=40, callbacks=[doctor], progress=False)
    >>> print(doctor)
    Nothing wrong found in 5 examinations. Not checked: discriminator overfitting (pass held_out=).
    """

    keeps_random_state = True

    @checked(every=optional(integer(1)))
    def __init__(
        self,
        data: Tensor | TensorDataset | None = None,
        *,
        held_out: Tensor | TensorDataset | None = None,
        every: int | None = None,
    ) -> None:
        self.every = every
        self.signs: list[Signs] = []
        self.diagnoses: list[Diagnosis] = []
        self.present: list[Diagnosis] = []
        self._data = None if data is None else tensors_of("data", data)
        self._held_out = None if held_out is None else tensors_of("held_out", held_out)
        self._last_step: int | None = None

    # --- when it examines -----------------------------------------------------------------------------------

    def on_start(self, run: Run) -> None:
        began = time.perf_counter()
        self.signs, self.diagnoses, self.present = [], [], []
        self._last_step = None
        self._reference = self._make_reference(run)
        self._latents = self._draw_latents(run)
        self._initial_weights = copy_weights(_trained_networks(run))
        # The first update is examined too, as it shows best whether the learning rate is too high.
        self._weights_before: Weights | None = self._initial_weights
        self._last_step = run.step  # set last: on_end uses it to tell whether everything is set
        self._schedule(run, began)

    def on_step(self, run: Run) -> None:
        if self._weights_before is not None:
            began = time.perf_counter()
            self._examine(run, relative_change(self._weights_before, _trained_networks(run)))
            self._weights_before = None
            self._schedule(run, began)
        self._copy_weights_if_due(run)

    def on_end(self, run: Run) -> None:
        if self._last_step is None:  # interrupted before the first examination
            return
        if run.step > self._last_step or not self.signs:
            self._examine(run, {})

    def _copy_weights_if_due(self, run: Run) -> None:
        """Copy the weights if the next step is to be examined: an update is the difference of two states."""
        if self.every is not None:
            due = (run.step + 1) % self.every == 0
        else:
            due = time.perf_counter() >= self._next and run.progress >= self._next_progress
        if due:
            self._weights_before = copy_weights(_trained_networks(run))

    def _schedule(self, run: Run, began: float) -> None:
        ended = time.perf_counter()
        self._next = ended + (ended - began) * (1 - MAX_TIME_SHARE) / MAX_TIME_SHARE
        self._next_progress = run.progress + 1 / MAX_EXAMINATIONS

    # --- what it measures -----------------------------------------------------------------------------------

    def _make_reference(self, run: Run) -> Reference | None:
        """Samples of the data; conditions count only where the game has them."""
        if self._data is None:
            return None
        end = 1 if run.conditions is None else None
        held_out = None if self._held_out is None else self._held_out[:end]
        return make_reference(self._data[:end], held_out, torch.Generator().manual_seed(0), run.gan.device)

    def _draw_latents(self, run: Run) -> Subset | None:
        """The latents of every examination, and their conditions."""
        count, condition = LATENTS, cycle_rows(run.conditions, LATENTS)
        if self._reference is not None:
            count = sample_count(self._reference.train.samples)
            condition = cycle_rows(run.conditions, count)
            if self._reference.train.condition is not None:
                count = min(count, len(self._reference.train.samples))
                condition = rows(self._reference.train.condition, slice(count))
        try:
            return Subset(
                run.gan.draw_latent(count, torch.Generator(run.gan.device).manual_seed(0)), condition
            )
        except NETWORK_ERRORS:
            return None

    def _examine(self, run: Run, update: dict[str, float]) -> None:
        with preserve_random_state(run.device):
            self._measure(run, update)
        self._diagnose()

    def _measure(self, run: Run, update: dict[str, float]) -> None:
        signs = signs_of_history(run, self._last_step or 0) | {"update": update}
        self._last_step = run.step
        if not signs["not_finite"]:
            signs["distance_from_start"] = relative_change(self._initial_weights, _trained_networks(run))
            if self._latents is not None:
                signs |= signs_of_networks(run.gan, self._reference, self._latents)
        self.signs.append(Signs(run.step, run.progress, **signs))

    def _diagnose(self) -> None:
        """Apply all rules; a repeated diagnosis keeps the step at which it was first made."""
        indices = {diagnosis.illness: index for index, diagnosis in enumerate(self.diagnoses)}
        self.present = []
        for rule in RULES:
            diagnosis = rule(self.signs)
            if diagnosis is None:
                continue
            if diagnosis.illness in indices:
                index = indices[diagnosis.illness]
                diagnosis = replace(diagnosis, step=self.diagnoses[index].step)
                self.diagnoses[index] = diagnosis
            else:
                self.diagnoses.append(diagnosis)
            self.present.append(diagnosis)

    # --- what it reports ------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return as_text(self.signs, self.diagnoses, self.present)

    def _repr_html_(self) -> str:
        return as_html(self.signs, self.diagnoses, self.present)


def _trained_networks(run: Run) -> dict[str, nn.Module]:
    names = {name for turn in run.gan.turns for name in turn.updates}
    return {name: run.gan.networks[name] for name in sorted(names)}
