"""A callback that examines a run while it trains, and reports with evidence what is wrong."""

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
