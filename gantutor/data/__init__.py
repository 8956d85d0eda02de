"""Data with a card each; a loader imports what it needs only when it is called."""

from gantutor.data import toy
from gantutor.data.dataset import Card, Dataset
from gantutor.data.digits import digits
from gantutor.data.faces import faces
from gantutor.data.moving_digits import Motion, MovingDigits, futures, moving_digits, place_digit
from gantutor.data.names import decode, encode, names
from gantutor.data.noisy import noisy_speech
from gantutor.data.photographs import read_photograph
from gantutor.data.recordings import read_recording, write_recording
from gantutor.data.series import electricity, sines
from gantutor.data.speech import speech

__all__ = [
    "Card",
    "Dataset",
    "Motion",
    "MovingDigits",
    "decode",
    "digits",
    "electricity",
    "encode",
    "faces",
    "futures",
    "moving_digits",
    "names",
    "noisy_speech",
    "place_digit",
    "read_photograph",
    "read_recording",
    "sines",
    "speech",
    "toy",
    "write_recording",
]
