"""The callback: examines a run every so often, and keeps what it finds."""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from gantutor._checks import integer, optional, validate
from gantutor._conditions import cycle_rows, rows
from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.illnesses import RULES
from gantutor.doctor.reference import Part, Reference, how_many, reference, tensors_of
from gantutor.doctor.report import as_html, as_text
from gantutor.doctor.signs import FEW, STRANGE, Signs, from_history, from_networks
from gantutor.doctor.units import Weights, moved, weights_of
from gantutor.training.callbacks import Callback, progress_of
from gantutor.training.run import Run

SHARE = 0.04
"""Examining takes at most this share of the time: where it is slow it happens less often."""

MOST = 100
"""Examinations of one run at most, unless ``every`` says how often: more would tell nothing new."""


class Doctor(Callback):
    """Reads a run while it trains and names what goes wrong: ``diagnoses``, and ``present``, those that the
    last examination still found.

    ``data``: the training data, a tensor or TensorDataset (N, …) with its conditions; without it the doctor
    sees neither collapse nor a wrong range. ``held_out``: data of the same kind that is not trained on, which
    overfitting shows on. ``every``: examine after every so many steps; left out, as often as SHARE of the
    time allows, and MOST times at most. It looks at the networks as they stand, not at their averages, draws
    with generators of its own, and works on copies: the run is the same with and without it. Raises
    InputError for data it cannot read.

    >>> import gantutor as gt
    >>> points = gt.data.toy.moons().sample(2000)
    >>> pair = gt.networks.MLPGenerator(2, (2,)), gt.networks.MLPDiscriminator((2,))
    >>> doctor = Doctor(points, every=10)
    >>> game = gt.GAN(*pair, gt.objectives.non_saturating(r1=0.1), latent=2)
    >>> _ = gt.train(game, points, steps=40, callbacks=[doctor], progress=False)
    >>> print(doctor)
    Nothing wrong found in 5 examinations. Not looked for: discriminator overfitting (give held_out=).
    """

    def __init__(
        self,
        data: Tensor | TensorDataset | None = None,
        *,
        held_out: Tensor | TensorDataset | None = None,
        every: int | None = None,
    ) -> None:
        validate({"every": every}, every=optional(integer(1)))
        self.every = every
        self.signs: list[Signs] = []
        self.diagnoses: list[Diagnosis] = []
        self.present: list[Diagnosis] = []
        self._data = None if data is None else tensors_of("data", data)
        self._held_out = None if held_out is None else tensors_of("held_out", held_out)
        self._since: int | None = None

    # --- when it looks --------------------------------------------------------------------------------------

    def on_start(self, run: Run) -> None:
        began = time.perf_counter()
        self.signs, self.diagnoses, self.present = [], [], []
        self._since = None
        self._known = self._reference(run)
        self._fixed = self._latents(run)
        self._start = weights_of(_trained(run))
        self._before: Weights | None = self._start  # the first step tells most of a learning rate
        self._since = run.step  # the last to be set: on_end looks whether it is there
        self._rest(run, began)

    def on_step(self, run: Run) -> None:
        if self._before is not None:
            began = time.perf_counter()
            self._examine(run, moved(self._before, _trained(run)))
            self._before = None
            self._rest(run, began)
        self._look_out(run)

    def on_end(self, run: Run) -> None:
        if self._since is None:  # interrupted before it had begun
            return
        if run.step > self._since or not self.signs:
            self._examine(run, {})

    def _look_out(self, run: Run) -> None:
        """Remember the weights where the next step is to be examined: a step is what lies between two."""
        if self.every is not None:
            due = (run.step + 1) % self.every == 0
        else:
            due = time.perf_counter() >= self._next and progress_of(run) >= self._next_spent
        if due:
            self._before = weights_of(_trained(run))

    def _rest(self, run: Run, began: float) -> None:
        ended = time.perf_counter()
        self._next = ended + (ended - began) * (1 - SHARE) / SHARE
        self._next_spent = progress_of(run) + 1 / MOST

    # --- what it sees ---------------------------------------------------------------------------------------

    def _reference(self, run: Run) -> Reference | None:
        """What it knows of the data; conditions count only where the game is played with them."""
        if self._data is None:
            return None
        end = 1 if run.conditions is None else None
        held_out = None if self._held_out is None else self._held_out[:end]
        return reference(self._data[:end], held_out, torch.Generator().manual_seed(0), run.gan.device)

    def _latents(self, run: Run) -> Part | None:
        """The same latents at every examination, and the conditions they go with."""
        count, condition = FEW, cycle_rows(run.conditions, FEW)
        if self._known is not None:
            count = how_many(self._known.train.samples)
            condition = cycle_rows(run.conditions, count)
            if self._known.train.condition is not None:
                count = min(count, len(self._known.train.samples))
                condition = rows(self._known.train.condition, slice(count))
        try:
            return Part(run.gan.draw_latent(count, torch.Generator(run.gan.device).manual_seed(0)), condition)
        except STRANGE:
            return None

    def _examine(self, run: Run, update: dict[str, float]) -> None:
        found = from_history(run, self._since or 0) | {"update": update}
        self._since = run.step
        if not found["broken"]:
            found["travelled"] = moved(self._start, _trained(run))
            found |= {} if self._fixed is None else from_networks(run.gan, self._known, self._fixed)
        self.signs.append(Signs(run.step, progress_of(run), **found))
        self._conclude()

    def _conclude(self) -> None:
        known = {diagnosis.illness: index for index, diagnosis in enumerate(self.diagnoses)}
        self.present = []
        for judge in RULES:
            diagnosis = judge(self.signs)
            if diagnosis is None:
                continue
            if diagnosis.illness in known:
                index = known[diagnosis.illness]
                diagnosis = replace(diagnosis, step=self.diagnoses[index].step)
                self.diagnoses[index] = diagnosis
            else:
                self.diagnoses.append(diagnosis)
            self.present.append(diagnosis)

    # --- what it says ---------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return as_text(self.signs, self.diagnoses, self.present)

    def _repr_html_(self) -> str:
        return as_html(self.signs, self.diagnoses, self.present)


def _trained(run: Run) -> dict[str, nn.Module]:
    names = {name for turn in run.gan.turns for name in turn.updates}
    return {name: run.gan.networks[name] for name in sorted(names)}
