"""A callback that reads a run while it trains, and names with evidence what goes wrong, why, and what to try.

It looks at signs, not at causes: an illness that brings about another is often named with it, causes first.
Illnesses of balance (from a wrong range on) are not looked for in the first quarter of the budget, and each
rests on the median of three to five examinations.
"""

from gantutor.doctor.diagnosis import Diagnosis
from gantutor.doctor.doctor import Doctor
from gantutor.doctor.illnesses import ILLNESSES
from gantutor.doctor.signs import Signs

__all__ = ["ILLNESSES", "Diagnosis", "Doctor", "Signs"]
