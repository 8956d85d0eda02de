"""A callback that reads a run while it trains, and names with evidence what goes wrong, why, and what to try.

Of games made ill on purpose, ten seeds each, those seeds count in which the illness truly broke out, told by
other means where there are any; ``others named`` are those of them in which something else was named as well.
The 60 healthy runs are of six games: points in the plane with R1 and R2 (ring, moons, grid) and with WGAN-GP,
digits with fully connected and with convolutional networks. A false alarm is the illness named at any moment
of one of them (``python benchmarks/doctor.py``; the games are in ``tests/helpers/doctor_cases.py``):

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

An illness that brings about another is named with it, causes first: a generator with a wrong last layer, or
killed by its learning rate, also makes one thing only, and without a working discriminator samples run out of
the data's range. What is not in the table has not been tested: other data, larger networks, longer runs.

Illnesses of balance (from a wrong range on) are not looked for in the first quarter of the budget nor in the
first 50 steps, and each rests on the median over a fifth of the budget, three examinations or more. Dead
units are seen in ``nn.ReLU`` modules, and gradients in games that ``GAN(…)`` has built.
"""

from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.doctor import Doctor
from gantutor.doctor.illnesses import ILLNESSES
from gantutor.doctor.rounds import Patient, patients
from gantutor.doctor.signs import Signs

__all__ = [
    "ILLNESSES",
    "Diagnosis",
    "Doctor",
    "Patient",
    "Signs",
    "patients",
]
