"""A callback that reads a run while it trains, and names with evidence what goes wrong."""

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
